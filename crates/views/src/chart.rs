//! Chart and workspace of one entry of the queue.

use hms_model::map::{self, duty, note, report as words, task, triage, visit};
use hms_model::report::Reporter;
use hms_model::time::Timestamp;
use hms_model::view::{
    AddendumView, AdviceView, AnswerView, ChartCheckView, ChartReportView, ChartView, ColleagueView,
    HistoryView, IntakeView, KnownList, NoteView,
};
use serde_json::Value;

use super::people::{age, display, employee_number, language, name_of, phone};
use super::report::{additions, check, documents, is_of_report, newest_first};
use super::summary::{decision, duty_view, follow_up, imaging};
use super::{moment, reference_id, text, Progress, Records};

/// Types that a chart is computed from.
pub const KINDS: &[&str] = &[
    "Task",
    "Patient",
    "QuestionnaireResponse",
    "RiskAssessment",
    "DocumentReference",
    "AllergyIntolerance",
    "MedicationStatement",
    "Condition",
    "Immunization",
    "Observation",
    "Encounter",
    "Composition",
    "ServiceRequest",
    "Appointment",
    "Communication",
    "Practitioner",
    "Organization",
    "Location",
];
/// SNOMED CT "no known allergy".
const NO_KNOWN_ALLERGY: &str = "716186003";
/// Absent-or-unknown "no known medications".
const NO_KNOWN_MEDICATION: &str = "no-known-medications";

/// The chart of an entry; `None` where the entry is not known.
#[must_use]
pub fn chart(
    task_id: &str,
    records: &Records,
    sending: &dyn Progress,
    now: Timestamp,
    as_of: Option<f64>,
) -> Option<ChartView> {
    let entry = records.get("Task", task_id)?;
    let patient_id = task::patient(entry).map(|id| id.to_string());
    let patient = patient_id.as_deref().and_then(|id| records.get("Patient", id));
    let report_id = task::report(entry);
    let resource = report_id
        .as_ref()
        .and_then(|id| records.get("QuestionnaireResponse", id.as_str()));
    let encounter = encounter_of(records, task_id);
    let pieces = Pieces {
        task: task_id,
        patient: patient_id.as_deref(),
        encounter,
        records,
    };
    let report = resource.and_then(|r| report_view(r, records, sending));
    let from = report.as_ref().and_then(|r| r.position);
    Some(ChartView {
        task: task_id.to_owned(),
        name: patient.map(name_of).unwrap_or_default(),
        birth_date: patient.and_then(|p| text(p, &["birthDate"])).map(str::to_owned),
        age: patient.and_then(|p| age(text(p, &["birthDate"])?, now)),
        employee_number: patient.and_then(employee_number),
        phone: patient.and_then(phone),
        site: patient
            .and_then(|p| p.get("managingOrganization"))
            .and_then(|site| display(site, "Organization", records)),
        language: resource
            .and_then(|r| text(r, &["language"]).map(str::to_owned))
            .or_else(|| patient.and_then(language))
            .unwrap_or_else(|| "en".to_owned()),
        checks: checks(
            records,
            patient_id.as_deref(),
            report_id.as_ref().map(|id| id.as_str()),
        ),
        allergies: allergies(records, patient_id.as_deref()),
        medication: medication(records, patient_id.as_deref()),
        history: history(
            records,
            patient_id.as_deref(),
            report_id.as_ref().map(|id| id.as_str()),
            encounter,
        ),
        intake: encounter.map(|e| intake(e, patient, report.as_ref())),
        note: pieces
            .note()
            .as_ref()
            .map(|n| note_view(n, records))
            .unwrap_or_else(empty_note),
        advice: pieces.advice().map(|a| AdviceView {
            duty: duty_view(&a.advice),
            signed_at: a.signed.map(Timestamp::as_f64),
            decision: a.signed.and_then(|_| decision(records, &a)),
        }),
        orders: pieces
            .orders()
            .filter_map(|order| imaging(order, records, from.as_ref()))
            .collect(),
        follow_up: patient_id.as_deref().and_then(|id| {
            let since = moment(entry, &["authoredOn"]);
            follow_up(records, id, since)
        }),
        sent_911_at: sent_911(task_id, records),
        report,
        patient: patient_id,
        as_of,
    })
}

/// When 911 was last sent for an entry.
fn sent_911(task_id: &str, records: &Records) -> Option<f64> {
    let of_entry = |c: &&Value| {
        let about = c.get("about").and_then(Value::as_array).into_iter().flatten();
        let codes = c
            .get("category")
            .and_then(|c| c.get(0)?.get("coding")?.as_array());
        about
            .into_iter()
            .any(|r| reference_id(r, "Task") == Some(task_id))
            && codes
                .into_iter()
                .flatten()
                .any(|c| text(c, &["code"]) == Some("send-911"))
    };
    let sent = records.all("Communication").filter(of_entry);
    sent.filter_map(|c| moment(c, &["sent"]))
        .max()
        .map(Timestamp::as_f64)
}

/// What belongs to the work on one entry: its visit's, or, before a visit, its own by id.
pub struct Pieces<'a> {
    /// The entry.
    pub task: &'a str,
    /// Its person.
    pub patient: Option<&'a str>,
    /// Its visit, where one was held.
    pub encounter: Option<&'a Value>,
    /// Where all of it is.
    pub records: &'a Records,
}

impl<'a> Pieces<'a> {
    /// Of the work on an entry.
    #[must_use]
    pub fn of(task_id: &'a str, records: &'a Records) -> Option<Self> {
        let entry = records.get("Task", task_id)?;
        let patient = entry.get("for").and_then(|f| reference_id(f, "Patient"));
        Some(Self {
            task: task_id,
            patient,
            encounter: encounter_of(records, task_id),
            records,
        })
    }

    /// The note, draft or signed, without addenda.
    #[must_use]
    pub fn note(&self) -> Option<note::Note> {
        let id = note_id(self.task);
        let all = self
            .records
            .all("Composition")
            .filter_map(note::from_fhir)
            .filter(|n| n.adds_to.is_none());
        all.filter(|n| n.id.as_str() == id || self.is_of_visit(n.visit.as_ref().map(|v| v.as_str())))
            .max_by_key(|n| (n.signed.is_some(), n.at))
    }

    /// The advice, draft or signed.
    #[must_use]
    pub fn advice(&self) -> Option<duty::SignedAdvice> {
        let id = advice_id(self.task);
        let all = self.records.all("Composition").filter_map(duty::from_fhir);
        all.filter(|a| a.id.as_str() == id || self.is_of_visit(a.visit.as_ref().map(|v| v.as_str())))
            .max_by_key(|a| (a.signed.is_some(), a.at))
    }

    /// Imaging orders of the visit, or, without a visit, of the patient since the entry was made.
    pub fn orders(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        let visit = self.encounter.and_then(|e| text(e, &["id"]));
        let since = self
            .records
            .get("Task", self.task)
            .and_then(|t| moment(t, &["authoredOn"]));
        let patient = self.patient;
        self.records.all("ServiceRequest").filter(move |order| {
            let of = order.get("encounter").and_then(|e| reference_id(e, "Encounter"));
            match of {
                Some(of) => Some(of) == visit,
                None => {
                    order.get("subject").and_then(|s| reference_id(s, "Patient")) == patient
                        && moment(order, &["authoredOn"]) >= since
                }
            }
        })
    }

    fn is_of_visit(&self, of: Option<&str>) -> bool {
        of.is_some() && of == self.encounter.and_then(|e| text(e, &["id"]))
    }
}

/// Id of the note of an entry: the same for every save, so that saving twice makes one note.
#[must_use]
pub fn note_id(task: &str) -> String {
    derived("note", task)
}

/// Id of the advice of an entry.
#[must_use]
pub fn advice_id(task: &str) -> String {
    derived("advice", task)
}

fn derived(kind: &str, task: &str) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(format!("hms-ach {kind} {task}"));
    let hex: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("{kind}-{hex}")
}

/// The newest visit that answers an entry.
#[must_use]
pub fn encounter_of<'a>(records: &'a Records, task: &str) -> Option<&'a Value> {
    records
        .all("Encounter")
        .filter(|e| {
            let answers = map::extension(e, "answers-task").and_then(|x| x.get("valueReference"));
            answers.and_then(|r| reference_id(r, "Task")) == Some(task)
        })
        .max_by_key(|e| moment(e, &["period", "start"]))
}

fn report_view(resource: &Value, records: &Records, sending: &dyn Progress) -> Option<ChartReportView> {
    let report = words::from_fhir(resource).ok()?;
    let id = report.id.to_string();
    let ids = |prefix: &str| -> Vec<String> {
        documents(&id, records)
            .filter(|d| {
                let kind = d
                    .get("content")
                    .and_then(|c| c.get(0)?.get("attachment")?.get("contentType")?.as_str());
                kind.is_some_and(|kind| kind.starts_with(prefix))
            })
            .filter_map(|d| text(d, &["id"]).map(str::to_owned))
            .collect()
    };
    Some(ChartReportView {
        number: words::receipt_number(resource).map(str::to_owned),
        safe: report.safe,
        what: report.what,
        places: report.places,
        happened_at: report.happened.at.as_f64(),
        authored_at: report.authored.at.as_f64(),
        // A later version only says whose it is.
        received_at: moment(resource, &["identifier", "period", "start"])
            .or_else(|| moment(resource, &["meta", "lastUpdated"]))
            .map(Timestamp::as_f64),
        true_time: report.true_time.map(Timestamp::as_f64),
        position: report.position,
        place_text: report.place_text,
        witness: report.witness,
        note: report.note,
        reported_by: match &report.reporter {
            Reporter::Colleague { .. } => text(resource, &["author", "display"]).map(str::to_owned),
            Reporter::Myself => None,
        },
        colleague: match report.reporter {
            Reporter::Colleague { hurt_name } => {
                words::colleague_named(resource).map(|named| ColleagueView {
                    typed: hurt_name,
                    name: named.names.join(" "),
                    number: named.numbers.first().copied().unwrap_or_default().to_owned(),
                })
            }
            Reporter::Myself => None,
        },
        photos: ids("image/"),
        voice: ids("audio/"),
        additions: additions(&id, records, sending),
        id,
    })
}

/// Checks of this report, then others of the person; newest first.
fn checks(records: &Records, patient: Option<&str>, report: Option<&str>) -> Vec<ChartCheckView> {
    let mut found: Vec<(bool, ChartCheckView)> = records
        .all("RiskAssessment")
        .filter_map(|assessment| {
            let of_report = report.is_some_and(|report| is_of_report(assessment, report));
            let of_patient = patient.is_some()
                && assessment.get("subject").and_then(|s| reference_id(s, "Patient")) == patient;
            if !of_report && !of_patient {
                return None;
            }
            let check = check(assessment)?;
            let answers = records.get("QuestionnaireResponse", &format!("{}-answers", check.id));
            let answers = answers.map(triage::answers).unwrap_or_default();
            let answers = answers
                .into_iter()
                .map(|(question, answer)| AnswerView { question, answer })
                .collect();
            let pack = map::extension(assessment, "triage-pack").and_then(|e| e.get("valueString")?.as_str());
            Some((
                of_report,
                ChartCheckView {
                    check,
                    answers,
                    pack: pack.unwrap_or_default().to_owned(),
                    signed: false,
                    recalled: None,
                },
            ))
        })
        .collect();
    found.sort_by(|(a_of, a), (b_of, b)| b_of.cmp(a_of).then_with(|| newest_first(&a.check, &b.check)));
    found.into_iter().map(|(_, view)| view).collect()
}

fn allergies(records: &Records, patient: Option<&str>) -> KnownList {
    let all = patient
        .into_iter()
        .flat_map(|p| records.about("AllergyIntolerance", p));
    let active = all.filter(|a| {
        let status = a
            .get("clinicalStatus")
            .and_then(|c| c.get("coding")?.get(0)?.get("code")?.as_str());
        !matches!(status, Some("inactive" | "resolved"))
    });
    known(active.filter_map(|a| a.get("code")), NO_KNOWN_ALLERGY)
}

fn medication(records: &Records, patient: Option<&str>) -> KnownList {
    let all = patient
        .into_iter()
        .flat_map(|p| records.about("MedicationStatement", p));
    let active = all.filter(|m| {
        !matches!(
            text(m, &["status"]),
            Some("completed" | "stopped" | "entered-in-error")
        )
    });
    known(
        active.filter_map(|m| m.get("medicationCodeableConcept")),
        NO_KNOWN_MEDICATION,
    )
}

/// "None known" is an answer of its own; no record at all is "not asked".
fn known<'a>(concepts: impl Iterator<Item = &'a Value>, none: &str) -> KnownList {
    let mut names = Vec::new();
    let mut asked = false;
    for concept in concepts {
        asked = true;
        let codes = concept
            .get("coding")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        if !codes.into_iter().any(|c| text(c, &["code"]) == Some(none)) {
            names.push(words_of(concept));
        }
    }
    match (asked, names.is_empty()) {
        (false, _) => KnownList::NotAsked,
        (true, true) => KnownList::NoneKnown,
        (true, false) => KnownList::Known(names),
    }
}

fn words_of(concept: &Value) -> String {
    let coding = concept.get("coding").and_then(|c| c.get(0));
    let display = coding.and_then(|c| text(c, &["display"]).or_else(|| text(c, &["code"])));
    text(concept, &["text"])
        .or(display)
        .unwrap_or_default()
        .to_owned()
}

fn history(
    records: &Records,
    patient: Option<&str>,
    this_report: Option<&str>,
    this_visit: Option<&Value>,
) -> Vec<HistoryView> {
    let Some(patient) = patient else { return Vec::new() };
    let mut lines = Vec::new();
    let mut line = |kind: &str, text: String, at: Option<Timestamp>| {
        if !text.is_empty() {
            lines.push(HistoryView {
                kind: kind.to_owned(),
                text,
                at: at.map(Timestamp::as_f64),
            });
        }
    };
    for c in records.about("Condition", patient) {
        let at = moment(c, &["onsetDateTime"]).or_else(|| moment(c, &["recordedDate"]));
        line("condition", c.get("code").map(words_of).unwrap_or_default(), at);
    }
    for i in records.about("Immunization", patient) {
        line(
            "immunization",
            i.get("vaccineCode").map(words_of).unwrap_or_default(),
            moment(i, &["occurrenceDateTime"]),
        );
    }
    for o in records.about("Observation", patient) {
        line("observation", observation(o), moment(o, &["effectiveDateTime"]));
    }
    let earlier = |r: &&Value| words::is_report(r) && text(r, &["id"]) != this_report;
    for r in records.about("QuestionnaireResponse", patient).filter(earlier) {
        let what = words::from_fhir(r)
            .map(|r| r.what.code().to_owned())
            .unwrap_or_default();
        line("report", what, moment(r, &["authored"]));
    }
    let other = |e: &&Value| this_visit.is_none_or(|v| text(v, &["id"]) != text(e, &["id"]));
    for e in records.about("Encounter", patient).filter(other) {
        line(
            "visit",
            text(e, &["status"]).unwrap_or_default().to_owned(),
            moment(e, &["period", "start"]),
        );
    }
    lines.sort_by(|a, b| b.at.unwrap_or_default().total_cmp(&a.at.unwrap_or_default()));
    lines
}

fn observation(observation: &Value) -> String {
    let name = observation.get("code").map(words_of).unwrap_or_default();
    let quantity = observation.get("valueQuantity").and_then(|q| {
        let unit = text(q, &["unit"]).unwrap_or_default();
        Some(format!("{} {unit}", q.get("value")?))
    });
    let value = quantity
        .or_else(|| text(observation, &["valueString"]).map(str::to_owned))
        .or_else(|| observation.get("valueCodeableConcept").map(words_of));
    match value {
        Some(value) => format!("{name}: {}", value.trim()),
        None => name,
    }
}

fn intake(encounter: &Value, patient: Option<&Value>, report: Option<&ChartReportView>) -> IntakeView {
    let saved = visit::intake(encounter);
    let is_saved = saved.is_some();
    let given = saved.unwrap_or_else(|| visit::Intake {
        // Offered, not recorded: what is already known, to be read out and confirmed.
        place: report.and_then(|r| r.place_text.clone()).unwrap_or_default(),
        callback: patient.and_then(phone).unwrap_or_default(),
        interpreter: "none".to_owned(),
        ..visit::Intake::default()
    });
    IntakeView {
        name: patient.map(name_of).unwrap_or_default(),
        birth_date: patient.and_then(|p| text(p, &["birthDate"])).map(str::to_owned),
        employee_number: patient.and_then(employee_number),
        position: report.and_then(|r| r.position),
        place: given.place,
        callback: given.callback,
        with: given.with,
        consent: given.consent,
        interpreter: given.interpreter,
        identified_by: given.identified_by,
        saved: is_saved,
    }
}

/// A note with its addenda.
#[must_use]
pub fn note_view(first: &note::Note, records: &Records) -> NoteView {
    let mut addenda: Vec<AddendumView> = records
        .all("Composition")
        .filter_map(note::from_fhir)
        .filter(|n| n.adds_to.as_ref() == Some(&first.id))
        .map(|n| AddendumView {
            text: n.text,
            at: n.at.as_f64(),
        })
        .collect();
    addenda.sort_by(|a, b| a.at.total_cmp(&b.at));
    NoteView {
        text: first.text.clone(),
        saved_at: Some(first.at.as_f64()),
        signed_at: first.signed.map(Timestamp::as_f64),
        addenda,
    }
}

fn empty_note() -> NoteView {
    NoteView {
        text: String::new(),
        saved_at: None,
        signed_at: None,
        addenda: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::AtServer;

    fn allergy(code: &str, words: &str) -> Value {
        json!({
            "resourceType": "AllergyIntolerance", "id": code, "patient": { "reference": "Patient/dana" },
            "code": { "coding": [{ "system": "http://snomed.info/sct", "code": code }], "text": words },
        })
    }

    #[test]
    fn none_known_is_not_the_same_as_not_asked() {
        let asked = |all: Vec<Value>| allergies(&Records::of(all), Some("dana"));
        assert_eq!(asked(vec![]), KnownList::NotAsked);
        assert_eq!(
            asked(vec![allergy(NO_KNOWN_ALLERGY, "No known allergy")]),
            KnownList::NoneKnown
        );
        assert_eq!(
            asked(vec![allergy("91936005", "Penicillin")]),
            KnownList::Known(vec!["Penicillin".into()])
        );
    }

    #[test]
    fn a_chart_without_a_patient_still_shows_the_report() {
        let records = Records::of(vec![
            json!({
                "resourceType": "Task", "id": "t", "status": "requested", "focus": { "reference": "QuestionnaireResponse/r1" },
                "authoredOn": "2026-11-21T10:42:00-06:00",
                "code": { "coding": [{ "system": map::system::codes("task"), "code": "review-report" }] },
            }),
            json!({
                "resourceType": "QuestionnaireResponse", "id": "r1", "language": "es",
                "questionnaire": map::system::injury_report(), "authored": "2026-11-21T10:42:00-06:00",
                "item": [
                    { "linkId": "safe", "answer": [{ "valueCoding": { "code": "safe" } }] },
                    { "linkId": "what", "answer": [{ "valueCoding": { "code": "animal" } }] },
                    { "linkId": "where", "answer": [{ "valueCoding": { "code": "hand" } }] },
                    { "linkId": "when", "answer": [{ "valueDateTime": "2026-11-21T10:40:00-06:00" }] },
                ],
            }),
        ]);

        let view = chart("t", &records, &AtServer, Timestamp(0), None).expect("a chart");

        assert_eq!(view.patient, None);
        assert_eq!(view.language, "es");
        assert!(view.report.is_some());
        assert_eq!(view.allergies, KnownList::NotAsked);
        assert!(chart("unknown", &records, &AtServer, Timestamp(0), None).is_none());
    }
}
