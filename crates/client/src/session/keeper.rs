//! One task owns the tokens: it refreshes them one at a time and keeps the new ones before anybody uses them.

use std::sync::{Arc, Mutex, PoisonError};

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::session::Ended;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::config::Clock;
use crate::net::{Fault, Http};
use crate::oidc::{self, Issuer, RefreshEnd, SignInError, ThisDevice, Tokens};
use crate::vault::{name, Vault};

/// A token that ends within this is refreshed before it is used.
const SOON_MS: i64 = 30_000;
/// Requests that wait for a token; more wait at the sender.
const WAITING: usize = 32;

type Reply = oneshot::Sender<Result<Secret<String>, Fault>>;

enum Ask {
    /// A token to use; `refused` is one that the server did not take.
    Access {
        refused: Option<Secret<String>>,
        reply: Reply,
    },
    /// Tokens of a new sign-in.
    Set(Tokens, oneshot::Sender<()>),
    /// Forget what is in memory: the app was locked.
    Forget,
}

/// Why the access ended, as the server said last; the loop takes it from here.
type EndedNow = Arc<Mutex<Option<Ended>>>;

/// Handle of the task.
#[derive(Clone)]
pub(crate) struct TokenKeeper {
    asks: mpsc::Sender<Ask>,
    ended: EndedNow,
}

impl TokenKeeper {
    /// The handle, and the task to spawn.
    pub(crate) fn new(
        http: Http,
        vault: Arc<dyn Vault>,
        device: ThisDevice,
        clock: Arc<dyn Clock>,
    ) -> (Self, impl std::future::Future<Output = ()>) {
        let (asks, inbox) = mpsc::channel(WAITING);
        let ended = EndedNow::default();
        let keeper = Keeper {
            ended: Arc::clone(&ended),
            http,
            vault,
            device,
            clock,
            issuer: None,
            tokens: None,
        };
        (Self { asks, ended }, keeper.run(inbox))
    }

    /// Why the access ended for good, told once.
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A token that should be good now.
    pub(crate) async fn access(&self, refused: Option<Secret<String>>) -> Result<Secret<String>, Fault> {
        let (reply, answer) = oneshot::channel();
        self.asks
            .send(Ask::Access { refused, reply })
            .await
            .map_err(|_| Fault::SignInNeeded)?;
        answer.await.unwrap_or(Err(Fault::SignInNeeded))
    }

    /// Takes over the tokens of a sign-in and keeps them in the vault.
    pub(crate) async fn set(&self, tokens: Tokens) {
        let (done, kept) = oneshot::channel();
        if self.asks.send(Ask::Set(tokens, done)).await.is_ok() {
            let _ = kept.await;
        }
    }

    /// Forgets what is in memory.
    pub(crate) async fn forget(&self) {
        let _ = self.asks.send(Ask::Forget).await;
    }
}

struct Keeper {
    ended: EndedNow,
    http: Http,
    vault: Arc<dyn Vault>,
    device: ThisDevice,
    clock: Arc<dyn Clock>,
    issuer: Option<Issuer>,
    tokens: Option<Tokens>,
}

impl Keeper {
    async fn run(mut self, mut inbox: mpsc::Receiver<Ask>) {
        while let Some(ask) = inbox.recv().await {
            match ask {
                Ask::Access { refused, reply } => {
                    let _ = reply.send(self.access(refused).await);
                }
                Ask::Set(tokens, done) => {
                    self.keep(&tokens).await;
                    self.tokens = Some(tokens);
                    let _ = done.send(());
                }
                Ask::Forget => self.tokens = None,
            }
        }
    }

    async fn access(&mut self, refused: Option<Secret<String>>) -> Result<Secret<String>, Fault> {
        if self.tokens.is_none() {
            self.tokens = self.stored().await;
        }
        let tokens = self.tokens.clone().ok_or(Fault::SignInNeeded)?;
        let was_refused = refused.is_some_and(|refused| refused == tokens.access);
        let ends_soon = tokens.expires.since_ms(self.clock.now()) < SOON_MS;
        if !was_refused && !ends_soon {
            return Ok(tokens.access);
        }
        match self.refresh(&tokens).await {
            Ok(access) => Ok(access),
            // The server's clock decides whether it has really ended: try it before giving up.
            Err(fault) if !was_refused && fault != Fault::SignInNeeded => Ok(tokens.access),
            Err(fault) => Err(fault),
        }
    }

    async fn refresh(&mut self, tokens: &Tokens) -> Result<Secret<String>, Fault> {
        let Some(refresh) = &tokens.refresh else {
            return Err(Fault::SignInNeeded);
        };
        let issuer = match &self.issuer {
            Some(issuer) => issuer.clone(),
            None => Issuer::discover(&self.http).await.map_err(|error| match error {
                SignInError::Fault(fault) => fault,
                SignInError::Refused
                | SignInError::Ended(_)
                | SignInError::Expired
                | SignInError::NotValid(_)
                | SignInError::Listen(_) => Fault::Unreadable,
            })?,
        };
        self.issuer = Some(issuer.clone());
        match oidc::refresh(&self.http, &issuer, refresh, &self.device, self.clock.now()).await? {
            RefreshEnd::Fresh(mut fresh) => {
                // Without a new refresh token the old one goes on.
                fresh.refresh = fresh.refresh.or_else(|| Some(refresh.clone()));
                self.keep(&fresh).await;
                let access = fresh.access.clone();
                self.tokens = Some(fresh);
                Ok(access)
            }
            // The tokens stay: where the app is closed now, the next start asks again and is told the same.
            RefreshEnd::Ended(why) => {
                tracing::warn!(why = why.as_str(), "The access of this device ended");
                *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                Err(Fault::SignInNeeded)
            }
            RefreshEnd::Over => {
                tracing::info!("The sign-in is over");
                self.tokens = None;
                let vault = Arc::clone(&self.vault);
                let _ = tokio::task::spawn_blocking(move || vault.remove(name::TOKENS)).await;
                Err(Fault::SignInNeeded)
            }
        }
    }

    async fn keep(&self, tokens: &Tokens) {
        let stored = StoredTokens {
            access: tokens.access.expose().clone(),
            refresh: tokens.refresh.as_ref().map(|r| r.expose().clone()),
            expires: tokens.expires,
        };
        let Ok(bytes) = serde_json::to_vec(&stored) else {
            return;
        };
        let vault = Arc::clone(&self.vault);
        let kept = tokio::task::spawn_blocking(move || vault.put(name::TOKENS, &Secret::new(bytes))).await;
        if !matches!(kept, Ok(Ok(()))) {
            // They work until the app closes; then the person signs in again.
            tracing::warn!("The tokens could not be kept in the vault");
        }
    }

    async fn stored(&self) -> Option<Tokens> {
        let vault = Arc::clone(&self.vault);
        let found = tokio::task::spawn_blocking(move || vault.get(name::TOKENS))
            .await
            .ok()?
            .ok()??;
        let stored: StoredTokens = serde_json::from_slice(found.expose()).ok()?;
        Some(Tokens {
            access: Secret::new(stored.access),
            refresh: stored.refresh.map(Secret::new),
            expires: stored.expires,
        })
    }
}

/// The tokens as the vault holds them.
#[derive(Serialize, Deserialize)]
struct StoredTokens {
    access: String,
    refresh: Option<String>,
    expires: Timestamp,
}

/// A key half as the vault holds it.
pub(crate) fn half_to_text(half: &Secret<[u8; 32]>) -> Secret<Vec<u8>> {
    Secret::new(STANDARD.encode(half.expose()).into_bytes())
}

/// Reads a key half back.
pub(crate) fn half_from_text(text: &Secret<Vec<u8>>) -> Option<Secret<[u8; 32]>> {
    STANDARD
        .decode(text.expose())
        .ok()?
        .try_into()
        .ok()
        .map(Secret::new)
}
