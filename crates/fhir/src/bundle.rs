//! Bundles: the answers to searches, histories, batches and transactions.

use serde_json::{json, Map, Value};

/// One resource of a search result.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The resource's address on the server.
    pub full_url: String,
    /// The resource.
    pub resource: Value,
    /// Why it is in the result.
    pub mode: FoundMode,
}

/// Why a resource is in a search result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundMode {
    /// It matches the search.
    Match,
    /// A match points to it, or it points to a match, and the search asked for it.
    Include,
    /// It is an OperationOutcome about the search.
    Outcome,
}

impl FoundMode {
    /// The code for `Bundle.entry.search.mode`.
    pub fn as_fhir(self) -> &'static str {
        match self {
            FoundMode::Match => "match",
            FoundMode::Include => "include",
            FoundMode::Outcome => "outcome",
        }
    }
}

/// The answer to a search. `total` counts the matches on all pages; `links` are (relation, address).
pub fn searchset(total: Option<u64>, links: &[(&str, String)], found: Vec<Found>) -> Value {
    let entries = found.into_iter().map(|found| {
        json!({
            "fullUrl": found.full_url,
            "resource": found.resource,
            "search": { "mode": found.mode.as_fhir() },
        })
    });
    let mut bundle = start("searchset");
    if let Some(total) = total {
        bundle.insert("total".to_owned(), total.into());
    }
    finish(bundle, links, entries.collect())
}

/// What happened to one entry of a batch or transaction, or to one version of a history.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The HTTP status with or without its words: `201 Created`.
    pub status: String,
    /// Where the resource now is, with its version.
    pub location: Option<String>,
    /// The version's entity tag: `W/"3"`.
    pub etag: Option<String>,
    /// When the version was made, as a FHIR instant.
    pub last_modified: Option<String>,
    /// The resource, where the request asks for it.
    pub resource: Option<Value>,
    /// What went wrong, or a hint.
    pub outcome: Option<Value>,
}

/// The answer to a transaction, one entry for each of the request, in its order.
pub fn transaction_response(answers: Vec<Answer>) -> Value {
    response("transaction-response", answers)
}

/// The answer to a batch, one entry for each of the request, in its order.
pub fn batch_response(answers: Vec<Answer>) -> Value {
    response("batch-response", answers)
}

fn response(kind: &str, answers: Vec<Answer>) -> Value {
    let entries = answers.into_iter().map(|answer| {
        let mut entry = Map::new();
        let mut response = Map::new();
        response.insert("status".to_owned(), answer.status.into());
        for (key, text) in [
            ("location", answer.location),
            ("etag", answer.etag),
            ("lastModified", answer.last_modified),
        ] {
            if let Some(text) = text {
                response.insert(key.to_owned(), text.into());
            }
        }
        if let Some(outcome) = answer.outcome {
            response.insert("outcome".to_owned(), outcome);
        }
        if let Some(resource) = answer.resource {
            entry.insert("resource".to_owned(), resource);
        }
        entry.insert("response".to_owned(), response.into());
        entry.into()
    });
    finish(start(kind), &[], entries.collect())
}

/// One version in a history, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The resource's address, without version.
    pub full_url: String,
    /// The version; `None` where it was deleted.
    pub resource: Option<Value>,
    /// The HTTP method that made it.
    pub method: String,
    /// What was asked for: `Patient/123`, or `Patient` for a create.
    pub url: String,
    /// The status of that request: `200`.
    pub status: String,
    /// The version's entity tag: `W/"3"`.
    pub etag: String,
    /// When the version was made, as a FHIR instant.
    pub last_modified: String,
}

/// The versions of a resource or of many.
pub fn history(total: u64, links: &[(&str, String)], versions: Vec<Version>) -> Value {
    let entries = versions.into_iter().map(|version| {
        let mut entry = Map::new();
        entry.insert("fullUrl".to_owned(), version.full_url.into());
        if let Some(resource) = version.resource {
            entry.insert("resource".to_owned(), resource);
        }
        entry.insert(
            "request".to_owned(),
            json!({ "method": version.method, "url": version.url }),
        );
        let response =
            json!({ "status": version.status, "etag": version.etag, "lastModified": version.last_modified });
        entry.insert("response".to_owned(), response);
        entry.into()
    });
    let mut bundle = start("history");
    bundle.insert("total".to_owned(), total.into());
    finish(bundle, links, entries.collect())
}

fn start(kind: &str) -> Map<String, Value> {
    let mut bundle = Map::new();
    bundle.insert("resourceType".to_owned(), "Bundle".into());
    bundle.insert("type".to_owned(), kind.into());
    bundle
}

fn finish(mut bundle: Map<String, Value>, links: &[(&str, String)], entries: Vec<Value>) -> Value {
    // FHIR has no empty lists.
    if !links.is_empty() {
        let links: Vec<Value> = links
            .iter()
            .map(|(relation, url)| json!({ "relation": relation, "url": url }))
            .collect();
        bundle.insert("link".to_owned(), links.into());
    }
    if !entries.is_empty() {
        bundle.insert("entry".to_owned(), entries.into());
    }
    bundle.into()
}
