//! The hash chain: each row's hash covers its body and the hash before it.

use sha2::{Digest, Sha256};

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Rows so far.
    pub count: i64,
    /// Hash of the last row; zeros before the first.
    pub hash: [u8; 32],
}

impl Head {
    /// The end after one more row with these canonical bytes.
    #[must_use]
    pub fn next(&self, body: &[u8]) -> Self {
        Self {
            count: self.count + 1,
            hash: link(&self.hash, body),
        }
    }

    /// Reads the form that [`std::fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, hex) = text.split_once(' ')?;
        let mut hash = [0; 32];
        if hex.len() != 64 {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self {
            count: count.parse().ok()?,
            hash,
        })
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.count)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash of a row.
#[must_use]
pub fn link(before: &[u8], body: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(body);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_back_from_its_text() {
        let head = Head::default().next(b"one").next(b"two");
        assert_eq!(Head::parse(&head.to_string()), Some(head));
        assert_eq!(Head::parse("2 00"), None);
    }
}
