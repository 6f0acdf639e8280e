//! Queue and chart from what the server sent, and how an entry is taken.

use std::collections::BTreeMap;

use hms_model::map::task;
use hms_model::time::Timestamp;
use hms_model::view::SignalView;
use hms_views::{chart, queue, reference_id, text, AtServer, Records};
use serde::Deserialize;
use serde_json::{json, Value};

use crate::shown;

/// How a record says whose it is: the first of these that its type has.
const WHOSE: [&str; 2] = ["patient", "subject"];
/// Types that are nobody's record; what of them is needed comes with what names it.
const NAMED: [&str; 3] = ["Practitioner", "Organization", "Location"];

#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// Which searches give what a queue needs.
    QueueNeeds,
    /// Which further ones, once the entries are known.
    ChecksNeeds { records: Vec<Value> },
    /// The queue.
    Queue {
        records: Vec<Value>,
        me: String,
        signals: Vec<Signal>,
        now: Timestamp,
    },
    /// Which searches give what a chart needs.
    ChartNeeds { entry: Value },
    /// A chart.
    Chart {
        task: String,
        records: Vec<Value>,
        now: Timestamp,
    },
    /// An entry as this person takes it, or `null`.
    Claim { entry: Value, me: String, name: String },
    /// An entry as this person gives it back, or `null`.
    Release { entry: Value, me: String },
}

/// How a patient is linked, as `GET /api/queue/signals` says it.
#[derive(Deserialize)]
pub(crate) struct Signal {
    patient: String,
    connected: bool,
    rtt_ms: Option<u32>,
    loss_permille: Option<u32>,
    last_sync: Option<String>,
}

pub(crate) fn answer(ask: Ask) -> Value {
    match ask {
        Ask::QueueNeeds => json!([
            "Task?status=draft,requested,received,accepted,ready,in-progress,on-hold\
            &code=review-report,call-back,escalation&_count=1000\
            &_include=Task:patient&_include=Task:subject&_include=Task:focus&_include=Task:owner"
        ]),
        Ask::ChecksNeeds { records } => json!(checks_needs(&Records::of(records))),
        Ask::Queue {
            records,
            me,
            signals,
            now,
        } => shown(&queue::queue(&Records::of(records), &me, &linked(signals), now)),
        Ask::ChartNeeds { entry } => json!(chart_needs(&entry)),
        Ask::Chart { task, records, now } => {
            let view = chart::chart(&task, &Records::of(records), &AtServer, now, Some(now.as_f64()));
            shown(&view)
        }
        Ask::Claim { entry, me, name } => json!(task::claimed(&entry, &me, &name)),
        Ask::Release { entry, me } => json!(task::released(&entry, &me)),
    }
}

fn linked(signals: Vec<Signal>) -> BTreeMap<String, SignalView> {
    let view = |signal: Signal| {
        let last_sync = signal.last_sync.as_deref().and_then(Timestamp::parse);
        let view = SignalView {
            connected: signal.connected,
            rtt_ms: signal.rtt_ms,
            loss_permille: signal.loss_permille,
            last_sync_at: last_sync.map(Timestamp::as_f64),
        };
        (signal.patient, view)
    };
    signals.into_iter().map(view).collect()
}

/// Checks of the people of the queue, and of reports that are nobody's yet.
fn checks_needs(records: &Records) -> Vec<String> {
    let mut people: Vec<&str> = records.all("Patient").filter_map(|p| text(p, &["id"])).collect();
    // A report may know its person before its entry does.
    let reports = records.all("QuestionnaireResponse");
    people.extend(reports.filter_map(|r| reference_id(r.get("subject")?, "Patient")));
    people.sort_unstable();
    people.dedup();
    let theirs = people.chunks(200).map(|people| {
        let people = people.join(",");
        format!("RiskAssessment?patient={people}&_count=1000&_include=RiskAssessment:subject")
    });
    theirs
        .chain(["RiskAssessment?patient:missing=true&_count=1000".to_owned()])
        .collect()
}

/// All that is computed of an entry: its person's records and nobody's.
fn chart_needs(entry: &Value) -> Vec<String> {
    let patient = task::patient(entry).map(|id| id.to_string());
    let mut needs = Vec::new();
    if let Some(patient) = &patient {
        needs.push(format!("Patient?_id={patient}&_include=Patient:organization"));
    }
    for kind in chart::KINDS
        .iter()
        .filter(|kind| **kind != "Patient" && !NAMED.contains(kind))
    {
        let whose = WHOSE
            .into_iter()
            .find(|param| hms_fhir::search_param(kind, param).is_some());
        if let Some(param) = whose {
            needs.extend(
                patient
                    .iter()
                    .map(|patient| format!("{kind}?{param}={patient}&_count=1000")),
            );
            needs.push(format!("{kind}?{param}:missing=true&_count=1000"));
        }
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Value {
        json!({
            "resourceType": "Task", "id": "t1", "status": "requested", "priority": "stat", "for": { "reference": "Patient/dana" },
            "authoredOn": "2026-11-21T10:42:00-06:00",
            "code": { "coding": [{ "system": hms_model::map::system::codes("task"), "code": "review-report" }] },
        })
    }

    fn asked(question: Value) -> Value {
        serde_json::from_str(&crate::Core::default().answer(&question.to_string())).expect("JSON")
    }

    #[test]
    fn a_queue_is_shown_and_an_entry_taken_and_given_back() {
        let records =
            json!([entry(), { "resourceType": "Patient", "id": "dana", "name": [{ "text": "Dana Reyes" }] }]);
        let signals = json!([{ "patient": "dana", "connected": true, "rtt_ms": 300 }]);
        let now = 1_795_000_000_000_i64;

        let shown = asked(
            json!({ "ask": "queue", "records": records, "me": "alvarez", "signals": signals, "now": now }),
        );

        assert_eq!(shown[0]["name"], "Dana Reyes");
        assert_eq!(shown[0]["signal"]["rtt_ms"], 300);
        let taken = asked(json!({ "ask": "claim", "entry": entry(), "me": "alvarez", "name": "M. Alvarez" }));
        assert_eq!(taken["owner"]["reference"], "Practitioner/alvarez");
        let other = asked(json!({ "ask": "claim", "entry": taken, "me": "baker", "name": "B. Baker" }));
        assert_eq!(other, Value::Null);
        let back = asked(json!({ "ask": "release", "entry": taken, "me": "alvarez" }));
        assert_eq!((&back["status"], back.get("owner")), (&json!("requested"), None));
    }

    #[test]
    fn every_type_of_a_chart_is_asked_for_by_its_person_or_comes_with_another() {
        let needs = chart_needs(&entry());

        for kind in chart::KINDS.iter().filter(|kind| !NAMED.contains(kind)) {
            let theirs = needs
                .iter()
                .any(|need| need.starts_with(&format!("{kind}?")) && need.contains("=dana"));
            assert!(theirs, "{kind} is not asked for");
        }
    }

    #[test]
    fn what_is_no_question_is_said_to_be_none_and_not_repeated() {
        let answer = asked(json!({ "ask": "nothing", "name": "Dana" }));

        assert!(answer["error"].is_string());
        assert!(!answer.to_string().contains("Dana"));
    }
}
