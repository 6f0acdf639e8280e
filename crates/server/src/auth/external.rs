//! An external OpenID Connect issuer: its access tokens (JWT) are taken beside the server's own.
//!
//! The account is the one whose sign-in name is in the claim `preferred_username`, or in `sub` where there is
//! none; role and relations always come from the account here, never from the token. A token without the
//! configured audience is refused: it was meant for another service.

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
use std::time::Duration;
use tokio::sync::Mutex;

/// How long fetched keys are used.
const KEYS_MS: i64 = 10 * 60 * 1000;
/// Keys are not fetched again sooner than this, however many unknown tokens come.
const REFETCH_MS: i64 = 60 * 1000;
/// Clocks may differ by this much.
const LEEWAY_S: i64 = 60;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why the issuer's keys are not there.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// The issuer did not answer as it should.
    #[error("the external issuer cannot be reached")]
    Fetch(#[source] reqwest::Error),
    /// Its discovery document names no keys, or another issuer.
    #[error("the external issuer's discovery document cannot be used")]
    Discovery,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

#[derive(Debug, Default)]
struct Cached {
    keys: Value,
    fetched_ms: Option<i64>,
}

/// A trusted issuer with its keys.
#[derive(Debug)]
pub struct ExternalIssuer {
    issuer: String,
    audience: String,
    cached: Mutex<Cached>,
}

impl ExternalIssuer {
    /// Trusts an issuer for tokens with this audience.
    #[must_use]
    pub fn new(issuer: &str, audience: &str) -> Self {
        Self {
            issuer: issuer.trim_end_matches('/').to_owned(),
            audience: audience.to_owned(),
            cached: Mutex::default(),
        }
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
        let mut cached = self.cached.lock().await;
        let age = cached.fetched_ms.map(|at| now_ms - at);
        if age.is_none_or(|age| age > KEYS_MS) {
            *cached = Cached {
                keys: self.fetch().await?,
                fetched_ms: Some(now_ms),
            };
        }
        let known = key_of(token, &cached.keys).is_some();
        // The issuer may have changed its keys since.
        if !known && age.is_some_and(|age| age > REFETCH_MS) {
            *cached = Cached {
                keys: self.fetch().await?,
                fetched_ms: Some(now_ms),
            };
        }
        Ok(verify(
            token,
            &cached.keys,
            &self.issuer,
            &self.audience,
            now_ms / 1000,
        ))
    }

    async fn fetch(&self) -> Result<Value, ExternalError> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .https_only(true)
            .build()
            .map_err(ExternalError::Fetch)?;
        let get = |url: String| {
            let client = client.clone();
            async move {
                let answer = client.get(url).send().await?.error_for_status()?;
                answer.json::<Value>().await
            }
        };
        let discovery = get(format!("{}/.well-known/openid-configuration", self.issuer))
            .await
            .map_err(ExternalError::Fetch)?;
        let text = |name: &str| discovery.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("issuer").trim_end_matches('/') != self.issuer || text("jwks_uri").is_empty() {
            return Err(ExternalError::Discovery);
        }
        get(text("jwks_uri").to_owned())
            .await
            .map_err(ExternalError::Fetch)
    }
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
