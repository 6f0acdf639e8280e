//! From a signed advice to the manager's decision, and from the decision to HR.

use super::report::{managers_of, name_of};
use super::{cause, write};
use crate::db::sqlite::table;
use crate::db::{DbError, Stored, Tx, WriteError};
use crate::hr::HR_TARGET;
use hms_model::hr::{appointment, work_status, Employee};
use hms_model::ids::TaskId;
use hms_model::map::task::{self, TaskKind};
use hms_model::map::{duty, system, text_at};
use hms_model::time::Timestamp;
use serde_json::{json, Value};

/// Refuses an advice or a decision that contradicts itself, and a change of what is signed or decided.
///
/// # Errors
/// [`WriteError::Conflict`] with the reason.
pub fn check(kind: &str, resource: &Value, before: Option<&Stored>) -> Result<(), WriteError> {
    let live = before.filter(|b| !b.deleted).map(Stored::value).transpose()?;
    let was = |status: &str| live.as_ref().and_then(|l| text_at(l, &["status"])) == Some(status);
    if kind == "Composition" {
        if was("final") {
            return Err(WriteError::Conflict { code: "signed" });
        }
        if text_at(resource, &["status"]) == Some("final") {
            if let Some(advice) = duty::from_fhir(resource) {
                advice.advice.check().map_err(|_| WriteError::Conflict {
                    code: "advice-incomplete",
                })?;
            }
        }
    }
    if kind == "Task" && task::kind(resource) == Some(TaskKind::DutyDecision) {
        if was("completed") {
            return Err(WriteError::Conflict { code: "decided" });
        }
        if text_at(resource, &["status"]) == Some("completed") {
            let decision = task::advice_in(resource, "output").ok_or(WriteError::Conflict {
                code: "decision-incomplete",
            })?;
            decision.check().map_err(|_| WriteError::Conflict {
                code: "decision-incomplete",
            })?;
        }
    }
    Ok(())
}

/// Asks the manager to decide on an advice that was just signed.
///
/// # Errors
/// As [`Tx::put`].
pub fn ask_manager(tx: &mut Tx<'_>, composition: &Value) -> Result<(), WriteError> {
    let Some(advice) = duty::from_fhir(composition).filter(|a| a.signed.is_some()) else {
        return Ok(());
    };
    let patient = advice.patient.as_str();
    let Ok(id) = TaskId::parse(&cause::id("duty-decision", &[advice.id.as_str()])) else {
        return Ok(());
    };
    let managers = managers_of(tx, patient)?;
    let owner = managers.first().map(String::as_str);
    let now = Timestamp(tx.now_ms());
    let mut ask = task::duty_decision(
        &id,
        &advice.patient,
        owner.unwrap_or_default(),
        &advice.advice,
        now,
    );
    let name = name_of(tx, patient)?;
    if let Some(map) = ask.as_object_mut() {
        if owner.is_none() {
            map.shift_remove("owner");
        }
        if let (Some(name), Some(person)) = (name, map.get_mut("for").and_then(Value::as_object_mut)) {
            person.insert("display".into(), json!(name));
        }
    }
    write::make(tx, ask).map(drop)
}

/// Tells HR of a decision that was just made, and of the follow-up where there is one.
///
/// # Errors
/// A failed statement.
pub fn tell_hr(tx: &mut Tx<'_>, decided: &Value) -> Result<(), DbError> {
    let (Some(decision), Some(patient)) = (task::advice_in(decided, "output"), task::patient(decided)) else {
        return Ok(());
    };
    let Some(employee) = employee(tx, patient.as_str())? else {
        tracing::warn!("A decision was not sent to HR: the person has no employee number");
        return Ok(());
    };
    let task_id = text_at(decided, &["id"]).unwrap_or_default();
    let id = cause::id("hr-condition", &[task_id]);
    let condition = work_status(&id, &employee, &decision, Timestamp(tx.now_ms()));
    table::outbox_out::add(tx.conn(), &id, HR_TARGET, &condition.to_string(), tx.now_ms())?;
    for stored in table::task::of_patient(tx.conn(), "Appointment", patient.as_str())? {
        let booked = stored.value()?;
        send_appointment(tx, &employee, &booked)?;
    }
    Ok(())
}

/// Tells HR of an appointment, where a decision about the person was made already.
///
/// # Errors
/// A failed statement.
pub fn tell_hr_of_appointment(tx: &mut Tx<'_>, booked: &Value) -> Result<(), DbError> {
    let Some(patient) = crate::auth::relation::patient_of(booked) else {
        return Ok(());
    };
    let mut decided = false;
    for stored in table::task::of_patient(tx.conn(), "Task", &patient)? {
        let task = stored.value()?;
        decided |= task::kind(&task) == Some(TaskKind::DutyDecision)
            && text_at(&task, &["status"]) == Some("completed");
    }
    match employee(tx, &patient)? {
        Some(employee) if decided => send_appointment(tx, &employee, booked),
        Some(_) | None => Ok(()),
    }
}

/// Only what is still to come, and only that it exists and when.
fn send_appointment(tx: &mut Tx<'_>, employee: &Employee, booked: &Value) -> Result<(), DbError> {
    let moment = |key| text_at(booked, &[key]).and_then(Timestamp::parse);
    let (Some(start), Some(end), Some("booked"), Some(id)) = (
        moment("start"),
        moment("end"),
        text_at(booked, &["status"]),
        text_at(booked, &["id"]),
    ) else {
        return Ok(());
    };
    if start.0 < tx.now_ms() {
        return Ok(());
    }
    let message = cause::id("hr-appointment", &[id, &start.to_instant(), &end.to_instant()]);
    // HR's id follows from ours alone: a moved appointment replaces the earlier one there.
    let sent = appointment(&cause::id("hr-appointment", &[id]), employee, start, end);
    table::outbox_out::add(tx.conn(), &message, HR_TARGET, &sent.to_string(), tx.now_ms())
}

fn employee(tx: &Tx<'_>, patient: &str) -> Result<Option<Employee>, DbError> {
    let Some((_, body)) = write::live(tx, "Patient", patient)? else {
        return Ok(None);
    };
    let wanted = system::codes("employee-number");
    let identifiers = body
        .get("identifier")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Ok(identifiers
        .filter(|i| i.get("system").and_then(Value::as_str) == Some(&wanted))
        .find_map(|i| i.get("value")?.as_str())
        .map(|number| Employee {
            number: number.to_owned(),
        }))
}
