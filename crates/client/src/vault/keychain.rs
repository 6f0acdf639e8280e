//! Secrets in the system's keychain (Secret Service, Keychain Services, Credential Manager).

use hms_model::secret::Secret;
use hms_model::view::VaultKind;
use keyring::{Entry, Error};

use super::{Vault, VaultError};

const SERVICE: &str = "org.hmsach.client";
/// Written, read and removed once, because a keychain may say that it works and refuse every write.
const PROBE: &str = "probe";

/// Entries of one profile in the system's keychain.
pub(crate) struct KeychainVault {
    profile: String,
}

impl KeychainVault {
    /// The keychain, if secrets can really be written to it and read back. Blocks.
    pub(crate) fn probe(profile: &str) -> Option<Self> {
        let vault = Self {
            profile: profile.to_owned(),
        };
        let secret = Secret::new(b"probe".to_vec());
        let works = vault.put(PROBE, &secret).is_ok()
            && vault
                .get(PROBE)
                .ok()
                .flatten()
                .is_some_and(|back| back.expose() == secret.expose())
            && vault.remove(PROBE).is_ok();
        works.then_some(vault)
    }

    fn entry(&self, name: &str) -> Result<Entry, VaultError> {
        Entry::new(SERVICE, &format!("{}/{name}", self.profile)).map_err(|_| VaultError::Unusable)
    }
}

impl Vault for KeychainVault {
    fn kind(&self) -> VaultKind {
        VaultKind::Keychain
    }

    fn put(&self, name: &str, secret: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        self.entry(name)?
            .set_secret(secret.expose())
            .map_err(|_| VaultError::Unusable)
    }

    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
        match self.entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(Secret::new(bytes))),
            Err(Error::NoEntry) => Ok(None),
            // Which error it was says nothing about what to do: there is no store.
            Err(_) => Err(VaultError::Unusable),
        }
    }

    fn remove(&self, name: &str) -> Result<(), VaultError> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(_) => Err(VaultError::Unusable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Started by the test under `dbus-run-session` in `tests/keychain.rs`, with a real keyring behind it.
    #[test]
    fn a_keychain_that_works_does_what_every_vault_does() {
        let wanted = std::env::var_os("HMS_TEST_KEYCHAIN").is_some();
        match KeychainVault::probe("test-profile") {
            Some(vault) => super::super::conformance(&vault),
            None => assert!(!wanted, "a keychain was promised"),
        }
    }
}
