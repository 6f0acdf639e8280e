//! The clinicians' queue.

use std::collections::BTreeMap;

use hms_model::map::task::{self, Priority, TaskKind};
use hms_model::map::{report as words, triage};
use hms_model::time::Timestamp;
use hms_model::view::{QueueItemView, SignalView};
use serde_json::Value;

use super::people::{age, display, language, name_of};
use super::{moment, reference_id, report::is_of_report, text, Records};

/// Open entries: most urgent first, then longest waiting.
#[must_use]
pub fn queue(
    records: &Records,
    me: &str,
    signals: &BTreeMap<String, SignalView>,
    now: Timestamp,
) -> Vec<QueueItemView> {
    let mut items: Vec<(u8, QueueItemView)> = records
        .all("Task")
        .filter(|task| is_in_queue(task))
        .filter_map(|task| {
            let kind = task::kind(task)?;
            Some((rank(task), item(task, kind, records, me, signals, now)))
        })
        .collect();
    items.sort_by(|(a_rank, a), (b_rank, b)| {
        a_rank
            .cmp(b_rank)
            .then(a.waiting_since.total_cmp(&b.waiting_since))
            .then(a.task.cmp(&b.task))
    });
    items.into_iter().map(|(_, item)| item).collect()
}

/// Whether a Task is an open entry of the queue.
#[must_use]
pub fn is_in_queue(task: &Value) -> bool {
    let wanted = matches!(
        task::kind(task),
        Some(TaskKind::ReviewReport | TaskKind::CallBack | TaskKind::Escalation)
    );
    wanted && is_open(task)
}

pub use task::is_open;

/// Whether an entry is an emergency that nobody has taken.
#[must_use]
pub fn is_new_emergency(task: &Value) -> bool {
    is_open(task)
        && text(task, &["priority"]) == Some(Priority::Stat.code())
        && task::owner(task).is_none()
        && matches!(
            task::kind(task),
            Some(TaskKind::ReviewReport | TaskKind::Escalation)
        )
}

fn rank(task: &Value) -> u8 {
    match text(task, &["priority"]).and_then(Priority::parse) {
        Some(Priority::Stat) => 0,
        Some(Priority::Asap) => 1,
        Some(Priority::Urgent) | None => 2,
        Some(Priority::Routine) => 3,
    }
}

/// How urgent the result of a check is, the most urgent first; a word that is not known counts as today's.
fn urgency_rank(urgency: &str) -> u8 {
    match urgency {
        "call_911" => 0,
        "ed_now" => 1,
        "hours_24" => 3,
        "days" => 4,
        "self_care" => 5,
        _ => 2,
    }
}

fn item(
    entry: &Value,
    kind: TaskKind,
    records: &Records,
    me: &str,
    signals: &BTreeMap<String, SignalView>,
    now: Timestamp,
) -> QueueItemView {
    let patient_id = task::patient(entry).map(|id| id.to_string());
    let patient = patient_id.as_deref().and_then(|id| records.get("Patient", id));
    let report_id = task::report(entry);
    let resource = report_id
        .as_ref()
        .and_then(|id| records.get("QuestionnaireResponse", id.as_str()));
    let report = resource.and_then(|r| words::from_fhir(r).ok());
    let urgency = records
        .all("RiskAssessment")
        .filter(|a| report_id.as_ref().is_some_and(|id| is_of_report(a, id.as_str())))
        // A milder check later on does not take back what an earlier one found; nor does the entry's priority fall.
        .filter_map(|a| Some((triage::urgency(a)?, moment(a, &["occurrenceDateTime"]))))
        .min_by_key(|(urgency, at)| (urgency_rank(urgency), std::cmp::Reverse(*at)))
        .map(|(urgency, _)| urgency);
    let name = patient.map(name_of).filter(|n| !n.is_empty());
    let owner = task::owner(entry);
    QueueItemView {
        task: text(entry, &["id"]).unwrap_or_default().to_owned(),
        kind: kind.code().to_owned(),
        name: name
            .or_else(|| {
                entry
                    .get("for")
                    .and_then(|f| text(f, &["display"]))
                    .map(str::to_owned)
            })
            .unwrap_or_default(),
        age: patient.and_then(|p| age(text(p, &["birthDate"])?, now)),
        what: report.as_ref().map(|r| r.what),
        places: report.as_ref().map(|r| r.places.clone()).unwrap_or_default(),
        priority: text(entry, &["priority"])
            .unwrap_or(Priority::Urgent.code())
            .to_owned(),
        urgency: urgency.map(str::to_owned),
        waiting_since: moment(entry, &["authoredOn"]).unwrap_or(now).as_f64(),
        language: report
            .map(|r| r.language)
            .or_else(|| patient.and_then(language))
            .unwrap_or_else(|| "en".to_owned()),
        signal: patient_id.as_deref().and_then(|id| signals.get(id)).cloned(),
        claimed_by: entry.get("owner").and_then(|o| {
            display(o, "Practitioner", records).or_else(|| reference_id(o, "Practitioner").map(str::to_owned))
        }),
        mine: owner == Some(me),
        unseen: owner.is_none() && text(entry, &["status"]) == Some("requested"),
        patient: patient_id,
    }
}

#[cfg(test)]
mod tests {
    use hms_model::ids::{PatientId, ReportId, TaskId};
    use hms_model::time::Stamp;
    use serde_json::json;

    use super::*;

    fn entry(id: &str, priority: Priority, at: &str) -> Value {
        let patient = PatientId::parse("dana").expect("id");
        task::review_task(
            &TaskId::parse(id).expect("id"),
            &ReportId::parse("r1").expect("id"),
            Some(&patient),
            priority,
            Stamp::parse(at).expect("stamp"),
        )
    }

    #[test]
    fn the_most_urgent_comes_first_then_the_longest_waiting_and_closed_ones_go() {
        let mut closed = entry("d", Priority::Stat, "2026-11-21T10:00:00Z");
        closed["status"] = json!("completed");
        let mut mine = entry("c", Priority::Urgent, "2026-11-21T09:00:00Z");
        mine["status"] = json!("accepted");
        mine["owner"] = json!({ "reference": "Practitioner/alvarez" });
        let records = Records::of(vec![
            entry("a", Priority::Urgent, "2026-11-21T10:00:00Z"),
            entry("b", Priority::Stat, "2026-11-21T11:00:00Z"),
            mine,
            closed,
            json!({ "resourceType": "Patient", "id": "dana", "birthDate": "1984-01-01", "name": [{ "text": "Dana Reyes" }] }),
            json!({ "resourceType": "Practitioner", "id": "alvarez", "name": [{ "text": "M. Alvarez" }] }),
        ]);
        let now = Timestamp::parse("2026-11-21T12:00:00Z").expect("now");

        let items = queue(&records, "alvarez", &BTreeMap::new(), now);

        let order: Vec<&str> = items.iter().map(|i| i.task.as_str()).collect();
        assert_eq!(order, ["b", "c", "a"]);
        assert_eq!(items[0].name, "Dana Reyes");
        assert_eq!(items[0].age, Some(42));
        assert!(items[0].unseen && !items[1].unseen);
        assert!(items[1].mine);
        assert_eq!(items[1].claimed_by.as_deref(), Some("M. Alvarez"));
    }

    #[test]
    fn a_milder_check_later_does_not_take_back_what_an_earlier_one_found() {
        let check = |id: &str, urgency: &str, at: &str| {
            json!({ "resourceType": "RiskAssessment", "id": id, "occurrenceDateTime": at,
                "basis": [{ "reference": "QuestionnaireResponse/r1" }],
                "prediction": [{ "qualitativeRisk": hms_model::map::concept(&hms_model::map::system::codes("urgency"), urgency) }] })
        };
        let shown = |checks: Vec<Value>| {
            let all = [vec![entry("a", Priority::Stat, "2026-11-21T10:00:00Z")], checks].concat();
            let now = Timestamp::parse("2026-11-21T12:00:00Z").expect("now");
            queue(&Records::of(all), "alvarez", &BTreeMap::new(), now)[0]
                .urgency
                .clone()
        };

        let emergency = check("c1", "call_911", "2026-11-21T10:05:00Z");
        let milder = check("c1-2", "self_care", "2026-11-21T10:30:00Z");
        let hospital = check("c1-3", "ed_now", "2026-11-21T10:40:00Z");
        assert_eq!(
            shown(vec![milder.clone(), emergency, hospital]).as_deref(),
            Some("call_911")
        );
        assert_eq!(shown(vec![milder]).as_deref(), Some("self_care"));
        assert_eq!(shown(vec![]), None);
    }
}
