//! Answers in FHIR's form.

use crate::app::App;
use crate::db::{Put, Stored};
use crate::fhir::transaction::etag;
use crate::fhir::Problem;
use crate::routes::outcome::fhir_json;
use axum::http::header::{HeaderName, ETAG, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use serde_json::Value;

/// What a handler returns.
pub type FhirAnswer = Result<Response, Problem>;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Problem::Db(error) = &self {
            tracing::error!(%error, source = ?std::error::Error::source(error).map(ToString::to_string), "A request failed in the database");
        }
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        fhir_json(status, &self.outcome())
    }
}

/// The address of the FHIR service, with a slash at the end.
pub fn base(app: &App) -> String {
    format!("{}/fhir/", app.settings.base_url)
}

/// A stored version as an answer, with its ETag and its date.
pub fn stored(stored: &Stored) -> FhirAnswer {
    if stored.deleted {
        return Err(Problem::Gone);
    }
    // The body is sent as it is kept: no parsing, no writing.
    let text = stored.body.clone().unwrap_or_default();
    let mut response = (
        StatusCode::OK,
        [("content-type", "application/fhir+json; charset=utf-8")],
        text,
    )
        .into_response();
    version_headers(response.headers_mut(), stored.version, stored.last_updated);
    Ok(response)
}

/// What `Prefer: return=` asks for.
fn prefer(headers: &HeaderMap) -> &str {
    let value = headers
        .get(HeaderName::from_static("prefer"))
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    value
        .split([';', ','])
        .find_map(|part| part.trim().strip_prefix("return="))
        .unwrap_or("representation")
}

/// The answer to a create or an update.
pub fn put(app: &App, headers: &HeaderMap, put: &Put) -> Response {
    let status = if put.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = match prefer(headers) {
        "minimal" => status.into_response(),
        "OperationOutcome" => fhir_json(
            status,
            &hms_fhir::outcome::single("information", "informational", "stored"),
        ),
        _ => (
            status,
            [("content-type", "application/fhir+json; charset=utf-8")],
            put.body.clone(),
        )
            .into_response(),
    };
    let headers = response.headers_mut();
    version_headers(headers, put.version, put.last_updated);
    let location = format!("{}{}/{}/_history/{}", base(app), put.kind, put.id, put.version);
    if let Ok(value) = HeaderValue::from_str(&location) {
        headers.insert(LOCATION, value);
    }
    response
}

/// A Bundle as an answer.
pub fn bundle(bundle: &Value) -> Response {
    fhir_json(StatusCode::OK, bundle)
}

/// JSON text of a resource as an answer.
pub fn fhir_text(text: String) -> Response {
    (
        StatusCode::OK,
        [("content-type", "application/fhir+json; charset=utf-8")],
        text,
    )
        .into_response()
}

/// ETag and Last-Modified.
pub fn version_headers(headers: &mut HeaderMap, version: i64, last_updated: i64) {
    if let Ok(value) = HeaderValue::from_str(&etag(version)) {
        headers.insert(ETAG, value);
    }
    if let Some(value) = DateTime::from_timestamp_millis(last_updated)
        .and_then(|t| HeaderValue::from_str(&t.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok())
    {
        headers.insert(LAST_MODIFIED, value);
    }
}

/// `If-Match` as a version.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    headers
        .get(IF_MATCH)
        .map(|value| {
            let text = value
                .to_str()
                .map_err(|_| Problem::Bad("If-Match cannot be read".to_owned()))?;
            crate::fhir::transaction::parse_etag(text)
        })
        .transpose()
}

/// `If-None-Match` as text.
pub fn if_none_match(headers: &HeaderMap) -> Option<&str> {
    headers.get(IF_NONE_MATCH)?.to_str().ok()
}
