//! Secrets in a file, sealed with a key that only the person's passphrase gives: where there is no keychain.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::secret::Secret;
use hms_model::view::VaultKind;
use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey, AES_256_GCM, NONCE_LEN};
use ring::rand::{SecureRandom, SystemRandom};

use super::{Vault, VaultError};

const FILE: &str = "secrets.sealed";
const LABEL: &[u8] = b"hms-ach secrets v1";

#[derive(Default)]
struct State {
    key: Option<Secret<[u8; 32]>>,
    entries: BTreeMap<String, Secret<Vec<u8>>>,
}

/// A sealed file. Until [`Vault::open`] its secrets are held in memory, and written with the first key.
pub(crate) struct FileVault {
    path: PathBuf,
    state: Mutex<State>,
}

impl FileVault {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            path: dir.join(FILE),
            state: Mutex::default(),
        }
    }

    fn write(&self, state: &State) -> Result<(), VaultError> {
        let Some(key) = &state.key else { return Ok(()) };
        let plain: BTreeMap<&str, String> = state
            .entries
            .iter()
            .map(|(name, secret)| (name.as_str(), STANDARD.encode(secret.expose())))
            .collect();
        let mut bytes = serde_json::to_vec(&plain).map_err(|_| VaultError::Sealed)?;
        let mut nonce = [0_u8; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| VaultError::Sealed)?;
        sealing_key(key)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(LABEL), &mut bytes)
            .map_err(|_| VaultError::Sealed)?;
        write_private(&self.path, &[nonce.as_slice(), &bytes].concat()).map_err(VaultError::File)
    }

    fn read(&self, key: &Secret<[u8; 32]>) -> Result<BTreeMap<String, Secret<Vec<u8>>>, VaultError> {
        let mut bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(VaultError::File(error)),
        };
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(VaultError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Sealed)?;
        let plain = sealing_key(key)?
            .open_in_place(nonce, Aad::from(LABEL), sealed)
            .map_err(|_| VaultError::Sealed)?;
        let entries: BTreeMap<String, String> =
            serde_json::from_slice(plain).map_err(|_| VaultError::Sealed)?;
        entries
            .into_iter()
            .map(|(name, text)| {
                let secret = STANDARD.decode(text).map_err(|_| VaultError::Sealed)?;
                Ok((name, Secret::new(secret)))
            })
            .collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for FileVault {
    fn kind(&self) -> VaultKind {
        VaultKind::SealedFile
    }

    fn put(&self, name: &str, secret: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        let mut state = self.state();
        state.entries.insert(name.to_owned(), secret.clone());
        self.write(&state)
    }

    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
        let state = self.state();
        if state.key.is_none() && state.entries.is_empty() && self.path.exists() {
            return Err(VaultError::Locked);
        }
        Ok(state.entries.get(name).cloned())
    }

    fn remove(&self, name: &str) -> Result<(), VaultError> {
        let mut state = self.state();
        state.entries.remove(name);
        self.write(&state)
    }

    fn open(&self, key: &Secret<[u8; 32]>) -> Result<(), VaultError> {
        let stored = match self.read(key) {
            Ok(stored) => stored,
            // Another key sealed it: what it held is only good for signing in again, which has just happened.
            Err(VaultError::Sealed) if !self.state().entries.is_empty() => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        let mut state = self.state();
        let fresh = std::mem::take(&mut state.entries);
        let had_fresh = !fresh.is_empty();
        state.entries = stored;
        // What was put while the file was locked is newer than what the file has.
        state.entries.extend(fresh);
        state.key = Some(key.clone());
        if had_fresh {
            self.write(&state)?;
        }
        Ok(())
    }

    fn renew(&self) -> Result<(), VaultError> {
        match std::fs::rename(&self.path, self.path.with_extension("lost")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(VaultError::File(error)),
            _ => Ok(()),
        }
    }

    fn close(&self) {
        let mut state = self.state();
        state.key = None;
        state.entries.clear();
    }
}

fn sealing_key(key: &Secret<[u8; 32]>) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, key.expose())
        .map(LessSafeKey::new)
        .map_err(|_| VaultError::Sealed)
}

/// Writes a file that only its owner may read, completely or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&part)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // A half-written part would keep the very space that is short.
        let _gone = std::fs::remove_file(&part);
        return Err(error);
    }
    std::fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_does_what_every_vault_does() {
        let dir = tempfile::tempdir().expect("dir");
        super::super::conformance(&FileVault::new(dir.path()));
    }

    #[test]
    fn nothing_in_the_file_is_readable_and_another_key_opens_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let vault = FileVault::new(dir.path());
        vault
            .put("tokens", &Secret::new(b"hms_rt_secret".to_vec()))
            .expect("put before the passphrase");
        assert!(!dir.path().join(FILE).exists(), "no key, no file");

        vault.open(&Secret::new([1; 32])).expect("open");

        let bytes = std::fs::read(dir.path().join(FILE)).expect("file");
        assert!(!bytes.windows(6).any(|w| w == b"hms_rt"));
        let other = FileVault::new(dir.path());
        assert!(matches!(other.get("tokens"), Err(VaultError::Locked)));
        assert!(matches!(
            other.open(&Secret::new([2; 32])),
            Err(VaultError::Sealed)
        ));
        other.open(&Secret::new([1; 32])).expect("the right key");
        assert!(other.get("tokens").expect("get").is_some());
    }
}
