//! The dictionary of sync bodies: what their lines have in common (ADR 7).
//!
//! Raw content, as RFC 9842 asks for: without tables of its own. One that was handed out never changes; a better one
//! gets the next number, and both sides go on with what the other one names. Its recipe is
//! `examples/train_dictionary.rs`.

use base64::prelude::{Engine, BASE64_STANDARD};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The name that the server hands it out under (`Use-As-Dictionary: …, id=`), and a path of the server.
pub const ID: &str = "hms-sync-1";
/// Where the server hands it out.
pub const PATH: &str = "/dictionary/hms-sync-1";
/// Request header of who has a dictionary (RFC 9842, section 2.2). The server names the one that it takes bodies
/// with in the same words.
pub const AVAILABLE_DICTIONARY: &str = "available-dictionary";
/// Response header of a dictionary (RFC 9842, section 2.1).
pub const USE_AS_DICTIONARY: &str = "use-as-dictionary";
/// What is said with it: for which requests it is good.
pub const USE: &str = "match=\"/fhir/$hms-sync*\", id=\"hms-sync-1\"";

/// Its bytes.
pub const BYTES: &[u8] = include_bytes!("hms-sync-1.dict");
/// What a `dcz` body begins with, before the hash of its dictionary.
pub(crate) const MAGIC: [u8; 8] = [0x5e, 0x2a, 0x4d, 0x18, 0x20, 0, 0, 0];
/// Bytes in front of the frame.
pub(crate) const HEAD: usize = MAGIC.len() + 32;

static AVAILABLE: LazyLock<String> = LazyLock::new(|| format!(":{}:", BASE64_STANDARD.encode(hash())));

/// SHA-256 of it.
#[must_use]
pub fn hash() -> [u8; 32] {
    static HASH: LazyLock<[u8; 32]> = LazyLock::new(|| Sha256::digest(BYTES).into());
    *HASH
}

/// Its hash as a header says it: a byte sequence of RFC 9651.
#[must_use]
pub fn available() -> &'static str {
    &AVAILABLE
}

/// Whether a header names it.
#[must_use]
pub fn is_ours(header: &str) -> bool {
    header.trim() == *AVAILABLE
}

/// What a `dcz` body packed with it begins with.
pub(crate) fn head() -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let (magic, rest) = head.split_at_mut(MAGIC.len());
    magic.copy_from_slice(&MAGIC);
    rest.copy_from_slice(&hash());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_that_was_handed_out_never_changes() {
        assert_eq!(available(), ":DdgssnBrKoFJcszsPwZjCZ8m/oOmelfPEDeeRv25wqo=:");
        // With zstd's own magic number in front it would be read as one with tables, which RFC 9842 does not have.
        assert_ne!(BYTES.get(..4), Some(&[0x37, 0xA4, 0x30, 0xEC][..]));
        assert!(USE.contains(ID) && PATH.ends_with(ID));
    }
}
