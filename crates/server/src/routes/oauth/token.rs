//! `/oauth/token`, `/oauth/revoke`, `/oauth/userinfo`.

use super::{device, Address};
use crate::app::App;
use crate::auth::oidc::{self, AuthorizeRequest};
use crate::auth::tokens::{self, Issued, RefreshError, SignIn, ACCESS_MS};
use crate::auth::{signin, Actor};
use crate::db::sqlite::table::token::Of;
use crate::db::sqlite::table::{device as device_table, grant, token, user};
use crate::db::{DbError, Tx};
use crate::random;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::Json;
use hms_model::ids::DeviceId;
use hms_model::wire::session::{Ended, ENDED_FIELD};
use serde::Deserialize;
use serde_json::{json, Value};

/// The parameters of all grant types; each takes what it needs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenForm {
    pub(super) grant_type: String,
    pub(super) client_id: String,
    pub(super) code: String,
    pub(super) redirect_uri: String,
    pub(super) code_verifier: String,
    pub(super) refresh_token: String,
    pub(super) device_code: String,
    /// Our own: the id that the device has given itself.
    pub(super) device_id: String,
    /// Our own: the name that its owner recognises.
    pub(super) device_name: String,
}

/// Why no token is given; RFC 6749 §5.2 and RFC 8628 §3.5.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error("{0}")]
    Oauth(&'static str),
    /// The device or the account may not connect any more: the app hands in what is unsent, and empties itself.
    #[error("the access ended: {}", .0.as_str())]
    Ended(Ended),
    /// A code was used twice: what it gave before is revoked.
    #[error("a grant was used twice")]
    Reused { family: String },
    #[error(transparent)]
    Db(#[from] DbError),
}

impl TokenError {
    fn respond(&self) -> Response {
        let (status, code) = match self {
            Self::Ended(why) => {
                let body = json!({"error": "invalid_grant", ENDED_FIELD: why.as_str()});
                return (StatusCode::BAD_REQUEST, Json(body)).into_response();
            }
            Self::Oauth(code) => (StatusCode::BAD_REQUEST, *code),
            Self::Reused { .. } => (StatusCode::BAD_REQUEST, "invalid_grant"),
            Self::Db(error) => {
                tracing::error!(%error, "A token could not be given");
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
        };
        (status, Json(json!({"error": code}))).into_response()
    }
}

/// Tokens with what the id token needs.
pub(super) struct Granted {
    pub(super) issued: Issued,
    pub(super) nonce: String,
    pub(super) username: String,
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) fhir: Option<String>,
}

pub(super) async fn exchange(
    State(app): State<App>,
    Address(address): Address,
    Form(form): Form<TokenForm>,
) -> Response {
    let page = form.client_id == oidc::STAFF_PAGE_ID && app.staff_page.is_some();
    let by_device = form.grant_type.ends_with(":device_code");
    if form.client_id != oidc::CLIENT_ID && (!page || by_device) {
        return TokenError::Oauth("invalid_client").respond();
    }
    let outcome = match form.grant_type.as_str() {
        "authorization_code" => by_code(&app, form).await,
        "refresh_token" => by_refresh(&app, form).await,
        "urn:ietf:params:oauth:grant-type:device_code" => device::redeem(&app, &address, form).await,
        _ => Err(TokenError::Oauth("unsupported_grant_type")),
    };
    match outcome {
        Ok(granted) => match answer(&app, &granted) {
            Some(body) => Json(body).into_response(),
            None => TokenError::Db(DbError::Panicked).respond(),
        },
        Err(error) => {
            if let TokenError::Reused { family } = &error {
                let family = family.clone();
                let revoked: Result<(), DbError> = app
                    .db
                    .write(move |tx: &mut Tx<'_>| token::revoke(tx.conn(), Of::Family(&family), tx.now_ms()))
                    .await;
                if let Err(error) = revoked {
                    return TokenError::Db(error).respond();
                }
            }
            error.respond()
        }
    }
}

async fn by_code(app: &App, form: TokenForm) -> Result<Granted, TokenError> {
    app.db
        .write(move |tx: &mut Tx<'_>| {
            let hash = tokens::hash(&form.code);
            let found = grant::get(tx.conn(), "code", &hash)?.ok_or(TokenError::Oauth("invalid_grant"))?;
            if found.used_ms.is_some() {
                return Err(TokenError::Reused {
                    family: found.family.unwrap_or_default(),
                });
            }
            let request: AuthorizeRequest = serde_json::from_str(&found.detail).map_err(DbError::Body)?;
            let fits = found.expires_ms > tx.now_ms()
                && request.client_id == form.client_id
                && request.redirect_uri == form.redirect_uri
                && oidc::pkce_fits(&form.code_verifier, &request.code_challenge);
            let Some(user_id) = found.user_id.filter(|_| fits) else {
                return Err(TokenError::Oauth("invalid_grant"));
            };
            sign_in(tx, &hash, &user_id, &form, &request.scope, request.nonce)
        })
        .await
}

/// Turns an approved grant into a sign-in on a device.
pub(super) fn sign_in(
    tx: &mut Tx<'_>,
    grant_hash: &[u8; 32],
    user_id: &str,
    form: &TokenForm,
    scope: &str,
    nonce: String,
) -> Result<Granted, TokenError> {
    let account = user::by_id(tx.conn(), user_id)?
        .filter(|u| !u.disabled)
        .ok_or(TokenError::Oauth("invalid_grant"))?;
    let device_id = if form.device_id.is_empty() {
        None
    } else {
        Some(
            DeviceId::parse(&form.device_id)
                .map_err(|_| TokenError::Oauth("invalid_request"))?
                .to_string(),
        )
    };
    if let Some(id) = &device_id {
        if device_table::get(tx.conn(), id)?.is_some_and(|d| d.revoked_ms.is_some()) {
            return Err(TokenError::Ended(Ended::DeviceRevoked));
        }
        let name: String = form
            .device_name
            .chars()
            .filter(|c| !c.is_control())
            .take(60)
            .collect();
        device_table::signed_in(tx.conn(), id, &account.id, &name, tx.now_ms())?;
    }
    let family = random::id();
    if !grant::take(tx.conn(), grant_hash, &family, tx.now_ms())? {
        return Err(TokenError::Oauth("invalid_grant"));
    }
    tx.audit(&signin::event(&account, "sign-in", device_id.as_deref()))?;
    let scope = if scope.is_empty() {
        "openid".to_owned()
    } else {
        scope.to_owned()
    };
    let sign_in = SignIn {
        user_id: account.id,
        device_id,
        client: form.client_id.clone(),
        scope,
        family,
    };
    let issued = tokens::issue(tx, sign_in, None)?;
    Ok(Granted {
        issued,
        nonce,
        username: account.username,
        name: account.name,
        role: account.role.as_str(),
        fhir: account.fhir,
    })
}

async fn by_refresh(app: &App, form: TokenForm) -> Result<Granted, TokenError> {
    let presented = form.refresh_token.clone();
    let outcome = app
        .db
        .write(move |tx: &mut Tx<'_>| {
            let issued = tokens::refresh(tx, &form.refresh_token, &form.client_id)?;
            let account = user::by_id(tx.conn(), &issued.sign_in.user_id)?.ok_or(RefreshError::Invalid)?;
            Ok(Granted {
                issued,
                nonce: String::new(),
                username: account.username,
                name: account.name,
                role: account.role.as_str(),
                fhir: account.fhir,
            })
        })
        .await;
    match outcome {
        Ok(granted) => Ok(granted),
        Err(RefreshError::Invalid) => Err(
            match app
                .db
                .read(move |read| tokens::why_ended(read.conn(), &presented))
                .await?
            {
                Some(why) => TokenError::Ended(why),
                None => TokenError::Oauth("invalid_grant"),
            },
        ),
        Err(RefreshError::Db(error)) => Err(error.into()),
        Err(RefreshError::Reused) => {
            app.db
                .write(move |tx: &mut Tx<'_>| tokens::revoke_family(tx, &presented))
                .await?;
            Err(TokenError::Oauth("invalid_grant"))
        }
    }
}

/// `None` where a token cannot be signed.
fn answer(app: &App, granted: &Granted) -> Option<Value> {
    let sign_in = &granted.issued.sign_in;
    let access = match &app.settings.token_audience {
        Some(audience) => app
            .keys
            .sign_jwt_as("at+jwt", &access_claims(app, granted, audience))?,
        None => granted.issued.access.clone(),
    };
    let mut body = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": ACCESS_MS / 1000,
        "refresh_token": granted.issued.refresh,
        "scope": sign_in.scope,
    });
    let wants_id = sign_in.scope.split_whitespace().any(|s| s == "openid");
    let id_token = wants_id
        .then(|| app.keys.sign_jwt(&id_claims(app, granted)))
        .flatten();
    if let (Some(id_token), Some(body)) = (id_token, body.as_object_mut()) {
        body.insert("id_token".to_owned(), Value::String(id_token));
    }
    Some(body)
}

/// RFC 9068: an access token that another service can check by our public keys. Role and relations are not in it:
/// that service has its own.
fn access_claims(app: &App, granted: &Granted, audience: &str) -> Value {
    let now = app.clock.now_ms() / 1000;
    json!({
        "iss": app.settings.base_url,
        "sub": granted.issued.sign_in.user_id,
        "preferred_username": granted.username,
        "aud": audience,
        "client_id": granted.issued.sign_in.client,
        "scope": granted.issued.sign_in.scope,
        "jti": random::id(),
        "iat": now,
        "exp": now + ACCESS_MS / 1000,
    })
}

fn id_claims(app: &App, granted: &Granted) -> Value {
    let now = app.clock.now_ms() / 1000;
    let mut claims = json!({
        "iss": app.settings.base_url,
        "sub": granted.issued.sign_in.user_id,
        "aud": granted.issued.sign_in.client,
        "iat": now,
        "exp": now + ACCESS_MS / 1000,
        "name": granted.name,
        "role": granted.role,
    });
    if let Some(claims) = claims.as_object_mut() {
        if !granted.nonce.is_empty() {
            claims.insert("nonce".to_owned(), json!(granted.nonce));
        }
        if let Some(fhir) = &granted.fhir {
            claims.insert(
                "fhirUser".to_owned(),
                json!(format!("{}/fhir/{fhir}", app.settings.base_url)),
            );
        }
    }
    claims
}

#[derive(Deserialize)]
pub(super) struct RevokeForm {
    #[serde(default)]
    token: String,
}

/// RFC 7009: revokes the whole sign-in that a token belongs to; an unknown token is no error.
pub(super) async fn revoke(State(app): State<App>, Form(form): Form<RevokeForm>) -> Response {
    let done: Result<(), DbError> = app
        .db
        .write(move |tx: &mut Tx<'_>| {
            if let Some(found) = token::get(tx.conn(), &tokens::hash(&form.token))? {
                if let Some(account) = user::by_id(tx.conn(), &found.user_id)? {
                    tx.audit(&signin::event(&account, "sign-out", found.device_id.as_deref()))?;
                }
                token::revoke(tx.conn(), Of::Family(&found.family), tx.now_ms())?;
            }
            Ok(())
        })
        .await;
    match done {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => TokenError::Db(error).respond(),
    }
}

pub(super) async fn userinfo(State(app): State<App>, actor: Actor) -> Json<Value> {
    let mut body = json!({"sub": actor.user.as_str(), "name": actor.name, "role": actor.role.as_str()});
    if let (Some(fhir), Some(body)) = (&actor.fhir, body.as_object_mut()) {
        body.insert(
            "fhirUser".to_owned(),
            json!(format!("{}/fhir/{fhir}", app.settings.base_url)),
        );
    }
    Json(body)
}
