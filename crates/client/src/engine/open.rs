//! Opening and closing the app: PIN, keys, store, account.

use std::sync::Arc;

use hms_core::Input;
use hms_model::role::Role;
use hms_model::time::Timestamp;
use hms_model::view::{ErrorCode, Phase, StorageProblem, UnlockView};
use hms_store::keys::{Key32, KeyError};
use ring::hkdf;

use super::{Engine, Form, Step};
use crate::error::ClientError;
use crate::event::Tag;
use crate::session::{half_from_text, half_to_text};
use crate::sync::RecordsCheck;
use crate::vault::name;

/// Name under which the store keeps the account.
pub(super) const IDENTITY: &str = "identity";
/// Name under which the store keeps the time of the last sync.
pub(crate) const LAST_SYNC: &str = "last-sync";

/// What the server said at a sign-in.
struct Policy {
    offline_days: Option<u32>,
}

impl Engine {
    /// Where the app is.
    pub(crate) fn phase(&self) -> Phase {
        if self.store.is_some() {
            Phase::Open
        } else if self.signed_in.is_some() {
            Phase::NeedsPin
        } else if self.keys.is_set() {
            Phase::Locked
        } else {
            Phase::Fresh
        }
    }

    /// Opens the app with a PIN.
    pub(crate) async fn unlock(&mut self, pin: String) -> Result<UnlockView, ClientError> {
        if self.store.is_some() {
            return Ok(UnlockView {
                open: true,
                tries_left: hms_core::lock::FREE_TRIES,
                wait_until: None,
                sign_in_needed: false,
            });
        }
        if self
            .leaving
            .as_ref()
            .is_some_and(|leaving| leaving.step > Step::Collecting)
        {
            return Err(ClientError::new(ErrorCode::NotAllowed));
        }
        let half = self.key_half().await;
        let (keys, now) = (self.keys.clone(), self.now());
        // Argon2id takes its time on purpose.
        let opened = tokio::task::spawn_blocking(move || keys.unlock(pin.trim(), half.as_ref(), now))
            .await
            .map_err(ClientError::internal)?;
        let key = match opened {
            Ok(key) => key,
            Err(error) => return self.not_opened(error),
        };
        self.keep_recovery_of_this_device(&key);
        self.open_with(&key, None).await?;
        if let Some(days) = self.offline_too_long {
            tracing::info!(days, "The server was not reached for too long: a sign-in opens");
            return Ok(UnlockView {
                open: false,
                tries_left: hms_core::lock::FREE_TRIES,
                wait_until: None,
                sign_in_needed: true,
            });
        }
        if self.leaving.is_some() {
            // Opened to hand in what only the database holds: it closes again.
            self.leave_on().await;
        }
        Ok(UnlockView {
            open: self.store.is_some(),
            tries_left: hms_core::lock::FREE_TRIES,
            wait_until: None,
            sign_in_needed: false,
        })
    }

    /// The sealed copy of the key belongs to a device; after a change of its id it is sealed again.
    fn keep_recovery_of_this_device(&self, key: &Key32) {
        let device = self.shared.device.id();
        let other = self.keys.recovery().is_some_and(|sealed| sealed.device != device);
        if let (true, Some(server_key), Some(user)) = (other, self.seal_key(), &self.prefs.user) {
            if let Err(error) = self.keys.keep_recovery(key, &server_key, &device, user) {
                tracing::warn!(%error, "The key could not be kept for recovery");
            }
        }
    }

    fn not_opened(&mut self, error: KeyError) -> Result<UnlockView, ClientError> {
        self.changed(Tag::App);
        let view = |tries_left, wait_until: Option<Timestamp>, sign_in_needed| UnlockView {
            open: false,
            tries_left,
            wait_until: wait_until.map(Timestamp::as_f64),
            sign_in_needed,
        };
        match error {
            KeyError::Wrong {
                tries_left,
                wait_until,
            } => Ok(view(tries_left, wait_until, false)),
            KeyError::Wait { until } => Ok(view(0, Some(until), false)),
            KeyError::SignInNeeded => Ok(view(0, None, true)),
            KeyError::KeychainGone => {
                self.storage = Some(StorageProblem::KeyLost);
                Ok(view(0, None, true))
            }
            KeyError::Wrap(error) => {
                tracing::warn!(%error, "The wrapped key cannot be used");
                self.storage = Some(StorageProblem::KeyLost);
                Ok(view(0, None, true))
            }
            KeyError::NotSet => Err(ClientError::new(ErrorCode::Invalid)),
            error @ (KeyError::Weak(_) | KeyError::Seal(_) | KeyError::File(_)) => {
                Err(ClientError::internal(error))
            }
        }
    }

    /// The keychain's part of the key, where the vault is a keychain (or memory, which stands in for one).
    async fn key_half(&self) -> Option<Key32> {
        let vault = Arc::clone(&self.shared.vault);
        if vault.kind() == hms_model::view::VaultKind::SealedFile {
            return None;
        }
        let found = tokio::task::spawn_blocking(move || vault.get(name::KEY_HALF))
            .await
            .ok()?
            .ok()??;
        half_from_text(&found)
    }

    /// Sets the PIN after a sign-in, and opens the app.
    pub(crate) async fn set_pin(&mut self, pin: String) -> Result<(), ClientError> {
        let Some(signed_in) = self.signed_in.as_ref() else {
            return Err(ClientError::new(ErrorCode::NotAllowed));
        };
        let pin = pin.trim().to_owned();
        let with_keychain = self.shared.vault.kind() != hms_model::view::VaultKind::SealedFile;
        hms_core::lock::check_pin(&pin, with_keychain)
            .map_err(|weak| ClientError::caused(ErrorCode::WeakPin, weak))?;
        let (identity, server_key) = (signed_in.identity.clone(), signed_in.server_key.clone());
        let (tokens, recovered) = (signed_in.tokens.clone(), signed_in.recovered.clone());
        let offline_days = signed_in.offline_days;

        let half = if with_keychain {
            Some(self.make_key_half().await?)
        } else {
            None
        };
        let same_person = self
            .prefs
            .user
            .as_deref()
            .is_none_or(|user| user == identity.user);
        let recovered = recovered.filter(|_| same_person);
        if !same_person {
            self.leave_sealed_to_journal();
        }
        if recovered.is_none() {
            // Nothing of the earlier key is left: the old file is kept aside, and the journal delivers what it held.
            self.set_store_aside(same_person.then_some(StorageProblem::KeyLost));
            // So are the secrets that were sealed with it.
            self.shared.vault.renew().map_err(ClientError::internal)?;
        }
        let (keys, device, user) = (self.keys.clone(), self.shared.device.id(), identity.user.clone());
        let sealed_to = server_key.clone();
        let key = tokio::task::spawn_blocking(move || -> Result<Key32, KeyError> {
            let key = match recovered {
                Some(key) => {
                    keys.set_pin(&key, &pin, half.as_ref())?;
                    key
                }
                None => keys.create(&pin, half.as_ref())?,
            };
            // A server that is not ours has no key to give one back by.
            if !sealed_to.is_empty() {
                keys.keep_recovery(&key, &sealed_to, &device, &user)?;
            }
            Ok(key)
        })
        .await
        .map_err(ClientError::internal)?
        .map_err(|error| match error {
            KeyError::Weak(weak) => ClientError::caused(ErrorCode::WeakPin, weak),
            other => ClientError::internal(other),
        })?;

        self.prefs.pinned_key = Some(server_key).filter(|key| !key.is_empty());
        self.prefs.user = Some(identity.user.clone());
        self.shared.set_owner(Some(&identity.user));
        self.prefs.initials = Some(crate::prefs::initials_of(&identity.name));
        self.prefs.role = Some(identity.role);
        self.write_prefs()?;
        // The sealed file's key comes from the database key: it is opened before the tokens go into it.
        self.open_vault(&key)?;
        self.shared.tokens.set(tokens).await;
        self.forget_account_file();
        self.identity = Some(identity.clone());
        let policy = Policy { offline_days };
        self.open_with(&key, Some(policy)).await?;
        let text = serde_json::to_string(&identity).map_err(ClientError::internal)?;
        self.open_store()?.meta_put(IDENTITY, Some(text)).await?;
        self.signed_in = None;
        self.stop_leaving();
        self.forget_left();
        self.copied = false;
        self.core.handle(self.now(), Input::SignedIn);
        Ok(())
    }

    async fn make_key_half(&self) -> Result<Key32, ClientError> {
        let half = hms_store::keys::random_key().map_err(ClientError::internal)?;
        let (vault, text) = (Arc::clone(&self.shared.vault), half_to_text(&half));
        tokio::task::spawn_blocking(move || vault.put(name::KEY_HALF, &text))
            .await
            .map_err(ClientError::internal)?
            .map_err(ClientError::internal)?;
        Ok(half)
    }

    /// Opens the store. After a sign-in with what the server said then; without one, records that were offline for too
    /// long stay closed.
    async fn open_with(&mut self, key: &Key32, policy: Option<Policy>) -> Result<(), ClientError> {
        let store = self.open_or_rebuild(key).await?;
        match policy {
            Some(policy) => self.keep_offline_days(&store, policy.offline_days).await,
            // What is unsent is handed in whatever the time.
            None if self.leaving.is_some() => {}
            None => {
                self.offline_too_long = self.offline_too_long(&store).await?;
                if self.offline_too_long.is_some() {
                    store.close().await;
                    self.changed(Tag::App);
                    return Ok(());
                }
            }
        }
        self.open_vault(key)?;
        self.know_account(&store).await?;
        let last = store
            .meta_get(LAST_SYNC)
            .await?
            .and_then(|text| text.parse().ok())
            .map(Timestamp);
        self.network.last_sync_at = last;
        self.network.checked = RecordsCheck::last(&store).await.map(|check| check.view());
        self.note_space(&store);
        self.tally_opened();
        self.take_back_from_journal(&store).await;
        self.keep_initials();
        self.store = Some(store);
        self.load_form().await?;
        self.adopt_sealed().await?;
        self.adopt_checks().await?;
        self.take_packs_here().await;
        self.core.handle(self.now(), Input::AppOpened);
        self.start_signalling();
        self.shared.alarm.notify_one();
        for tag in [
            Tag::App,
            Tag::Reports,
            Tag::Draft,
            Tag::Outbox,
            Tag::Queue,
            Tag::Manager,
            Tag::Summaries,
        ] {
            self.changed(tag);
        }
        Ok(())
    }

    /// A profile from before there were several people on a phone has none yet.
    fn keep_initials(&mut self) {
        if self.prefs.initials.is_none() {
            let name = self.identity.as_ref().map(|identity| identity.name.clone());
            self.prefs.initials = name.as_deref().map(crate::prefs::initials_of);
            if let Err(error) = self.write_prefs() {
                tracing::warn!(cause = %error.chain(), "Initials could not be kept");
            }
        }
    }

    fn open_vault(&self, key: &Key32) -> Result<(), ClientError> {
        let vault_key = derived(key)?;
        self.shared.vault.open(&vault_key).map_err(ClientError::internal)
    }

    /// The newest unfinished form, as the person left it. One begun on the lock screen goes on.
    async fn load_form(&mut self) -> Result<(), ClientError> {
        let store = self.open_store()?;
        if let Some(mut form) = self.form.take().filter(|form| form.sealed_only) {
            form.sealed_only = false;
            for file in &mut form.files {
                if let Some(bytes) = file.bytes.take() {
                    let blob = hms_store::Blob {
                        content_type: file.content_type.clone(),
                        bytes,
                    };
                    store.blob_put(&file.id, blob, self.now()).await?;
                }
            }
            let body = serde_json::to_value(&form).map_err(ClientError::internal)?;
            store.draft_put(form.draft.id.as_str(), body, self.now()).await?;
            self.sealed.remove(form.draft.report.as_str());
            self.form = Some(form);
            return Ok(());
        }
        let newest = store
            .draft_list()
            .await?
            .into_iter()
            .max_by_key(|row| row.changed_at);
        self.form = newest.and_then(|row| serde_json::from_value::<Form>(row.body).ok());
        if let Some(form) = &self.form {
            // The store has it (again): it is no entry that only the journal holds.
            let report = form.draft.report.to_string();
            self.sealed.remove(&report);
        }
        Ok(())
    }

    /// Locks the app: the store closes, and what was in memory is forgotten.
    pub(crate) async fn lock_app(&mut self) {
        if self.store.is_none() {
            return;
        }
        self.close_store().await;
        self.shared.vault.close();
        self.shared.tokens.forget().await;
        self.identity = None;
        self.form = None;
        self.checks.clear();
        self.clear_lock_screen();
        self.signals.clear();
        self.queue_as_of = None;
        self.core.handle(self.now(), Input::AppLocked);
        for tag in [
            Tag::App,
            Tag::Reports,
            Tag::Draft,
            Tag::Outbox,
            Tag::Queue,
            Tag::Visit,
            Tag::Chart,
        ] {
            self.changed(tag);
        }
    }

    /// Ends what works on the store, and closes it.
    pub(crate) async fn close_store(&mut self) {
        self.end_call().await;
        for task in [self.exchange.take(), self.signalling.take()]
            .into_iter()
            .flatten()
        {
            task.abort();
        }
        self.batch.clear();
        self.prune_receipted();
        if let Some(store) = self.store.clone() {
            self.tally_closing(&store).await;
        }
        self.shared.http.meter().write(&self.shared.config.dir);
        if let Some(store) = self.store.take() {
            store.close().await;
        }
        // Opening left copies of the key on this thread's stack.
        hms_store::keys::wipe_stack();
    }

    /// Writes the device's settings.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write_prefs(&self) -> Result<(), ClientError> {
        self.prefs.write(&self.shared.config.dir).map_err(|error| {
            let full = error.kind() == std::io::ErrorKind::StorageFull;
            ClientError::caused(
                if full {
                    ErrorCode::DiskFull
                } else {
                    ErrorCode::Internal
                },
                error,
            )
        })
    }

    /// Role shown: of the open account, of the one that signed in here, or as the profile was started.
    pub(crate) fn role(&self) -> Option<Role> {
        let signed_in = self.signed_in.as_ref().map(|s| s.identity.role);
        self.identity
            .as_ref()
            .map(|i| i.role)
            .or(signed_in)
            .or(self.prefs.role)
    }
}

/// The sealed file's key, from the database key.
fn derived(key: &Key32) -> Result<Key32, ClientError> {
    let failed = |_| ClientError::new(ErrorCode::Internal);
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"hms-ach sealed secrets v1");
    let mut out = [0_u8; 32];
    salt.extract(key.expose())
        .expand(&[b"vault"], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out))
        .map_err(failed)?;
    Ok(Key32::new(out))
}
