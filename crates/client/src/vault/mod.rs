//! Where secrets are kept: the system's keychain, a sealed file, or memory. One trait, one set of tests.
//!
//! Calls block (the keychain is another process), so they are made on a blocking thread.

mod file;
mod keychain;
mod memory;

use hms_model::secret::Secret;
use hms_model::view::VaultKind;

pub(crate) use file::{write_private, FileVault};
pub(crate) use keychain::KeychainVault;
pub(crate) use memory::MemoryVault;

/// Names of what is kept.
pub(crate) mod name {
    /// Half of the key of the database's key; the PIN is the other half.
    pub(crate) const KEY_HALF: &str = "key-half";
    /// Access and refresh token with their end.
    pub(crate) const TOKENS: &str = "tokens";
    /// Whose profile it is, for a store that had to be made anew.
    pub(crate) const IDENTITY: &str = "identity";
}

/// A secret could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    /// The store of secrets cannot be used.
    #[error("the store of secrets cannot be used")]
    Unusable,
    /// The sealed file is locked: the passphrase opens it.
    #[error("the sealed file is locked")]
    Locked,
    /// The sealed file cannot be read or written.
    #[error("failed to access the sealed file")]
    File(#[source] std::io::Error),
    /// The sealed file was made with another key, or is damaged.
    #[error("the sealed file does not open")]
    Sealed,
}

/// A place for secrets of one profile.
pub(crate) trait Vault: Send + Sync {
    /// Which kind it is, for the screen.
    fn kind(&self) -> VaultKind;
    /// Keeps a secret under a name, replacing an earlier one.
    fn put(&self, name: &str, secret: &Secret<Vec<u8>>) -> Result<(), VaultError>;
    /// The secret under a name.
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError>;
    /// Forgets a secret; fine where there is none.
    fn remove(&self, name: &str) -> Result<(), VaultError>;
    /// Opens the vault with a key made from the person's passphrase. Others need none.
    fn open(&self, key: &Secret<[u8; 32]>) -> Result<(), VaultError> {
        let _ = key;
        Ok(())
    }
    /// The key of [`Vault::open`] is lost: starts anew, with what it sealed kept aside. Others need no key.
    fn renew(&self) -> Result<(), VaultError> {
        Ok(())
    }
    /// Forgets what [`Vault::open`] opened.
    fn close(&self) {}
}

/// What every vault does, as one test for all of them.
#[cfg(test)]
pub(crate) fn conformance(vault: &dyn Vault) {
    let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
    let text = |found: Option<Secret<Vec<u8>>>| found.map(|s| s.expose().clone());

    vault.open(&Secret::new([7; 32])).expect("opens");
    assert_eq!(text(vault.get("a").expect("get")), None, "nothing at first");
    vault.remove("a").expect("removing nothing is fine");

    vault.put("a", &secret("one")).expect("put");
    vault.put("b", &secret("two")).expect("put");
    vault.put("a", &secret("three")).expect("replace");
    assert_eq!(
        text(vault.get("a").expect("get")).as_deref(),
        Some(b"three".as_slice())
    );
    assert_eq!(
        text(vault.get("b").expect("get")).as_deref(),
        Some(b"two".as_slice())
    );

    vault.close();
    vault.open(&Secret::new([7; 32])).expect("opens again");
    assert_eq!(
        text(vault.get("a").expect("get")).as_deref(),
        Some(b"three".as_slice()),
        "kept over a lock"
    );

    vault.remove("a").expect("remove");
    vault.remove("b").expect("remove");
    assert_eq!(text(vault.get("a").expect("get")), None);
}
