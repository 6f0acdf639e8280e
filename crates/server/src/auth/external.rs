//! An external OpenID Connect issuer: its access tokens (JWT) are taken beside the server's own.
//!
//! The account is the one whose sign-in name is in the claim `preferred_username`, or in `sub` where there is
//! none; role and relations always come from the account here, never from the token. A token without the
//! configured audience is refused: it was meant for another service.
//!
//! The issuer's keys are fetched when they are needed and kept; while it cannot be reached, the kept ones go on
//! working for a day, so that its outage is not ours.

use super::actor::Actor;
use crate::db::sqlite::table::user;
use crate::db::{Db, DbError};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use hms_model::ids::UserId;
use ring::signature::{
    RsaPublicKeyComponents, UnparsedPublicKey, ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long fetched keys are used without asking for newer ones.
const KEYS_MS: i64 = 10 * 60 * 1000;
/// How long fetched keys are used while the issuer cannot be reached: a key that it withdrew must not live on for ever.
const KEYS_AT_MOST_MS: i64 = 24 * 60 * 60 * 1000;
/// The issuer is not asked again sooner than this, however many unknown tokens come.
const REFETCH_MS: i64 = 10 * 1000;
/// The largest answer of an issuer.
const ANSWER_AT_MOST: usize = 256 * 1024;
/// Clocks may differ by this much.
const LEEWAY_S: i64 = 60;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why the issuer's keys are not there.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// The file of its authority cannot be used.
    #[error("{path} holds no certificate in PEM form; check the issuer's authority")]
    Authority {
        /// The file.
        path: PathBuf,
    },
    /// The issuer did not answer as it should.
    #[error("the external issuer cannot be reached")]
    Fetch(#[source] reqwest::Error),
    /// It was asked a moment ago and did not answer.
    #[error("the external issuer could not be reached a moment ago")]
    Resting,
    /// Its discovery document names no keys, or another issuer.
    #[error("the external issuer's discovery document cannot be used")]
    Discovery,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

#[derive(Debug, Clone, Default)]
struct Cached {
    keys: Arc<Value>,
    fetched_ms: Option<i64>,
    tried_ms: Option<i64>,
}

/// A trusted issuer with its keys.
#[derive(Debug)]
pub struct ExternalIssuer {
    issuer: String,
    audience: String,
    client: reqwest::Client,
    cached: Mutex<Cached>,
    /// Held by the one request that asks the issuer; the others go on with the keys that there are.
    asking: tokio::sync::Mutex<()>,
}

impl ExternalIssuer {
    /// Trusts an issuer for tokens with this audience. `authority` is the certificate, in PEM form, of the authority
    /// that vouches for it, where that is not a public one.
    ///
    /// # Errors
    /// [`ExternalError::Authority`] where the file is no certificate.
    pub fn new(issuer: &str, audience: &str, authority: Option<&Path>) -> Result<Self, ExternalError> {
        // The command line opens a server's data without serving; the provider may not be there yet.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .https_only(true)
            // Keys come from where the configuration says, not from where an answer points to.
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = authority {
            let unusable = || ExternalError::Authority {
                path: path.to_owned(),
            };
            let pem = std::fs::read(path).map_err(|_| unusable())?;
            let chain = reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| unusable())?;
            if chain.is_empty() {
                return Err(unusable());
            }
            builder = builder.tls_certs_only(chain);
        }
        Ok(Self {
            issuer: issuer.trim_end_matches('/').to_owned(),
            audience: audience.to_owned(),
            client: builder.build().map_err(ExternalError::Fetch)?,
            cached: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// Whether a token looks like one of an external issuer; the server's own have no dots.
    #[must_use]
    pub fn looks_like_jwt(token: &str) -> bool {
        token.bytes().filter(|b| *b == b'.').count() == 2
    }

    /// The actor behind a token, `None` where it is not good or has no account here.
    ///
    /// # Errors
    /// Where the issuer's keys cannot be fetched.
    pub async fn authenticate(
        &self,
        db: &Db,
        token: &str,
        now_ms: i64,
    ) -> Result<Option<Actor>, ExternalError> {
        let Some(claims) = self.verified(token, now_ms).await? else {
            return Ok(None);
        };
        let name = ["preferred_username", "sub"]
            .iter()
            .find_map(|claim| claims.get(*claim)?.as_str())
            .map(str::to_lowercase);
        let Some(name) = name else { return Ok(None) };
        let found = db.read(move |read| user::by_name(read.conn(), &name)).await?;
        let account = found
            .map(|(account, _)| account)
            .filter(|account| !account.disabled);
        Ok(account.and_then(|account| {
            Some(Actor {
                user: UserId::parse(&account.id).ok()?,
                name: account.name,
                role: account.role,
                fhir: account.fhir,
                site: account.site,
                district: account.district,
                device: None,
                scopes: account.scopes.split_whitespace().map(str::to_owned).collect(),
                family: String::new(),
            })
        }))
    }

    async fn verified(&self, token: &str, now_ms: i64) -> Result<Option<Value>, ExternalError> {
        let keys = self.keys_for(token, now_ms).await?;
        Ok(verify(token, &keys, &self.issuer, &self.audience, now_ms / 1000))
    }

    /// The keys to judge a token by: the kept ones, or newer ones where those are old or do not name the token's.
    async fn keys_for(&self, token: &str, now_ms: i64) -> Result<Arc<Value>, ExternalError> {
        let kept = self.cached();
        if !wants_newer(&kept, token, now_ms) {
            return Ok(kept.keys);
        }
        let usable = |kept: &Cached| kept.fetched_ms.is_some_and(|at| now_ms - at <= KEYS_AT_MOST_MS);
        let turn = if usable(&kept) && key_of(token, &kept.keys).is_some() {
            match self.asking.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(kept.keys),
            }
        } else {
            self.asking.lock().await
        };
        // Somebody else may have asked while this request waited for its turn.
        let kept = self.cached();
        let failed = if wants_newer(&kept, token, now_ms) {
            let fetched = self.fetch().await;
            let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
            cached.tried_ms = Some(now_ms);
            match fetched {
                Ok(keys) => {
                    cached.keys = Arc::new(keys);
                    cached.fetched_ms = Some(now_ms);
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, "The external issuer's keys could not be fetched");
                    Some(error)
                }
            }
        } else {
            None
        };
        drop(turn);
        let kept = self.cached();
        match failed {
            _ if usable(&kept) => Ok(kept.keys),
            Some(error) => Err(error),
            None => Err(ExternalError::Resting),
        }
    }

    fn cached(&self) -> Cached {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<Value, ExternalError> {
        let discovery = self
            .get(&format!("{}/.well-known/openid-configuration", self.issuer))
            .await?;
        let text = |name: &str| discovery.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("issuer").trim_end_matches('/') != self.issuer || text("jwks_uri").is_empty() {
            return Err(ExternalError::Discovery);
        }
        let keys = self.get(text("jwks_uri")).await?;
        if keys.get("keys").and_then(Value::as_array).is_none() {
            return Err(ExternalError::Discovery);
        }
        Ok(keys)
    }

    async fn get(&self, url: &str) -> Result<Value, ExternalError> {
        let mut answer = self
            .client
            .get(url)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(ExternalError::Fetch)?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(ExternalError::Fetch)? {
            body.extend_from_slice(&part);
            if body.len() > ANSWER_AT_MOST {
                return Err(ExternalError::Discovery);
            }
        }
        serde_json::from_slice(&body).map_err(|_| ExternalError::Discovery)
    }
}

/// Whether the issuer should be asked before a token is judged.
fn wants_newer(kept: &Cached, token: &str, now_ms: i64) -> bool {
    let rested = kept.tried_ms.is_none_or(|at| now_ms - at >= REFETCH_MS);
    let fresh = kept.fetched_ms.is_some_and(|at| now_ms - at <= KEYS_MS);
    rested && (!fresh || key_of(token, &kept.keys).is_none())
}

/// The claims of a token that one of the keys signed, for this issuer and audience, now.
#[must_use]
pub fn verify(token: &str, keys: &Value, issuer: &str, audience: &str, now_s: i64) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
    let key = key_of(token, keys)?;
    let part = |name: &str| decode(key.get(name)?.as_str()?);
    let signature = decode(signature)?;
    // The algorithm must be one of two, and fit the key's own type: a token does not choose freely.
    match (header.get("alg")?.as_str()?, key.get("kty")?.as_str()?) {
        ("ES256", "EC") => {
            let mut point = vec![4];
            point.extend(part("x")?);
            point.extend(part("y")?);
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(signed.as_bytes(), &signature)
                .ok()?;
        }
        ("RS256", "RSA") => {
            RsaPublicKeyComponents {
                n: part("n")?,
                e: part("e")?,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
            .ok()?;
        }
        _ => return None,
    }
    let claims: Value = serde_json::from_slice(&decode(payload)?).ok()?;
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let from = claims.get("iss")?.as_str()?.trim_end_matches('/');
    let meant = match claims.get("aud")? {
        Value::String(one) => one == audience,
        Value::Array(many) => many.iter().any(|a| a.as_str() == Some(audience)),
        _ => false,
    };
    let in_time = number("exp")? > now_s - LEEWAY_S && number("nbf").is_none_or(|at| at <= now_s + LEEWAY_S);
    (from == issuer && meant && in_time).then_some(claims)
}

/// The key that a token's header names.
fn key_of<'k>(token: &str, keys: &'k Value) -> Option<&'k Value> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    let wanted = header.get("kid")?;
    keys.get("keys")?
        .as_array()?
        .iter()
        .find(|key| key.get("kid") == Some(wanted))
}
