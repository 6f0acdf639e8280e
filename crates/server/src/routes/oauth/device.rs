//! RFC 8628: signing in a device that has no browser, from another one that has.

use super::authorize::{explain, internal};
use super::page::{message, Field, FormPage, Language};
use super::token::{self, Granted, TokenError, TokenForm};
use super::Address;
use crate::app::App;
use crate::auth::signin::{self, SignInError};
use crate::auth::{oidc, tokens};
use crate::db::sqlite::table::grant::{self, GrantRow};
use crate::db::{DbError, Tx};
use crate::random;
use axum::extract::{Form, Query, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::Json;
use hms_model::secret::Secret;
use serde::Deserialize;
use serde_json::json;

/// How long a person has to approve.
const DEVICE_MS: i64 = 10 * 60 * 1000;
/// Seconds between two polls.
const INTERVAL: i64 = 2;

/// The longest list of scopes, in bytes: it is kept until the code expires.
const SCOPE_AT_MOST: usize = 512;

#[derive(Deserialize)]
pub(super) struct BeginForm {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    scope: String,
}

pub(super) async fn begin(
    State(app): State<App>,
    Address(address): Address,
    Form(form): Form<BeginForm>,
) -> Response {
    if form.client_id != oidc::CLIENT_ID {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_client"}))).into_response();
    }
    if form.scope.len() > SCOPE_AT_MOST {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_scope"}))).into_response();
    }
    if let Err(seconds) = app.attempts.begin_code(&address, app.clock.now_ms()) {
        return (
            StatusCode::TOO_MANY_REQUESTS,
            [(RETRY_AFTER, seconds.to_string())],
            Json(json!({"error": "slow_down"})),
        )
            .into_response();
    }
    let (code, user_code) = (random::token("hms_dc_"), random::user_code());
    let row = GrantRow {
        hash: tokens::hash(&code),
        kind: "device".to_owned(),
        user_code: Some(user_code.clone()),
        user_id: None,
        detail: json!({"scope": form.scope}).to_string(),
        expires_ms: app.clock.now_ms() + DEVICE_MS,
        polled_ms: None,
        used_ms: None,
        family: None,
    };
    let kept: Result<(), DbError> = app
        .db
        .write(move |tx: &mut Tx<'_>| grant::insert(tx.conn(), &row))
        .await;
    if let Err(error) = kept {
        tracing::error!(%error, "A device code could not be kept");
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            Json(json!({"error": "server_error"})),
        )
            .into_response();
    }
    let page = format!("{}/oauth/device", app.settings.sign_in_base());
    Json(json!({
        "device_code": code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": DEVICE_MS / 1000,
        "interval": INTERVAL,
    }))
    .into_response()
}

#[derive(Deserialize)]
pub(super) struct DevicePage {
    #[serde(default)]
    user_code: String,
    #[serde(default)]
    ui_locales: String,
}

pub(super) async fn show(Query(query): Query<DevicePage>, headers: HeaderMap) -> Response {
    let language = Language::wished(&query.ui_locales, &headers);
    form(language, &query.user_code, "", None, StatusCode::OK)
}

#[derive(Deserialize)]
pub(super) struct ApproveForm {
    #[serde(default)]
    user_code: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    ui_locales: String,
}

pub(super) async fn submit(
    State(app): State<App>,
    Address(address): Address,
    headers: HeaderMap,
    Form(data): Form<ApproveForm>,
) -> Response {
    let language = Language::wished(&data.ui_locales, &headers);
    let account = match signin::check(&app, &data.username, Secret::new(data.password), &address).await {
        Ok(account) => account,
        Err(SignInError::Db(error)) => return internal(language, &error),
        Err(error) => {
            let text = explain(language, &error);
            return form(
                language,
                &data.user_code,
                &data.username,
                Some(text),
                StatusCode::UNAUTHORIZED,
            );
        }
    };
    let code = normalise(&data.user_code);
    let approved: Result<bool, DbError> = app
        .db
        .write(move |tx: &mut Tx<'_>| {
            let found = grant::by_user_code(tx.conn(), &code)?
                .filter(|g| g.expires_ms > tx.now_ms() && g.used_ms.is_none() && g.user_id.is_none());
            match found {
                Some(found) => grant::approve(tx.conn(), &found.hash, &account.id).map(|()| true),
                None => Ok(false),
            }
        })
        .await;
    match approved {
        Ok(true) => message(
            language,
            StatusCode::OK,
            language.pick("Signed in", "Sesión iniciada"),
            language.pick(
                "The other device is signed in. You can close this page.",
                "El otro dispositivo ha iniciado sesión. Puede cerrar esta página.",
            ),
        ),
        Ok(false) => {
            let text = language.pick(
                "This code is not known or is too old. Look at the other device for a new one.",
                "Este código no se conoce o ya venció. Mire el otro dispositivo para obtener uno nuevo.",
            );
            form(
                language,
                "",
                &data.username,
                Some(text.to_owned()),
                StatusCode::BAD_REQUEST,
            )
        }
        Err(error) => internal(language, &error),
    }
}

/// Exchanges a device code, once a person has approved it.
pub(super) async fn redeem(app: &App, address: &str, request: TokenForm) -> Result<Granted, TokenError> {
    enum Poll {
        Done(Box<Granted>),
        NotYet(&'static str),
    }
    let outcome = app
        .db
        .write(move |tx: &mut Tx<'_>| -> Result<Poll, TokenError> {
            let hash = tokens::hash(&request.device_code);
            let found = grant::get(tx.conn(), "device", &hash)?.ok_or(TokenError::Oauth("invalid_grant"))?;
            let now = tx.now_ms();
            if found.used_ms.is_some() {
                return Err(TokenError::Reused {
                    family: found.family.unwrap_or_default(),
                });
            }
            if found.expires_ms <= now {
                return Err(TokenError::Oauth("expired_token"));
            }
            let Some(user_id) = found.user_id else {
                // Half a second of leeway: networks bunch polls together.
                let too_soon = found.polled_ms.is_some_and(|at| now - at < INTERVAL * 1000 - 500);
                grant::polled(tx.conn(), &hash, now)?;
                return Ok(Poll::NotYet(if too_soon {
                    "slow_down"
                } else {
                    "authorization_pending"
                }));
            };
            let detail: serde_json::Value = serde_json::from_str(&found.detail).map_err(DbError::Body)?;
            let scope = detail
                .get("scope")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default();
            token::sign_in(tx, &hash, &user_id, &request, scope, String::new())
                .map(|g| Poll::Done(Box::new(g)))
        })
        .await?;
    match outcome {
        Poll::Done(granted) => {
            app.attempts.code_redeemed(address);
            Ok(*granted)
        }
        Poll::NotYet(code) => Err(TokenError::Oauth(code)),
    }
}

/// What a person typed, in the form in which codes are kept: capitals with a dash in the middle.
fn normalise(typed: &str) -> String {
    let letters: String = typed
        .chars()
        .filter(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_uppercase();
    match (letters.get(..4), letters.get(4..)) {
        (Some(head), Some(tail)) => format!("{head}-{tail}"),
        _ => letters,
    }
}

fn form(
    language: Language,
    user_code: &str,
    username: &str,
    error: Option<String>,
    status: StatusCode,
) -> Response {
    FormPage {
        language,
        heading: language.pick("Sign in another device", "Iniciar sesión en otro dispositivo"),
        intro: language.pick(
            "Type the code that the other device shows. Only go on if you have that device in front of you.",
            "Escriba el código que muestra el otro dispositivo. Continúe solo si tiene ese dispositivo delante.",
        ),
        error,
        action: "/oauth/device",
        hidden: vec![("ui_locales", language.pick("en", "es"))],
        fields: vec![
            Field { name: "user_code", kind: "text", label: language.pick("Code", "Código"), autocomplete: "one-time-code", value: user_code },
            Field { name: "username", kind: "text", label: language.pick("Name", "Nombre de usuario"), autocomplete: "username", value: username },
            Field { name: "password", kind: "password", label: language.pick("Password", "Contraseña"), autocomplete: "current-password", value: "" },
        ],
        button: language.pick("Sign in", "Iniciar sesión"),
        leads_to: None,
    }
    .respond(status)
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn a_code_is_taken_however_it_is_typed() {
        for typed in ["bcdf-ghjk", "BCDF GHJK", "bcdfghjk "] {
            assert_eq!(normalise(typed), "BCDF-GHJK");
        }
        assert_eq!(normalise("é"), "");
    }
}
