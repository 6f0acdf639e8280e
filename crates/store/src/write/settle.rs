//! What a person decides about changes that do not go on by themselves.

use super::reconcile::take_remote;
use super::regroup::regroup;
use crate::table::outbox::NewRow;
use crate::table::resource::RemoteState;
use crate::table::{audit, conflict, outbox, resource, Key};
use crate::{AuditRow, StoreError};
use hms_core::outbox::StuckReason;
use hms_core::sync::merge::same_content;
use hms_model::time::Timestamp;
use hms_model::wire::sync::ON_ITS_DELETION;
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeSet;

/// Settles a conflict: `chosen` is the record as the person wants it (`None` deletes), on top of the server's
/// version. What was held with it goes out again. Gives the new change's number, or `None` where the server's
/// version was chosen and nothing is left to send.
pub(crate) fn conflict(
    conn: &Connection,
    id: &str,
    chosen: Option<&Value>,
    audit_row: &AuditRow,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let key = Key::parse(id)?;
    if chosen.is_some_and(|r| Key::of(r).ok().as_ref() != Some(&key)) {
        return Err(StoreError::BadId);
    }
    let open = conflict::find_open(conn, &key)?.ok_or(StoreError::NotFound)?;
    let queued = outbox::of_resource(conn, &key)?;
    let groups: BTreeSet<i64> = queued.iter().map(|row| row.group).collect();
    for row in &queued {
        outbox::delete(conn, row.op)?;
    }
    let remote = match &open.remote {
        Some(body) => RemoteState::Here {
            body: body.clone(),
            version: open.remote_version.clone(),
        },
        None => RemoteState::Deleted,
    };
    take_remote(conn, &key, &remote)?;
    let same = match (chosen, &open.remote) {
        (Some(chosen), Some(remote)) => same_content(chosen, remote),
        (chosen, remote) => chosen.is_none() && remote.is_none(),
    };
    if !same {
        let version = open.remote_version.as_deref();
        let row_key = resource::put(conn, &key, chosen, version)?;
        resource::keep_base(conn, row_key, open.remote.as_ref())?;
        let group = queued.first().map(|row| row.group);
        // Deleted there and kept here: it is made again, under its own name.
        let base = match (&open.remote, chosen) {
            (None, Some(_)) => Some(ON_ITS_DELETION),
            (Some(_), _) | (None, None) => version,
        };
        outbox::insert(
            conn,
            &NewRow {
                group,
                key: &key,
                base,
                body: chosen,
                made_at: now,
            },
        )?;
    }
    for group in groups {
        regroup(conn, &BTreeSet::from([group]), group)?;
    }
    conflict::settle(conn, &key, now)?;
    audit::insert(conn, audit_row, now)?;
    Ok(outbox::of_resource(conn, &key)?.last().map(|row| row.op))
}

/// Sends a refused change again as it is, with all that was refused with it: the server may have been mended.
pub(crate) fn retry(conn: &Connection, op: i64) -> Result<(), StoreError> {
    let (_, row) = outbox::find(conn, op)?.ok_or(StoreError::NotFound)?;
    let members = outbox::of_group(conn, row.group)?;
    // A conflict is not a refusal: sent again as it is, it would be refused again.
    if members
        .iter()
        .any(|(_, row)| row.stuck == Some(StuckReason::Conflict))
    {
        return Err(StoreError::Stale);
    }
    regroup(conn, &BTreeSet::from([row.group]), row.group)
}
