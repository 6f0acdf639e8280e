//! Refusals: as a FHIR OperationOutcome under `/fhir`, as `{"error": code}` elsewhere. They hold no data of a person.

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::Json;
use serde_json::{json, Value};

/// The media type of FHIR.
pub const FHIR_JSON: &str = "application/fhir+json";

/// Why a request is refused before its handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No token, or one that is no longer good.
    SignIn,
    /// Not for this role.
    Forbidden,
    /// Whoever vouches for the token cannot be asked; the token may be good.
    IssuerAway,
    /// No such address.
    NotFound,
    /// The address exists; what is asked of it does not.
    Method,
    /// The server failed.
    Internal,
}

impl Refusal {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::SignIn => (StatusCode::UNAUTHORIZED, "login", "sign in first"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "not allowed"),
            Self::IssuerAway => (
                StatusCode::SERVICE_UNAVAILABLE,
                "transient",
                "the sign-in service cannot be reached; try again in a minute",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "not-found",
                "there is nothing at this address",
            ),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "not-supported",
                "this address does not take that method",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "exception",
                "the server failed; try again",
            ),
        }
    }

    /// The answer, in FHIR's form or the API's.
    #[must_use]
    pub fn respond(self, fhir: bool) -> Response {
        let (status, code, text) = self.parts();
        let mut response = if fhir {
            fhir_json(status, &operation_outcome(code, text, &[]))
        } else {
            (status, Json(json!({"error": code, "message": text}))).into_response()
        };
        if self == Self::SignIn {
            if let Ok(value) = "Bearer realm=\"hms-ach\"".parse() {
                response.headers_mut().insert(WWW_AUTHENTICATE, value);
            }
        }
        response
    }
}

/// The answer for an address that does not exist.
pub async fn not_found(uri: Uri) -> Response {
    Refusal::NotFound.respond(uri.path().starts_with("/fhir"))
}

/// The answer for a method that an address does not take. It says so in a body: over HTTP/2 some clients take an empty
/// answer to a request with a body for a broken connection.
pub async fn method_not_allowed(uri: Uri) -> Response {
    Refusal::Method.respond(uri.path().starts_with("/fhir"))
}

/// A FHIR resource as an answer.
#[must_use]
pub fn fhir_json(status: StatusCode, resource: &Value) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/fhir+json; charset=utf-8")],
        resource.to_string(),
    )
        .into_response()
}

/// An OperationOutcome with one error.
#[must_use]
pub fn operation_outcome(code: &str, text: &str, expression: &[String]) -> Value {
    let mut issue = json!({"severity": "error", "code": code, "diagnostics": text});
    if let (false, Some(issue)) = (expression.is_empty(), issue.as_object_mut()) {
        issue.insert("expression".to_owned(), json!(expression));
    }
    json!({"resourceType": "OperationOutcome", "issue": [issue]})
}
