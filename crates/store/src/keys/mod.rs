//! The key of the database, and what it is wrapped with.
//!
//! The database key is 32 random bytes. It is wrapped with AES-256-GCM under
//! KEK = HKDF-SHA256(keychain secret ‖ Argon2id(PIN)): neither part opens the file alone. Without a keychain a
//! passphrase takes the PIN's place and the keychain's part is empty. [`KeyFile`] keeps the wrapped key and counts
//! wrong tries; a copy of the key sealed to the server ([`KeyFile::recovery`]) goes there with a fresh online
//! sign-in when the PIN is forgotten.

mod file;
mod wipe;
mod wrap;

pub use file::{KeyError, KeyFile, SealedKey, RECOVERY_INFO};
pub use wipe::wipe_stack;
pub use wrap::{KdfCost, WrapError, WrappedKey};

use hms_model::secret::Secret;

/// 32 bytes of a key.
pub type Key32 = Secret<[u8; 32]>;

/// A new random key, from the system.
///
/// # Errors
/// The system gives no random bytes; nothing may be encrypted then.
pub fn random_key() -> Result<Key32, WrapError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| WrapError::NoRandom)?;
    Ok(Secret::new(bytes))
}

/// A random number for jitter and for the seeds that `hms-core` takes.
///
/// # Errors
/// The system gives no random bytes.
pub fn random_seed() -> Result<u64, WrapError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| WrapError::NoRandom)?;
    Ok(u64::from_le_bytes(bytes))
}
