//! The records that a form becomes, finished or not.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_model::ids::PatientId;
use hms_model::report::{InjuryReport, ReportDraft, Reporter};
use hms_model::time::Timestamp;
use serde_json::{json, Value};

use crate::engine::FormFile;

/// A form that is not finished, in the shape of the report.
pub(super) fn unfinished(draft: &ReportDraft) -> Value {
    let mut items = Vec::new();
    let system = |name: &str| hms_model::map::system::codes(name);
    let coded = |link: &str, name: &str, code: &str| json!({ "linkId": link, "answer": [{ "valueCoding": { "system": system(name), "code": code } }] });
    items.extend(draft.safe.map(|safe| coded("safe", "safe-now", safe.code())));
    items.extend(draft.what.map(|what| coded("what", "what-happened", what.code())));
    if !draft.places.is_empty() {
        let answers = draft.places.iter().map(|place| {
            json!({
                "valueCoding": { "system": system("body-part"), "code": place.part.code() },
                "item": [coded("side", "side", place.side.code())],
            })
        });
        items.push(json!({ "linkId": "where", "answer": answers.collect::<Vec<_>>() }));
    }
    items.push(json!({ "linkId": "when", "answer": [{ "valueDateTime": draft.happened.to_datetime() }] }));
    let texts = [
        ("place", &draft.place_text),
        ("witness", &draft.witness),
        ("note", &draft.note),
        ("colleague", &draft.colleague),
    ];
    for (link, text) in texts {
        items.extend(
            text.iter()
                .map(|t| json!({ "linkId": link, "answer": [{ "valueString": t }] })),
        );
    }
    json!({
        "resourceType": "QuestionnaireResponse",
        "id": draft.report.as_str(),
        "language": draft.language,
        "questionnaire": hms_model::map::system::injury_report(),
        "status": "in-progress",
        "authored": draft.started.to_datetime(),
        "item": items,
    })
}

/// Title of the small picture that a document carries within itself.
const PREVIEW: &str = "preview";

/// The small picture in a document: type and bytes.
pub(crate) fn preview_of(document: &Value) -> Option<(String, Vec<u8>)> {
    let contents = document.get("content")?.as_array()?;
    let mut attachments = contents.iter().filter_map(|content| content.get("attachment"));
    let is_preview = |a: &&Value| a.get("title").and_then(Value::as_str) == Some(PREVIEW);
    let found = attachments.find(is_preview)?;
    let kind = found.get("contentType")?.as_str()?.to_owned();
    Some((kind, STANDARD.decode(found.get("data")?.as_str()?).ok()?))
}

/// A photo or recording of a report; its bytes are the Binary of the same id.
pub(super) fn document(file: &FormFile, report: &InjuryReport) -> Value {
    let patient = match &report.reporter {
        Reporter::Myself => report.patient.as_ref(),
        Reporter::Colleague { .. } => None,
    };
    document_of(file, report.id.as_str(), report.authored.at, patient)
}

/// The same of a report that is known by its id alone.
pub(super) fn document_of(
    file: &FormFile,
    report: &str,
    at: Timestamp,
    patient: Option<&PatientId>,
) -> Value {
    let mut document = json!({
        "resourceType": "DocumentReference",
        "id": file.id,
        "status": "current",
        "type": { "text": if file.content_type.starts_with("image/") { "photo" } else { "voice note" } },
        "date": at.to_instant(),
        "content": [{ "attachment": {
            "contentType": file.content_type,
            "url": format!("Binary/{}", file.id),
            "size": file.size,
        } }],
        "context": { "related": [hms_model::map::reference("QuestionnaireResponse", report)] },
    });
    // Behind the original, which readers take first.
    let contents = document.get_mut("content").and_then(Value::as_array_mut);
    if let (Some(contents), Some(preview)) = (contents, &file.preview) {
        contents.push(json!({ "attachment": {
            "contentType": "image/jpeg",
            "title": PREVIEW,
            "data": preview,
        } }));
    }
    if let Some(patient) = patient {
        put(
            &mut document,
            "subject",
            Some(hms_model::map::reference("Patient", patient.as_str())),
        );
    }
    document
}

/// The bytes of a photo or recording, described by the DocumentReference of the same id.
pub(crate) fn binary(id: &str, content_type: &str, bytes: &[u8]) -> Value {
    json!({
        "resourceType": "Binary",
        "id": id,
        "contentType": content_type,
        "securityContext": hms_model::map::reference("DocumentReference", id),
        "data": STANDARD.encode(bytes),
    })
}

/// Sets an element, where there is a value for it.
pub(super) fn put(resource: &mut Value, element: &str, value: Option<Value>) {
    if let (Some(map), Some(value)) = (resource.as_object_mut(), value) {
        map.insert(element.to_owned(), value);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use hms_model::ids::{DraftId, PatientId, ReportId};
    use hms_model::report::{BodyPart, HurtPlace, SafeNow, Side, WhatHappened};
    use hms_model::time::Stamp;

    use super::*;

    pub(in crate::commands::report) fn draft() -> ReportDraft {
        let stamp = Stamp::parse("2026-11-21T10:42:00-06:00").expect("stamp");
        ReportDraft {
            id: DraftId::parse("d").expect("id"),
            report: ReportId::parse("r1").expect("id"),
            colleague: None,
            safe: Some(SafeNow::Safe),
            what: Some(WhatHappened::Animal),
            places: vec![HurtPlace {
                part: BodyPart::Hand,
                side: Side::Left,
            }],
            happened: stamp,
            position: None,
            place_text: Some("RR 7".into()),
            witness: None,
            note: None,
            started: stamp,
            language: "en".into(),
        }
    }

    #[test]
    fn an_unfinished_form_and_a_photo_are_valid_r4() {
        let mut form = draft();
        assert_eq!(hms_fhir::validate(&unfinished(&form)), Ok(()));
        form.safe = None;
        form.places.clear();
        assert_eq!(hms_fhir::validate(&unfinished(&form)), Ok(()));

        let report = draft()
            .finish(PatientId::parse("dana").ok(), draft().started, None)
            .expect("finished");
        let file = FormFile {
            id: "f1".into(),
            content_type: "image/jpeg".into(),
            size: 3,
            sha256: Vec::new(),
            preview: Some(STANDARD.encode(b"small")),
            bytes: None,
        };
        let document = document(&file, &report);
        assert_eq!(hms_fhir::validate(&document), Ok(()));
        assert_eq!(
            preview_of(&document),
            Some(("image/jpeg".to_owned(), b"small".to_vec()))
        );
        assert_eq!(
            hms_fhir::validate(&binary(&file.id, &file.content_type, b"abc")),
            Ok(())
        );
    }
}
