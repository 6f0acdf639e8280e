//! `POST /api/sealed`: reports without sign-in. `POST /api/recover`: the key of a device's store, after a forgotten PIN.

use super::oauth::Address;
use super::outcome::Refusal;
use super::{route, Access, Route};
use crate::app::App;
use crate::audit::{AuditAction, AuditEntry};
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::DbError;
use crate::service::sealed;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::Json;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::wire::session::{WireSealed, WireSealedResult};
use serde::Deserialize;
use serde_json::json;

/// The largest request.
const LARGEST: usize = 8 * 1024 * 1024;
/// The most entries in one request.
const MOST_ENTRIES: usize = 50;
/// How old a sign-in may be that gets a key back.
const FRESH_MS: i64 = 5 * 60 * 1000;
/// `info` of the HPKE context of the sealed key; `aad` is the device id.
const RECOVERY_INFO: &[u8] = b"hms-ach database key recovery v1";

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![
        route(
            Method::POST,
            "/api/sealed",
            Access::Public,
            post(take).layer(DefaultBodyLimit::max(LARGEST)),
        ),
        route(
            Method::POST,
            "/api/recover",
            Access::SignedIn,
            post(recover).layer(DefaultBodyLimit::max(4096)),
        ),
    ]
}

async fn take(State(app): State<App>, Address(from): Address, body: Bytes) -> Response {
    let Ok(entries) = serde_json::from_slice::<Vec<WireSealed>>(&body) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "the body is a JSON array of sealed entries",
        );
    };
    if entries.len() > MOST_ENTRIES {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-many",
            "at most 50 entries in one request",
        );
    }
    if !app.sealed_gate.admit(&from, entries.len(), app.clock.now_ms()) {
        let mut response = refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "slow-down",
            "try again in a minute",
        );
        response
            .headers_mut()
            .insert(RETRY_AFTER, axum::http::HeaderValue::from_static("60"));
        return response;
    }
    let mut results: Vec<WireSealedResult> = Vec::with_capacity(entries.len());
    for entry in entries {
        results.push(sealed::take(&app, entry).await);
    }
    Json(results).into_response()
}

/// A key that a device sealed to the server for itself: the account, a line feed, and the key.
#[derive(Debug, Deserialize)]
struct WireSealedKey {
    device: String,
    enc: String,
    ciphertext: String,
}

/// Gives back the key of a device's store. The server keeps no copy: the device sends it sealed, and it is opened only
/// for the account in it, and only just after a sign-in.
async fn recover(State(app): State<App>, actor: Actor, Json(sealed): Json<WireSealedKey>) -> Response {
    // A token that was given to a device speaks for that one only.
    if actor
        .device
        .as_ref()
        .is_some_and(|bound| bound.as_str() != sealed.device)
    {
        return refuse(
            StatusCode::FORBIDDEN,
            "other-device",
            "this sign-in is on another device",
        );
    }
    let (family, now) = (actor.family.clone(), app.clock.now_ms());
    let began = app
        .db
        .read(move |read| table::token::family_began(read.conn(), &family))
        .await;
    let fresh = match began {
        Ok(began) => began.is_some_and(|at| now - at <= FRESH_MS),
        Err(error) => return internal(&error),
    };
    let opened = if fresh { open(&app, &actor, &sealed) } else { None };
    let audit = AuditEntry {
        action: AuditAction::Execute,
        subtype: "recover-key",
        ok: opened.is_some(),
        agent: actor.audit_agent(),
        patient: None,
        entity: Some("device key".to_owned()),
        count: None,
    };
    if let Err(error) = app.db.write(move |tx| tx.audit(&audit)).await {
        return internal(&error);
    }
    match opened {
        Some(text) => Json(json!({ "key": STANDARD.encode(text) })).into_response(),
        None if fresh => refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unreadable",
            "not sealed to this server for this account",
        ),
        None => refuse(
            StatusCode::FORBIDDEN,
            "sign-in-again",
            "sign in again first; five minutes have passed",
        ),
    }
}

/// What was sealed, where it names this account.
fn open(app: &App, actor: &Actor, sealed: &WireSealedKey) -> Option<Vec<u8>> {
    let enc = STANDARD.decode(&sealed.enc).ok()?;
    let ciphertext = STANDARD.decode(&sealed.ciphertext).ok()?;
    let text = app
        .keys
        .unseal_for(RECOVERY_INFO, sealed.device.as_bytes(), &enc, &ciphertext)
        .ok()?;
    let at = text.iter().position(|byte| *byte == b'\n')?;
    (text.get(..at)? == actor.user.as_str().as_bytes()).then_some(text)
}

fn refuse(status: StatusCode, code: &str, text: &str) -> Response {
    (status, Json(json!({ "error": code, "message": text }))).into_response()
}

fn internal(error: &DbError) -> Response {
    tracing::error!(%error, "A key could not be recovered");
    Refusal::Internal.respond(false)
}
