//! Secrets in memory only.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hms_model::secret::Secret;
use hms_model::view::VaultKind;

use super::{Vault, VaultError};

/// Forgets everything when the client ends.
#[derive(Default)]
pub(crate) struct MemoryVault(Mutex<BTreeMap<String, Secret<Vec<u8>>>>);

impl Vault for MemoryVault {
    fn kind(&self) -> VaultKind {
        VaultKind::Memory
    }

    fn put(&self, name: &str, secret: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned())
    }

    fn remove(&self, name: &str) -> Result<(), VaultError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_does_what_every_vault_does() {
        super::super::conformance(&super::MemoryVault::default());
    }
}
