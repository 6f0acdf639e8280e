//! Wrapping the database key with a PIN and the keychain's part.

use super::Key32;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hkdf::Hkdf;
use hms_model::secret::Secret;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

const INFO: &[u8] = b"hms-ach database key wrap v1";

/// A key could not be wrapped or unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// The PIN, or the keychain's part, is not the one that it was wrapped with.
    #[error("the PIN or the keychain's part does not fit")]
    DoesNotFit,
    /// It was wrapped with a keychain, and none was given; or the other way round.
    #[error("wrapped with another kind of vault")]
    OtherVault,
    /// What is stored is not a wrapped key.
    #[error("not a wrapped key")]
    Damaged,
    /// The system gives no random bytes.
    #[error("no random bytes")]
    NoRandom,
}

/// Cost of Argon2id. More makes guessing and unlocking slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KdfCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl KdfCost {
    /// About 300 ms in a release build on the reference machine (`cargo run --release -p hms-store --example
    /// kdf_cost`), in 64 MiB, which a phone with 256 MiB for the app can spare.
    pub const UNLOCK: Self = Self {
        memory_kib: 64 * 1024,
        passes: 4,
    };
    /// For tests only: no protection at all.
    pub const TEST: Self = Self {
        memory_kib: 64,
        passes: 1,
    };
}

/// The wrapped database key, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKey {
    version: u32,
    cost: KdfCost,
    /// The keychain's part is needed.
    keychain: bool,
    salt: String,
    nonce: String,
    sealed: String,
}

impl WrappedKey {
    /// Wraps a key. `keychain` is the keychain's part, `None` where there is no keychain.
    ///
    /// # Errors
    /// No random bytes, or a cost that Argon2 refuses.
    pub fn wrap(key: &Key32, pin: &str, keychain: Option<&Key32>, cost: KdfCost) -> Result<Self, WrapError> {
        let (mut salt, mut nonce) = ([0; 16], [0; 12]);
        getrandom::fill(&mut salt)
            .and_then(|()| getrandom::fill(&mut nonce))
            .map_err(|_| WrapError::NoRandom)?;
        let mut wrapped = Self {
            version: 1,
            cost,
            keychain: keychain.is_some(),
            salt: STANDARD.encode(salt),
            nonce: STANDARD.encode(nonce),
            sealed: String::new(),
        };
        let cipher = wrapped.cipher(pin, keychain, &salt)?;
        let aad = wrapped.header();
        let sealed = cipher
            .encrypt(
                &Nonce::from(nonce),
                Payload {
                    msg: key.expose(),
                    aad: aad.as_bytes(),
                },
            )
            .map_err(|_| WrapError::Damaged)?;
        wrapped.sealed = STANDARD.encode(sealed);
        Ok(wrapped)
    }

    /// Unwraps the key.
    ///
    /// # Errors
    /// [`WrapError::DoesNotFit`] for a wrong PIN or keychain part.
    pub fn unwrap(&self, pin: &str, keychain: Option<&Key32>) -> Result<Key32, WrapError> {
        if self.version != 1 {
            return Err(WrapError::Damaged);
        }
        if self.keychain != keychain.is_some() {
            return Err(WrapError::OtherVault);
        }
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| WrapError::Damaged);
        let salt = bytes(&self.salt)?;
        let nonce: [u8; 12] = bytes(&self.nonce)?.try_into().map_err(|_| WrapError::Damaged)?;
        let sealed = bytes(&self.sealed)?;
        let cipher = self.cipher(pin, keychain, &salt)?;
        let aad = self.header();
        let opened = cipher
            .decrypt(
                &Nonce::from(nonce),
                Payload {
                    msg: &sealed,
                    aad: aad.as_bytes(),
                },
            )
            .map_err(|_| WrapError::DoesNotFit)?;
        let opened = Zeroizing::new(opened);
        let key: [u8; 32] = opened.as_slice().try_into().map_err(|_| WrapError::Damaged)?;
        Ok(Secret::new(key))
    }

    /// True where the keychain's part is needed.
    #[must_use]
    pub fn needs_keychain(&self) -> bool {
        self.keychain
    }

    /// Bound into the seal, so that a stored file cannot be changed to a weaker kind unnoticed.
    fn header(&self) -> String {
        let KdfCost { memory_kib, passes } = self.cost;
        format!(
            "v{} m{memory_kib} t{passes} keychain:{} {}",
            self.version, self.keychain, self.salt
        )
    }

    fn cipher(&self, pin: &str, keychain: Option<&Key32>, salt: &[u8]) -> Result<Aes256Gcm, WrapError> {
        let params = Params::new(self.cost.memory_kib, self.cost.passes, 1, Some(32))
            .map_err(|_| WrapError::Damaged)?;
        let mut material = Zeroizing::new([0_u8; 64]);
        let (first, second) = material.split_at_mut(32);
        if let Some(part) = keychain {
            first.copy_from_slice(part.expose());
        }
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(pin.trim().as_bytes(), salt, second)
            .map_err(|_| WrapError::Damaged)?;
        let mut kek = [0_u8; 32];
        Hkdf::<Sha256>::new(Some(salt), material.as_slice())
            .expand(INFO, &mut kek)
            .map_err(|_| WrapError::Damaged)?;
        let cipher = Aes256Gcm::new(&kek.into());
        kek.zeroize();
        Ok(cipher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::random_key;

    #[test]
    fn neither_the_pin_nor_the_keychain_opens_alone() {
        let (key, part) = (random_key().expect("key"), random_key().expect("part"));
        let wrapped = WrappedKey::wrap(&key, "284619", Some(&part), KdfCost::TEST).expect("wraps");

        assert!(wrapped.unwrap("284619", Some(&part)) == Ok(key));
        let other = random_key().expect("other");
        assert_eq!(
            wrapped.unwrap("284619", Some(&other)).err(),
            Some(WrapError::DoesNotFit)
        );
        assert_eq!(
            wrapped.unwrap("284618", Some(&part)).err(),
            Some(WrapError::DoesNotFit)
        );
        assert_eq!(wrapped.unwrap("284619", None).err(), Some(WrapError::OtherVault));
    }

    #[test]
    fn a_stored_wrap_cannot_be_weakened() {
        let key = random_key().expect("key");
        let wrapped = WrappedKey::wrap(&key, "route 7 mailbox", None, KdfCost::TEST).expect("wraps");
        let cheaper = WrappedKey {
            cost: KdfCost {
                memory_kib: 32,
                passes: 1,
            },
            ..wrapped.clone()
        };
        assert_eq!(
            cheaper.unwrap("route 7 mailbox", None).err(),
            Some(WrapError::DoesNotFit)
        );
        let part = random_key().expect("part");
        let claimed = WrappedKey {
            keychain: true,
            ..wrapped
        };
        assert_eq!(
            claimed.unwrap("route 7 mailbox", Some(&part)).err(),
            Some(WrapError::DoesNotFit)
        );
    }
}
