//! Tasks: entries of the clinicians' queue, notices to the supervisor, decisions on duty, call-backs.

use super::{concept, id_in, reference, system};
use crate::duty::{DutyAdvice, Limit, WorkStatus};
use crate::ids::{PatientId, ReportId, TaskId};
use crate::report::codes;
use crate::time::{Stamp, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

codes! {
    /// What a Task asks for.
    TaskKind {
        /// Clinician: read the report and call.
        ReviewReport = "review-report",
        /// Supervisor: someone is hurt; 24-hour clock. Carries no health word.
        SupervisorNotice = "supervisor-notice",
        /// Manager: decide on duty from the advice.
        DutyDecision = "duty-decision",
        /// Clinician or nurse: call back, the person could not be reached.
        CallBack = "call-back",
        /// Nurse: an emergency that no clinician has opened.
        Escalation = "escalation",
    }
}

codes! {
    /// Order in the queue: FHIR request-priority.
    Priority {
        /// Emergency.
        Stat = "stat",
        /// Today.
        Asap = "asap",
        /// Within 24 hours, or not yet asked.
        Urgent = "urgent",
        /// Later.
        Routine = "routine",
    }
}

impl Priority {
    /// Priority for the symptom checker's urgency word; unknown words count as [`Priority::Urgent`].
    #[must_use]
    pub fn of_urgency(urgency: &str) -> Self {
        match urgency {
            "call_911" | "ed_now" => Self::Stat,
            "today" => Self::Asap,
            "days" | "self_care" => Self::Routine,
            _ => Self::Urgent,
        }
    }
}

/// The queue entry that goes with a report. Made on the device, in the same group as the report.
#[must_use]
pub fn review_task(
    id: &TaskId,
    report: &ReportId,
    patient: Option<&PatientId>,
    priority: Priority,
    authored: Stamp,
) -> Value {
    let mut task = json!({
        "resourceType": "Task",
        "id": id.as_str(),
        "status": "requested",
        "intent": "order",
        "priority": priority.code(),
        "code": concept(&system::codes("task"), TaskKind::ReviewReport.code()),
        "focus": reference("QuestionnaireResponse", report.as_str()),
        "authoredOn": authored.to_datetime(),
    });
    if let (Some(map), Some(patient)) = (task.as_object_mut(), patient) {
        map.insert("for".into(), reference("Patient", patient.as_str()));
    }
    task
}

/// Tells the supervisor at once: who, when, where. Carries no health word and no reference to the report.
#[must_use]
pub fn supervisor_notice(
    id: &TaskId,
    patient: &PatientId,
    manager: &str,
    happened: &str,
    place: Option<&str>,
    received: Timestamp,
) -> Value {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    let mut inputs = vec![input("happened", json!({ "valueDateTime": happened }))];
    if let Some(place) = place {
        inputs.push(input("place", json!({ "valueString": place })));
    }
    json!({
        "resourceType": "Task",
        "id": id.as_str(),
        "status": "requested",
        "intent": "order",
        "priority": "asap",
        "code": concept(&system::codes("task"), TaskKind::SupervisorNotice.code()),
        "for": reference("Patient", patient.as_str()),
        "owner": reference("Practitioner", manager),
        "authoredOn": received.to_instant(),
        "restriction": { "period": { "end": received.plus_ms(DAY_MS).to_instant() } },
        "input": inputs,
    })
}

/// Makes a notice one about a colleague whom nobody has identified yet: it names the reporter, whom the supervisor can
/// ask, and the site whose supervisors it is for. What was typed as a name stays out: it is free text.
#[must_use]
pub fn about_unknown_colleague(mut notice: Value, reporter: &PatientId, name: &str, site: &str) -> Value {
    if let Some(map) = notice.as_object_mut() {
        // Both languages: which one its reader speaks is not known here.
        let who = format!("Colleague of {name} / Colega de {name}");
        map.insert("for".into(), json!({ "display": who }));
        let mut asker = reference("Patient", reporter.as_str());
        if let Some(asker) = asker.as_object_mut() {
            asker.insert("display".into(), json!(name));
        }
        map.insert("requester".into(), asker);
        let restriction = map.entry("restriction").or_insert_with(|| json!({}));
        if let Some(restriction) = restriction.as_object_mut() {
            restriction.insert("recipient".into(), json!([reference("Organization", site)]));
        }
    }
    notice
}

/// The site whose supervisors a notice about nobody known is for.
#[must_use]
pub fn notice_site(task: &Value) -> Option<&str> {
    if kind(task) != Some(TaskKind::SupervisorNotice) {
        return None;
    }
    id_in(task.get("restriction")?.get("recipient")?.get(0)?, "Organization")
}

/// Asks the manager to decide. Carries status, limits and dates; no reference to anything clinical.
#[must_use]
pub fn duty_decision(
    id: &TaskId,
    patient: &PatientId,
    manager: &str,
    advice: &DutyAdvice,
    signed: Timestamp,
) -> Value {
    json!({
        "resourceType": "Task",
        "id": id.as_str(),
        "status": "requested",
        "intent": "order",
        "priority": "asap",
        "code": concept(&system::codes("task"), TaskKind::DutyDecision.code()),
        "for": reference("Patient", patient.as_str()),
        "owner": reference("Practitioner", manager),
        "authoredOn": signed.to_instant(),
        "input": advice_parameters(advice),
    })
}

/// Adds the manager's decision as the Task's output and completes it.
pub fn decide(task: &mut Value, decision: &DutyAdvice) {
    if let Some(map) = task.as_object_mut() {
        map.insert("status".into(), json!("completed"));
        map.insert("output".into(), Value::Array(advice_parameters(decision)));
    }
}

/// The advice in a Task's `input`, or the decision in its `output`.
#[must_use]
pub fn advice_in(task: &Value, element: &str) -> Option<DutyAdvice> {
    let parameters = task.get(element)?.as_array()?;
    let of = |name: &str| {
        let name = name.to_owned();
        parameters
            .iter()
            .filter(move |p| kind_of_parameter(p) == Some(name.as_str()))
    };
    let code = |p: &Value| p.get("valueCode").and_then(Value::as_str).map(str::to_owned);
    let day = |name: &str| of(name).next()?.get("valueDate")?.as_str()?.parse().ok();
    Some(DutyAdvice {
        status: WorkStatus::parse(&of("work-status").find_map(code)?)?,
        limits: of("limit")
            .filter_map(code)
            .map(|c| Limit::parse(&c))
            .collect::<Option<_>>()?,
        from: day("from")?,
        until: day("until"),
    })
}

fn advice_parameters(advice: &DutyAdvice) -> Vec<Value> {
    let mut parameters = vec![
        input("work-status", json!({ "valueCode": advice.status.code() })),
        input("from", json!({ "valueDate": advice.from.to_string() })),
    ];
    if let Some(until) = advice.until {
        parameters.push(input("until", json!({ "valueDate": until.to_string() })));
    }
    for limit in &advice.limits {
        parameters.push(input("limit", json!({ "valueCode": limit.code() })));
    }
    parameters
}

fn input(name: &str, value: Value) -> Value {
    let mut parameter = json!({ "type": concept(&system::codes("task-parameter"), name) });
    if let (Some(map), Value::Object(value)) = (parameter.as_object_mut(), value) {
        map.extend(value);
    }
    parameter
}

/// Text of a named input, e.g. `happened` (dateTime) or `place`.
#[must_use]
pub fn input_text<'a>(task: &'a Value, name: &str) -> Option<&'a str> {
    let parameter = task
        .get("input")?
        .as_array()?
        .iter()
        .find(|p| kind_of_parameter(p) == Some(name))?;
    ["valueString", "valueDateTime", "valueCode", "valueDate"]
        .iter()
        .find_map(|key| parameter.get(key).and_then(Value::as_str))
}

fn kind_of_parameter(parameter: &Value) -> Option<&str> {
    super::code_in(parameter.get("type")?, &system::codes("task-parameter"))
}

/// What the Task asks for.
#[must_use]
pub fn kind(task: &Value) -> Option<TaskKind> {
    super::code_in(task.get("code")?, &system::codes("task")).and_then(TaskKind::parse)
}

/// The patient.
#[must_use]
pub fn patient(task: &Value) -> Option<PatientId> {
    PatientId::parse(id_in(task.get("for")?, "Patient")?).ok()
}

/// The report that a review Task is about.
#[must_use]
pub fn report(task: &Value) -> Option<ReportId> {
    ReportId::parse(id_in(task.get("focus")?, "QuestionnaireResponse")?).ok()
}

/// The practitioner who has claimed the Task, if any.
#[must_use]
pub fn owner(task: &Value) -> Option<&str> {
    id_in(task.get("owner")?, "Practitioner")
}

/// Whether a Task still asks for something.
#[must_use]
pub fn is_open(task: &Value) -> bool {
    !matches!(
        task.get("status").and_then(Value::as_str),
        Some("completed" | "cancelled" | "failed" | "rejected" | "entered-in-error")
    )
}

/// An entry as this practitioner takes it; `None` where somebody else has it, or it is closed.
#[must_use]
pub fn claimed(entry: &Value, practitioner: &str, name: &str) -> Option<Value> {
    let free = is_open(entry) && owner(entry).is_none_or(|owner| owner == practitioner);
    let mut entry = entry.clone();
    let map = entry.as_object_mut().filter(|_| free)?;
    let mut person = reference("Practitioner", practitioner);
    if let Some(person) = person.as_object_mut() {
        person.insert("display".into(), json!(name));
    }
    map.insert("status".into(), json!("accepted"));
    map.insert("owner".into(), person);
    Some(entry)
}

/// An entry as this practitioner gives it back; `None` where it is somebody else's.
#[must_use]
pub fn released(entry: &Value, practitioner: &str) -> Option<Value> {
    let free = owner(entry).is_none_or(|owner| owner == practitioner);
    let mut entry = entry.clone();
    let map = entry.as_object_mut().filter(|_| free)?;
    map.insert("status".into(), json!("requested"));
    map.shift_remove("owner");
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice() -> DutyAdvice {
        DutyAdvice {
            status: WorkStatus::Restricted,
            limits: vec![Limit::NoLeftHand, Limit::Lift10],
            from: "2026-11-21".parse().expect("day"),
            until: "2026-11-28".parse().ok(),
        }
    }

    #[test]
    fn an_advice_reads_back_from_input_and_output() {
        let id = TaskId::parse("t").expect("id");
        let patient = PatientId::parse("dana").expect("id");

        let mut task = duty_decision(&id, &patient, "maria", &advice(), Timestamp(0));
        decide(&mut task, &advice());

        assert_eq!(advice_in(&task, "input"), Some(advice()));
        assert_eq!(advice_in(&task, "output"), Some(advice()));
        assert_eq!(hms_fhir::validate(&task), Ok(()));
    }

    #[test]
    fn a_notice_refers_to_nothing_clinical() {
        let id = TaskId::parse("t").expect("id");
        let patient = PatientId::parse("dana").expect("id");

        let task = supervisor_notice(
            &id,
            &patient,
            "maria",
            "2026-11-21T10:40:00-06:00",
            Some("RR 7"),
            Timestamp(0),
        );

        assert_eq!(task.get("focus"), None);
        assert_eq!(kind(&task), Some(TaskKind::SupervisorNotice));
        assert_eq!(input_text(&task, "place"), Some("RR 7"));
        assert_eq!(hms_fhir::validate(&task), Ok(()));
    }
}
