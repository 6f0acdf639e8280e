//! Made-up records of a postal district, shaped as the product stores them: for figures, for the dictionary of bodies,
//! and for tests. The same seed makes the same people; none of them is anybody.

use hms_model::duty::{DutyAdvice, Limit, WorkStatus};
use hms_model::ids::{NoteId, PatientId, ReportId, TaskId, TriageId, VisitId};
use hms_model::map::{concept, duty, note, reference, report, system, task, triage, visit};
use hms_model::report::{BodyPart, HurtPlace, InjuryReport, Position, Reporter, SafeNow, Side, WhatHappened};
use hms_model::time::{Stamp, Timestamp};
use serde_json::{json, Value};

/// Noon of a day in November 2026; all that is made lies before it.
pub const NOW_MS: i64 = 1_795_262_400_000;
const DAY_MS: i64 = 86_400_000;
const SNOMED: &str = "http://snomed.info/sct";
const LOINC: &str = "http://loinc.org";
const UCUM: &str = "http://unitsofmeasure.org";

const GIVEN: &[&str] = &[
    "Ada", "Beth", "Carla", "Della", "Elin", "Fay", "Greta", "Hope", "Inés", "June", "Kaya", "Lena", "Mara",
    "Nell", "Opal", "Pía", "Rosa", "Signe", "Thea", "Vera", "Abel", "Bram", "Carl", "Dov", "Emil", "Finn",
    "Glen", "Hugo", "Iván", "Joel", "Kurt", "Leif", "Milo", "Nils", "Otto", "Paul", "Reza", "Saul", "Tomás",
    "Vito",
];
const FRONT: &[&str] = &[
    "White", "Birch", "Stone", "River", "Marsh", "Alder", "Copper", "Winter", "Long", "Fair", "Cedar",
    "Iron", "Clear", "North", "Summer", "Wheat", "Silver", "Maple", "Frost", "Prairie", "Hazel", "Elk",
    "Amber", "Willow", "Granite", "Öster", "Núñez",
];
const BACK: &[&str] = &[
    "feather", "field", "water", "brook", "bridge", "wood", "hill", "ridge", "lake", "crane", "meadow",
    "shore", "dale", "path", "moor", "barrow", "haven", "gate", "well", "grove",
];
const TOWNS: &[&str] = &[
    "Cedar Valley",
    "Alder Creek",
    "Blue Heron",
    "Copper Bend",
    "Dovetail",
    "Elk Prairie",
    "Fallow Lake",
    "Granite Ford",
    "Hazel Run",
    "Iron Spring",
    "Juniper",
    "Kettle Moraine",
];
const CONDITIONS: &[(&str, &str)] = &[
    ("38341003", "High blood pressure"),
    ("44054006", "Type 2 diabetes"),
    ("195967001", "Asthma"),
    ("396275006", "Osteoarthritis"),
    ("161891005", "Back pain"),
];
const ALLERGIES: &[(&str, &str)] = &[
    ("91936005", "Allergy to penicillin"),
    ("424213003", "Allergy to bee venom"),
    ("300916003", "Allergy to latex"),
    ("716186003", "No known allergy"),
];
const MEDICINES: &[(&str, &str)] = &[
    ("29046", "Lisinopril"),
    ("6809", "Metformin"),
    ("435", "Albuterol"),
    ("5640", "Ibuprofen"),
];
const VACCINES: &[(&str, &str)] = &[
    ("115", "Tdap"),
    ("141", "Influenza"),
    ("90", "Rabies"),
    ("43", "Hepatitis B"),
];
/// Code, words, unit, usual value and how far around it.
const VITALS: &[(&str, &str, &str, i64, i64)] = &[
    ("8867-4", "Heart rate", "/min", 76, 40),
    ("8310-5", "Body temperature", "Cel", 37, 3),
    ("9279-1", "Respiratory rate", "/min", 16, 10),
    ("59408-5", "Oxygen saturation", "%", 96, 8),
    ("29463-7", "Body weight", "kg", 82, 60),
];
const WORDS: &[&str] = &[
    "a",
    "dog",
    "came",
    "out",
    "of",
    "the",
    "yard",
    "while",
    "I",
    "was",
    "on",
    "my",
    "route",
    "and",
    "bit",
    "hand",
    "left",
    "right",
    "ankle",
    "slipped",
    "ice",
    "porch",
    "steps",
    "satchel",
    "truck",
    "door",
    "mailbox",
    "edge",
    "cut",
    "finger",
    "bleeding",
    "stopped",
    "after",
    "ten",
    "minutes",
    "pressure",
    "swollen",
    "can",
    "bear",
    "weight",
    "dizzy",
    "heat",
    "water",
    "shade",
    "better",
    "lifting",
    "parcel",
    "back",
    "strain",
    "no",
    "numbness",
    "owner",
    "knows",
    "vaccinated",
    "wasp",
    "sting",
    "arm",
    "itching",
    "knee",
    "fell",
    "gravel",
    "wrist",
    "advised",
    "rest",
    "wrap",
    "elevate",
    "follow-up",
    "week",
    "return",
    "if",
    "redness",
    "swelling",
    "wound",
    "cleaned",
    "covered",
    "tetanus",
    "up",
    "to",
    "date",
    "sensation",
    "movement",
    "good",
    "perro",
    "mordió",
    "mano",
    "duele",
    "mucho",
    "cerca",
    "buzón",
    "camión",
];

/// A source of numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(pub u64);

impl Chance {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = hms_core::backoff::split_mix(self.0);
        self.0
    }

    /// A number below `n`, which is above 0.
    pub fn below(&mut self, n: i64) -> i64 {
        (self.number() >> 1) as i64 % n
    }

    /// True in this many of a hundred cases.
    pub fn percent(&mut self, share: i64) -> bool {
        self.below(100) < share
    }

    /// One of a list that is not empty.
    pub fn one<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as i64) as usize]
    }

    /// An id as a phone makes it.
    pub fn id(&mut self) -> String {
        let (a, b) = (self.number(), self.number());
        format!(
            "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xFFFF,
            a & 0xFFF,
            0x8000 | (b >> 50),
            b & 0xFFFF_FFFF_FFFF
        )
    }

    /// Words that nobody said.
    pub fn words(&mut self, least: i64, more: i64) -> String {
        let count = least + self.below(more);
        let all: Vec<&str> = (0..count).map(|_| *self.one(WORDS)).collect();
        all.join(" ")
    }

    fn past(&mut self, days: i64) -> Timestamp {
        Timestamp(NOW_MS - self.below(days * DAY_MS))
    }

    fn day(&mut self, days: i64) -> String {
        self.past(days).utc().date_naive().to_string()
    }
}

/// Records of made-up people, one after the other, as a server sends them.
pub fn people(seed: u64) -> impl Iterator<Item = Value> {
    let mut chance = Chance(seed);
    (0_u32..).flat_map(move |number| person(&mut chance, number))
}

fn person(chance: &mut Chance, number: u32) -> Vec<Value> {
    let id = chance.id();
    let mut all = vec![patient(chance, &id, number)];
    background(chance, &id, &mut all);
    for _ in 0..2 {
        injury(chance, &id, &mut all);
    }
    for resource in &mut all {
        let at = chance.past(300);
        resource["meta"] =
            json!({ "versionId": (1 + chance.below(4)).to_string(), "lastUpdated": at.to_instant() });
    }
    all
}

fn patient(chance: &mut Chance, id: &str, number: u32) -> Value {
    let (given, family) = (
        *chance.one(GIVEN),
        format!("{}{}", chance.one(FRONT), chance.one(BACK)),
    );
    let town = *chance.one(TOWNS);
    json!({
        "resourceType": "Patient",
        "id": id,
        "identifier": [{ "system": system::codes("employee-number"), "value": format!("E-{}", 100_000 + number) }],
        "active": true,
        "name": [{ "family": family, "given": [given] }],
        "telecom": [{ "system": "phone", "value": format!("+1 555 {:03} {:04}", chance.below(1000), chance.below(10_000)) }],
        "gender": if chance.percent(45) { "female" } else { "male" },
        "birthDate": chance.day(16_000),
        "address": [{ "line": [format!("{} {} Road", 1 + chance.below(900), chance.one(FRONT))], "city": town, "state": "MN",
            "postalCode": format!("55{:03}", chance.below(1000)) }],
        "managingOrganization": reference("Organization", &format!("site-{:02}", chance.below(40))),
    })
}

fn background(chance: &mut Chance, id: &str, all: &mut Vec<Value>) {
    let who = reference("Patient", id);
    let coded = |of: &str, (code, words): (&str, &str)| json!({ "coding": [{ "system": of, "code": code, "display": words }], "text": words });
    let active = |of: &str| concept(&format!("http://terminology.hl7.org/CodeSystem/{of}"), "active");
    all.push(json!({ "resourceType": "AllergyIntolerance", "id": chance.id(),
        "clinicalStatus": active("allergyintolerance-clinical"), "code": coded(SNOMED, *chance.one(ALLERGIES)),
        "patient": who, "recordedDate": chance.day(300) }));
    all.push(json!({ "resourceType": "MedicationStatement", "id": chance.id(), "status": "active",
        "medicationCodeableConcept": coded("http://www.nlm.nih.gov/research/umls/rxnorm", *chance.one(MEDICINES)),
        "subject": who, "effectiveDateTime": chance.day(300) }));
    all.push(json!({ "resourceType": "Condition", "id": chance.id(), "clinicalStatus": active("condition-clinical"),
        "verificationStatus": concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
        "category": [concept("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")],
        "code": coded(SNOMED, *chance.one(CONDITIONS)), "subject": who, "onsetDateTime": chance.day(3000) }));
    all.push(
        json!({ "resourceType": "Immunization", "id": chance.id(), "status": "completed",
        "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", *chance.one(VACCINES)), "patient": who,
        "occurrenceDateTime": chance.day(365) }),
    );
    for _ in 0..3 {
        let (code, words, unit, usual, around) = *chance.one(VITALS);
        let tenths = usual * 10 + chance.below(around * 10) - around * 5;
        all.push(json!({ "resourceType": "Observation", "id": chance.id(), "status": "final",
            "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
            "code": coded(LOINC, (code, words)), "subject": who, "effectiveDateTime": chance.past(365).to_instant(),
            "valueQuantity": { "value": tenths as f64 / 10.0, "unit": unit, "system": UCUM, "code": unit } }));
    }
}

fn stamp(at: Timestamp) -> Stamp {
    Stamp {
        at: Timestamp(at.0 / 1000 * 1000),
        offset_minutes: -360,
    }
}

#[allow(clippy::too_many_lines, reason = "one injury from report to decision")]
fn injury(chance: &mut Chance, id: &str, all: &mut Vec<Value>) {
    let patient = PatientId::parse(id).expect("id");
    let happened = chance.past(340);
    let clinician = format!("clinician-{}", chance.below(6));
    let report_id = ReportId::parse(&chance.id()).expect("id");
    let visit_id = VisitId::parse(&chance.id()).expect("id");
    let entry_id = TaskId::parse(&chance.id()).expect("id");
    let tenth =
        |chance: &mut Chance, at: f64| ((at + chance.below(2000) as f64 / 12_000.0) * 1e4).round() / 1e4;
    let written = InjuryReport {
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
            latitude: tenth(chance, 44.0),
            longitude: tenth(chance, -93.0),
            accuracy_m: Some(12.0),
        }),
        place_text: Some(format!(
            "Route {}, box {}",
            1 + chance.below(12),
            10 + chance.below(300)
        )),
        witness: None,
        note: chance.percent(60).then(|| chance.words(6, 30)),
        authored: stamp(happened.plus_ms(120_000)),
        true_time: None,
        language: if chance.percent(12) { "es" } else { "en" }.to_owned(),
    };
    let mut sent = report::to_fhir(&written, None);
    sent["identifier"] =
        json!({ "system": system::receipt(), "value": format!("HMS-{}", 1000 + chance.below(90_000)) });
    all.push(sent);
    let checked = triage::TriageResult {
        id: TriageId::parse(&chance.id()).expect("id"),
        patient: Some(patient.clone()),
        report: Some(report_id.clone()),
        level: "urgent_video".into(),
        urgency: (*chance.one(&["today", "days", "ed_now", "self_care"])).into(),
        venue: "video".into(),
        reasons: vec![chance.words(4, 6)],
        advice: vec![chance.words(6, 12)],
        answers: (0..4).map(|_| (chance.words(4, 5), chance.words(1, 3))).collect(),
        replay: format!("bite;q1=yes;q2=no;q3={}", chance.below(9)),
        pack: "5f0c1e6c6f3d".into(),
        at: stamp(happened.plus_ms(240_000)),
        language: "en".into(),
    };
    all.extend(triage::to_fhir(&checked));
    let priority = *chance.one(&[
        task::Priority::Asap,
        task::Priority::Urgent,
        task::Priority::Routine,
    ]);
    let mut entry = task::review_task(&entry_id, &report_id, Some(&patient), priority, stamp(happened));
    let open = chance.percent(3);
    entry["status"] = json!(if open { "requested" } else { "completed" });
    entry["owner"] = reference("Practitioner", &clinician);
    all.push(entry);
    let started = happened.plus_ms(1_800_000);
    let mut encounter = visit::encounter(&visit_id, &patient, &clinician, &entry_id, started);
    encounter["status"] = json!("finished");
    encounter["period"]["end"] = json!(started.plus_ms(840_000).to_instant());
    all.push(encounter);
    let signed = started.plus_ms(1_200_000);
    all.push(note::to_fhir(&note::Note {
        id: NoteId::parse(&chance.id()).expect("id"),
        patient: patient.clone(),
        visit: Some(visit_id.clone()),
        author: clinician.clone(),
        text: chance.words(15, 50),
        at: signed,
        signed: Some(signed),
        adds_to: None,
    }));
    let advice = DutyAdvice {
        status: *chance.one(&[WorkStatus::Restricted, WorkStatus::FullDuty]),
        limits: vec![*chance.one(Limit::ALL)],
        from: signed.utc().date_naive(),
        until: Some(signed.plus_ms((3 + chance.below(10)) * DAY_MS).utc().date_naive()),
    };
    all.push(duty::to_fhir(&duty::SignedAdvice {
        id: NoteId::parse(&chance.id()).expect("id"),
        patient: patient.clone(),
        visit: Some(visit_id),
        author: clinician.clone(),
        advice: advice.clone(),
        at: signed,
        signed: Some(signed),
    }));
    let ask = TaskId::parse(&chance.id()).expect("id");
    let mut decided = task::duty_decision(&ask, &patient, "manager-max", &advice, signed);
    task::decide(&mut decided, &advice);
    all.push(decided);
    all.push(visit::follow_up(
        &chance.id(),
        &patient,
        &clinician,
        signed.plus_ms(7 * DAY_MS),
        15,
        chance.percent(50),
    ));
}
