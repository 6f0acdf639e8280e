//! Words to FHIR R4 and back. docs/fhir-map.md says which resource carries what, and why.

pub mod duty;
pub mod note;
pub mod pack;
pub mod report;
pub mod system;
pub mod task;
pub mod triage;
pub mod visit;

use serde_json::{json, Value};

/// A resource that does not carry what its type should. Names the element, never its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{resource} lacks a usable {element}")]
pub struct MapError {
    /// Resource type.
    pub resource: &'static str,
    /// Element path.
    pub element: &'static str,
}

/// `{"reference": "Type/id"}`.
#[must_use]
pub fn reference(kind: &str, id: &str) -> Value {
    json!({ "reference": format!("{kind}/{id}") })
}

/// The id in a relative reference of the wanted type: `Patient/a` gives `a`.
#[must_use]
pub fn id_in<'a>(reference: &'a Value, kind: &str) -> Option<&'a str> {
    reference
        .get("reference")?
        .as_str()?
        .strip_prefix(kind)?
        .strip_prefix('/')
}

/// First code of a CodeableConcept in a code system.
#[must_use]
pub fn code_in<'a>(concept: &'a Value, code_system: &str) -> Option<&'a str> {
    concept
        .get("coding")?
        .as_array()?
        .iter()
        .find(|coding| coding.get("system").and_then(Value::as_str) == Some(code_system))?
        .get("code")?
        .as_str()
}

/// A CodeableConcept with one code.
#[must_use]
pub fn concept(code_system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": code_system, "code": code }] })
}

/// The extension of this name (see [`system::extension`]) on an element.
#[must_use]
pub fn extension<'a>(element: &'a Value, name: &str) -> Option<&'a Value> {
    let url = system::extension(name);
    element
        .get("extension")?
        .as_array()?
        .iter()
        .find(|e| e.get("url").and_then(Value::as_str) == Some(&url))
}

/// Text at a path of object keys.
#[must_use]
pub fn text_at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(value, |at, key| at.get(key))?.as_str()
}
