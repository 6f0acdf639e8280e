//! `POST /api/visits/{id}/quality`: how a visit went for one of its two sides, in figures alone.

use super::outcome::Refusal;
use super::{route, Access, Route};
use crate::app::App;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::{DbError, Tx};
use crate::service::write;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::Json;
use hms_model::map::{id_in, text_at};
use hms_model::wire::quality::{QualitySide, WireQuality};
use serde_json::{json, Value};

/// The longest body: a record is some 600 bytes.
const BODY_AT_MOST: usize = 4096;

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![route(
        Method::POST,
        "/api/visits/{id}/quality",
        Access::SignedIn,
        post(keep).layer(DefaultBodyLimit::max(BODY_AT_MOST)),
    )]
}

async fn keep(
    State(app): State<App>,
    actor: Actor,
    Path(visit): Path<String>,
    told: Result<Json<WireQuality>, JsonRejection>,
) -> Response {
    let told = match told {
        Ok(Json(told)) if told.is_possible() => told,
        Ok(_) | Err(_) => {
            let body = Json(json!({ "error": "no-such-figures" }));
            return (StatusCode::UNPROCESSABLE_ENTITY, body).into_response();
        }
    };
    let kept = app.db.write(move |tx| keep_in(tx, &actor, &visit, &told)).await;
    match kept {
        Ok(Some(true)) => StatusCode::CREATED.into_response(),
        // Told again, because the answer to the first time was lost.
        Ok(Some(false)) => StatusCode::OK.into_response(),
        Ok(None) => Refusal::NotFound.respond(false),
        Err(error) => {
            tracing::error!(%error, "How a visit went was not kept");
            Refusal::Internal.respond(false)
        }
    }
}

/// `None` where there is no such visit, or not of this person on this side: which of these is nobody's business.
fn keep_in(tx: &mut Tx<'_>, actor: &Actor, visit: &str, told: &WireQuality) -> Result<Option<bool>, DbError> {
    let Some((_, encounter)) = write::live(tx, "Encounter", visit)? else {
        return Ok(None);
    };
    if side_of(actor, &encounter) != Some(told.side) {
        return Ok(None);
    }
    let side = match told.side {
        QualitySide::Caller => "caller",
        QualitySide::Called => "called",
    };
    let body = json!(told).to_string();
    table::quality::keep(tx.conn(), visit, side, &body, tx.now_ms()).map(Some)
}

/// The side of a virtual visit that was held on which this person was.
fn side_of(actor: &Actor, encounter: &Value) -> Option<QualitySide> {
    let held = matches!(text_at(encounter, &["status"]), Some("in-progress" | "finished"));
    if !held || text_at(encounter, &["class", "code"]) != Some("VR") {
        return None;
    }
    let patient = id_in(encounter.get("subject")?, "Patient");
    if actor.patient().is_some_and(|own| Some(own.as_str()) == patient) {
        return Some(QualitySide::Called);
    }
    let own = actor.practitioner()?;
    let mut participants = encounter.get("participant")?.as_array()?.iter();
    participants
        .any(|p| p.get("individual").and_then(|who| id_in(who, "Practitioner")) == Some(own.as_str()))
        .then_some(QualitySide::Caller)
}
