//! A store that is damaged, or whose key is lost: set aside, never deleted. What can be read of it goes on in a new
//! one, and the journal delivers what cannot.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hms_model::view::{ErrorCode, StorageProblem};
use hms_store::keys::Key32;
use hms_store::{OpenError, Store, StoreError};

use super::open::IDENTITY;
use super::Engine;
use crate::error::ClientError;
use crate::session::Identity;
use crate::vault::name;

/// A file of this name says that damage was met while the app was open: the next opening starts with a new store.
const SUSPECT: &str = "store.suspect";

impl Engine {
    /// Opens the store; one that cannot be used is set aside, and what can be read of it goes into a new one.
    pub(super) async fn open_or_rebuild(&mut self, key: &Key32) -> Result<Store, ClientError> {
        let dir = self.shared.config.dir.clone();
        let opened = if dir.join(SUSPECT).exists() {
            Err(OpenError::Damaged)
        } else {
            open_sound(&dir, key).await?
        };
        let error = match opened {
            Ok(store) => return Ok(store),
            Err(OpenError::Full) => return Err(ClientError::new(ErrorCode::DiskFull)),
            Err(error @ (OpenError::Damaged | OpenError::WrongKey)) => error,
            Err(error) => return Err(ClientError::internal(error)),
        };
        let damaged = matches!(error, OpenError::Damaged);
        let aside = self.set_store_aside(Some(if damaged {
            StorageProblem::Rebuilt
        } else {
            StorageProblem::KeyLost
        }));
        let _ = std::fs::remove_file(dir.join(SUSPECT));
        let store = match open_sound(&dir, key).await? {
            Ok(store) => store,
            Err(OpenError::Full) => return Err(ClientError::new(ErrorCode::DiskFull)),
            Err(error) => return Err(ClientError::internal(error)),
        };
        if let Some(aside) = aside.filter(|_| damaged) {
            let with = key.clone();
            let salvaged = tokio::task::spawn_blocking(move || hms_store::salvage(&aside, &with));
            let salvaged = salvaged.await.map_err(ClientError::internal)?;
            tracing::info!(
                changes = salvaged.outbox.len(),
                forms = salvaged.drafts.len(),
                files = salvaged.files.len(),
                "Read what could be read of a damaged store"
            );
            // The journal has the reports in any case: the app opens also where nothing can be taken over.
            if let Err(error) = store.adopt(salvaged, self.now()).await {
                tracing::warn!(%error, "What was read of a damaged store could not be taken over");
            }
        }
        Ok(store)
    }

    /// Moves a store that cannot be used any more out of the way, never deleting it. From then on the journal delivers
    /// everything it has. Gives the folder.
    pub(super) fn set_store_aside(&mut self, problem: Option<StorageProblem>) -> Option<PathBuf> {
        match hms_store::set_aside(&self.shared.config.dir) {
            Ok(None) => None,
            Ok(Some(folder)) => {
                tracing::warn!(folder = %folder.display(), "The earlier store was set aside");
                self.storage = problem;
                self.deliver_all_sealed();
                Some(folder)
            }
            Err(error) => {
                tracing::error!(%error, "The earlier store could not be set aside");
                None
            }
        }
    }

    pub(super) fn deliver_all_sealed(&mut self) {
        let entries = self.journal.entries();
        let ids: Vec<String> = entries.into_iter().map(|entry| entry.id.clone()).collect();
        let made_at = self.now();
        for id in ids {
            if !self.sealed.entries.iter().any(|known| known.id == id) {
                self.sealed.put(super::Sealed {
                    id,
                    draft: false,
                    kind: "report".to_owned(),
                    made_at,
                    delivered: false,
                    what: None,
                    view: None,
                    resources: Vec::new(),
                    receipt: None,
                });
            }
        }
        self.shared.alarm.notify_one();
    }

    /// Damage was met while the app is open: it locks, and opens with a new store.
    pub(crate) async fn store_damaged(&mut self) {
        if self.store.is_none() {
            return;
        }
        tracing::error!("The store is damaged; the app locks and opens with a new one");
        if let Err(error) = std::fs::write(self.shared.config.dir.join(SUSPECT), b"") {
            tracing::error!(%error, "The damage could not be noted");
        }
        self.lock_app().await;
    }

    /// Learns whose profile this is: from the store, or, where that is new, from the vault.
    pub(super) async fn know_account(&mut self, store: &Store) -> Result<(), ClientError> {
        let stored = store.meta_get(IDENTITY).await?;
        let vault = Arc::clone(&self.shared.vault);
        let kept = tokio::task::spawn_blocking(move || vault.get(name::IDENTITY)).await;
        let kept = kept.ok().and_then(Result::ok).flatten();
        let kept = kept.and_then(|secret| String::from_utf8(secret.expose().clone()).ok());
        let read = |text: &String| serde_json::from_str::<Identity>(text).ok();
        let found = stored.as_ref().and_then(read);
        let account = found
            .or_else(|| self.identity.take())
            .or_else(|| kept.as_ref().and_then(read));
        if let Some(text) = account.as_ref().and_then(|a| serde_json::to_string(a).ok()) {
            if stored.as_ref() != Some(&text) {
                store.meta_put(IDENTITY, Some(text.clone())).await?;
            }
            if kept.as_ref() != Some(&text) {
                let (vault, secret) = (
                    Arc::clone(&self.shared.vault),
                    hms_model::secret::Secret::new(text.into_bytes()),
                );
                let put = tokio::task::spawn_blocking(move || vault.put(name::IDENTITY, &secret)).await;
                if !matches!(put, Ok(Ok(()))) {
                    tracing::warn!("The account could not be kept in the vault");
                }
            }
        }
        self.identity = account;
        Ok(())
    }
}

/// Opens the store and reads what nothing may be lost of: damage there counts as damage of the file.
async fn open_sound(dir: &Path, key: &Key32) -> Result<Result<Store, OpenError>, ClientError> {
    let (dir, key) = (dir.to_owned(), key.clone());
    let opened = tokio::task::spawn_blocking(move || Store::open(&dir, &key));
    let store = match opened.await.map_err(ClientError::internal)? {
        Ok(store) => store,
        Err(error) => return Ok(Err(error)),
    };
    let damaged = |error: &StoreError| matches!(error, StoreError::Damaged);
    let unsound = store.outbox().await.err().is_some_and(|e| damaged(&e))
        || store.draft_list().await.err().is_some_and(|e| damaged(&e))
        || store.meta_get(IDENTITY).await.err().is_some_and(|e| damaged(&e));
    if unsound {
        store.close().await;
        return Ok(Err(OpenError::Damaged));
    }
    Ok(Ok(store))
}
