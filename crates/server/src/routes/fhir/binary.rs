//! Binary: raw bytes in and out, with their content type.

use super::answer::{version_headers, FhirAnswer};
use crate::db::Stored;
use crate::fhir::{binary, interact, Problem};
use axum::body::Bytes;
use axum::http::header::{HeaderName, ACCEPT, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use serde_json::Value;

const UNKNOWN_MEDIA: HeaderValue = HeaderValue::from_static("application/octet-stream");

fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim();
    matches!(media, "application/fhir+json" | "application/json")
}

/// Whether the body is a resource, not raw bytes.
pub(super) fn is_fhir(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_none_or(is_json)
}

/// Whether the reader wants the bytes, not the resource around them: FHIR asks servers to give the
/// resource only to those who ask for it by name.
pub(super) fn wants_bytes(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("*/*");
    !accept.split(',').any(is_json)
}

/// Raw bytes as a resource.
pub(super) fn wrap(headers: &HeaderMap, body: &Bytes) -> Result<Value, Problem> {
    let header = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let media =
        header(CONTENT_TYPE).ok_or_else(|| Problem::Bad("a Binary needs a Content-Type".to_owned()))?;
    let context = header(HeaderName::from_static("x-security-context"));
    Ok(binary::resource(media, context, body))
}

/// The bytes of a resource.
pub(super) fn bytes(stored: &Stored) -> FhirAnswer {
    let body = interact::body(stored)?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let data =
        binary::bytes_of(&body).ok_or_else(|| Problem::Bad("the stored bytes cannot be read".to_owned()))?;
    // A code of FHIR may hold a line's end, which no header can.
    let media = HeaderValue::from_str(text("contentType"));
    let mut response = (
        StatusCode::OK,
        [
            (CONTENT_TYPE, media.unwrap_or(UNKNOWN_MEDIA)),
            // A page that somebody uploaded must not run in this origin.
            (
                CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("sandbox; default-src 'none'"),
            ),
            (CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
        ],
        data,
    )
        .into_response();
    version_headers(response.headers_mut(), stored.version, stored.last_updated);
    Ok(response)
}
