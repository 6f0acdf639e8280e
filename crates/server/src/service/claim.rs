//! Whose a resource is, where it came before that was known.

use super::write;
use crate::audit::AuditAgent;
use crate::db::{Put, Stored, Tx, WriteError};
use hms_model::map::{reference, report};
use serde_json::Value;

/// Types whose patient may become known later, with the element that names it.
const PATIENT_ELEMENT: [(&str, &str); 4] = [
    ("QuestionnaireResponse", "subject"),
    ("Task", "for"),
    ("RiskAssessment", "subject"),
    ("DocumentReference", "subject"),
];

/// The element of a type that names its patient.
#[must_use]
pub fn patient_element(kind: &str) -> Option<&'static str> {
    PATIENT_ELEMENT
        .iter()
        .find(|(k, _)| *k == kind)
        .map(|(_, element)| *element)
}

/// Whether a resource names a patient. A display text is not a name for the service.
#[must_use]
pub fn is_claimed(resource: &Value) -> bool {
    crate::auth::relation::patient_of(resource).is_some()
}

/// Whether a report is about a colleague: claiming it makes the sender its author, not its patient.
#[must_use]
pub fn is_for_colleague(resource: &Value) -> bool {
    report::is_report(resource)
        && report::from_fhir(resource)
            .is_ok_and(|r| matches!(r.reporter, hms_model::report::Reporter::Colleague { .. }))
}

/// Names the patient.
pub fn set_patient(resource: &mut Value, kind: &str, patient: &str) {
    if let (Some(element), Some(map)) = (patient_element(kind), resource.as_object_mut()) {
        map.insert(element.to_owned(), reference("Patient", patient));
    }
}

/// Takes every name of a patient or author out: nobody has shown who they are.
pub fn set_nobody(resource: &mut Value, kind: &str) {
    let Some(map) = resource.as_object_mut() else {
        return;
    };
    for element in [
        "subject",
        "for",
        "author",
        "source",
        "requester",
        "performer",
        "authenticator",
    ] {
        map.shift_remove(element);
    }
    // A photo is of whom its description is about.
    if kind == "Binary"
        && map
            .get("securityContext")
            .is_some_and(|of| hms_model::map::id_in(of, "Patient").is_some())
    {
        map.shift_remove("securityContext");
    }
    if kind == "RiskAssessment" {
        map.insert(
            "subject".into(),
            serde_json::json!({ "display": "not signed in" }),
        );
    }
}

/// Gives a stored resource its patient; one that has one is left as it is.
///
/// # Errors
/// As [`Tx::put`].
pub fn claim(
    tx: &mut Tx<'_>,
    stored: &Stored,
    patient: &str,
    agent: &AuditAgent,
) -> Result<Option<Put>, WriteError> {
    let mut body = stored.value()?;
    if is_claimed(&body) || patient_element(&stored.kind).is_none() {
        return Ok(None);
    }
    set_patient(&mut body, &stored.kind, patient);
    write::change_as(tx, stored, body, agent).map(Some)
}

/// Names the author of a report about a colleague.
///
/// # Errors
/// As [`Tx::put`].
pub fn claim_as_author(
    tx: &mut Tx<'_>,
    stored: &Stored,
    patient: &str,
    agent: &AuditAgent,
) -> Result<(), WriteError> {
    let mut body = stored.value()?;
    if body.get("author").is_some() {
        return Ok(());
    }
    if let Some(map) = body.as_object_mut() {
        map.insert("author".into(), reference("Patient", patient));
    }
    write::change_as(tx, stored, body, agent).map(drop)
}

/// Whether two versions say the same, apart from what the server adds: versions, numbers, and whose it is where
/// that was not known.
#[must_use]
pub fn same_content(stored: &Value, sent: &Value) -> bool {
    let kind = stored
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let strip = |value: &Value| {
        let mut value = value.clone();
        if let Some(map) = value.as_object_mut() {
            map.shift_remove("meta");
            if report::is_report(stored) {
                map.shift_remove("identifier");
            }
            if let (Some(element), false) = (patient_element(kind), is_claimed(stored) && is_claimed(sent)) {
                map.shift_remove(element);
                map.shift_remove("author");
            }
            // What came sealed keeps no author that nobody had proven.
            if stored.get("author").is_none() {
                map.shift_remove("author");
            }
        }
        value
    };
    strip(stored) == strip(sent)
}
