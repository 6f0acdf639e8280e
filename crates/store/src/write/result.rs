//! The server's answer to one queued change.

use super::reconcile::reconcile;
use super::regroup::regroup;
use crate::table::resource::{RemoteState, ResourceRow};
use crate::table::{acked, outbox, receipt, resource, Key};
use crate::{Applied, OutboxRow, StoreError};
use hms_core::outbox::{question_of, Failure, StuckReason};
use hms_core::sync::plan::{on_failure, on_result, ResultAction, TOLD_OF_ABSENT};
use hms_model::time::Timestamp;
use hms_model::wire::sync::{WireResult, ON_ITS_DELETION};
use rusqlite::Connection;

/// The record was deleted at the server.
const GONE: u16 = 410;
/// The server does not know the record.
const ABSENT: u16 = 404;

/// Applies one result. `seed` jitters the wait before another try.
pub(crate) fn apply(
    conn: &Connection,
    result: &WireResult,
    now: Timestamp,
    seed: u64,
) -> Result<Applied, StoreError> {
    let Some((key, row)) = outbox::find(conn, result.op)? else {
        return Ok(Applied::Unknown);
    };
    match on_result(result, row.attempt, now, seed) {
        ResultAction::Done => done(conn, &key, &row, result, now),
        action if result.status == GONE => {
            deleted_there(conn, &key, &row)?;
            hold(conn, &key, &row, action, now)
        }
        // With what is not offered to this person any more nobody can compare: they are told that it was refused.
        ResultAction::Stuck(StuckReason::Conflict) if is_out_of_scope(conn, &key)? => {
            let reason = StuckReason::Rejected {
                question: question_of(result.outcome.as_ref()),
                status: result.status,
            };
            hold(conn, &key, &row, ResultAction::Stuck(reason), now)
        }
        // Whoever may not bring back what was deleted decides once more: the deletion can still be taken, and nothing
        // else would ever let go of theirs.
        ResultAction::Stuck(StuckReason::Rejected { .. }) if row.base.as_deref() == Some(ON_ITS_DELETION) => {
            deleted_there(conn, &key, &row)?;
            hold(conn, &key, &row, ResultAction::Stuck(StuckReason::Conflict), now)
        }
        action => {
            if result.status == ABSENT && row.attempt >= TOLD_OF_ABSENT {
                outbox::note_absent(conn, row.op)?;
            }
            hold(conn, &key, &row, action, now)
        }
    }
}

/// Applies a failure of the whole exchange to changes that got no result.
pub(crate) fn fail(
    conn: &Connection,
    ops: &[i64],
    failure: Failure,
    now: Timestamp,
    seed: u64,
) -> Result<(), StoreError> {
    for op in ops {
        let Some((key, row)) = outbox::find(conn, *op)? else {
            continue;
        };
        // Refused as a whole says nothing about this change: it is tried again, ever more rarely.
        let failure = match failure {
            Failure::Rejected | Failure::Conflict | Failure::Transient => Failure::Transient,
            Failure::AuthNeeded => Failure::AuthNeeded,
        };
        let seed = seed ^ op.unsigned_abs();
        let action = on_failure(failure, row.attempt, now, seed, || StuckReason::WithGroup);
        hold(conn, &key, &row, action, now)?;
    }
    Ok(())
}

fn done(
    conn: &Connection,
    key: &Key,
    row: &OutboxRow,
    result: &WireResult,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    outbox::delete(conn, row.op)?;
    acked::keep(conn, key, row)?;
    if let Some(wire) = &result.receipt {
        receipt::put(conn, key, wire)?;
    }
    let version = result.version.as_deref();
    if version.is_some() {
        outbox::rebase(conn, key, version)?;
    }
    if let Some(known) = resource::find(conn, key)? {
        acknowledge(conn, key, row, &known, version)?;
    }
    reconcile(conn, key, now)?;
    Ok(Applied::Done {
        id: key.to_string(),
        receipt: result.receipt.clone(),
    })
}

/// The answer itself says that the record was deleted; its tombstone may have come and gone before this device asked.
fn deleted_there(conn: &Connection, key: &Key, row: &OutboxRow) -> Result<(), StoreError> {
    let row_key = match resource::find(conn, key)? {
        Some(ResourceRow {
            remote: Some(RemoteState::Here { .. } | RemoteState::Deleted),
            ..
        }) => return Ok(()),
        Some(known) => known.row_key,
        None => resource::put(conn, key, row.body.as_ref(), row.base.as_deref())?,
    };
    resource::keep_remote(conn, row_key, Some(&RemoteState::Deleted))
}

fn is_out_of_scope(conn: &Connection, key: &Key) -> Result<bool, StoreError> {
    let known = resource::find(conn, key)?;
    Ok(known.is_some_and(|known| known.remote == Some(RemoteState::OutOfScope)))
}

/// The server has what this row said: that is the base of whatever changes still wait.
fn acknowledge(
    conn: &Connection,
    key: &Key,
    row: &OutboxRow,
    known: &ResourceRow,
    version: Option<&str>,
) -> Result<(), StoreError> {
    let more_waits = !outbox::of_resource(conn, key)?.is_empty();
    if !more_waits && row.body.is_none() {
        return resource::delete(conn, key).map(|_| ());
    }
    let version = version.or(known.version.as_deref());
    let row_key = resource::put(conn, key, known.body.as_ref(), version)?;
    if known
        .remote
        .as_ref()
        .is_some_and(|remote| is_older(remote, version))
    {
        // Seen while the server had been put back, before it got this again: not to be gone back to.
        resource::keep_remote(conn, row_key, None)?;
    }
    resource::keep_base(conn, row_key, if more_waits { row.body.as_ref() } else { None })
}

/// Whether the state kept beside a record is from before this version, where versions are numbers.
fn is_older(remote: &RemoteState, version: Option<&str>) -> bool {
    let number = |version: Option<&str>| version.and_then(|text| text.parse::<u64>().ok());
    match remote {
        RemoteState::Here { version: seen, .. } => {
            matches!((number(seen.as_deref()), number(version)), (Some(seen), Some(now)) if seen < now)
        }
        RemoteState::Deleted | RemoteState::OutOfScope => false,
    }
}

fn hold(
    conn: &Connection,
    key: &Key,
    row: &OutboxRow,
    action: ResultAction,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    match action {
        ResultAction::Later(at) => {
            outbox::put_off(conn, row.op, at)?;
            Ok(Applied::Later(at))
        }
        // Done is answered before; a result without a row to hold it changes nothing.
        ResultAction::AfterSignIn | ResultAction::Done => Ok(Applied::SignInNeeded),
        ResultAction::Stuck(reason) => {
            outbox::set_stuck(conn, row.op, &reason)?;
            if reason == StuckReason::Conflict {
                reconcile(conn, key, now)?;
                let held = outbox::find(conn, row.op)?.is_some_and(|(_, row)| row.stuck.is_some());
                if !held {
                    return Ok(Applied::Merged);
                }
            }
            // The person has written something newer since: that goes in its place.
            let queued = outbox::of_resource(conn, key)?;
            if matches!(reason, StuckReason::Rejected { .. }) && queued.len() > 1 {
                regroup(conn, &queued.iter().map(|row| row.group).collect(), row.group)?;
                return Ok(Applied::Merged);
            }
            Ok(Applied::Stuck(reason))
        }
    }
}
