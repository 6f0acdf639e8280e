//! FHIR R4 REST under `/fhir`.

mod answer;
mod audit;
mod binary;
mod bundle;
mod capability;
mod history;
mod read;
mod search;
mod write;

use super::{route, Access, Route};
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::routing::{delete, get, patch, post, put};

pub use answer::FhirAnswer;
pub use capability::rest_types;

/// The largest body: a photo of 20 MB in base64, with room around it.
pub const MAX_BODY: usize = 32 * 1024 * 1024;

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    let policy = Access::Policy;
    let mut rows = vec![
        route(
            Method::GET,
            "/fhir/metadata",
            Access::Public,
            get(capability::show),
        ),
        route(Method::POST, "/fhir", policy, post(bundle::carry_out)),
        route(Method::POST, "/fhir/", policy, post(bundle::carry_out)),
        route(Method::GET, "/fhir/_history", policy, get(history::system)),
        route(Method::GET, "/fhir/{kind}", policy, get(search::by_get)),
        route(Method::POST, "/fhir/{kind}", policy, post(write::create)),
        route(Method::PUT, "/fhir/{kind}", policy, put(write::update_where)),
        route(
            Method::DELETE,
            "/fhir/{kind}",
            policy,
            delete(write::delete_where),
        ),
        route(Method::PATCH, "/fhir/{kind}/{id}", policy, patch(write::patch)),
        route(
            Method::POST,
            "/fhir/{kind}/_search",
            policy,
            post(search::by_post),
        ),
        route(
            Method::GET,
            "/fhir/{kind}/_history",
            policy,
            get(history::of_type),
        ),
        route(Method::GET, "/fhir/{kind}/{id}", policy, get(read::read)),
        route(Method::PUT, "/fhir/{kind}/{id}", policy, put(write::update)),
        route(Method::DELETE, "/fhir/{kind}/{id}", policy, delete(write::delete)),
        route(
            Method::GET,
            "/fhir/{kind}/{id}/_history",
            policy,
            get(history::of_instance),
        ),
        route(
            Method::GET,
            "/fhir/{kind}/{id}/_history/{version}",
            policy,
            get(read::vread),
        ),
    ];
    for row in &mut rows {
        row.handler = std::mem::take(&mut row.handler).layer(DefaultBodyLimit::max(MAX_BODY));
    }
    rows
}
