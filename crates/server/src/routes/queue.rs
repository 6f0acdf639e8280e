//! `GET /api/queue/signals`: how each patient is linked now, for the queue's signal column.

use super::outcome::Refusal;
use super::{route, Access, Route};
use crate::app::App;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::DbError;
use crate::service::sync::scope::Scope;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::Json;
use hms_model::role::Role;
use hms_model::time::Timestamp;
use serde::Serialize;

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    const STAFF: &[Role] = &[Role::Clinician, Role::Nurse];
    vec![route(
        Method::GET,
        "/api/queue/signals",
        Access::Roles(STAFF),
        get(signals),
    )]
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
