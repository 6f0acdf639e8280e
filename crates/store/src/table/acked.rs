//! What the server acknowledged lately, kept in `meta` by the number it went under: a server that was put back to a
//! backup gets it again.

use super::{body, meta, Key};
use crate::{OutboxRow, StoreError};
use hms_core::outbox::{lane_of, Lane};
use hms_model::time::Timestamp;
use rusqlite::{named_params, Connection};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many numbers back from the newest are kept: weeks of a clinician's work, and more than lies between backups.
/// By count, since a phone's clock may be years off.
const KEPT: i64 = 2_000;
/// Names from `acked/` up to here, which sorts right behind.
const END: &str = "acked0";

/// A change that the server has, as far as this device was told.
pub(crate) struct Acked {
    pub group: i64,
    pub key: Key,
    pub base: Option<String>,
    pub body: Option<Value>,
    pub made_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    group: i64,
    id: String,
    base: Option<String>,
    body: Option<String>,
    made_at: i64,
}

fn name(op: i64) -> String {
    format!("acked/{op:019}")
}

/// Keeps a change that was acknowledged. Photos and recordings are too large to be kept twice.
pub(crate) fn keep(conn: &Connection, key: &Key, row: &OutboxRow) -> Result<(), StoreError> {
    if lane_of(&key.kind) == Lane::Media {
        return Ok(());
    }
    let kept = Kept {
        group: row.group,
        id: key.to_string(),
        base: row.base.clone(),
        body: row.body.as_ref().map(Value::to_string),
        made_at: row.made_at.0,
    };
    let text = serde_json::to_string(&kept).map_err(StoreError::Body)?;
    meta::put(conn, &format!("{}/{key}", name(row.op)), Some(&text))?;
    conn.prepare_cached("DELETE FROM meta WHERE name >= 'acked/' AND name < :oldest")
        .and_then(|mut delete| {
            delete.execute(named_params! { ":oldest": name(row.op.saturating_sub(KEPT).max(0)) })
        })
        .map(|_| ())
        .map_err(StoreError::sql("let go of what was acknowledged long ago"))
}

/// Lets go of what was said about a record that may not be kept any more.
pub(crate) fn forget(conn: &Connection, key: &Key) -> Result<(), StoreError> {
    // The record's name stands behind "acked/", 19 digits and a stroke.
    conn.prepare_cached("DELETE FROM meta WHERE name >= 'acked/' AND name < :end AND substr(name, 27) = :id")
        .and_then(|mut delete| delete.execute(named_params! { ":end": END, ":id": key.to_string() }))
        .map(|_| ())
        .map_err(StoreError::sql("let go of what was acknowledged"))
}

/// Takes all of it out, in the order in which it went.
pub(crate) fn take_all(conn: &Connection) -> Result<Vec<Acked>, StoreError> {
    let texts: Vec<String> = conn
        .prepare_cached("SELECT value FROM meta WHERE name >= 'acked/' AND name < :end ORDER BY name")
        .and_then(|mut select| {
            select
                .query_map(named_params! { ":end": END }, |row| row.get(0))?
                .collect()
        })
        .map_err(StoreError::sql("read what was acknowledged"))?;
    conn.prepare_cached("DELETE FROM meta WHERE name >= 'acked/' AND name < :end")
        .and_then(|mut delete| delete.execute(named_params! { ":end": END }))
        .map_err(StoreError::sql("take out what was acknowledged"))?;
    let read = |text: String| {
        let kept: Kept = serde_json::from_str(&text).map_err(StoreError::Body)?;
        Ok(Acked {
            group: kept.group,
            key: Key::parse(&kept.id)?,
            base: kept.base,
            body: body(kept.body)?,
            made_at: Timestamp(kept.made_at),
        })
    };
    texts.into_iter().map(read).collect()
}
