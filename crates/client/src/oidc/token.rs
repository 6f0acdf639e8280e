//! The token endpoint: exchange and refresh.

use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::session::Ended;
use reqwest::Method;
use serde::Deserialize;

use super::{id_token, Issuer, SignInError, ThisDevice, CLIENT_ID};
use crate::net::{Fault, Http, Tries};
use std::time::Duration;

/// How often the issuer's keys are asked for after a sign-in, and the wait in between.
const KEYS_ASKED: u32 = 5;
const BETWEEN_KEYS: Duration = Duration::from_secs(1);

/// Tokens of a sign-in. Never printed and never stored outside the vault.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: Secret<String>,
    pub(crate) refresh: Option<Secret<String>>,
    /// When the access token ends, by this phone's clock.
    pub(crate) expires: Timestamp,
}

#[derive(Deserialize)]
struct WireTokens {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    id_token: Option<String>,
}

#[derive(Deserialize)]
struct WireOauthError {
    error: String,
    /// [`hms_model::wire::session::ENDED_FIELD`].
    #[serde(default)]
    hms_ended: Option<String>,
}

/// What the token endpoint said.
pub(super) enum Answer {
    Tokens(Box<Granted>),
    /// An OAuth error code.
    Error(String),
    /// The access ended for good.
    Ended(Ended),
}

pub(super) struct Granted {
    pub(super) tokens: Tokens,
    pub(super) id_token: Option<String>,
}

/// One request to the token endpoint.
pub(super) async fn ask(
    http: &Http,
    endpoint: &str,
    form: &[(&str, &str)],
    device: &ThisDevice,
    now: Timestamp,
) -> Result<Answer, Fault> {
    let id = device.id();
    let own = [
        ("client_id", CLIENT_ID),
        ("device_id", &id),
        ("device_name", &device.name),
    ];
    let fields: Vec<(&str, &str)> = form.iter().copied().chain(own).collect();
    let request = http
        .request(Method::POST, endpoint, None)
        .timeout(std::time::Duration::from_secs(20))
        .form(&fields);
    let response = http.raw(request).await?;
    let status = response.status().as_u16();
    if status == 400 || status == 401 {
        let refusal: WireOauthError = crate::net::read_json(response)
            .await
            .map_err(|_| Fault::NotOurServer)?;
        let ended = refusal.hms_ended.as_deref().and_then(Ended::parse);
        return Ok(ended.map_or(Answer::Error(refusal.error), Answer::Ended));
    }
    if let Some(fault) = Fault::of_status(status, false) {
        return Err(fault);
    }
    let wire: WireTokens = crate::net::read_json(response)
        .await
        .map_err(|fault| match fault {
            Fault::Unreadable => Fault::NotOurServer,
            other => other,
        })?;
    let life_ms = wire.expires_in.unwrap_or(300).clamp(0, 86_400) * 1000;
    Ok(Answer::Tokens(Box::new(Granted {
        tokens: Tokens {
            access: Secret::new(wire.access_token),
            refresh: wire.refresh_token.map(Secret::new),
            expires: now.plus_ms(life_ms),
        },
        id_token: wire.id_token,
    })))
}

/// Exchanges a code for tokens and checks the id token.
pub(super) async fn redeem(
    http: &Http,
    issuer: &Issuer,
    form: &[(&str, &str)],
    device: &ThisDevice,
    now: Timestamp,
    nonce: Option<&str>,
) -> Result<Tokens, SignInError> {
    match ask(http, &issuer.token_endpoint, form, device, now).await? {
        Answer::Error(_) => Err(SignInError::Refused),
        Answer::Ended(why) => Err(SignInError::Ended(why)),
        Answer::Tokens(granted) => accept(http, issuer, *granted, nonce, now).await,
    }
}

/// Checks the id token that came with the tokens. The time used is the server's, where the phone's is wrong.
pub(super) async fn accept(
    http: &Http,
    issuer: &Issuer,
    granted: Granted,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<Tokens, SignInError> {
    let id_token = granted.id_token.ok_or(SignInError::NotValid("no id token"))?;
    let keys = keys_of(http, issuer).await?;
    let true_now = now.plus_ms(http.link().skew_ms().unwrap_or(0));
    id_token::check(&id_token, &keys, &issuer.issuer, CLIENT_ID, nonce, true_now)
        .map_err(SignInError::NotValid)?;
    Ok(granted.tokens)
}

/// The issuer's keys. The code that the tokens were given for is used up: a line that breaks now is asked again, or the
/// person would have to sign in once more.
async fn keys_of(http: &Http, issuer: &Issuer) -> Result<serde_json::Value, Fault> {
    let mut tries = 0;
    loop {
        tries += 1;
        match http.get(&issuer.jwks_uri, None, Tries::Quick).await {
            Err(Fault::Unreachable | Fault::Slow | Fault::Cut | Fault::Server(_)) if tries < KEYS_ASKED => {
                tokio::time::sleep(BETWEEN_KEYS).await;
            }
            ended => return ended,
        }
    }
}

/// How a refresh ended.
pub(crate) enum RefreshEnd {
    /// New tokens; the old refresh token is used up.
    Fresh(Tokens),
    /// The sign-in is over: a person must sign in again.
    Over,
    /// So is the access of this device or account.
    Ended(Ended),
}

/// Exchanges the refresh token. The caller stores the new one before it uses the access token.
pub(crate) async fn refresh(
    http: &Http,
    issuer: &Issuer,
    token: &Secret<String>,
    device: &ThisDevice,
    now: Timestamp,
) -> Result<RefreshEnd, Fault> {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.expose().as_str()),
    ];
    match ask(http, &issuer.token_endpoint, &form, device, now).await? {
        Answer::Tokens(granted) => Ok(RefreshEnd::Fresh(granted.tokens)),
        Answer::Error(_) => Ok(RefreshEnd::Over),
        Answer::Ended(why) => Ok(RefreshEnd::Ended(why)),
    }
}
