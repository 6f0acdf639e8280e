//! Passwords: Argon2id, and the same work whether or not an account exists.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use hms_model::secret::Secret;
use std::sync::OnceLock;

/// Shortest password that is taken, in characters.
pub const MIN_CHARS: usize = 10;

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("a password has at least {MIN_CHARS} characters")]
    TooShort,
    /// Too long to be hashed.
    #[error("a password has at most 200 characters")]
    TooLong,
    /// The hash failed.
    #[error("the password could not be hashed")]
    Hash,
}

/// OWASP's first choice for Argon2id: 19 MiB, 2 passes, 1 lane.
fn argon() -> Argon2<'static> {
    Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(19_456, 2, 1, None).unwrap_or_default(),
    )
}

/// Hashes a new password to a PHC string. Takes tens of milliseconds: call it on a blocking thread.
///
/// # Errors
/// [`PasswordError`] where it is too short or too long.
pub fn hash(password: &Secret<String>) -> Result<String, PasswordError> {
    let password = password.expose();
    match password.chars().count() {
        n if n < MIN_CHARS => return Err(PasswordError::TooShort),
        n if n > 200 => return Err(PasswordError::TooLong),
        _ => {}
    }
    argon()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| PasswordError::Hash)
}

/// Whether a password fits a hash. Without a hash (no such account) the same work is done, and the answer is no.
#[must_use]
pub fn verify(password: &Secret<String>, stored: Option<&str>) -> bool {
    static DUMMY: OnceLock<String> = OnceLock::new();
    let dummy = DUMMY.get_or_init(|| hash(&Secret::new(crate::random::token(""))).unwrap_or_default());
    let parsed = PasswordHash::new(stored.unwrap_or(dummy)).or_else(|_| PasswordHash::new(dummy));
    let fits = parsed.is_ok_and(|hash| {
        argon()
            .verify_password(password.expose().as_bytes(), &hash)
            .is_ok()
    });
    fits && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let secret = |s: &str| Secret::new(s.to_owned());
        let stored = hash(&secret("correct horse")).expect("hash");
        assert!(verify(&secret("correct horse"), Some(&stored)));
        assert!(!verify(&secret("correct house"), Some(&stored)));
        assert!(!verify(&secret("correct horse"), None));
        assert_eq!(hash(&secret("short")), Err(PasswordError::TooShort));
    }
}
