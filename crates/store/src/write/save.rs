//! A person's change: the record, its outbox row and the audit row.

use super::regroup::regroup;
use crate::table::outbox::NewRow;
use crate::table::{audit, conflict, outbox, resource, Key};
use crate::{AuditRow, LocalChange, OutboxRow, StoreError};
use hms_core::outbox::StuckReason;
use hms_model::time::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Saves a set of changes as one group. Gives the number of each.
pub(crate) fn save_local(
    conn: &Connection,
    changes: &[LocalChange],
    audit_row: &AuditRow,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    // Twice the same record in one group could never go: the second needs the first one's version.
    let ids: BTreeSet<&str> = changes.iter().map(|change| change.id.as_str()).collect();
    if ids.len() != changes.len() {
        return Err(StoreError::BadId);
    }
    let mut group = None;
    let mut again = BTreeSet::new();
    for change in changes {
        save_one(conn, change, &mut group, &mut again, changes.len() == 1, now)?;
    }
    if let (Some(group), false) = (group, again.is_empty()) {
        again.insert(group);
        regroup(conn, &again, group)?;
    }
    audit::insert(conn, audit_row, now)?;
    let mut numbers = Vec::with_capacity(changes.len());
    for change in changes {
        let queued = outbox::of_resource(conn, &Key::parse(&change.id)?)?;
        numbers.push(queued.last().map_or(0, |row| row.op));
    }
    Ok(numbers)
}

fn save_one(
    conn: &Connection,
    change: &LocalChange,
    group: &mut Option<i64>,
    again: &mut BTreeSet<i64>,
    alone: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = Key::parse(&change.id)?;
    if change
        .resource
        .as_ref()
        .is_some_and(|r| Key::of(r).ok().as_ref() != Some(&key))
    {
        return Err(StoreError::BadId);
    }
    let known = resource::find(conn, &key)?;
    let version = known.as_ref().and_then(|row| row.version.clone());
    if change.base.is_some() && change.base != version {
        return Err(StoreError::Stale);
    }
    let body = change.resource.as_ref();
    let queued = outbox::of_resource(conn, &key)?;
    let row_key = resource::put(conn, &key, body, version.as_deref())?;
    if queued.is_empty() {
        let base = known.and_then(|row| row.body);
        resource::keep_base(conn, row_key, base.as_ref())?;
    }
    if let Some(op) = replaceable(conn, &queued, change, alone)? {
        let base = queued.last().and_then(|row| row.base.clone());
        outbox::set_body(conn, op, base.as_deref(), body)?;
        return update_conflict(conn, &key, change);
    }
    let base = queued.last().map_or(version, |row| row.base.clone());
    let op = outbox::insert(
        conn,
        &NewRow {
            group: *group,
            key: &key,
            base: base.as_deref(),
            body,
            made_at: now,
        },
    )?;
    group.get_or_insert(op);
    // A refused change that the person has put right: this row stands for it, and what was refused with it, or
    // waited behind it, goes along.
    if queued.iter().any(|row| row.stuck.is_some()) {
        again.extend(queued.iter().map(|row| row.group));
    }
    Ok(())
}

/// The queued row that takes the new content in place: never sent (a sent one may have arrived, and the server
/// answers its number with the first result), alone in its group; or held by a conflict, or by the refusal of
/// another change of its group: then it waits on, with the new words.
fn replaceable(
    conn: &Connection,
    queued: &[OutboxRow],
    change: &LocalChange,
    alone: bool,
) -> Result<Option<i64>, StoreError> {
    let Some(last) = queued.last() else {
        return Ok(None);
    };
    let held = |row: &OutboxRow| matches!(row.stuck, Some(StuckReason::Conflict | StuckReason::WithGroup));
    if queued.iter().any(held) {
        return Ok(Some(last.op));
    }
    let untouched =
        last.attempt == 0 && last.stuck.is_none() && last.body.is_some() && change.resource.is_some();
    let single = alone && untouched && outbox::of_group(conn, last.group)?.len() == 1;
    Ok(single.then_some(last.op))
}

fn update_conflict(conn: &Connection, key: &Key, change: &LocalChange) -> Result<(), StoreError> {
    match conflict::find_open(conn, key)? {
        Some(mut open) => {
            open.local.clone_from(&change.resource);
            conflict::put(conn, key, &open)
        }
        None => Ok(()),
    }
}
