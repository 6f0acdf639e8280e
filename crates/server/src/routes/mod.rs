//! The table of routes. A route exists only as a row that says who may call it; the router is made from the rows.

pub mod admin;
mod coded;
mod compress;
mod digest;
pub mod fhir;
pub mod guard;
pub mod oauth;
pub mod outcome;
mod quality;
pub mod queue;
pub mod relay;
pub mod sealed;
pub mod session;
pub mod signal;
pub mod staff;
pub mod sync;
pub mod uploads;

use crate::app::App;
use axum::http::Method;
use axum::routing::MethodRouter;
use axum::{middleware, Router};
use hms_model::role::Role;
use std::time::Duration;
use tower_http::timeout::RequestBodyTimeoutLayer;

/// How long a body may pause. A phone on a bad link is silent for some seconds, not for so long.
const BODY_PAUSE: Duration = Duration::from_secs(30);

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; the handler gives away nothing of a person.
    Public,
    /// Anybody who is signed in.
    SignedIn,
    /// These roles.
    Roles(&'static [Role]),
    /// Anybody who is signed in, and then the policy decides for each resource.
    Policy,
}

/// One row: a method, a path, who may call it, and what it does.
#[derive(Clone)]
pub struct Route {
    /// HTTP method.
    pub method: Method,
    /// Path with `{parameters}`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub handler: MethodRouter<App>,
}

/// Makes a row.
#[must_use]
pub fn route(method: Method, path: &'static str, access: Access, handler: MethodRouter<App>) -> Route {
    Route {
        method,
        path,
        access,
        handler,
    }
}

/// Every route of the server.
#[must_use]
pub fn all() -> Vec<Route> {
    let mut rows = sign_in_pages();
    rows.extend(oauth::endpoints());
    rows.extend(session::routes());
    rows.extend(admin::routes());
    rows.extend(fhir::routes());
    rows.extend(sync::routes());
    rows.extend(coded::routes());
    rows.extend(sealed::routes());
    rows.extend(uploads::routes());
    rows.extend(signal::routes());
    rows.extend(queue::routes());
    rows.extend(quality::routes());
    rows.extend(relay::routes());
    rows.extend(staff::routes());
    rows
}

/// The routes that a browser needs to sign in.
#[must_use]
pub fn sign_in_pages() -> Vec<Route> {
    oauth::pages()
}

/// The router over a list of rows.
pub fn router(app: &App, rows: Vec<Route>) -> Router {
    router_that_waits(app, rows, BODY_PAUSE)
}

/// [`router`] with another patience for bodies that pause.
pub fn router_that_waits(app: &App, rows: Vec<Route>, pause: Duration) -> Router {
    let mut router = Router::new();
    for row in rows {
        let state = guard::GuardState {
            app: app.clone(),
            access: row.access,
        };
        let handler = if compress::may_be(row.path) {
            row.handler.layer(compress::layer())
        } else {
            row.handler
        };
        let handler = handler.route_layer(middleware::from_fn_with_state(state, guard::check));
        router = router.route(row.path, handler);
    }
    router
        .fallback(outcome::not_found)
        .method_not_allowed_fallback(outcome::method_not_allowed)
        // A body that trickles in would hold memory and a connection for as long as its sender likes.
        .layer(RequestBodyTimeoutLayer::new(pause))
        .layer(middleware::from_fn(guard::log))
        .layer(middleware::from_fn(guard::headers))
        .with_state(app.clone())
}
