//! A page of changes from the server, and the cursor behind it.

use super::reconcile::{reconcile, take_remote};
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
    let mut report = PageReport::default();
    for change in changes {
        let (key, remote) = match &change.change {
            ChangeBody::Resource(resource) => (
                Key::of(resource)?,
                RemoteState::Here {
                    body: resource.clone(),
                    version: version_of(resource),
                },
            ),
            ChangeBody::Gone {
                id,
                why: GoneWhy::OutOfScope,
            } => (Key::parse(id)?, RemoteState::OutOfScope),
            ChangeBody::Gone {
                id,
                why: GoneWhy::Deleted | GoneWhy::Purged,
            } => (Key::parse(id)?, RemoteState::Deleted),
        };
        unseen::came(conn, &key)?;
        let purged = ChangeBody::Gone {
            id: key.to_string(),
            why: GoneWhy::Purged,
        };
        // What a retention rule removed is not offered again. A deletion is undone with whatever else a backup lacks.
        if change.change == purged {
            acked::forget(conn, &key)?;
        }
        apply_one(conn, &key, &remote, now, &mut report)?;
    }
    meta::put(conn, CURSOR, Some(cursor))?;
    Ok(report)
}

fn apply_one(
    conn: &Connection,
    key: &Key,
    remote: &RemoteState,
    now: Timestamp,
    report: &mut PageReport,
) -> Result<(), StoreError> {
    let id = key.to_string();
    if outbox::of_resource(conn, key)?.is_empty() {
        take_remote(conn, key, remote)?;
        report.changed.push(id);
        return Ok(());
    }
    // What is unsent is never overwritten: the newer version is kept beside it, then merged if it can be.
    if let Some(row) = resource::find(conn, key)? {
        resource::keep_remote(conn, row.row_key, Some(remote))?;
        if reconcile(conn, key, now)? {
            report.conflicts.push(id.clone());
        }
    } else {
        // Offered again, and of a record that had left this device: nothing here to set the server's state beside.
        take_remote(conn, key, remote)?;
    }
    report.changed.push(id);
    Ok(())
}

fn version_of(resource: &Value) -> Option<String> {
    resource
        .get("meta")?
        .get("versionId")?
        .as_str()
        .map(str::to_owned)
}
