//! What the server calls a record that has another id here, and how a create is known again.

use serde_json::{json, Map, Value};
use std::collections::BTreeMap;

const SYSTEM: &str = "urn:ietf:rfc:3986";

/// The identifier by which a create is known again: the id that this device gave it.
#[must_use]
pub fn mark_of(id: &str) -> String {
    let (kind, local) = id.split_once('/').unwrap_or(("", id));
    let is_uuid = local.len() == 36
        && local.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if is_uuid {
        format!("urn:uuid:{local}")
    } else {
        format!("urn:hms-ach:{kind}:{local}")
    }
}

/// Where a type keeps its mark: most have `identifier`, some a single one, some none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    List,
    One,
    Tag,
}

fn place_of(resource: &Value) -> Place {
    match resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "QuestionnaireResponse" | "Composition" | "Bundle" if resource.get("identifier").is_none() => {
            Place::One
        }
        "QuestionnaireResponse"
        | "Composition"
        | "Bundle"
        | "Binary"
        | "Provenance"
        | "AuditEvent"
        | "Parameters" => Place::Tag,
        _ => Place::List,
    }
}

/// The search that finds what a create of this record made.
pub(super) fn search_of(id: &str, resource: &Value) -> String {
    let mark = mark_of(id);
    match place_of(resource) {
        Place::List | Place::One => format!("identifier={SYSTEM}|{mark}"),
        Place::Tag => format!("_tag={SYSTEM}|{mark}"),
    }
}

fn is_mark(identifier: &Value, mark: &str) -> bool {
    let holds = |name: &str| identifier.get(name).and_then(Value::as_str) == Some(mark);
    holds("value") || holds("code")
}

/// Whether a record from the server carries the mark of this id.
pub(super) fn is_marked(resource: &Value, id: &str) -> bool {
    let mark = mark_of(id);
    let identifiers = resource.get("identifier");
    let tags = resource.get("meta").and_then(|meta| meta.get("tag"));
    [identifiers, tags]
        .into_iter()
        .flatten()
        .any(|found| match found {
            Value::Array(list) => list.iter().any(|it| is_mark(it, &mark)),
            one => is_mark(one, &mark),
        })
}

/// Version of a record. A server without versions is compared by what it says of the last change, or by the content.
pub(super) fn version_of(resource: &Value) -> String {
    let meta = |name: &str| resource.get("meta")?.get(name)?.as_str().map(str::to_owned);
    meta("versionId")
        .or_else(|| meta("lastUpdated"))
        .unwrap_or_else(|| hash_of(resource))
}

/// Ids here and there, both as `Type/id`, of the records that this device made at the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    there: BTreeMap<String, String>,
    here: BTreeMap<String, String>,
}

impl Names {
    /// Notes that what is `here` on this device is `there` at the server.
    pub fn learn(&mut self, here: &str, there: &str) {
        self.there.insert(here.to_owned(), there.to_owned());
        self.here.insert(there.to_owned(), here.to_owned());
    }

    /// What the server calls it, where this device made it there.
    #[must_use]
    pub fn given(&self, here: &str) -> Option<&str> {
        self.there.get(here).map(String::as_str)
    }

    /// What the server calls it.
    #[must_use]
    pub fn there<'a>(&'a self, here: &'a str) -> &'a str {
        self.given(here).unwrap_or(here)
    }

    /// What this device calls it.
    #[must_use]
    pub fn here<'a>(&'a self, there: &'a str) -> &'a str {
        self.here.get(there).map_or(there, String::as_str)
    }

    /// The record as it goes to the server: its ids, and references to it, in the server's words; without what the
    /// server keeps; with the mark where it may have to be found by it.
    #[must_use]
    pub fn outbound(&self, id: &str, resource: &Value, marked: bool) -> Value {
        let mut out = resource.clone();
        rewrite(&mut out, &|text| self.given(text).map(str::to_owned));
        let place = place_of(resource);
        if let Some(map) = out.as_object_mut() {
            let there = self.there(id);
            if let Some((_, given)) = there.split_once('/') {
                map.insert("id".into(), given.into());
            }
            if let Some(meta) = map.get_mut("meta").and_then(Value::as_object_mut) {
                meta.shift_remove("versionId");
                meta.shift_remove("lastUpdated");
                if meta.is_empty() {
                    map.shift_remove("meta");
                }
            }
            if marked {
                mark(map, place, id);
            }
        }
        out
    }

    /// A record of the server in this device's words, without the mark; with a version, whatever the server has for one.
    /// Gives its id here.
    #[must_use]
    pub fn inbound(&self, base: &str, resource: &Value) -> Option<(String, Value)> {
        let kind = resource.get("resourceType")?.as_str()?;
        let there = format!("{kind}/{}", resource.get("id")?.as_str()?);
        let here = self.here(&there).to_owned();
        let mut found = resource.clone();
        rewrite(&mut found, &|text| {
            let relative = text
                .strip_prefix(base)
                .map_or(text, |rest| rest.trim_start_matches('/'));
            let named = self.here(relative);
            (named != text).then(|| named.to_owned())
        });
        let version = version_of(resource);
        let map = found.as_object_mut()?;
        map.insert("id".into(), here.split_once('/')?.1.into());
        unmark(map, &here);
        let meta = map.entry("meta").or_insert_with(|| json!({}));
        meta.as_object_mut()?.insert("versionId".into(), version.into());
        Some((here, found))
    }
}

fn mark(map: &mut Map<String, Value>, place: Place, id: &str) {
    let value = mark_of(id);
    match place {
        Place::One => {
            map.insert("identifier".into(), json!({ "system": SYSTEM, "value": value }));
        }
        Place::List => push(map, "identifier", json!({ "system": SYSTEM, "value": value })),
        Place::Tag => {
            let meta = map.entry("meta").or_insert_with(|| json!({}));
            if let Some(meta) = meta.as_object_mut() {
                push(meta, "tag", json!({ "system": SYSTEM, "code": value }));
            }
        }
    }
}

fn push(map: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some(list) = map.entry(name).or_insert_with(|| json!([])).as_array_mut() {
        if !list.contains(&value) {
            list.push(value);
        }
    }
}

fn unmark(map: &mut Map<String, Value>, id: &str) {
    let value = mark_of(id);
    if map
        .get("identifier")
        .is_some_and(|it| it.is_object() && is_mark(it, &value))
    {
        map.shift_remove("identifier");
    }
    drop_from(map, "identifier", &value);
    if let Some(meta) = map.get_mut("meta").and_then(Value::as_object_mut) {
        drop_from(meta, "tag", &value);
    }
}

fn drop_from(map: &mut Map<String, Value>, name: &str, mark: &str) {
    if let Some(list) = map.get_mut(name).and_then(Value::as_array_mut) {
        list.retain(|it| !is_mark(it, mark));
        if list.is_empty() {
            map.shift_remove(name);
        }
    }
}

/// References, and addresses of attachments, through `to`.
fn rewrite(value: &mut Value, to: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|it| rewrite(it, to)),
        Value::Object(map) => {
            for (name, it) in map.iter_mut() {
                match it {
                    Value::String(text) if matches!(name.as_str(), "reference" | "url") => {
                        if let Some(other) = to(text) {
                            *text = other;
                        }
                    }
                    other => rewrite(other, to),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// Every text of a record that refers to something.
#[must_use]
pub fn references_of(resource: &Value) -> Vec<String> {
    let mut found = Vec::new();
    references(resource, &mut found);
    found
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|it| references(it, found)),
        Value::Object(map) => {
            for (name, it) in map {
                match it {
                    Value::String(text) if matches!(name.as_str(), "reference" | "url") => {
                        found.push(text.clone())
                    }
                    other => references(other, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// FNV-1a of the canonical text: tells two contents apart where the server numbers nothing.
fn hash_of(resource: &Value) -> String {
    let text = hms_fhir::canonical_json(resource);
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("h{hash:016x}")
}
