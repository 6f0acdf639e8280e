//! Entries of the clinicians' queue: made for each report, raised when it got worse, never lowered.

use super::{cause, write};
use crate::db::sqlite::table;
use crate::db::{DbError, Stored, Tx, WriteError};
use hms_model::ids::{PatientId, ReportId, TaskId};
use hms_model::map::task::{self, Priority, TaskKind};
use hms_model::map::{concept, reference, system};
use hms_model::time::{Stamp, Timestamp};
use serde_json::{json, Value};

/// The entry of a report, whoever made it.
///
/// # Errors
/// A failed statement.
pub fn entry_of(
    tx: &Tx<'_>,
    patient: Option<&str>,
    report: &str,
) -> Result<Option<(Stored, Value)>, DbError> {
    let focus = format!("QuestionnaireResponse/{report}");
    let mut found = table::task::about(tx.conn(), patient, &focus)?;
    if patient.is_some() {
        // The entry of a report for a colleague names nobody, whoever adds to it.
        found.extend(table::task::about(tx.conn(), None, &focus)?);
    }
    for stored in found {
        let task = stored.value()?;
        if task::kind(&task) == Some(TaskKind::ReviewReport) {
            return Ok(Some((stored, task)));
        }
    }
    Ok(None)
}

/// Makes the entry of a report that came without one.
///
/// # Errors
/// As [`Tx::put`].
pub fn ensure_entry(tx: &mut Tx<'_>, patient: Option<&str>, report: &ReportId) -> Result<(), WriteError> {
    if entry_of(tx, patient, report.as_str())?.is_some() {
        return Ok(());
    }
    let Ok(id) = TaskId::parse(&cause::id("review-report", &[report.as_str()])) else {
        return Ok(());
    };
    let patient = patient.and_then(|p| PatientId::parse(p).ok());
    let authored = Stamp {
        at: Timestamp(tx.now_ms()),
        offset_minutes: 0,
    };
    // Nobody has asked for symptoms yet, so it counts as urgent.
    let entry = task::review_task(&id, report, patient.as_ref(), Priority::Urgent, authored);
    write::make(tx, entry).map(drop)
}

/// Raises the entry of a report to at least this priority, and opens it again where it was closed.
///
/// # Errors
/// As [`Tx::put`].
pub fn raise(tx: &mut Tx<'_>, patient: Option<&str>, report: &str, by: Raise) -> Result<(), WriteError> {
    let Some((stored, mut entry)) = entry_of(tx, patient, report)? else {
        return Ok(());
    };
    let now = priority_of(&entry);
    let raised = by.from(now);
    let status = entry.get("status").and_then(Value::as_str).unwrap_or_default();
    let closed = matches!(status, "completed" | "failed" | "cancelled" | "rejected");
    if rank(raised) == rank(now) && !closed {
        return Ok(());
    }
    if let Some(map) = entry.as_object_mut() {
        map.insert("priority".into(), json!(raised.code()));
        if closed {
            // Back to everybody: whoever had it may have gone home.
            map.insert("status".into(), json!("requested"));
            map.shift_remove("owner");
        }
    }
    write::change(tx, &stored, entry).map(drop)
}

/// Why an entry is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raise {
    /// "It got worse": one step up.
    OneStep,
    /// A symptom check asks for this priority.
    AtLeast(Priority),
}

impl Raise {
    /// The priority after it; never lower than before.
    #[must_use]
    pub fn from(self, now: Priority) -> Priority {
        let wanted = match self {
            Self::AtLeast(wanted) => wanted,
            Self::OneStep => match now {
                Priority::Routine | Priority::Urgent => Priority::Asap,
                Priority::Asap | Priority::Stat => Priority::Stat,
            },
        };
        if rank(wanted) > rank(now) {
            wanted
        } else {
            now
        }
    }
}

fn rank(priority: Priority) -> u8 {
    match priority {
        Priority::Routine => 0,
        Priority::Urgent => 1,
        Priority::Asap => 2,
        Priority::Stat => 3,
    }
}

/// The priority of a Task; one without counts as urgent.
#[must_use]
pub fn priority_of(task: &Value) -> Priority {
    task.get("priority")
        .and_then(Value::as_str)
        .and_then(Priority::parse)
        .unwrap_or(Priority::Urgent)
}

/// A Task that the server makes because of another one: a call-back or an escalation.
#[must_use]
pub fn follow_up_task(kind: TaskKind, id: &str, entry_id: &str, entry: &Value, now: Timestamp) -> Value {
    let mut follow_up = json!({
        "resourceType": "Task",
        "id": id,
        "basedOn": [reference("Task", entry_id)],
        "status": "requested",
        "intent": "order",
        "priority": priority_of(entry).code(),
        "code": concept(&system::codes("task"), kind.code()),
    });
    if let Some(map) = follow_up.as_object_mut() {
        for element in ["focus", "for"] {
            if let Some(value) = entry.get(element) {
                map.insert(element.into(), value.clone());
            }
        }
        map.insert("authoredOn".into(), json!(now.to_instant()));
    }
    follow_up
}

/// Closes the open Tasks of a kind that were made because of an entry.
///
/// # Errors
/// As [`Tx::put`].
pub fn close_follow_ups(
    tx: &mut Tx<'_>,
    entry_id: &str,
    entry: &Value,
    kind: TaskKind,
) -> Result<(), WriteError> {
    let patient = entry.get("for").and_then(|r| hms_model::map::id_in(r, "Patient"));
    let Some(focus) = entry
        .get("focus")
        .and_then(|f| f.get("reference"))
        .and_then(Value::as_str)
    else {
        return Ok(());
    };
    let because = reference("Task", entry_id);
    for stored in table::task::about(tx.conn(), patient, focus)? {
        let mut follow_up = stored.value()?;
        let open = follow_up
            .get("status")
            .and_then(Value::as_str)
            .is_some_and(|s| s != "completed" && s != "cancelled");
        let based = follow_up.get("basedOn").and_then(|b| b.get(0)) == Some(&because);
        if task::kind(&follow_up) == Some(kind) && open && based {
            if let Some(map) = follow_up.as_object_mut() {
                map.insert("status".into(), json!("completed"));
            }
            write::change(tx, &stored, follow_up)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_raised_and_never_lowered() {
        for now in Priority::ALL {
            for wanted in Priority::ALL {
                assert!(rank(Raise::AtLeast(*wanted).from(*now)) >= rank(*now).max(rank(*wanted)));
            }
            assert!(rank(Raise::OneStep.from(*now)) >= rank(*now));
        }
        assert_eq!(Raise::OneStep.from(Priority::Urgent), Priority::Asap);
        assert_eq!(Raise::OneStep.from(Priority::Asap), Priority::Stat);
    }
}
