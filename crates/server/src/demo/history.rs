//! A year of history of one person: allergies (known, none, not asked), medication, conditions, immunizations, and for
//! some an injury with its visit, note and decision.

use super::chance::Chance;
use hms_model::duty::{DutyAdvice, Limit, WorkStatus};
use hms_model::ids::{NoteId, PatientId, ReportId, TaskId, VisitId};
use hms_model::map::{concept, duty, note, reference, report, task, visit};
use hms_model::report::{BodyPart, HurtPlace, InjuryReport, Position, Reporter, SafeNow, Side, WhatHappened};
use hms_model::time::{Stamp, Timestamp};
use serde_json::{json, Value};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// Central time, without summer time: the district is made up.
const ZONE_MINUTES: i32 = -360;
const SNOMED: &str = "http://snomed.info/sct";

/// Code and words.
type Coded = (&'static str, &'static str);

const ALLERGIES: [Coded; 5] = [
    ("91936005", "Allergy to penicillin"),
    ("424213003", "Allergy to bee venom"),
    ("300913006", "Allergy to shellfish"),
    ("300916003", "Allergy to latex"),
    ("294505008", "Allergy to amoxicillin"),
];
const CONDITIONS: [Coded; 6] = [
    ("38341003", "High blood pressure"),
    ("44054006", "Type 2 diabetes"),
    ("195967001", "Asthma"),
    ("396275006", "Osteoarthritis"),
    ("161891005", "Back pain"),
    ("40930008", "Underactive thyroid"),
];
const MEDICINES: [Coded; 6] = [
    ("29046", "Lisinopril"),
    ("6809", "Metformin"),
    ("435", "Albuterol"),
    ("5640", "Ibuprofen"),
    ("10582", "Levothyroxine"),
    ("11289", "Warfarin"),
];
const VACCINES: [Coded; 4] = [
    ("115", "Tdap"),
    ("141", "Influenza"),
    ("90", "Rabies"),
    ("43", "Hepatitis B"),
];
const NOTES: [&str; 5] = [
    "Seen by video. Wound cleaned, edges clean, sensation and movement good. Return if redness, heat or swelling.",
    "Strain of the lower back after lifting. No leg weakness. Ice, gentle movement, follow-up in a week.",
    "Twisted ankle on ice. Can bear weight. Wrap, rest, elevate.",
    "Heat: dizzy, drank water in the shade, better within the hour. Advised on breaks and water.",
    "Small cut from a mailbox edge. Cleaned and covered. Tetanus is up to date.",
];

/// One employee, as far as their history depends on them.
#[derive(Debug, Clone)]
pub struct Person {
    /// Patient id.
    pub id: String,
    /// Where their site is.
    pub near: Position,
    /// Clinicians who may have seen them.
    pub clinicians: Vec<String>,
    /// Manager of their site.
    pub manager: String,
}

/// The resources of a year before `now`, in an order in which references point back.
#[must_use]
pub fn year(chance: &mut Chance, person: &Person, now: Timestamp) -> Vec<Value> {
    let mut all = background(chance, person, now);
    if chance.percent(28) {
        if let Some(injury) = injury(chance, person, now) {
            all.extend(injury);
        }
    }
    all
}

fn background(chance: &mut Chance, person: &Person, now: Timestamp) -> Vec<Value> {
    let mut all = Vec::new();
    let who = reference("Patient", &person.id);
    let day = |chance: &mut Chance, within: i64| {
        now.plus_ms(-chance.below(within) * DAY_MS)
            .utc()
            .date_naive()
            .to_string()
    };
    let coded = |system: &str, (code, display): Coded| json!({"coding": [{"system": system, "code": code, "display": display}], "text": display});
    let active = |of: &str| concept(&format!("http://terminology.hl7.org/CodeSystem/{of}"), "active");
    // A third knows of one, a third of none, and a third was never asked: there is no resource then.
    let allergy = match chance.below(3) {
        0 => Some(*chance.one(&ALLERGIES)),
        1 => Some(("716186003", "No known allergy")),
        _ => None,
    };
    all.extend(allergy.map(|code| {
        json!({"resourceType": "AllergyIntolerance", "id": format!("{}-allergy", person.id),
            "clinicalStatus": active("allergyintolerance-clinical"), "code": coded(SNOMED, code), "patient": who,
            "recordedDate": day(chance, 300)})
    }));
    let medicine = match chance.below(5) {
        0 | 1 => Some(coded(
            "http://www.nlm.nih.gov/research/umls/rxnorm",
            *chance.one(&MEDICINES),
        )),
        2 => Some(coded(
            "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips",
            ("no-known-medications", "No known medications"),
        )),
        _ => None,
    };
    all.extend(medicine.map(|code| {
        json!({"resourceType": "MedicationStatement", "id": format!("{}-medicine", person.id), "status": "active",
            "medicationCodeableConcept": code, "subject": who, "effectiveDateTime": day(chance, 300)})
    }));
    if chance.percent(45) {
        let code = *chance.one(&CONDITIONS);
        all.push(json!({"resourceType": "Condition", "id": format!("{}-condition", person.id),
            "clinicalStatus": active("condition-clinical"),
            "verificationStatus": concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
            "category": [concept("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")],
            "code": coded(SNOMED, code), "subject": who, "onsetDateTime": day(chance, 3000)}));
    }
    for (n, vaccine) in VACCINES.iter().enumerate() {
        if chance.percent(if n < 2 { 70 } else { 15 }) {
            all.push(json!({"resourceType": "Immunization", "id": format!("{}-vaccine-{}", person.id, n + 1),
                "status": "completed", "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", *vaccine), "patient": who,
                "occurrenceDateTime": day(chance, 365)}));
        }
    }
    all
}

fn injury(chance: &mut Chance, person: &Person, now: Timestamp) -> Option<Vec<Value>> {
    let patient = PatientId::parse(&person.id).ok()?;
    let happened = now.plus_ms(-(14 + chance.below(340)) * DAY_MS - chance.below(8 * 3600) * 1000);
    let stamp = |at: Timestamp| Stamp {
        at,
        offset_minutes: ZONE_MINUTES,
    };
    let clinician = chance.one(&person.clinicians).clone();
    let report_id = ReportId::parse(&format!("{}-injury", person.id)).ok()?;
    let visit_id = VisitId::parse(&format!("{}-visit", person.id)).ok()?;
    let entry_id = TaskId::parse(&format!("{}-injury-task", person.id)).ok()?;
    let shift = |chance: &mut Chance| (chance.below(2000) as f64 - 1000.0) / 12_000.0;
    let written = report::to_fhir(
        &InjuryReport {
            id: report_id.clone(),
            patient: Some(patient.clone()),
            reporter: Reporter::Myself,
            safe: SafeNow::Safe,
            what: *chance.one(WhatHappened::ALL),
            places: vec![HurtPlace {
                part: *chance.one(BodyPart::ALL),
                side: *chance.one(Side::ALL),
            }],
            happened: stamp(happened),
            position: Some(Position {
                latitude: ((person.near.latitude + shift(chance)) * 10_000.0).round() / 10_000.0,
                longitude: ((person.near.longitude + shift(chance)) * 10_000.0).round() / 10_000.0,
                accuracy_m: Some(12.0),
            }),
            place_text: Some(format!(
                "Route {}, box {}",
                1 + chance.below(12),
                10 + chance.below(300)
            )),
            witness: None,
            note: None,
            authored: stamp(happened.plus_ms(120_000)),
            true_time: None,
            language: if chance.percent(12) { "es" } else { "en" }.to_owned(),
        },
        None,
    );
    let priority = *chance.one(&[
        task::Priority::Asap,
        task::Priority::Urgent,
        task::Priority::Routine,
    ]);
    let mut entry = task::review_task(
        &entry_id,
        &report_id,
        Some(&patient),
        priority,
        stamp(happened.plus_ms(120_000)),
    );
    let started = happened.plus_ms(30 * 60_000);
    let mut encounter = visit::encounter(&visit_id, &patient, &clinician, &entry_id, started);
    if let (Some(entry), Some(encounter)) = (entry.as_object_mut(), encounter.as_object_mut()) {
        entry.insert("status".into(), json!("completed"));
        entry.insert("owner".into(), reference("Practitioner", &clinician));
        encounter.insert("status".into(), json!("finished"));
        encounter.insert(
            "period".into(),
            json!({"start": started.to_instant(), "end": started.plus_ms(14 * 60_000).to_instant()}),
        );
    }
    let signed = started.plus_ms(20 * 60_000);
    let words = note::to_fhir(&note::Note {
        id: NoteId::parse(&format!("{}-note", person.id)).ok()?,
        patient: patient.clone(),
        visit: Some(visit_id.clone()),
        author: clinician.clone(),
        text: (*chance.one(&NOTES)).to_owned(),
        at: signed,
        signed: Some(signed),
        adds_to: None,
    });
    let from = signed.utc().date_naive();
    let restricted = chance.percent(60);
    let advice = DutyAdvice {
        status: if restricted {
            WorkStatus::Restricted
        } else {
            WorkStatus::FullDuty
        },
        limits: if restricted {
            vec![*chance.one(Limit::ALL)]
        } else {
            Vec::new()
        },
        from,
        until: restricted.then(|| signed.plus_ms((3 + chance.below(10)) * DAY_MS).utc().date_naive()),
    };
    let advised = duty::to_fhir(&duty::SignedAdvice {
        id: NoteId::parse(&format!("{}-advice", person.id)).ok()?,
        patient: patient.clone(),
        visit: Some(visit_id),
        author: clinician,
        advice: advice.clone(),
        at: signed,
        signed: Some(signed),
    });
    let ask = TaskId::parse(&format!("{}-decision", person.id)).ok()?;
    let mut decided = task::duty_decision(&ask, &patient, &person.manager, &advice, signed);
    task::decide(&mut decided, &advice);
    Some(vec![written, entry, encounter, words, advised, decided])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_valid_and_the_same_each_time() {
        let person = Person {
            id: "emp-0001".into(),
            near: Position {
                latitude: 44.0,
                longitude: -93.0,
                accuracy_m: None,
            },
            clinicians: vec!["clinician-ada".into()],
            manager: "manager-max".into(),
        };
        let mut seen = 0;
        for seed in 0..60 {
            let now = Timestamp(1_795_262_400_000);
            let first = year(&mut Chance::new(seed), &person, now);
            for resource in &first {
                assert_eq!(hms_fhir::validate(resource), Ok(()), "seed {seed}");
            }
            assert_eq!(first, year(&mut Chance::new(seed), &person, now));
            seen += first.len();
        }
        assert!(seen > 200);
    }
}
