//! One page of a history or a search: what it says of each record, and where the next one is.

use super::names::version_of;
use hms_model::time::Timestamp;
use serde_json::Value;

/// What a page says of a record, in the server's words.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// How it is.
    Here {
        /// `Type/id` there.
        there: String,
        /// Its version.
        version: String,
        /// When it was written, by the server's clock.
        at: Option<Timestamp>,
        /// The record.
        record: Value,
    },
    /// It was deleted.
    Gone {
        /// `Type/id` there.
        there: String,
        /// When, by the server's clock.
        at: Option<Timestamp>,
    },
}

impl Finding {
    pub(super) fn there(&self) -> &str {
        match self {
            Self::Here { there, .. } | Self::Gone { there, .. } => there,
        }
    }

    pub(super) fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Here { at, .. } | Self::Gone { at, .. } => *at,
        }
    }

    /// What tells this state from another one of the record.
    pub(super) fn state(&self) -> String {
        match self {
            Self::Here { version, .. } => version.clone(),
            Self::Gone { at, .. } => format!("gone {}", at.map_or(0, |at| at.0)),
        }
    }
}

/// A page; `None` where the answer is no Bundle (N5).
pub(super) fn findings(kind: &str, bundle: &Value) -> Option<Vec<Finding>> {
    if bundle.get("resourceType")?.as_str()? != "Bundle" {
        return None;
    }
    let entries = bundle.get("entry").and_then(Value::as_array);
    let found = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| finding(kind, entry));
    Some(found.collect())
}

fn finding(kind: &str, entry: &Value) -> Option<Finding> {
    let request = |name: &str| entry.get("request")?.get(name)?.as_str();
    let response = |name: &str| entry.get("response")?.get(name)?.as_str();
    let moment = |text: Option<&str>| text.and_then(Timestamp::parse);
    let record = entry.get("resource");
    let deleted = request("method") == Some("DELETE")
        || (record.is_none()
            && response("status").is_some_and(|it| it.starts_with("410") || it.starts_with("204")));
    if deleted {
        let place = entry
            .get("fullUrl")
            .and_then(Value::as_str)
            .or_else(|| request("url"))?;
        let place = place.split("/_history/").next()?;
        let mut parts = place.rsplit('/');
        let (id, named) = (parts.next()?, parts.next()?);
        return (named == kind).then(|| Finding::Gone {
            there: format!("{kind}/{id}"),
            at: moment(response("lastModified")),
        });
    }
    // Another type is a warning about the search, or was not asked for.
    let record = record.filter(|it| it.get("resourceType").and_then(Value::as_str) == Some(kind))?;
    let updated = record
        .get("meta")
        .and_then(|meta| meta.get("lastUpdated")?.as_str());
    Some(Finding::Here {
        there: format!("{kind}/{}", record.get("id")?.as_str()?),
        version: version_of(record),
        at: moment(updated).or(moment(response("lastModified"))),
        record: record.clone(),
    })
}

/// Where a page goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Behind the service's address.
    Next(String),
    /// Nowhere.
    Last,
    /// To another host, or to something that is not the service (N6): not followed.
    Elsewhere,
}

/// Reads the `next` link of a page of the service at `base`.
#[must_use]
pub fn next_link(base: &str, bundle: &Value) -> Link {
    let links = bundle.get("link").and_then(Value::as_array);
    let next = links
        .into_iter()
        .flatten()
        .find(|it| it.get("relation").and_then(Value::as_str) == Some("next"))
        .and_then(|it| it.get("url")?.as_str());
    let Some(url) = next.map(str::trim).filter(|url| !url.is_empty()) else {
        return Link::Last;
    };
    // As a browser reads it: "//host" and "\\host" are other hosts, and whoever is named before an "@" is none.
    if url.starts_with("//") || url.contains('\\') || url.chars().any(char::is_control) {
        return Link::Elsewhere;
    }
    let origin = origin_of(base);
    let rest = if let Some(rest) = strip_base(url, base) {
        rest
    } else if url.contains("://") {
        return Link::Elsewhere;
    } else if url.starts_with('/') {
        // Behind the host: it must be the service's own path.
        match strip_base(&format!("{origin}{url}"), base) {
            Some(rest) => rest,
            None => return Link::Elsewhere,
        }
    } else {
        url.to_owned()
    };
    if rest.split(['?', '#']).next().unwrap_or_default().contains("..") {
        return Link::Elsewhere;
    }
    Link::Next(rest)
}

fn origin_of(base: &str) -> &str {
    let host = base.find("://").map_or(0, |at| at + 3);
    let end = base.get(host..).and_then(|rest| rest.find('/'));
    end.and_then(|end| base.get(..host + end)).unwrap_or(base)
}

/// What stands behind the service's address, where it is that address to the last letter and not one that begins so.
fn strip_base(url: &str, base: &str) -> Option<String> {
    let base = base.trim_end_matches('/');
    let (head, rest) = url.split_at_checked(base.len())?;
    if !head.eq_ignore_ascii_case(base) {
        return None;
    }
    match rest.chars().next() {
        Some('/') => Some(rest.trim_start_matches('/').to_owned()),
        Some('?') => Some(rest.to_owned()),
        Some(_) | None => None,
    }
}
