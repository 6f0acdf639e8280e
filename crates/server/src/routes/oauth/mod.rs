//! Sign-in: the OpenID Connect issuer and its pages.

mod authorize;
mod device;
pub(super) mod page;
mod token;
mod welcome;
mod well_known;

use super::{route, Access, Route};
use axum::extract::DefaultBodyLimit;
use axum::http::request::Parts;
use axum::http::Method;
use axum::routing::{get, post};
use std::net::SocketAddr;

/// The largest form of a sign-in, in bytes.
const LARGEST_FORM: usize = 16 * 1024;

/// What a browser needs to sign in.
#[must_use]
pub fn pages() -> Vec<Route> {
    small(vec![
        route(
            Method::GET,
            "/.well-known/openid-configuration",
            Access::Public,
            get(well_known::configuration),
        ),
        route(
            Method::GET,
            "/oauth/jwks.json",
            Access::Public,
            get(well_known::jwks),
        ),
        route(Method::GET, "/oauth/style.css", Access::Public, get(page::style)),
        route(
            Method::GET,
            "/oauth/authorize",
            Access::Public,
            get(authorize::show),
        ),
        route(
            Method::POST,
            "/oauth/authorize",
            Access::Public,
            post(authorize::submit),
        ),
        route(Method::GET, "/oauth/device", Access::Public, get(device::show)),
        route(
            Method::POST,
            "/oauth/device",
            Access::Public,
            post(device::submit),
        ),
        route(Method::GET, "/oauth/welcome", Access::Public, get(welcome::show)),
        route(
            Method::POST,
            "/oauth/welcome",
            Access::Public,
            post(welcome::submit),
        ),
    ])
}

/// What a program needs to get and give back tokens.
#[must_use]
pub fn endpoints() -> Vec<Route> {
    small(vec![
        route(
            Method::POST,
            "/oauth/token",
            Access::Public,
            post(token::exchange),
        ),
        route(
            Method::POST,
            "/oauth/device_authorization",
            Access::Public,
            post(device::begin),
        ),
        route(Method::POST, "/oauth/revoke", Access::Public, post(token::revoke)),
        route(
            Method::GET,
            "/oauth/userinfo",
            Access::SignedIn,
            get(token::userinfo),
        ),
    ])
}

/// A sign-in has no long forms, and whoever sends one is not signed in.
fn small(mut rows: Vec<Route>) -> Vec<Route> {
    for row in &mut rows {
        row.handler = row.handler.clone().layer(DefaultBodyLimit::max(LARGEST_FORM));
    }
    rows
}

/// The address of the caller, as far as it is known; only for counting failures.
fn address(parts: &Parts) -> String {
    parts
        .extensions
        .get::<axum::extract::ConnectInfo<SocketAddr>>()
        .map_or_else(|| "unknown".to_owned(), |info| info.0.ip().to_string())
}

/// The caller's address as an argument of a handler.
pub(super) struct Address(pub(super) String);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(address(parts)))
    }
}
