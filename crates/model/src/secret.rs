//! Wrappers that keep keys and health data out of logs and errors: both print `«hidden»` in every build.

use zeroize::Zeroize;

/// What can be wiped out of memory.
pub trait Wipe {
    /// Overwrites it.
    fn wipe(&mut self);
}

impl Wipe for String {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl<const N: usize> Wipe for [u8; N] {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

/// A key, token or PIN. Has no `Serialize`, and is wiped out of memory when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Wipe>(T);

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> Secret<T> {
    /// Wraps a secret.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Hands out the secret; the call is the place that a reviewer looks for.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("«hidden»")
    }
}

/// Health data of a person, readable by code and unreadable in `Debug` and `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Health<T>(T);

impl<T> Health<T> {
    /// Wraps health data.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Hands out the data.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Unwraps the data.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::fmt::Debug for Health<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("«hidden»")
    }
}

impl<T> std::fmt::Display for Health<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("«hidden»")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_wrapper_prints_what_it_holds() {
        assert_eq!(format!("{:?}", Secret::new("pin 123456".to_owned())), "«hidden»");
        assert_eq!(
            format!("{} {:?}", Health::new("bite"), Health::new("bite")),
            "«hidden» «hidden»"
        );
    }
}
