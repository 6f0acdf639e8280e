//! A page of changes from the server, and the cursor behind it.

use super::reconcile::{ask_again, reconcile, take_remote};
use crate::table::gather::Gathered;
use crate::table::resource::RemoteState;
use crate::table::{acked, meta, outbox, resource, unseen, Key};
use crate::{PageReport, StoreError};
use hms_model::time::Timestamp;
use hms_model::wire::sync::{ChangeBody, GoneWhy, WireChange};
use rusqlite::Connection;
use serde_json::Value;

/// Name of the cursor in `meta`.
pub(crate) const CURSOR: &str = "sync-cursor";

/// Applies a page and moves the cursor, in one transaction of the caller.
pub(crate) fn apply(
    conn: &Connection,
    changes: &[WireChange],
    cursor: &str,
    now: Timestamp,
) -> Result<PageReport, StoreError> {
    if meta::get(conn, CURSOR)?.is_none() {
        // Everything in scope comes now, and no tombstones: what is here already (an earlier person's work on this
        // phone, taken over) and was deleted at the server since, is known only by not coming.
        unseen::note_all(conn)?;
    }
    let report = take(conn, changes, now)?;
    meta::put(conn, CURSOR, Some(cursor))?;
    Ok(report)
}

/// Applies changes; the cursor stays.
pub(crate) fn take(
    conn: &Connection,
    changes: &[WireChange],
    now: Timestamp,
) -> Result<PageReport, StoreError> {
    let mut report = PageReport::default();
    let mut rows = Gathered::default();
    // Asked once for the page: none of its changes queues one here, or is awaited where none was.
    let nothing_queued = outbox::is_empty(conn)?;
    let awaited = unseen::is_any(conn)?;
    for change in changes {
        let key = match &change.change {
            ChangeBody::Resource(resource) => Key::of(resource)?,
            ChangeBody::Gone { id, .. } => Key::parse(id)?,
        };
        if awaited {
            unseen::came(conn, &key)?;
        }
        // What a retention rule removed is not offered again. A deletion is undone with whatever else a backup lacks.
        if matches!(
            &change.change,
            ChangeBody::Gone {
                why: GoneWhy::Purged,
                ..
            }
        ) {
            acked::forget(conn, &key)?;
        }
        match &change.change {
            ChangeBody::Resource(resource)
                if nothing_queued || outbox::of_resource(conn, &key)?.is_empty() =>
            {
                resource::put_server(conn, &key, resource, version_of(resource), &mut rows)?;
                report.changed.push(key.to_string());
            }
            _ => {
                // Of a record that was met before on this page, perhaps.
                rows.write(conn)?;
                apply_one(conn, &key, &remote_of(&change.change), now, &mut report)?;
            }
        }
    }
    rows.write(conn)?;
    Ok(report)
}

fn remote_of(change: &ChangeBody) -> RemoteState {
    match change {
        ChangeBody::Resource(resource) => RemoteState::Here {
            body: resource.clone(),
            version: version_of(resource).map(str::to_owned),
        },
        ChangeBody::Gone {
            why: GoneWhy::OutOfScope,
            ..
        } => RemoteState::OutOfScope,
        ChangeBody::Gone {
            why: GoneWhy::Deleted | GoneWhy::Purged,
            ..
        } => RemoteState::Deleted,
    }
}

fn apply_one(
    conn: &Connection,
    key: &Key,
    remote: &RemoteState,
    now: Timestamp,
    report: &mut PageReport,
) -> Result<(), StoreError> {
    let id = key.to_string();
    report.changed.push(id.clone());
    let queued = outbox::of_resource(conn, key)?;
    let Some(last) = queued.last() else {
        return take_remote(conn, key, remote);
    };
    // What is unsent is never overwritten: the newer version is kept beside it, then merged if it can be.
    let row_key = match (resource::find(conn, key)?, remote) {
        (Some(row), _) => row.row_key,
        // Offered again, and of a record that had left this device: it is here as the offer has it until that is answered.
        (None, RemoteState::Here { .. }) => resource::put(conn, key, last.body.as_ref(), None)?,
        (None, RemoteState::Deleted | RemoteState::OutOfScope) => return Ok(()),
    };
    resource::keep_remote(conn, row_key, Some(remote))?;
    if reconcile(conn, key, now)? {
        report.conflicts.push(id);
    }
    if matches!(remote, RemoteState::OutOfScope) {
        ask_again(conn, key)?;
    }
    Ok(())
}

pub(crate) fn version_of(resource: &Value) -> Option<&str> {
    resource.get("meta")?.get("versionId")?.as_str()
}
