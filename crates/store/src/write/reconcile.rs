//! A record that changed here and at the server: carries out what [`hms_core::sync::plan::reconcile`] decides.

use super::regroup::regroup;
use crate::table::resource::{RemoteState, ResourceRow};
use crate::table::{conflict, outbox, resource, Key};
use crate::{ConflictRow, OutboxRow, StoreError};
use hms_core::outbox::StuckReason;
use hms_core::sync::plan::{self, Queued, Reconcile, Remote};
use hms_model::time::Timestamp;
use hms_model::wire::sync::ON_ITS_DELETION;
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Brings a record and its queued changes in line with the server's newer state, where one is kept beside it.
/// True where a person has to settle it.
pub(crate) fn reconcile(conn: &Connection, key: &Key, now: Timestamp) -> Result<bool, StoreError> {
    let Some(row) = resource::find(conn, key)? else {
        return Ok(false);
    };
    let queued = outbox::of_resource(conn, key)?;
    let Some(remote) = &row.remote else {
        return Ok(false);
    };
    let Some(first) = queued.first() else {
        take_remote(conn, key, remote)?;
        return Ok(false);
    };
    // Whoever keeps theirs on top of a deletion need not be asked again when the deletion is told once more.
    let kept = first.base.as_deref() == Some(ON_ITS_DELETION) && first.stuck != Some(StuckReason::Conflict);
    if kept && *remote == RemoteState::Deleted {
        resource::keep_remote(conn, row.row_key, None)?;
        return Ok(false);
    }
    let (seen, version) = match remote {
        RemoteState::Here { body, version } => (Remote::Here(body), version.clone()),
        RemoteState::Deleted => (Remote::Deleted, None),
        RemoteState::OutOfScope => (Remote::OutOfScope, None),
    };
    let mut plans = Vec::with_capacity(queued.len());
    for queued_row in &queued {
        plans.push(plan::reconcile(
            state_of(first),
            row.base.as_ref(),
            queued_row.body.as_ref(),
            seen,
        ));
    }
    if plans.contains(&Reconcile::Wait) {
        refresh(conn, key, remote)?;
        return Ok(false);
    }
    if let Some(elements) = plans.iter().find_map(|plan| match plan {
        Reconcile::Ask(elements) => Some(elements.clone()),
        Reconcile::Wait | Reconcile::TakeRemote | Reconcile::Replace(_) => None,
    }) {
        ask(conn, key, &row, first, elements, now)?;
        return Ok(true);
    }
    conflict::settle(conn, key, now)?;
    replace(conn, key, remote, version.as_deref(), &queued, plans)?;
    Ok(false)
}

fn state_of(first: &OutboxRow) -> Queued {
    match (&first.stuck, first.attempt) {
        (Some(StuckReason::Conflict), _) => Queued::Conflicting,
        (Some(StuckReason::Rejected { .. } | StuckReason::WithGroup), _) => Queued::Refused,
        (None, 0) => Queued::Untried,
        (None, _) => Queued::Tried,
    }
}

/// A change that was answered as a conflict with a version which is not offered any more, so that nobody can settle it:
/// the record was deleted, or left the scope, since. Under a new number the server says how it is now. Called where that
/// was learned, never for an answer: so it is asked once.
pub(crate) fn ask_again(conn: &Connection, key: &Key) -> Result<(), StoreError> {
    let queued = outbox::of_resource(conn, key)?;
    let held = queued
        .first()
        .filter(|row| row.stuck == Some(StuckReason::Conflict));
    match held {
        Some(row) if conflict::find_open(conn, key)?.is_none() => {
            regroup(conn, &BTreeSet::from([row.group]), row.group)
        }
        Some(_) | None => Ok(()),
    }
}

/// Nothing waits here: the server's state is what is shown.
pub(crate) fn take_remote(conn: &Connection, key: &Key, remote: &RemoteState) -> Result<(), StoreError> {
    match remote {
        RemoteState::Here { body, version } => {
            let row_key = resource::put(conn, key, Some(body), version.as_deref())?;
            resource::keep_base(conn, row_key, None)?;
            resource::keep_remote(conn, row_key, None)
        }
        RemoteState::Deleted | RemoteState::OutOfScope => resource::delete(conn, key).map(|_| ()),
    }
}

/// While a change waits for its result, an open question shows what the server has now: after a backup was put back, what
/// it said before may not be so any more, and nobody is to decide on that.
fn refresh(conn: &Connection, key: &Key, remote: &RemoteState) -> Result<(), StoreError> {
    let Some(mut open) = conflict::find_open(conn, key)? else {
        return Ok(());
    };
    (open.remote, open.remote_version) = match remote {
        RemoteState::Here { body, version } => (Some(body.clone()), version.clone()),
        RemoteState::Deleted | RemoteState::OutOfScope => (None, None),
    };
    conflict::put(conn, key, &open)
}

fn ask(
    conn: &Connection,
    key: &Key,
    row: &ResourceRow,
    first: &OutboxRow,
    elements: Vec<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (remote, remote_version) = match &row.remote {
        Some(RemoteState::Here { body, version }) => (Some(body.clone()), version.clone()),
        Some(RemoteState::Deleted | RemoteState::OutOfScope) | None => (None, None),
    };
    outbox::set_stuck(conn, first.op, &StuckReason::Conflict)?;
    let found = ConflictRow {
        id: key.to_string(),
        found_at: now,
        elements,
        base: row.base.clone(),
        local: row.body.clone(),
        remote,
        remote_version,
    };
    conflict::put(conn, key, &found)
}

/// Every queued change merged: they now stand on the server's newer version.
fn replace(
    conn: &Connection,
    key: &Key,
    remote: &RemoteState,
    version: Option<&str>,
    queued: &[OutboxRow],
    plans: Vec<Reconcile>,
) -> Result<(), StoreError> {
    let stuck_groups: BTreeSet<i64> = queued
        .iter()
        .filter(|row| row.stuck.is_some())
        .map(|row| row.group)
        .collect();
    let last = plans.last().cloned();
    for (row, plan) in queued.iter().zip(plans) {
        match (&last, plan) {
            (Some(Reconcile::Replace(_)), Reconcile::Replace(body)) => {
                outbox::set_body(conn, row.op, version, body.as_ref())?;
                outbox::unstick(conn, row.op)?;
            }
            // The server already has what this row says, or what the last one says.
            _ => outbox::delete(conn, row.op)?,
        }
    }
    if let Some(Reconcile::Replace(body)) = last {
        let row_key = resource::put(conn, key, body.as_ref(), version)?;
        let base = match remote {
            RemoteState::Here { body, .. } => Some(body),
            RemoteState::Deleted | RemoteState::OutOfScope => None,
        };
        resource::keep_base(conn, row_key, base)?;
        resource::keep_remote(conn, row_key, None)?;
    } else {
        take_remote(conn, key, remote)?;
    }
    for group in stuck_groups {
        regroup(conn, &BTreeSet::from([group]), group)?;
    }
    Ok(())
}
