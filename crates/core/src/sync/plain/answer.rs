//! One request and its answer, alone or in a batch.

use super::names::version_of;
use serde_json::Value;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create.
    Post,
    /// Create or replace under an id.
    Put,
    /// Delete.
    Delete,
}

impl Method {
    /// As HTTP spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A request to the FHIR service.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What is done.
    pub method: Method,
    /// Behind the service's address: `Task/x`.
    pub url: String,
    /// `If-Match`, as it stands in the header.
    pub if_match: Option<String>,
    /// `If-None-Match: *`.
    pub if_none_match: bool,
    /// `If-None-Exist`: a search.
    pub if_none_exist: Option<String>,
    /// The resource.
    pub body: Option<Value>,
}

impl Ask {
    /// A read.
    #[must_use]
    pub fn get(url: String) -> Self {
        Self::of(Method::Get, url)
    }

    pub(super) fn of(method: Method, url: String) -> Self {
        Self {
            method,
            url,
            if_match: None,
            if_none_match: false,
            if_none_exist: None,
            body: None,
        }
    }

    /// What is remembered where the server says that it does not do such things: `PUT Task`.
    #[must_use]
    pub fn kind(&self) -> String {
        let kind = self.url.split(['/', '?']).next().unwrap_or_default();
        format!("{} {kind}", self.method.as_str())
    }
}

/// The weak form is what the specification writes, and what servers read that compare texts.
pub(super) fn weak(version: &str) -> String {
    format!("W/\"{version}\"")
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `ETag`, as it came.
    pub etag: Option<String>,
    /// `Location`, as it came.
    pub location: Option<String>,
    /// The resource, or an OperationOutcome.
    pub body: Option<Value>,
}

impl Reply {
    pub(super) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The record that came back, where it is one of this type.
    pub(super) fn record(&self, kind: &str) -> Option<&Value> {
        let body = self.body.as_ref()?;
        (body.get("resourceType")?.as_str()? == kind).then_some(body)
    }

    /// Why it was refused.
    pub(super) fn outcome(&self) -> Option<Value> {
        self.record("OperationOutcome").cloned()
    }

    /// The version that a write made.
    pub(super) fn version(&self, kind: &str) -> Option<String> {
        let tag = self.etag.as_deref().map(|tag| {
            let tag = tag.trim().trim_start_matches("W/");
            tag.trim_matches('"').to_owned()
        });
        let named = |location: &String| {
            let (_, version) = location.split_once("/_history/")?;
            Some(version.to_owned())
        };
        self.record(kind)
            .map(version_of)
            .or(tag.filter(|tag| !tag.is_empty()))
            .or_else(|| self.location.as_ref().and_then(named))
    }

    /// The id that a create gave.
    pub(super) fn id(&self, kind: &str) -> Option<String> {
        if let Some(id) = self.record(kind).and_then(|it| it.get("id")?.as_str()) {
            return Some(id.to_owned());
        }
        let path = self.location.as_deref()?.split("/_history/").next()?;
        let mut parts = path.rsplit('/');
        let (id, named) = (parts.next()?, parts.next()?);
        (named == kind && !id.is_empty()).then(|| id.to_owned())
    }
}
