//! Signing in: browser or device code, then the account, then (after a forgotten PIN) the key.

use std::sync::Arc;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_core::Input;
use hms_model::view::{ErrorCode, Phase, SignInState, SignInView};
use hms_model::wire::session::WireSession;
use hms_store::keys::Key32;
use reqwest::Method;
use serde::Deserialize;

use crate::client::{Client, Shared};
use crate::engine::{Engine, SignedIn};
use crate::error::ClientError;
use crate::event::Tag;
use crate::net::{read_json, Tries};
use crate::oidc::{BrowserSignIn, DeviceSignIn, Issuer, SignInError, Tokens};
use crate::session::Identity;

impl Client {
    /// Starts a sign-in in the browser, or with a code for another device.
    ///
    /// # Errors
    /// None but a closing client: what goes wrong is in the view.
    pub async fn sign_in_start(&self, device_code: bool) -> Result<SignInView, ClientError> {
        let recover = self
            .ask(async |engine: &mut Engine| Ok(engine.phase() == Phase::Locked))
            .await?;
        self.begin_sign_in(device_code, recover).await
    }

    /// Starts an online sign-in that allows a new PIN.
    ///
    /// # Errors
    /// As [`Client::sign_in_start`].
    pub async fn forgot_pin(&self) -> Result<SignInView, ClientError> {
        self.begin_sign_in(false, true).await
    }

    /// The sign-in under way.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn sign_in_state(&self) -> Result<SignInView, ClientError> {
        self.ask(async |engine: &mut Engine| Ok(engine.sign_in.view()))
            .await
    }

    /// Gives the sign-in up.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn sign_in_cancel(&self) -> Result<SignInView, ClientError> {
        self.ask(async |engine: &mut Engine| {
            engine.end_sign_in(SignInState::Idle);
            Ok(engine.sign_in.view())
        })
        .await
    }

    async fn begin_sign_in(&self, device_code: bool, recover: bool) -> Result<SignInView, ClientError> {
        if let Some(view) = self.sign_in_by_file().await? {
            return Ok(view);
        }
        let (number, language) = self
            .ask(async move |engine: &mut Engine| {
                engine.end_sign_in(SignInState::Waiting);
                engine.sign_in.recover = recover;
                Ok((engine.sign_in.number, engine.prefs.language.clone()))
            })
            .await?;
        let shared = Arc::clone(&self.shared);
        let prepared = prepare(&shared, device_code, &language).await;
        let opened = match &prepared {
            Ok(Prepared::Browser(browser)) => {
                let (shared, url) = (Arc::clone(&shared), browser.url.clone());
                tokio::task::spawn_blocking(move || (shared.config.opener)(&url))
                    .await
                    .unwrap_or(false)
            }
            Ok(Prepared::Device(_)) | Err(_) => false,
        };
        self.ask(async move |engine: &mut Engine| {
            if engine.sign_in.number != number {
                return Ok(engine.sign_in.view());
            }
            match prepared {
                Err(error) => {
                    tracing::info!(%error, "A sign-in could not be started");
                    engine.end_sign_in(failed(&error));
                }
                Ok(prepared) => {
                    let (url, code) = prepared.shown();
                    engine.sign_in.url = Some(url);
                    engine.sign_in.user_code = code;
                    engine.sign_in.opened_browser = opened;
                    let work = finish(Arc::clone(&shared), prepared, number, recover);
                    engine.sign_in.task = Some(engine.shared.spawn(work));
                }
            }
            engine.changed(Tag::App);
            Ok(engine.sign_in.view())
        })
        .await
    }
}

enum Prepared {
    Browser(BrowserSignIn),
    Device(DeviceSignIn),
}

impl Prepared {
    fn shown(&self) -> (String, Option<String>) {
        match self {
            Self::Browser(browser) => (browser.url.clone(), None),
            Self::Device(device) => (device.url().to_owned(), Some(device.user_code().to_owned())),
        }
    }
}

async fn prepare(shared: &Arc<Shared>, device_code: bool, language: &str) -> Result<Prepared, SignInError> {
    let issuer = Issuer::discover(&shared.http).await?;
    if device_code {
        return DeviceSignIn::prepare(&shared.http, issuer)
            .await
            .map(Prepared::Device);
    }
    BrowserSignIn::prepare(issuer, language)
        .await
        .map(Prepared::Browser)
}

/// What the screen says of a sign-in that failed.
fn failed(error: &SignInError) -> SignInState {
    match error {
        SignInError::Fault(fault) if fault.problem().is_some() => SignInState::Offline,
        SignInError::Expired => SignInState::Expired,
        SignInError::Fault(_)
        | SignInError::Refused
        | SignInError::Ended(_)
        | SignInError::NotValid(_)
        | SignInError::Listen(_) => SignInState::Refused,
    }
}

/// Waits for the person, then asks the server who it is.
async fn finish(shared: Arc<Shared>, prepared: Prepared, number: u64, recover: bool) {
    let now = || shared.config.clock.now();
    let tokens = match prepared {
        Prepared::Browser(browser) => browser.finish(&shared.http, &shared.device, now).await,
        Prepared::Device(device) => device.finish(&shared.http, &shared.device, now).await,
    };
    let ended = match &tokens {
        Err(SignInError::Ended(why)) => Some(*why),
        Ok(_) | Err(_) => None,
    };
    let end = match tokens {
        Ok(tokens) => account(&shared, tokens, recover)
            .await
            .map_err(|error| failed(&error)),
        Err(error) => {
            tracing::info!(%error, "A sign-in ended without an account");
            Err(failed(&error))
        }
    };
    shared
        .tell(async move |engine: &mut Engine| {
            if engine.sign_in.number == number {
                engine.sign_in_ended(end).await;
                if let Some(why) = ended {
                    engine.begin_leaving(why.into()).await;
                }
            }
        })
        .await;
}

async fn account(shared: &Arc<Shared>, tokens: Tokens, recover: bool) -> Result<SignedIn, SignInError> {
    let session: WireSession = shared
        .http
        .get("/api/session", Some(&tokens.access), Tries::Quick)
        .await?;
    let recovered = if recover {
        recovered_key(shared, &tokens, &session.user).await
    } else {
        None
    };
    Ok(SignedIn {
        offline_days: session.offline_days,
        identity: Identity::of(&session),
        server_key: session.hpke_public_key,
        tokens,
        recovered,
    })
}

/// The database key of this device, which the server opens for the account that it belongs to.
async fn recovered_key(shared: &Arc<Shared>, tokens: &Tokens, user: &str) -> Option<Key32> {
    #[derive(Deserialize)]
    struct WireKey {
        key: String,
    }
    let sealed = shared
        .ask(async |engine: &mut Engine| Ok(engine.keys.recovery()))
        .await
        .ok()??;
    let request = shared
        .http
        .request(Method::POST, "/api/recover", Some(&tokens.access))
        .json(&sealed);
    let answer = match shared.http.send(request, Tries::Quick).await {
        Ok(response) => read_json::<WireKey>(response).await,
        Err(fault) => Err(fault),
    };
    match answer {
        Ok(wire) => {
            // What was sealed is the account, a line feed, and the key: another account's key opens nothing here.
            let text = STANDARD.decode(wire.key).ok()?;
            let at = text.iter().position(|byte| *byte == b'\n')?;
            let (owner, key) = text.split_at(at);
            let key: [u8; 32] = key.get(1..)?.try_into().ok()?;
            (owner == user.as_bytes()).then(|| Key32::new(key))
        }
        Err(fault) => {
            tracing::warn!(%fault, "The key could not be recovered; the journal delivers what is unsent");
            None
        }
    }
}

impl Engine {
    /// Ends the sign-in under way, whatever its state, and notes the new one.
    pub(crate) fn end_sign_in(&mut self, state: SignInState) {
        if let Some(task) = self.sign_in.task.take() {
            task.abort();
        }
        let number = self.sign_in.number + 1;
        self.sign_in = crate::engine::SignInNow {
            state,
            number,
            ..Default::default()
        };
        self.changed(Tag::App);
    }

    pub(super) async fn sign_in_ended(&mut self, end: Result<SignedIn, SignInState>) {
        self.sign_in.task = None;
        self.sign_in.state = match &end {
            Ok(_) => SignInState::Done,
            Err(state) => *state,
        };
        self.changed(Tag::App);
        let Ok(signed_in) = end else { return };
        self.reached(Ok(()));
        // Open already, the session was over: the same account goes on; another one would need its own profile.
        match (&self.store, &self.identity) {
            (Some(_), Some(identity)) if identity.user == signed_in.identity.user => {
                self.shared.tokens.set(signed_in.tokens).await;
                if let Some(store) = self.store.clone() {
                    self.keep_offline_days(&store, signed_in.offline_days).await;
                    if self.copied {
                        let _ = store.lift_waits().await;
                    }
                }
                self.copied = false;
                self.core.handle(self.now(), Input::SignedIn);
                self.start_signalling();
            }
            (Some(_), _) => self.sign_in.state = SignInState::Refused,
            (None, _) if self.shared.is_elsewhere(&signed_in.identity.user) => {
                self.sign_in.state = SignInState::Elsewhere;
            }
            (None, _) => self.signed_in = Some(signed_in),
        }
    }
}

impl Client {
    /// Waits until the sign-in under way has ended, and says how.
    ///
    /// # Errors
    /// [`ErrorCode::Offline`] where it has not ended after `patience`.
    pub async fn sign_in_wait(&self, patience: std::time::Duration) -> Result<SignInView, ClientError> {
        let mut events = self.events();
        let wait = async {
            loop {
                let view = self.sign_in_state().await?;
                if view.state != SignInState::Waiting {
                    return Ok(view);
                }
                let _ = tokio::time::timeout(std::time::Duration::from_secs(1), events.recv()).await;
            }
        };
        tokio::time::timeout(patience, wait)
            .await
            .unwrap_or_else(|_| Err(ClientError::new(ErrorCode::Offline)))
    }
}
