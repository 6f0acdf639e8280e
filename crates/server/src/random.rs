//! Random bytes, ids and tokens from the operating system.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use ring::rand::{SecureRandom, SystemRandom};

/// `N` random bytes.
///
/// # Panics
/// Where the operating system has no randomness to give; nothing may go on without it.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    SystemRandom::new()
        .fill(&mut out)
        .expect("the operating system gives random bytes");
    out
}

/// A bearer token: a readable prefix and 256 random bits.
#[must_use]
pub fn token(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes::<32>()))
}

/// A random id for a resource, account or device.
#[must_use]
pub fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A code that a person reads from one screen and types on another: eight letters that are hard to confuse.
#[must_use]
pub fn user_code() -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let mut out = String::with_capacity(9);
    for (i, byte) in bytes::<8>().iter().enumerate() {
        if i == 4 {
            out.push('-');
        }
        // 256 is not a multiple of 20; the bias (13 to 12) costs 0.02 bits of 34.
        out.push(char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
    }
    out
}
