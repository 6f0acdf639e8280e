//! What signalling does to resources: the Encounter of a visit, and the call-back where nobody answered.

use super::hub::{Input, VisitEvent};
use super::run::{keep_link, Job, Signalling};
use super::visit::Party;
use crate::app::App;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::sqlite::table::user::UserRow;
use crate::db::{DbError, Precondition, Prepared, Stored, Tx};
use crate::fhir::{interact, Problem};
use crate::service::{cause, queue, write};
use hms_model::ids::{DeviceId, TaskId, UserId, VisitId};
use hms_model::map::task::{self, TaskKind};
use hms_model::map::{extension, id_in, text_at, visit};
use hms_model::time::Timestamp;
use hms_model::wire::signal::EndedWhy;
use serde_json::{json, Value};
use tokio::sync::mpsc;

/// Who is called in a visit that may go ahead.
#[derive(Debug)]
struct Ready {
    callee: Option<String>,
    from: String,
}

/// Does the jobs one after the other, so that the steps of a visit are recorded in their order.
pub(super) async fn record_all(app: App, signalling: Signalling, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.recv().await {
        match job {
            Job::Prepare { visit, task, caller } => {
                let input = prepare(&app, visit, task, caller).await;
                signalling.tell(input).await;
            }
            Job::Record { visit, event } => {
                let recorded = app.db.write(move |tx| record(tx, &visit, event)).await;
                if let Err(error) = recorded {
                    tracing::error!(%error, "A step of a visit was not recorded");
                }
            }
            Job::Link {
                user,
                rtt_ms,
                loss_permille,
            } => keep_link(&app, user, rtt_ms, loss_permille).await,
        }
    }
}

async fn prepare(app: &App, visit: String, task: String, caller: Party) -> Input {
    let id = visit.clone();
    let prepared = app.db.write(move |tx| start(tx, &visit, &task, &caller)).await;
    match prepared {
        Ok(Ready { callee, from }) => Input::CallReady {
            visit: id,
            callee,
            from,
        },
        Err(problem) => {
            let code = match &problem {
                Problem::NotFound | Problem::Gone => "unknown_visit",
                Problem::Bad(_) | Problem::Invalid(_) => "bad_message",
                _ => "not_yours",
            };
            if problem.status() >= 500 {
                tracing::error!(%problem, "A call was not prepared");
            }
            Input::CallRefused { visit: id, code }
        }
    }
}

fn start(tx: &mut Tx<'_>, visit_id: &str, task_id: &str, caller: &Party) -> Result<Ready, Problem> {
    let account = table::user::by_id(tx.conn(), &caller.user)?
        .filter(|u| !u.disabled)
        .ok_or(Problem::Denied)?;
    let actor = actor_of(account, Some(&caller.device)).ok_or(Problem::Denied)?;
    let practitioner = actor.practitioner().ok_or(Problem::Denied)?;
    let (_, entry) = write::live(tx, "Task", task_id)?.ok_or(Problem::NotFound)?;
    let calls = matches!(
        task::kind(&entry),
        Some(TaskKind::ReviewReport | TaskKind::CallBack | TaskKind::Escalation)
    );
    // Only who has claimed the entry calls: two clinicians never ring the same person.
    if !calls || task::owner(&entry) != Some(practitioner.as_str()) {
        return Err(Problem::Denied);
    }
    let patient = task::patient(&entry).ok_or(Problem::NotFound)?;
    let (Ok(visit), Ok(task)) = (VisitId::parse(visit_id), TaskId::parse(task_id)) else {
        return Err(Problem::Bad("an id is not one".to_owned()));
    };
    match write::live(tx, "Encounter", visit_id)? {
        None => {
            let now = Timestamp(tx.now_ms());
            let encounter = visit::encounter(&visit, &patient, practitioner.as_str(), &task, now);
            interact::update(tx, &actor, Prepared::new(encounter)?, Precondition::Absent)?;
        }
        // The same call again, after the server was restarted: the visit was ended then.
        Some((_, known)) if text_at(&known, &["status"]) == Some("planned") => {}
        Some(_) => return Err(Problem::NotFound),
    }
    let callee = table::user::by_fhir(tx.conn(), &format!("Patient/{patient}"))?.filter(|u| !u.disabled);
    let from = format!("{}, {}", actor.name, actor.role.as_str());
    Ok(Ready {
        callee: callee.map(|u| u.id),
        from,
    })
}

/// The actor that an account is, outside a request.
#[must_use]
pub fn actor_of(account: UserRow, device: Option<&str>) -> Option<Actor> {
    Some(Actor {
        user: UserId::parse(&account.id).ok()?,
        name: account.name,
        role: account.role,
        fhir: account.fhir,
        site: account.site,
        district: account.district,
        device: device.and_then(|d| DeviceId::parse(d).ok()),
        scopes: account.scopes.split_whitespace().map(str::to_owned).collect(),
        family: String::new(),
    })
}

fn record(tx: &mut Tx<'_>, visit: &str, event: VisitEvent) -> Result<(), Problem> {
    let Some((stored, encounter)) = write::live(tx, "Encounter", visit)? else {
        return Ok(());
    };
    match event {
        VisitEvent::Unreachable => call_back(tx, visit, &encounter),
        VisitEvent::Accepted => {
            close_call_back(tx, visit)?;
            set_status(tx, &stored, encounter, "in-progress")
        }
        VisitEvent::Ended(why) => {
            // Who was cut off waits for a call as who was not reached does.
            if matches!(why, EndedWhy::NoAnswer | EndedWhy::Lost) {
                call_back(tx, visit, &encounter)?;
            }
            end(tx, &stored, encounter)
        }
    }
}

/// Ends an Encounter: a visit that ran is finished, one that nobody answered is cancelled.
///
/// # Errors
/// As [`Tx::put`].
pub fn end(tx: &mut Tx<'_>, stored: &Stored, encounter: Value) -> Result<(), Problem> {
    match text_at(&encounter, &["status"]) {
        Some("in-progress") => set_status(tx, stored, encounter, "finished"),
        Some("planned") => set_status(tx, stored, encounter, "cancelled"),
        _ => Ok(()),
    }
}

fn set_status(tx: &mut Tx<'_>, stored: &Stored, mut encounter: Value, status: &str) -> Result<(), Problem> {
    let now = Timestamp(tx.now_ms()).to_instant();
    if let Some(map) = encounter.as_object_mut() {
        map.insert("status".into(), json!(status));
        let key = if status == "in-progress" { "start" } else { "end" };
        if let Some(period) = map.entry("period").or_insert_with(|| json!({})).as_object_mut() {
            period.insert(key.into(), json!(now));
        }
    }
    write::change(tx, stored, encounter)?;
    Ok(())
}

fn call_back_id(visit: &str) -> String {
    cause::id("call-back", &[visit])
}

/// Puts the person on the call-back list, once for each visit.
fn call_back(tx: &mut Tx<'_>, visit: &str, encounter: &Value) -> Result<(), Problem> {
    let answers = extension(encounter, "answers-task").and_then(|e| id_in(e.get("valueReference")?, "Task"));
    let Some(entry_id) = answers else { return Ok(()) };
    let Some((_, entry)) = write::live(tx, "Task", entry_id)? else {
        return Ok(());
    };
    let now = Timestamp(tx.now_ms());
    write::make(
        tx,
        queue::follow_up_task(TaskKind::CallBack, &call_back_id(visit), entry_id, &entry, now),
    )?;
    Ok(())
}

/// They answered after all.
fn close_call_back(tx: &mut Tx<'_>, visit: &str) -> Result<(), Problem> {
    let Some((stored, mut task)) = write::live(tx, "Task", &call_back_id(visit))? else {
        return Ok(());
    };
    if text_at(&task, &["status"]) == Some("requested") {
        if let Some(map) = task.as_object_mut() {
            map.insert("status".into(), json!("cancelled"));
        }
        write::change(tx, &stored, task)?;
    }
    Ok(())
}

/// Ends the visits that an earlier run of the server left open: its calls ended with it.
///
/// # Errors
/// A failure of the database.
pub async fn end_left_open(app: &App) -> Result<usize, DbError> {
    app.db
        .write(|tx| {
            let open = table::task::open_visits(tx.conn())?;
            let mut ended = 0;
            for stored in open {
                let encounter = stored.value()?;
                match end(tx, &stored, encounter) {
                    Ok(()) => ended += 1,
                    Err(Problem::Db(error)) => return Err(error),
                    Err(error) => tracing::error!(%error, "An open visit was not ended"),
                }
            }
            Ok(ended)
        })
        .await
}
