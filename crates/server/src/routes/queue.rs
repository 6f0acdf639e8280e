//! `GET /api/queue/signals`: how each patient is linked now, for the queue's signal column.
//! `POST /api/reports/{id}/person`: whose a report is that names a person only in words.

use super::outcome::Refusal;
use super::{route, Access, Route};
use crate::app::App;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::DbError;
use crate::fhir::Problem;
use crate::service::identify::{self, Named};
use crate::service::sync::scope::Scope;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::Json;
use hms_model::role::Role;
use hms_model::time::Timestamp;
use serde::Serialize;
use serde_json::json;

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    const STAFF: &[Role] = &[Role::Clinician, Role::Nurse];
    vec![
        route(
            Method::GET,
            "/api/queue/signals",
            Access::Roles(STAFF),
            get(signals),
        ),
        route(
            Method::POST,
            "/api/reports/{id}/person",
            Access::Roles(STAFF),
            post(person).layer(DefaultBodyLimit::max(4096)),
        ),
    ]
}

/// One patient's link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WireSignal {
    /// Patient id.
    pub patient: String,
    /// Whether a device of theirs is connected to the signalling now.
    pub connected: bool,
    /// Round trip, as their device told it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<u32>,
    /// Lost share in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_permille: Option<u32>,
    /// When a sync of theirs last ran to its end: FHIR instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync: Option<String>,
}

async fn person(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    named: Result<Json<Named>, JsonRejection>,
) -> Response {
    let Ok(Json(named)) = named else {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "number-and-name-expected");
    };
    let (guess, account) = (&app.attempts.persons, actor.user.to_string());
    let wait = guess.wait_ms(&account, app.clock.now_ms());
    if wait > 0 {
        let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, "slow-down");
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from((wait + 999) / 1000));
        return response;
    }
    let told = app
        .db
        .write(move |tx| identify::identify(tx, &actor, &id, &named))
        .await;
    match told {
        Ok(Some(patient)) => {
            guess.succeeded(&account);
            Json(json!({ "patient": patient })).into_response()
        }
        Ok(None) => {
            guess.failed(&account, app.clock.now_ms());
            refuse(StatusCode::UNPROCESSABLE_ENTITY, "nobody-fits")
        }
        Err(Problem::Conflict(code)) => refuse(StatusCode::CONFLICT, code),
        Err(Problem::NotFound) => Refusal::NotFound.respond(false),
        Err(problem) => {
            tracing::error!(%problem, "A report could not be given to its person");
            Refusal::Internal.respond(false)
        }
    }
}

fn refuse(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({ "error": code }))).into_response()
}

async fn signals(State(app): State<App>, actor: Actor) -> Response {
    let connected = app.signal.connected();
    let rows = app
        .db
        .read(move |read| -> Result<Vec<WireSignal>, DbError> {
            let mut scope = Scope::new(read.conn(), &actor);
            let mut signals = Vec::new();
            for row in table::link::of_patients(read.conn())? {
                let known = row.rtt_ms.is_some() || row.last_sync.is_some() || connected.contains(&row.user);
                if known && scope.facts(&row.patient)?.any(actor.role) {
                    signals.push(WireSignal {
                        connected: connected.contains(&row.user),
                        patient: row.patient,
                        rtt_ms: row.rtt_ms,
                        loss_permille: row.loss_permille,
                        last_sync: row.last_sync.map(|at| Timestamp(at).to_instant()),
                    });
                }
            }
            Ok(signals)
        })
        .await;
    match rows {
        Ok(rows) => Json(rows).into_response(),
        Err(error) => {
            tracing::error!(%error, "The links of the queue could not be read");
            Refusal::Internal.respond(false)
        }
    }
}
