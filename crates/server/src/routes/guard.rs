//! What every request passes: the token becomes an [`Actor`], the role is checked, headers are set.

use super::outcome::Refusal;
use super::{signal, Access};
use crate::app::App;
use crate::auth::external::{ExternalError, ExternalIssuer};
use crate::auth::{tokens, Actor};
use crate::db::{DbError, Tx};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, SEC_WEBSOCKET_PROTOCOL, STRICT_TRANSPORT_SECURITY, UPGRADE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hms_model::role::Role;

/// What the guard of one route knows.
#[derive(Debug, Clone)]
pub struct GuardState {
    /// The server.
    pub app: App,
    /// Who may call the route.
    pub access: Access,
}

/// Lets a request through to its handler, or refuses it.
pub async fn check(State(guard): State<GuardState>, mut request: Request, next: Next) -> Response {
    let fhir = request.uri().path().starts_with("/fhir");
    if guard.access != Access::Public {
        let token = bearer(request.headers()).or_else(|| socket_bearer(&request));
        match authenticate(&guard.app, token).await {
            Ok(Some(actor)) if may(guard.access, actor.role) => {
                request.extensions_mut().insert(actor);
            }
            Ok(Some(_)) => return Refusal::Forbidden.respond(fhir),
            Ok(None) => return Refusal::SignIn.respond(fhir),
            Err(ExternalError::Db(error)) => {
                tracing::error!(%error, "A token could not be checked");
                return Refusal::Internal.respond(fhir);
            }
            Err(_) => return Refusal::IssuerAway.respond(fhir),
        }
    }
    next.run(request).await
}

fn may(access: Access, role: Role) -> bool {
    match access {
        Access::Public | Access::SignedIn | Access::Policy => true,
        Access::Roles(roles) => roles.contains(&role),
    }
}

/// The actor behind a request's token.
///
/// # Errors
/// A failed statement, or an external issuer that does not answer.
pub async fn authenticate(app: &App, token: Option<&str>) -> Result<Option<Actor>, ExternalError> {
    let Some(token) = token else {
        return Ok(None);
    };
    let now = app.clock.now_ms();
    if let Some(external) = app
        .external
        .as_ref()
        .filter(|_| ExternalIssuer::looks_like_jwt(token))
    {
        return external.authenticate(&app.db, token, now).await;
    }
    let (token, looked_up) = (token.to_owned(), token.to_owned());
    let (actor, first) = app
        .db
        .read(move |read| -> Result<_, DbError> {
            let actor = tokens::authenticate(read.conn(), &looked_up, now)?;
            let first = actor.is_some() && tokens::is_first_use(read.conn(), &looked_up)?;
            Ok((actor, first))
        })
        .await?;
    if first {
        // Once in the life of a token: it tells a refresh that arrived from one whose answer was lost.
        app.db
            .write(move |tx: &mut Tx<'_>| tokens::note_use(tx, &token))
            .await?;
    }
    Ok(actor)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Before the token in the list of a WebSocket's subprotocols. A page in a browser cannot set other headers there, and an
/// address would be written into logs.
const SOCKET_BEARER: &str = "hms.bearer.";

/// The token of a page that opens the WebSocket.
fn socket_bearer(request: &Request) -> Option<&str> {
    let headers = request.headers();
    let headers = (request.uri().path() == signal::SOCKET).then_some(headers)?;
    let is_socket = headers
        .get(UPGRADE)?
        .as_bytes()
        .eq_ignore_ascii_case(b"websocket");
    let offered = headers.get(SEC_WEBSOCKET_PROTOCOL).filter(|_| is_socket)?;
    let mut offered = offered.to_str().ok()?.split(',').map(str::trim);
    offered.find_map(|protocol| protocol.strip_prefix(SOCKET_BEARER))
}

/// One line for each request: the route's pattern, never the address with its ids and queries.
pub async fn log(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let begun = std::time::Instant::now();
    let response = next.run(request).await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(%method, route, status = response.status().as_u16(), duration_ms, "Answered a request");
    response
}

/// Headers that every answer carries: nothing is cached, nothing is guessed.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await.into_response();
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    );
    response
}
