//! `GET /api/session`, `GET /api/hello` and the devices of an account.

use super::outcome::Refusal;
use super::{route, Access, Route};
use crate::app::App;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::DbError;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::Json;
use hms_model::wire::session::{WireHello, WireSession};

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "/api/hello", Access::Public, get(hello)),
        route(Method::GET, "/api/session", Access::SignedIn, get(session)),
    ]
}

async fn hello(State(app): State<App>) -> Json<WireHello> {
    Json(WireHello {
        hpke_public_key: app.keys.hpke_public_key(),
        issuer: app
            .settings
            .issuer
            .clone()
            .unwrap_or_else(|| app.settings.base_url.clone()),
        now: app.clock.now().to_instant(),
        help_phone: app.settings.help_phone.clone(),
        demo: app.settings.demo,
    })
}

async fn session(State(app): State<App>, actor: Actor) -> Response {
    let site = actor.site.clone().or_else(|| actor.district.clone());
    let name = app
        .db
        .read(move |read| -> Result<Option<String>, DbError> {
            let Some(site) = site else { return Ok(None) };
            let found = table::resource::get(read.conn(), "Organization", &site)?;
            let value = found.map(|s| s.value()).transpose()?;
            Ok(value.and_then(|v| v.get("name")?.as_str().map(str::to_owned)))
        })
        .await;
    match name {
        Ok(site) => Json(WireSession {
            user: actor.user.to_string(),
            role: actor.role,
            name: actor.name,
            fhir: actor.fhir.unwrap_or_default(),
            site,
            hpke_public_key: app.keys.hpke_public_key(),
            now: app.clock.now().to_instant(),
            offline_days: Some(app.settings.offline_days).filter(|days| *days > 0),
        })
        .into_response(),
        Err(error) => {
            tracing::error!(%error, "The site of an account could not be read");
            Refusal::Internal.respond(false)
        }
    }
}
