//! Why an interaction did not happen, as a status and an OperationOutcome.

use crate::db::{DbError, WriteError};
use hms_fhir::{outcome, Issue};
use serde_json::Value;

/// Why an interaction did not happen. Texts name elements and parameters, never values.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The request cannot be understood.
    #[error("bad request: {0}")]
    Bad(String),
    /// A search parameter is unknown, not supported, or its value cannot be read.
    #[error("search parameter {param}: {why}")]
    Search {
        /// Parameter as sent.
        param: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The resource breaks its definition.
    #[error("the resource is not valid")]
    Invalid(Vec<Issue>),
    /// Not allowed.
    #[error("not allowed")]
    Denied,
    /// The sign-in may not speak for the device that the request names.
    #[error("not for this device: {0}")]
    Device(&'static str),
    /// Two devices send under one id: the number of this change was given to another one.
    #[error("two devices under one id")]
    Cloned,
    /// The sign-in ended meanwhile.
    #[error("the sign-in ended")]
    SignIn,
    /// There is no such thing, or none for this actor.
    #[error("not found")]
    NotFound,
    /// It was deleted.
    #[error("deleted")]
    Gone,
    /// A precondition does not hold.
    #[error("precondition failed")]
    Precondition,
    /// The criteria of a conditional interaction match more than one.
    #[error("the criteria match more than one")]
    Multiple,
    /// A patch is well-formed and cannot be applied to the resource as it is.
    #[error("the patch cannot be applied: {0}")]
    Patch(&'static str),
    /// It conflicts with the current state.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// The interaction is not supported.
    #[error("not supported: {0}")]
    NotSupported(&'static str),
    /// One entry of a transaction failed, and so all of it.
    #[error("entry {index} failed")]
    Entry {
        /// Place in the Bundle, from 0.
        index: usize,
        /// Why.
        #[source]
        source: Box<Problem>,
    },
    /// The body is of a media type that is not taken here.
    #[error("media type: {0}")]
    Media(&'static str),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Problem {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Bad(_) | Self::Search { .. } => 400,
            Self::Invalid(_) | Self::Patch(_) => 422,
            Self::Denied | Self::Device(_) => 403,
            Self::SignIn => 401,
            // A client that knows nothing of this waits with the change, unharmed.
            Self::Cloned => 421,
            Self::NotFound => 404,
            Self::Gone => 410,
            Self::Precondition | Self::Multiple => 412,
            Self::Conflict(_) => 409,
            Self::NotSupported(_) => 405,
            Self::Media(_) => 415,
            Self::Entry { source, .. } => source.status(),
            Self::Db(error) if error.is_disk_full() => 507,
            Self::Db(_) => 500,
        }
    }

    /// The OperationOutcome.
    #[must_use]
    pub fn outcome(&self) -> Value {
        match self {
            Self::Bad(text) => outcome::error("structure", text),
            Self::Search { param, why } => outcome::error("not-supported", &format!("{param}: {why}")),
            Self::Invalid(issues) => outcome::from_issues(issues),
            Self::SignIn => outcome::error("login", "sign in first"),
            Self::Cloned => outcome::error("duplicate", hms_model::wire::sync::DEVICE_CLONED),
            Self::Denied => outcome::error("forbidden", "not allowed"),
            Self::Device(why) => outcome::error("forbidden", why),
            Self::NotFound => outcome::error("not-found", "there is no such resource"),
            Self::Gone => outcome::error("deleted", "the resource was deleted"),
            Self::Precondition => outcome::error("conflict", "the version is not the current one"),
            Self::Multiple => outcome::error("multiple-matches", "the criteria match more than one"),
            Self::Patch(text) => outcome::error("processing", text),
            Self::Conflict(code) => outcome::error("conflict", code),
            Self::NotSupported(text) | Self::Media(text) => outcome::error("not-supported", text),
            Self::Entry { index, source } => in_entry(*index, source.outcome()),
            Self::Db(error) if error.is_disk_full() => {
                outcome::error("no-store", "the server has no room left; nothing was changed")
            }
            Self::Db(_) => outcome::error("exception", "the server failed; nothing was changed"),
        }
    }
}

/// Says in which entry of the Bundle each issue is.
fn in_entry(index: usize, mut outcome: Value) -> Value {
    let place = format!("Bundle.entry[{index}]");
    for issue in outcome
        .get_mut("issue")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let Some(issue) = issue.as_object_mut() else {
            continue;
        };
        let inner = issue
            .get("expression")
            .and_then(|e| e.get(0))
            .and_then(Value::as_str)
            .map_or_else(
                || place.clone(),
                |path| format!("{place}.resource.ofType({path})"),
            );
        issue.insert("expression".to_owned(), serde_json::json!([inner]));
    }
    outcome
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Invalid(issues) => Self::Invalid(issues),
            WriteError::Precondition { .. } => Self::Precondition,
            WriteError::NotFound => Self::NotFound,
            WriteError::Gone => Self::Gone,
            WriteError::Conflict { code } => Self::Conflict(code),
            WriteError::Denied => Self::Denied,
            WriteError::Db(error) => Self::Db(error),
        }
    }
}

impl From<Vec<Issue>> for Problem {
    fn from(issues: Vec<Issue>) -> Self {
        Self::Invalid(issues)
    }
}
