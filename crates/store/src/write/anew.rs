//! A server that does not go on from the cursor that it was asked with: it was restored from a backup, or what this
//! device may hold is another thing now. Everything in scope comes again; what has not come when all of it is there
//! is not for this device any more, or no more at the server.

use super::page::CURSOR;
use super::reconcile::ask_again;
use crate::table::outbox::NewRow;
use crate::table::resource::RemoteState;
use crate::table::{acked, meta, outbox, resource, unseen, Key};
use crate::{PageReport, StoreError};
use hms_core::outbox::StuckReason;
use hms_model::time::Timestamp;
use hms_model::wire::sync::Anew;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Does what has to be done before the first change, and keeps the cursor, in one transaction of the caller.
pub(crate) fn begin(
    conn: &Connection,
    why: Anew,
    cursor: &str,
    now: Timestamp,
) -> Result<PageReport, StoreError> {
    let changed = match why {
        Anew::Restored => offer_again(conn, now)?,
        Anew::Scope => Vec::new(),
    };
    unseen::note_all(conn)?;
    meta::put(conn, CURSOR, Some(cursor))?;
    Ok(PageReport {
        changed,
        ..PageReport::default()
    })
}

/// Everything in scope has come: copies of what has not come again go. What waits for the server stays, and goes once
/// it is sent if it has not come by then; what was answered as a conflict is asked again. Gives what went.
pub(crate) fn end(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut gone = Vec::new();
    for key in unseen::take_rest(conn)? {
        if !outbox::of_resource(conn, &key)?.is_empty() {
            unseen::note(conn, &key)?;
            left_in_conflict(conn, &key)?;
        } else if resource::delete(conn, &key)? {
            gone.push(key.to_string());
        }
    }
    Ok(gone)
}

/// A change that is in conflict with what did not come: deleted, or out of scope; which of them, the server is asked.
fn left_in_conflict(conn: &Connection, key: &Key) -> Result<(), StoreError> {
    let first = outbox::of_resource(conn, key)?.into_iter().next();
    let in_conflict = first.is_some_and(|row| row.stuck == Some(StuckReason::Conflict));
    match resource::find(conn, key)? {
        Some(row) if in_conflict && row.remote.is_none() => {
            resource::keep_remote(conn, row.row_key, Some(&RemoteState::OutOfScope))?;
            ask_again(conn, key)
        }
        Some(_) | None => Ok(()),
    }
}

/// Queues again what the server once acknowledged, in its order and its groups, before what still waits. What the
/// backup had is answered as done. Each counts as tried: it may have arrived, so nothing is merged into it.
pub(crate) fn offer_again(conn: &Connection, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let lost = acked::take_all(conn)?;
    let keys: BTreeSet<&Key> = lost.iter().map(|acked| &acked.key).collect();
    let mut waiting = Vec::new();
    for (key, row) in outbox::all(conn)? {
        if keys.contains(&key) && !waiting.contains(&row.group) {
            waiting.push(row.group);
        }
    }
    let mut groups: BTreeMap<i64, i64> = BTreeMap::new();
    for acked in &lost {
        let new = NewRow {
            group: groups.get(&acked.group).copied(),
            key: &acked.key,
            base: acked.base.as_deref(),
            body: acked.body.as_ref(),
            made_at: acked.made_at,
        };
        let op = outbox::insert(conn, &new)?;
        outbox::tried(conn, op, now)?;
        groups.entry(acked.group).or_insert(op);
    }
    for group in waiting {
        for (_, row) in outbox::of_group(conn, group)? {
            outbox::renumber(conn, row.op, group)?;
        }
    }
    Ok(keys.into_iter().map(ToString::to_string).collect())
}
