//! Notes as Composition. A draft is `preliminary`; once signed it is `final` and only addenda follow.

use super::{concept, id_in, reference, text_at};
use crate::ids::{NoteId, PatientId, VisitId};
use crate::time::Timestamp;
use serde_json::{json, Value};

const LOINC: &str = "http://loinc.org";
/// LOINC "Progress note".
pub const VISIT_NOTE: &str = "11506-3";
/// LOINC "Addendum".
pub const ADDENDUM: &str = "55107-7";

/// A note, as draft or signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Made on the device.
    pub id: NoteId,
    /// Patient.
    pub patient: PatientId,
    /// Visit.
    pub visit: Option<VisitId>,
    /// Clinician's Practitioner id.
    pub author: String,
    /// Words.
    pub text: String,
    /// Last change.
    pub at: Timestamp,
    /// When it was signed.
    pub signed: Option<Timestamp>,
    /// The note that this adds to.
    pub adds_to: Option<NoteId>,
}

/// The note as Composition.
#[must_use]
pub fn to_fhir(note: &Note) -> Value {
    let code = if note.adds_to.is_some() {
        ADDENDUM
    } else {
        VISIT_NOTE
    };
    let mut resource = json!({
        "resourceType": "Composition",
        "id": note.id.as_str(),
        "status": if note.signed.is_some() { "final" } else { "preliminary" },
        "type": concept(LOINC, code),
        "subject": reference("Patient", note.patient.as_str()),
        "date": note.at.to_instant(),
        "author": [reference("Practitioner", &note.author)],
        "title": "Visit note",
        "section": [{ "title": "Note", "text": { "status": "generated", "div": div(&note.text) } }],
    });
    if let Some(map) = resource.as_object_mut() {
        if let Some(visit) = &note.visit {
            map.insert("encounter".into(), reference("Encounter", visit.as_str()));
        }
        if let Some(signed) = note.signed {
            map.insert(
                "attester".into(),
                json!([{ "mode": "legal", "time": signed.to_instant(), "party": reference("Practitioner", &note.author) }]),
            );
        }
        if let Some(first) = &note.adds_to {
            map.insert(
                "relatesTo".into(),
                json!([{ "code": "appends", "targetReference": reference("Composition", first.as_str()) }]),
            );
        }
    }
    resource
}

/// Reads a note; `None` where the Composition is something else.
#[must_use]
pub fn from_fhir(resource: &Value) -> Option<Note> {
    let code = super::code_in(resource.get("type")?, LOINC)?;
    if code != VISIT_NOTE && code != ADDENDUM {
        return None;
    }
    let attester = resource.get("attester").and_then(|a| a.get(0));
    let appended = resource
        .get("relatesTo")
        .and_then(|r| r.get(0)?.get("targetReference"));
    Some(Note {
        id: NoteId::parse(text_at(resource, &["id"])?).ok()?,
        patient: PatientId::parse(id_in(resource.get("subject")?, "Patient")?).ok()?,
        visit: resource
            .get("encounter")
            .and_then(|e| id_in(e, "Encounter"))
            .and_then(|v| VisitId::parse(v).ok()),
        author: id_in(resource.get("author")?.get(0)?, "Practitioner")?.to_owned(),
        text: undiv(text_at(resource.get("section")?.get(0)?, &["text", "div"])?),
        at: Timestamp::parse(text_at(resource, &["date"])?)?,
        signed: attester
            .and_then(|a| a.get("time")?.as_str())
            .and_then(Timestamp::parse),
        adds_to: appended
            .and_then(|t| id_in(t, "Composition"))
            .and_then(|t| NoteId::parse(t).ok()),
    })
}

/// Plain text as a FHIR narrative.
#[must_use]
pub fn div(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\n', "<br/>");
    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{escaped}</div>")
}

/// The plain text of a narrative made by [`div`].
#[must_use]
pub fn undiv(div: &str) -> String {
    let inner = div
        .split_once('>')
        .map_or(div, |(_, rest)| rest)
        .trim_end_matches("</div>");
    inner
        .replace("<br/>", "\n")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_note_reads_back_with_its_lines_and_signs() {
        let note = Note {
            id: NoteId::parse("n").expect("id"),
            patient: PatientId::parse("dana").expect("id"),
            visit: VisitId::parse("v").ok(),
            author: "alvarez".into(),
            text: "Two punctures < 1 cm.\nSensation & pulse good.".into(),
            at: Timestamp(1_000),
            signed: Some(Timestamp(2_000)),
            adds_to: None,
        };

        let resource = to_fhir(&note);

        assert_eq!(from_fhir(&resource), Some(note));
        assert_eq!(hms_fhir::validate(&resource), Ok(()));
    }
}
