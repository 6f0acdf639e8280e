//! The visit as Encounter; imaging orders and follow-up appointments.

use super::{concept, extension, reference, system};
use crate::ids::{PatientId, TaskId, VisitId};
use crate::time::Timestamp;
use serde_json::{json, Value};

/// A new virtual visit, ringing.
#[must_use]
pub fn encounter(
    id: &VisitId,
    patient: &PatientId,
    clinician: &str,
    task: &TaskId,
    started: Timestamp,
) -> Value {
    json!({
        "resourceType": "Encounter",
        "id": id.as_str(),
        "status": "planned",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR" },
        "subject": reference("Patient", patient.as_str()),
        "participant": [{ "individual": reference("Practitioner", clinician) }],
        "period": { "start": started.to_instant() },
        "extension": [{ "url": system::extension("answers-task"), "valueReference": reference("Task", task.as_str()) }],
    })
}

/// What is asked when the visit opens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Intake {
    /// Two identifiers were compared (name and birth date, or employee number).
    pub identified_by: Vec<String>,
    /// Where the carrier is now, as read out.
    pub place: String,
    /// Call-back number.
    pub callback: String,
    /// Who is with them.
    pub with: String,
    /// Consent to the visit by video, as said.
    pub consent: bool,
    /// Interpreter wish: `none` or a language code.
    pub interpreter: String,
}

/// Writes the intake into the Encounter, replacing an earlier one.
pub fn put_intake(encounter: &mut Value, intake: &Intake) {
    let mut parts = vec![
        json!({ "url": "place", "valueString": text_or_dash(&intake.place) }),
        json!({ "url": "callback", "valueString": text_or_dash(&intake.callback) }),
        json!({ "url": "with", "valueString": text_or_dash(&intake.with) }),
        json!({ "url": "consent", "valueBoolean": intake.consent }),
        json!({ "url": "interpreter", "valueCode": if intake.interpreter.is_empty() { "none" } else { &intake.interpreter } }),
    ];
    parts.extend(
        intake
            .identified_by
            .iter()
            .map(|by| json!({ "url": "identified-by", "valueCode": by })),
    );
    let url = system::extension("visit-intake");
    let Some(map) = encounter.as_object_mut() else {
        return;
    };
    let list = map.entry("extension").or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.retain(|e| e.get("url").and_then(Value::as_str) != Some(&url));
        list.push(json!({ "url": url, "extension": parts }));
    }
}

fn text_or_dash(text: &str) -> &str {
    if text.trim().is_empty() {
        "-"
    } else {
        text
    }
}

/// The intake of an Encounter.
#[must_use]
pub fn intake(encounter: &Value) -> Option<Intake> {
    let parts = extension(encounter, "visit-intake")?
        .get("extension")?
        .as_array()?;
    let all = |name: &'static str| {
        parts
            .iter()
            .filter(move |p| p.get("url").and_then(Value::as_str) == Some(name))
    };
    let text = |name| {
        let found = all(name).find_map(|p| p.get("valueString").or_else(|| p.get("valueCode"))?.as_str());
        found.filter(|t| *t != "-").unwrap_or_default().to_owned()
    };
    Some(Intake {
        identified_by: all("identified-by")
            .filter_map(|p| p.get("valueCode")?.as_str().map(str::to_owned))
            .collect(),
        place: text("place"),
        callback: text("callback"),
        with: text("with"),
        consent: all("consent").any(|p| p.get("valueBoolean") == Some(&json!(true))),
        interpreter: text("interpreter"),
    })
}

/// Imaging order at a site.
#[must_use]
pub fn imaging_order(
    id: &str,
    patient: &PatientId,
    visit: Option<&VisitId>,
    clinician: &str,
    site: &str,
    part: &str,
    authored: Timestamp,
) -> Value {
    let mut order = json!({
        "resourceType": "ServiceRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "363679005" }] }],
        "code": concept(&system::codes("imaging"), "x-ray"),
        "bodySite": [concept(&system::codes("body-part"), part)],
        "subject": reference("Patient", patient.as_str()),
        "requester": reference("Practitioner", clinician),
        "locationReference": [reference("Location", site)],
        "authoredOn": authored.to_instant(),
    });
    if let (Some(map), Some(visit)) = (order.as_object_mut(), visit) {
        map.insert("encounter".into(), reference("Encounter", visit.as_str()));
    }
    order
}

/// Follow-up appointment with the clinician.
#[must_use]
pub fn follow_up(
    id: &str,
    patient: &PatientId,
    clinician: &str,
    start: Timestamp,
    minutes: u32,
    by_video: bool,
) -> Value {
    json!({
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "serviceType": [concept(&system::codes("service"), if by_video { "follow-up-video" } else { "follow-up-clinic" })],
        "start": start.to_instant(),
        "end": start.plus_ms(i64::from(minutes) * 60_000).to_instant(),
        "participant": [
            { "actor": reference("Patient", patient.as_str()), "status": "accepted" },
            { "actor": reference("Practitioner", clinician), "status": "accepted" },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intake_reads_back_and_replaces_the_earlier_one() {
        let patient = PatientId::parse("dana").expect("id");
        let mut visit = encounter(
            &VisitId::parse("v").expect("id"),
            &patient,
            "alvarez",
            &TaskId::parse("t").expect("id"),
            Timestamp(0),
        );
        let wanted = Intake {
            identified_by: vec!["name".into(), "birth-date".into()],
            place: "RR 7, box 112".into(),
            callback: "507-555-0142".into(),
            with: String::new(),
            consent: true,
            interpreter: "es".into(),
        };

        put_intake(&mut visit, &Intake::default());
        put_intake(&mut visit, &wanted);

        assert_eq!(intake(&visit), Some(wanted));
        assert_eq!(hms_fhir::validate(&visit), Ok(()));
    }

    #[test]
    fn orders_and_appointments_are_valid_r4() {
        let patient = PatientId::parse("dana").expect("id");
        let order = imaging_order("o", &patient, None, "alvarez", "site-1", "hand", Timestamp(0));
        let booked = follow_up("a", &patient, "alvarez", Timestamp(0), 15, true);
        assert_eq!(hms_fhir::validate(&order), Ok(()));
        assert_eq!(hms_fhir::validate(&booked), Ok(()));
    }
}
