//! Fit-for-duty advice as signed Composition. Its sections hold codes only, so that what the manager and
//! HR receive can be built from it without touching a word that anyone typed.

use super::{concept, extension, id_in, note, reference, system, text_at};
use crate::duty::{DutyAdvice, Limit, WorkStatus};
use crate::ids::{NoteId, PatientId, VisitId};
use crate::time::Timestamp;
use serde_json::{json, Value};

/// An advice on fitness for duty, as draft or signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAdvice {
    /// Made on the device.
    pub id: NoteId,
    /// Patient.
    pub patient: PatientId,
    /// Visit.
    pub visit: Option<VisitId>,
    /// Clinician's Practitioner id.
    pub author: String,
    /// Status, limits and dates.
    pub advice: DutyAdvice,
    /// Last change.
    pub at: Timestamp,
    /// When it was signed.
    pub signed: Option<Timestamp>,
}

/// The advice as Composition.
#[must_use]
pub fn to_fhir(advice: &SignedAdvice) -> Value {
    let mut parts = vec![
        json!({ "url": "work-status", "valueCode": advice.advice.status.code() }),
        json!({ "url": "from", "valueDate": advice.advice.from.to_string() }),
    ];
    parts.extend(
        advice
            .advice
            .until
            .map(|day| json!({ "url": "until", "valueDate": day.to_string() })),
    );
    parts.extend(
        advice
            .advice
            .limits
            .iter()
            .map(|l| json!({ "url": "limit", "valueCode": l.code() })),
    );
    let limits: Vec<&str> = advice.advice.limits.iter().map(|l| l.code()).collect();
    let words = format!("{} {}", advice.advice.status.code(), limits.join(" "));
    let mut resource = json!({
        "resourceType": "Composition",
        "id": advice.id.as_str(),
        "extension": [{ "url": system::extension("duty-advice"), "extension": parts }],
        "status": if advice.signed.is_some() { "final" } else { "preliminary" },
        "type": concept(&system::codes("note"), "fit-for-duty"),
        "subject": reference("Patient", advice.patient.as_str()),
        "date": advice.at.to_instant(),
        "author": [reference("Practitioner", &advice.author)],
        "title": "Fit-for-duty advice",
        "section": [{ "title": "Advice", "text": { "status": "generated", "div": note::div(words.trim()) } }],
    });
    if let Some(map) = resource.as_object_mut() {
        if let Some(visit) = &advice.visit {
            map.insert("encounter".into(), reference("Encounter", visit.as_str()));
        }
        if let Some(signed) = advice.signed {
            map.insert(
                "attester".into(),
                json!([{ "mode": "legal", "time": signed.to_instant(), "party": reference("Practitioner", &advice.author) }]),
            );
        }
    }
    resource
}

/// Reads an advice; `None` where the Composition is something else.
#[must_use]
pub fn from_fhir(resource: &Value) -> Option<SignedAdvice> {
    if super::code_in(resource.get("type")?, &system::codes("note")) != Some("fit-for-duty") {
        return None;
    }
    let parts = extension(resource, "duty-advice")?.get("extension")?.as_array()?;
    let all = |name: &'static str| {
        parts
            .iter()
            .filter(move |p| p.get("url").and_then(Value::as_str) == Some(name))
    };
    let code = |p: &Value| p.get("valueCode").and_then(Value::as_str).map(str::to_owned);
    let day = |name| all(name).find_map(|p| p.get("valueDate")?.as_str()?.parse().ok());
    let attester = resource.get("attester").and_then(|a| a.get(0));
    Some(SignedAdvice {
        id: NoteId::parse(text_at(resource, &["id"])?).ok()?,
        patient: PatientId::parse(id_in(resource.get("subject")?, "Patient")?).ok()?,
        visit: resource
            .get("encounter")
            .and_then(|e| id_in(e, "Encounter"))
            .and_then(|v| VisitId::parse(v).ok()),
        author: id_in(resource.get("author")?.get(0)?, "Practitioner")?.to_owned(),
        advice: DutyAdvice {
            status: WorkStatus::parse(&all("work-status").find_map(code)?)?,
            limits: all("limit")
                .filter_map(code)
                .map(|c| Limit::parse(&c))
                .collect::<Option<_>>()?,
            from: day("from")?,
            until: day("until"),
        },
        at: Timestamp::parse(text_at(resource, &["date"])?)?,
        signed: attester
            .and_then(|a| a.get("time")?.as_str())
            .and_then(Timestamp::parse),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_advice_reads_back() {
        let advice = SignedAdvice {
            id: NoteId::parse("a").expect("id"),
            patient: PatientId::parse("dana").expect("id"),
            visit: None,
            author: "alvarez".into(),
            advice: DutyAdvice {
                status: WorkStatus::Restricted,
                limits: vec![Limit::NoLeftHand],
                from: "2026-11-21".parse().expect("day"),
                until: None,
            },
            at: Timestamp(1_000),
            signed: Some(Timestamp(1_000)),
        };

        let resource = to_fhir(&advice);

        assert_eq!(from_fhir(&resource), Some(advice));
        assert_eq!(hms_fhir::validate(&resource), Ok(()));
    }
}
