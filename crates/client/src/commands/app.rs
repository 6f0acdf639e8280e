//! Commands of every window.

use std::sync::Arc;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_model::form::PreferencesForm;
use hms_model::report::Position;
use hms_model::view::{AppView, AttachmentBytes, ErrorCode, OutboxItemView, Phase, UnlockView};
use hms_store::Blob;
use reqwest::Method;

use super::report::preview_of;
use crate::client::Client;
use crate::engine::Engine;
use crate::error::ClientError;
use crate::event::Tag;
use crate::net::{Fault, Tries};
use crate::views;

/// How long a person waits for "sync now".
const SYNC_PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

impl Client {
    /// The app as a whole.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn app_state(&self) -> Result<AppView, ClientError> {
        self.ask(async |engine: &mut Engine| Ok(engine.app_view().await))
            .await
    }

    /// Changes language and theme of this device.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for what is none of the choices; [`ErrorCode::DiskFull`].
    pub async fn set_preferences(&self, form: PreferencesForm) -> Result<AppView, ClientError> {
        self.ask(async move |engine: &mut Engine| {
            if !engine.prefs.choose(form) {
                return Err(ClientError::new(ErrorCode::Invalid));
            }
            engine.write_prefs()?;
            engine.changed(Tag::App);
            Ok(engine.app_view().await)
        })
        .await
    }

    /// Sets the PIN (or the passphrase where there is no keychain) after a sign-in, and opens the app.
    ///
    /// # Errors
    /// [`ErrorCode::WeakPin`]; [`ErrorCode::NotAllowed`] without a sign-in before.
    pub async fn set_pin(&self, pin: String) -> Result<AppView, ClientError> {
        self.ask(async move |engine: &mut Engine| {
            engine.set_pin(pin).await?;
            engine.changed(Tag::App);
            Ok(engine.app_view().await)
        })
        .await
    }

    /// Opens the app with the PIN. A wrong one is an answer, not an error.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] where no PIN was ever set here.
    pub async fn unlock(&self, pin: String) -> Result<UnlockView, ClientError> {
        self.ask(async move |engine: &mut Engine| engine.unlock(pin).await)
            .await
    }

    /// Locks the app.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn lock(&self) -> Result<AppView, ClientError> {
        self.ask(async |engine: &mut Engine| {
            engine.lock_app().await;
            Ok(engine.app_view().await)
        })
        .await
    }

    /// Exchanges with the server now and waits for the end, well or not: the view says which.
    ///
    /// # Errors
    /// [`ErrorCode::Locked`].
    pub async fn sync_now(&self) -> Result<AppView, ClientError> {
        let mut events = self.events();
        let running = async |client: &Client| {
            client
                .ask(async |engine: &mut Engine| Ok(engine.core.is_syncing() || engine.exchange.is_some()))
                .await
        };
        self.ask(async |engine: &mut Engine| {
            engine.open_store()?.lift_waits().await?;
            engine.network.sealed_after = None;
            engine.core.handle(engine.now(), hms_core::Input::SyncAsked);
            Ok(())
        })
        .await?;
        let wait = async {
            while running(self).await? {
                // Every end of an exchange is an event; the timeout covers a lagging receiver.
                let _ = tokio::time::timeout(std::time::Duration::from_millis(250), events.recv()).await;
            }
            Ok::<_, ClientError>(())
        };
        // A hanging exchange goes on behind; the view shows what is known.
        if let Ok(done) = tokio::time::timeout(SYNC_PATIENCE, wait).await {
            done?;
        }
        self.app_state().await
    }

    /// Exchanges with the server now, and compares all records with it: what is missing, old or too much here is mended.
    ///
    /// # Errors
    /// [`ErrorCode::Locked`].
    pub async fn check_records(&self) -> Result<AppView, ClientError> {
        self.ask(async |engine: &mut Engine| {
            let store = engine.open_store()?;
            Ok(store
                .meta_put(crate::sync::CHECK_WANTED, Some(String::new()))
                .await?)
        })
        .await?;
        self.sync_now().await
    }

    /// What the server has not acknowledged.
    ///
    /// # Errors
    /// The store failed.
    pub async fn outbox(&self) -> Result<Vec<OutboxItemView>, ClientError> {
        self.ask(async |engine: &mut Engine| {
            let sealed = engine.sealed.entries.iter().filter(|entry| !entry.delivered);
            let sealed = sealed.map(|e| views::outbox::sealed(&e.id, e.what, e.made_at.as_f64(), &e.kind));
            let mut items: Vec<OutboxItemView> = sealed.collect();
            if let Some(store) = engine.store.clone() {
                let (sending, uploads) = engine.sending().await?;
                let records = views::load(&store, &["DocumentReference"]).await?;
                let uploads = uploads
                    .into_iter()
                    .map(|upload| (upload.id, upload.made_at.as_f64()));
                let waiting = views::outbox::outbox(&sending, &records, uploads);
                items.retain(|item| !waiting.iter().any(|other| other.id == item.id));
                items.extend(waiting);
            }
            Ok(items)
        })
        .await
    }

    /// Where the phone is.
    ///
    /// # Errors
    /// None but a closing client.
    pub async fn where_am_i(&self) -> Result<Option<Position>, ClientError> {
        Ok(self.shared.config.position.get().map(|place| place.position))
    }

    /// Calls a number by the telephone.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for what is no number; [`ErrorCode::DeviceRefused`] where nothing could dial.
    pub async fn dial(&self, number: String) -> Result<(), ClientError> {
        let plain: String = number
            .chars()
            .filter(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#'))
            .collect();
        if plain.is_empty() || plain.len() > 20 {
            return Err(ClientError::new(ErrorCode::Invalid));
        }
        let shared = Arc::clone(&self.shared);
        let opened =
            tokio::task::spawn_blocking(move || (shared.config.opener)(&format!("tel:{plain}"))).await;
        match opened {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(ClientError::new(ErrorCode::DeviceRefused)),
        }
    }

    /// Bytes of a photo or recording: from this device, or from the server, and then kept. Of a photo that is not there
    /// yet, a small picture where one came with the words; that one is not kept.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Offline`].
    pub async fn attachment(&self, id: String) -> Result<AttachmentBytes, ClientError> {
        let wanted = id.clone();
        let here = self
            .ask(async move |engine: &mut Engine| {
                let in_form = engine
                    .form
                    .iter()
                    .flat_map(|form| &form.files)
                    .find(|file| file.id == wanted);
                if let Some((file, bytes)) = in_form.and_then(|file| Some((file, file.bytes.clone()?))) {
                    return Ok(Some(Blob {
                        content_type: file.content_type.clone(),
                        bytes,
                    }));
                }
                let in_call = engine.visit.sharp.as_ref().filter(|file| file.id == wanted);
                if let Some(file) = in_call {
                    return Ok(Some(Blob {
                        content_type: "image/jpeg".to_owned(),
                        bytes: file.bytes.clone(),
                    }));
                }
                let store = engine.open_store()?;
                if let Some(blob) = store.blob_get(&wanted).await? {
                    return Ok(Some(blob));
                }
                // A desk gets small files with its sync.
                let synced = store.get("Binary", &wanted).await?;
                Ok(synced.and_then(|stored| blob_of(&stored.resource)))
            })
            .await?;
        let blob = match here {
            Some(blob) => blob,
            None => match self.fetch_attachment(id.clone()).await {
                Ok(blob) => blob,
                Err(error) => self.preview(id).await.ok_or(error)?,
            },
        };
        Ok(AttachmentBytes {
            content_type: blob.content_type,
            base64: STANDARD.encode(blob.bytes),
        })
    }

    async fn preview(&self, id: String) -> Option<Blob> {
        let document = self
            .ask(async move |engine: &mut Engine| {
                let document = engine.open_store()?.get("DocumentReference", &id).await?;
                Ok(document.map(|stored| stored.resource))
            })
            .await;
        let (content_type, bytes) = preview_of(&document.ok()??)?;
        Some(Blob { content_type, bytes })
    }

    async fn fetch_attachment(&self, id: String) -> Result<Blob, ClientError> {
        hms_model::ids::AttachmentId::parse(&id).map_err(|_| ClientError::new(ErrorCode::Invalid))?;
        let path = format!("/fhir/Binary/{id}");
        let http = &self.shared.http;
        let make = |token: &_| {
            http.request(Method::GET, &path, Some(token))
                .header("accept", "*/*")
        };
        let response = self.shared.authorized(make, Tries::Patient).await?;
        let header = response
            .headers()
            .get("content-type")
            .and_then(|v| v.to_str().ok());
        let content_type = header.unwrap_or("application/octet-stream").to_owned();
        let bytes = response
            .bytes()
            .await
            .map_err(|error| Fault::of(&error))?
            .to_vec();
        let blob = Blob { content_type, bytes };
        let kept = blob.clone();
        let _ = self
            .ask(async move |engine: &mut Engine| {
                Ok(engine.open_store()?.blob_put(&id, kept, engine.now()).await?)
            })
            .await;
        Ok(blob)
    }
}

/// The bytes of a Binary resource.
fn blob_of(binary: &serde_json::Value) -> Option<Blob> {
    let bytes = STANDARD.decode(views::text(binary, &["data"])?).ok()?;
    Some(Blob {
        content_type: views::text(binary, &["contentType"])?.to_owned(),
        bytes,
    })
}

impl Engine {
    /// The app as a whole.
    pub(crate) async fn app_view(&self) -> AppView {
        let http = &self.shared.http;
        let open = self.store.is_some();
        let unsent = match &self.store {
            Some(store) => store
                .counts()
                .await
                .map(|counts| counts.unsent)
                .unwrap_or_default(),
            None => 0,
        };
        let sealed = self
            .sealed
            .entries
            .iter()
            .filter(|entry| !entry.delivered)
            .count();
        let tries = self.keys.tries();
        let server = &self.shared.config.server;
        AppView {
            phase: self.phase(),
            role: self.role(),
            name: self.identity.as_ref().filter(|_| open).map(|i| i.name.clone()),
            site: self
                .identity
                .as_ref()
                .filter(|_| open)
                .and_then(|i| i.site.clone()),
            language: self.prefs.language.clone(),
            theme: self.prefs.theme.clone(),
            vault: self.shared.vault.kind(),
            network: self.network.view(http.link().rtt_ms()),
            unsent: unsent.saturating_add(u32::try_from(sealed).unwrap_or(u32::MAX)),
            #[expect(clippy::cast_precision_loss, reason = "seconds of a clock are far below 2^53")]
            clock_off_s: http.link().clock_off_ms().map(|ms| (ms / 1000) as f64),
            tries_left: tries.left(),
            wait_until: tries
                .wait_until(self.now())
                .filter(|_| self.phase() == Phase::Locked)
                .map(hms_model::time::Timestamp::as_f64),
            help_phone: server.help_phone.clone(),
            server: server.base_url.clone(),
            demo: server.demo,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            frames_url: self.shared.frames_url.get().cloned(),
            storage: self.storage,
            recheck: self
                .recheck
                .as_ref()
                .filter(|_| open)
                .map(|recheck| recheck.view(self.now())),
        }
    }
}
