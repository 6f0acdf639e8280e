//! `keys.json`: the wrapped key, its sealed copy for recovery; and `pin-tries.json`, which counts wrong PINs.

use super::{random_key, KdfCost, Key32, WrapError, WrappedKey};
use crate::journal::write_whole;
use crate::seal::{open_bytes, seal_bytes, SealError};
use hms_core::lock::{check_pin, PinTries, WeakPin};
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// `info` of the HPKE context of a sealed database key; `aad` is the device id.
pub const RECOVERY_INFO: &[u8] = b"hms-ach database key recovery v1";

/// Why the key is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing is set up in this profile.
    #[error("no PIN is set in this profile")]
    NotSet,
    /// A new PIN is too weak.
    #[error("the new PIN is too weak")]
    Weak(#[from] WeakPin),
    /// Wrong PIN.
    #[error("wrong PIN")]
    Wrong {
        /// Tries left before a delay.
        tries_left: u32,
        /// When the next try is allowed.
        wait_until: Option<Timestamp>,
    },
    /// Not now: too many wrong tries.
    #[error("too many wrong PINs, wait")]
    Wait {
        /// When the next try is allowed.
        until: Timestamp,
    },
    /// Only an online sign-in opens now.
    #[error("too many wrong PINs, sign in")]
    SignInNeeded,
    /// The keychain's part is gone or another one: an online sign-in, or the journal, is the way on.
    #[error("the keychain's part of the key is gone")]
    KeychainGone,
    /// The file is damaged, or a key could not be wrapped.
    #[error("failed to use the stored key")]
    Wrap(#[source] WrapError),
    /// The key could not be sealed for recovery.
    #[error("failed to seal the key for recovery")]
    Seal(#[source] SealError),
    /// A file could not be read or written.
    #[error("failed to access the key file")]
    File(#[source] io::Error),
}

/// The database key, sealed to the server. Useless to the phone: it goes to `POST /api/recover` with a fresh online
/// sign-in of the same account, and the answer carries the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// Device it belongs to; `aad` of the seal.
    pub device: String,
    /// Base64 of the encapsulated key.
    pub enc: String,
    /// Base64 of the ciphertext: user, a line feed, then 32 bytes of key.
    pub ciphertext: String,
}

impl SealedKey {
    fn seal(public_key: &str, device: &str, user: &str, key: &Key32) -> Result<Self, SealError> {
        let mut text = Zeroizing::new(format!("{user}\n").into_bytes());
        text.extend_from_slice(key.expose());
        let (enc, ciphertext) = seal_bytes(public_key, RECOVERY_INFO, device.as_bytes(), &text)?;
        Ok(Self {
            device: device.to_owned(),
            enc,
            ciphertext,
        })
    }

    /// The server's side: account and key. The server gives the key out only to that account, freshly signed in.
    ///
    /// # Errors
    /// Not sealed to this key, or changed.
    pub fn open(&self, private_key: &str) -> Result<(String, Key32), SealError> {
        let text = open_bytes(
            private_key,
            RECOVERY_INFO,
            self.device.as_bytes(),
            &self.enc,
            &self.ciphertext,
        )?;
        let text = Zeroizing::new(text);
        let at = text
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(SealError::BadEntry)?;
        let (user, key) = text.split_at(at);
        let user = String::from_utf8(user.to_vec()).map_err(|_| SealError::BadEntry)?;
        let key: [u8; 32] = key
            .get(1..)
            .unwrap_or_default()
            .try_into()
            .map_err(|_| SealError::BadEntry)?;
        Ok((user, Secret::new(key)))
    }
}

#[derive(Serialize, Deserialize)]
struct KeyFileRow {
    wrapped: WrappedKey,
    recovery: Option<SealedKey>,
}

/// The key files of one profile.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
    tries: PathBuf,
    cost: KdfCost,
}

impl KeyFile {
    /// The key files in a profile's folder. `cost` is for keys that are wrapped from now on.
    #[must_use]
    pub fn new(dir: &Path, cost: KdfCost) -> Self {
        Self {
            path: dir.join("keys.json"),
            tries: dir.join("pin-tries.json"),
            cost,
        }
    }

    /// True where a PIN has been set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.path.exists()
    }

    /// Makes a new database key and wraps it.
    ///
    /// # Errors
    /// The PIN is too weak, or the file cannot be written.
    pub fn create(&self, pin: &str, keychain: Option<&Key32>) -> Result<Key32, KeyError> {
        let key = random_key().map_err(KeyError::Wrap)?;
        self.set_pin(&key, pin, keychain)?;
        Ok(key)
    }

    /// Wraps a key with a (new) PIN, in one step: a crash leaves the old or the new PIN. Forgets wrong tries.
    ///
    /// # Errors
    /// As for [`KeyFile::create`]; the old PIN then still opens.
    pub fn set_pin(&self, key: &Key32, pin: &str, keychain: Option<&Key32>) -> Result<(), KeyError> {
        check_pin(pin.trim(), keychain.is_some())?;
        let wrapped = WrappedKey::wrap(key, pin, keychain, self.cost).map_err(KeyError::Wrap)?;
        // The sealed copy is of the same key and stays good; another key has none yet.
        let recovery = self.read().ok().and_then(|row| row.recovery);
        self.write(&KeyFileRow { wrapped, recovery })?;
        self.keep_tries(PinTries::default())
    }

    /// Opens with the PIN. The try is counted on the disk before it is made, so that ending the app gives none back.
    ///
    /// # Errors
    /// [`KeyError::Wrong`], [`KeyError::Wait`], [`KeyError::SignInNeeded`] or [`KeyError::KeychainGone`].
    pub fn unlock(&self, pin: &str, keychain: Option<&Key32>, now: Timestamp) -> Result<Key32, KeyError> {
        let row = self.read()?;
        let tries = self.tries();
        if tries.sign_in_needed() {
            return Err(KeyError::SignInNeeded);
        }
        if let Some(until) = tries.wait_until(now) {
            return Err(KeyError::Wait { until });
        }
        if row.wrapped.needs_keychain() && keychain.is_none() {
            return Err(KeyError::KeychainGone);
        }
        let tries = tries.counted(now);
        self.keep_tries(tries)?;
        let keychain = keychain.filter(|_| row.wrapped.needs_keychain());
        match row.wrapped.unwrap(pin, keychain) {
            Ok(key) => {
                self.keep_tries(PinTries::default())?;
                Ok(key)
            }
            Err(WrapError::DoesNotFit) if tries.sign_in_needed() => Err(KeyError::SignInNeeded),
            Err(WrapError::DoesNotFit) => Err(KeyError::Wrong {
                tries_left: tries.left(),
                wait_until: tries.wait_until(now),
            }),
            Err(error) => Err(KeyError::Wrap(error)),
        }
    }

    /// Wrong tries so far.
    #[must_use]
    pub fn tries(&self) -> PinTries {
        let text = fs::read_to_string(&self.tries).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Seals a copy of the key to the server for recovery; after sign-in, when the server's key is pinned.
    ///
    /// # Errors
    /// The server's key is unusable, or the file cannot be written.
    pub fn keep_recovery(
        &self,
        key: &Key32,
        public_key: &str,
        device: &str,
        user: &str,
    ) -> Result<(), KeyError> {
        let mut row = self.read()?;
        row.recovery = Some(SealedKey::seal(public_key, device, user, key).map_err(KeyError::Seal)?);
        self.write(&row)
    }

    /// The sealed copy, to send with a fresh online sign-in when the PIN is forgotten.
    #[must_use]
    pub fn recovery(&self) -> Option<SealedKey> {
        self.read().ok()?.recovery
    }

    fn read(&self) -> Result<KeyFileRow, KeyError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => serde_json::from_str(&text).map_err(|_| KeyError::Wrap(WrapError::Damaged)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(KeyError::NotSet),
            Err(error) => Err(KeyError::File(error)),
        }
    }

    fn write(&self, row: &KeyFileRow) -> Result<(), KeyError> {
        let text = serde_json::to_vec(row).map_err(|error| KeyError::File(error.into()))?;
        write_whole(&self.path, &text).map_err(KeyError::File)
    }

    /// A full disk does not lock the person out: then the tries stay as they were counted last.
    fn keep_tries(&self, tries: PinTries) -> Result<(), KeyError> {
        let text = serde_json::to_vec(&tries).map_err(|error| KeyError::File(error.into()))?;
        match write_whole(&self.tries, &text) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
            other => other.map_err(KeyError::File),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hms_core::lock::{FREE_TRIES, MOST_TRIES};

    const PIN: &str = "284619";

    fn file() -> (tempfile::TempDir, KeyFile, Key32, Key32) {
        let dir = tempfile::tempdir().expect("dir");
        let file = KeyFile::new(dir.path(), KdfCost::TEST);
        let part = random_key().expect("part");
        let key = file.create(PIN, Some(&part)).expect("creates");
        (dir, file, part, key)
    }

    #[test]
    fn wrong_pins_wait_and_then_need_a_sign_in() {
        let (_dir, file, part, key) = file();
        let mut now = Timestamp(1_000_000);
        for wrong in 1..=FREE_TRIES {
            match file.unlock("000001", Some(&part), now) {
                Err(KeyError::Wrong { tries_left, .. }) => assert_eq!(tries_left, FREE_TRIES - wrong),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(
            file.unlock(PIN, Some(&part), now),
            Err(KeyError::Wait { .. })
        ));
        for _ in FREE_TRIES..MOST_TRIES - 1 {
            now = now.plus_ms(3_600_000);
            assert!(matches!(
                file.unlock("000001", Some(&part), now),
                Err(KeyError::Wrong { .. })
            ));
        }
        now = now.plus_ms(3_600_000);
        assert!(matches!(
            file.unlock("000001", Some(&part), now),
            Err(KeyError::SignInNeeded)
        ));
        assert!(matches!(
            file.unlock(PIN, Some(&part), now),
            Err(KeyError::SignInNeeded)
        ));

        file.set_pin(&key, "739104", Some(&part))
            .expect("new PIN after recovery");
        assert!(file.unlock("739104", Some(&part), now).expect("opens") == key);
        assert_eq!(file.tries(), PinTries::default());
    }

    #[test]
    fn the_server_gives_the_key_back_to_the_same_account() {
        let (_dir, file, part, key) = file();
        let (private, public) = crate::seal::key_pair();
        file.keep_recovery(&key, &public, "device-1", "dana")
            .expect("seals");
        file.set_pin(&key, "739104", Some(&part)).expect("re-wraps");

        let sealed = file.recovery().expect("kept over a new PIN");

        let (user, opened) = sealed.open(&private).expect("opens");
        assert_eq!(user, "dana");
        assert!(opened == key);
        let moved = SealedKey {
            device: "device-2".into(),
            ..sealed
        };
        assert_eq!(moved.open(&private).err(), Some(SealError::Open));
    }

    #[test]
    fn weak_pins_and_a_missing_keychain_are_told_apart_from_wrong_pins() {
        let (_dir, file, part, key) = file();
        assert!(matches!(
            file.set_pin(&key, "123456", Some(&part)),
            Err(KeyError::Weak(WeakPin::TooSimple))
        ));
        assert!(matches!(
            file.set_pin(&key, "284619", None),
            Err(KeyError::Weak(WeakPin::TooShort))
        ));
        assert!(matches!(
            file.unlock(PIN, None, Timestamp(0)),
            Err(KeyError::KeychainGone)
        ));
        assert_eq!(file.tries().failed, 0);
    }
}
