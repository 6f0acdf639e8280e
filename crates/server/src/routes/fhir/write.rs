//! Create, update, update-as-create, patch and delete; create, update and delete also by criteria.

use super::answer::{self, FhirAnswer};
use super::binary;
use crate::app::App;
use crate::auth::Actor;
use crate::db::{Precondition, Prepared, Put, Tx};
use crate::fhir::interact::{self, Created};
use crate::fhir::patch::JsonPatch;
use crate::fhir::query::pairs;
use crate::fhir::transaction::etag;
use crate::fhir::Problem;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{HeaderName, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

pub(super) async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> FhirAnswer {
    let mut resource = parse(&kind, &headers, &body)?;
    // A create gets the server's id, whatever the sender wrote; now, so that indexing happens here and not in
    // the one writer.
    let id = crate::random::id();
    if let Some(object) = resource.as_object_mut() {
        object.insert("id".to_owned(), Value::String(id.clone()));
    }
    let condition = headers
        .get(HeaderName::from_static("if-none-exist"))
        .map(|value| {
            let text = value
                .to_str()
                .map_err(|_| Problem::Bad("If-None-Exist cannot be read".to_owned()))?;
            interact::condition(&kind, &pairs(text.trim_start_matches('?')))
        })
        .transpose()?;
    let prepared = Prepared::new(resource)?;
    let done = app
        .db
        .write(move |tx: &mut Tx<'_>| interact::create_as(tx, &actor, prepared, condition.as_ref(), id))
        .await?;
    match done {
        Created::New(put) => Ok(answer::put(&app, &headers, &put)),
        Created::Existing(stored) => answer::stored(&stored),
    }
}

pub(super) async fn update(
    State(app): State<App>,
    actor: Actor,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> FhirAnswer {
    let mut resource = parse(&kind, &headers, &body)?;
    if kind == "Binary" && resource.get("id").is_none() {
        // Raw bytes carry no id; the address does.
        if let Some(object) = resource.as_object_mut() {
            object.insert("id".to_owned(), Value::String(id.clone()));
        }
    }
    if resource.get("id").and_then(Value::as_str) != Some(&id) {
        return Err(Problem::Bad(
            "the id in the address and in the resource differ".to_owned(),
        ));
    }
    let precondition = match (answer::if_match(&headers)?, answer::if_none_match(&headers)) {
        (Some(version), _) => Precondition::Version(version),
        (None, Some("*")) => Precondition::Absent,
        (None, _) => Precondition::None,
    };
    let prepared = Prepared::new(resource)?;
    let put = app
        .db
        .write(move |tx: &mut Tx<'_>| interact::update(tx, &actor, prepared, precondition))
        .await?;
    Ok(answer::put(&app, &headers, &put))
}

pub(super) async fn delete(
    State(app): State<App>,
    actor: Actor,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> FhirAnswer {
    let version = answer::if_match(&headers)?;
    let done = app
        .db
        .write(move |tx: &mut Tx<'_>| interact::delete(tx, &actor, &kind, &id, version))
        .await?;
    Ok(deleted(done))
}

pub(super) async fn update_where(
    State(app): State<App>,
    actor: Actor,
    Path(kind): Path<String>,
    RawQuery(criteria): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> FhirAnswer {
    let resource = parse(&kind, &headers, &body)?;
    let query = interact::condition(&kind, &pairs(&criteria.unwrap_or_default()))?;
    let version = answer::if_match(&headers)?;
    let put = app
        .db
        .write(move |tx: &mut Tx<'_>| interact::update_where(tx, &actor, resource, &query, version))
        .await?;
    Ok(answer::put(&app, &headers, &put))
}

pub(super) async fn delete_where(
    State(app): State<App>,
    actor: Actor,
    Path(kind): Path<String>,
    RawQuery(criteria): RawQuery,
    headers: HeaderMap,
) -> FhirAnswer {
    let query = interact::condition(&kind, &pairs(&criteria.unwrap_or_default()))?;
    let version = answer::if_match(&headers)?;
    let done = app
        .db
        .write(move |tx: &mut Tx<'_>| interact::delete_where(tx, &actor, &query, version))
        .await?;
    Ok(deleted(done))
}

pub(super) async fn patch(
    State(app): State<App>,
    actor: Actor,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> FhirAnswer {
    let media = headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split(';').next())
        .unwrap_or_default();
    if media.trim() != "application/json-patch+json" {
        return Err(Problem::Media("a patch is sent as application/json-patch+json"));
    }
    let version = answer::if_match(&headers)?;
    let patch = JsonPatch::read(&body)?;
    let put = app
        .db
        .write(move |tx: &mut Tx<'_>| interact::patch(tx, &actor, (&kind, &id), &patch, version))
        .await?;
    Ok(answer::put(&app, &headers, &put))
}

fn deleted(done: Option<Put>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(value) = done.and_then(|put| HeaderValue::from_str(&etag(put.version)).ok()) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}

/// A body as a resource of the type in the address; for Binary any other content type is its bytes.
fn parse(kind: &str, headers: &HeaderMap, body: &Bytes) -> Result<Value, Problem> {
    if kind == "Binary" && !binary::is_fhir(headers) {
        return binary::wrap(headers, body);
    }
    let resource: Value = serde_json::from_slice(body)
        .map_err(|e| Problem::Bad(format!("not JSON: line {}, column {}", e.line(), e.column())))?;
    if resource.get("resourceType").and_then(Value::as_str) == Some(kind) {
        Ok(resource)
    } else {
        Err(Problem::Bad(
            "the type in the address and in the resource differ".to_owned(),
        ))
    }
}
