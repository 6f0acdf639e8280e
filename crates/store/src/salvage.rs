//! What can still be read of a database that was set aside as damaged.

use crate::open::{open_database, DATABASE};
use crate::table::draft::{self, Table};
use crate::table::outbox::{self, NewRow};
use crate::table::resource::RemoteState;
use crate::table::{attachment, meta, resource, Key};
use crate::write::reconcile::reconcile;
use crate::write::{anew, page};
use crate::{Blob, DraftRow, OutboxRow, StoreError};
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

/// Numbers tried one by one behind a page that cannot be read; a page holds far fewer changes.
const SKIPPED_AT_MOST: u32 = 2_000;

/// Unsent changes, forms, files and settings of a damaged database, as far as they could be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Salvaged {
    /// Changes that the server had not acknowledged.
    pub outbox: Vec<OutboxRow>,
    /// Forms that were being filled in.
    pub drafts: Vec<DraftRow>,
    /// Photos and recordings, by id.
    pub files: Vec<(String, Blob)>,
    /// Settings of the profile. Not the cursor: the new database has nothing of what the server sent.
    pub settings: Vec<(String, String)>,
}

/// Reads what can be read in a folder that [`crate::set_aside`] gave. Never fails: what cannot be read is left there,
/// and the journal delivers the reports among it. For [`crate::Store::adopt`].
#[must_use]
pub fn salvage(aside: &Path, key: &Secret<[u8; 32]>) -> Salvaged {
    let path = aside.join(DATABASE);
    if !path.exists() {
        return Salvaged::default();
    }
    // After a page that is not what it was, a connection of SQLCipher reads no other one either: each part has its own.
    let open = || match open_database(&path, key) {
        Ok(conn) => Some(conn),
        Err(error) => {
            tracing::warn!(%error, "A damaged database could not be opened");
            None
        }
    };
    Salvaged {
        outbox: unsent(open),
        drafts: open()
            .and_then(|conn| draft::list(&conn, Table::Draft).ok())
            .unwrap_or_default(),
        files: open().map(|conn| files(&conn)).unwrap_or_default(),
        settings: open().map(|conn| settings(&conn)).unwrap_or_default(),
    }
}

fn files(conn: &Connection) -> Vec<(String, Blob)> {
    let ids = attachment::ids(conn).unwrap_or_default();
    // One that lacks a piece is left where it is.
    let read = |id: String| attachment::get(conn, &id).ok().flatten().map(|blob| (id, blob));
    ids.into_iter().filter_map(read).collect()
}

fn settings(conn: &Connection) -> Vec<(String, String)> {
    let mut all = meta::all(conn).unwrap_or_default();
    all.retain(|(name, _)| name != page::CURSOR);
    all
}

fn unsent(open: impl Fn() -> Option<Connection>) -> Vec<OutboxRow> {
    let (mut rows, mut next, mut skipped) = (Vec::new(), 0_i64, 0);
    let mut whole = None;
    while skipped < SKIPPED_AT_MOST {
        let Some(conn) = whole.take().or_else(&open) else {
            break;
        };
        match outbox::at_or_after(&conn, next) {
            Ok(Some((_, row))) => {
                next = row.op.saturating_add(1);
                skipped = 0;
                rows.push(row);
                whole = Some(conn);
            }
            Ok(None) => break,
            Err(_) => {
                next = next.saturating_add(1);
                skipped += 1;
            }
        }
    }
    rows
}

/// Queues salvaged changes under new numbers, in the transaction of the caller.
pub(crate) fn adopt(conn: &Connection, salvaged: &Salvaged, now: Timestamp) -> Result<(), StoreError> {
    let mut groups: BTreeMap<i64, i64> = BTreeMap::new();
    for row in &salvaged.outbox {
        let key = Key::parse(&row.id)?;
        let known = resource::find(conn, &key)?;
        let row_key = resource::put(conn, &key, row.body.as_ref(), row.base.as_deref())?;
        if let (Some(body), true) = (
            known.as_ref().and_then(|known| known.body.clone()),
            outbox::of_resource(conn, &key)?.is_empty(),
        ) {
            // The server's version came first: the salvaged change is merged with it.
            let version = known.and_then(|known| known.version);
            resource::keep_remote(conn, row_key, Some(&RemoteState::Here { body, version }))?;
        }
        let new = NewRow {
            group: groups.get(&row.group).copied(),
            key: &key,
            base: row.base.as_deref(),
            body: row.body.as_ref(),
            made_at: row.made_at,
        };
        let op = outbox::insert(conn, &new)?;
        groups.entry(row.group).or_insert(op);
    }
    for row in &salvaged.outbox {
        reconcile(conn, &Key::parse(&row.id)?, now)?;
    }
    for (id, blob) in &salvaged.files {
        attachment::put(conn, id, blob, now)?;
    }
    for (name, value) in &salvaged.settings {
        if meta::get(conn, name)?.is_none() {
            meta::put(conn, name, Some(value))?;
        }
    }
    // What the server has of this person's is known to this device no more than the cursor is: it may have been put
    // back meanwhile.
    anew::offer_again(conn, now)?;
    for form in &salvaged.drafts {
        if draft::get(conn, Table::Draft, &form.id)?.is_none() {
            draft::put(conn, Table::Draft, &form.id, &form.body, now)?;
        }
    }
    Ok(())
}
