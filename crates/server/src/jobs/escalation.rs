//! Emergencies that no clinician has opened go to the nurses.

use crate::app::App;
use crate::db::sqlite::table;
use crate::db::{DbError, Stored, Tx, WriteError};
use crate::service::{cause, queue, write};
use hms_model::map::task::{self, TaskKind};
use hms_model::map::{reference, text_at};
use hms_model::time::Timestamp;
use serde_json::Value;

/// Makes an escalation for each emergency that has waited for too long; returns how many were new.
///
/// # Errors
/// A failure of the database.
pub async fn escalate(app: &App) -> Result<usize, DbError> {
    let before = app.clock.now_ms() - i64::from(app.settings.escalate_after_s) * 1000;
    let waiting = app
        .db
        .read(move |read| table::task::unseen_emergencies(read.conn(), before))
        .await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    app.db
        .write(move |tx| {
            let mut made = 0;
            // Looked up again: one may have been claimed meanwhile.
            for stored in table::task::unseen_emergencies(tx.conn(), before)? {
                match one(tx, &stored) {
                    Ok(new) => made += usize::from(new),
                    Err(WriteError::Db(error)) => return Err(error),
                    Err(error) => {
                        tracing::error!(%error, task = stored.id, "An emergency could not be escalated")
                    }
                }
            }
            Ok(made)
        })
        .await
}

fn one(tx: &mut Tx<'_>, stored: &Stored) -> Result<bool, WriteError> {
    let entry = stored.value()?;
    // A call-back or an escalation may be urgent too; only entries of the queue are watched.
    if task::kind(&entry) != Some(TaskKind::ReviewReport) || has_open(tx, &stored.id, &entry)? {
        return Ok(false);
    }
    let id = cause::id("escalation", &[&stored.id, &stored.version.to_string()]);
    let now = Timestamp(tx.now_ms());
    let made = write::make(
        tx,
        queue::follow_up_task(TaskKind::Escalation, &id, &stored.id, &entry, now),
    )?;
    Ok(made.is_some())
}

fn has_open(tx: &Tx<'_>, entry_id: &str, entry: &Value) -> Result<bool, DbError> {
    let Some(focus) = text_at(entry, &["focus", "reference"]) else {
        return Ok(false);
    };
    let patient = task::patient(entry);
    let because = reference("Task", entry_id);
    for other in table::task::about(tx.conn(), patient.as_ref().map(|p| p.as_str()), focus)? {
        let other = other.value()?;
        let open = text_at(&other, &["status"]).is_some_and(|s| s != "completed" && s != "cancelled");
        let based = other.get("basedOn").and_then(|b| b.get(0)) == Some(&because);
        if task::kind(&other) == Some(TaskKind::Escalation) && open && based {
            return Ok(true);
        }
    }
    Ok(false)
}
