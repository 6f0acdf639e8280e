//! `conflict`: two versions that a person settles. Settled ones stay, with both versions.

use super::{body, Key};
use crate::{ConflictRow, StoreError};
use hms_model::time::Timestamp;
use rusqlite::{named_params, Connection};
use serde_json::{json, Value};

/// Opens a conflict, or brings the open one of this record up to date.
pub(crate) fn put(conn: &Connection, key: &Key, row: &ConflictRow) -> Result<(), StoreError> {
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    conn.prepare_cached("DELETE FROM conflict WHERE type = :type AND id = :id AND settled_at IS NULL")
        .and_then(|mut delete| delete.execute(named_params! { ":type": key.kind, ":id": key.id }))
        .map_err(StoreError::sql("renew a conflict"))?;
    conn.prepare_cached(
        "INSERT INTO conflict
             (type, id, found_at, elements, base_body, local_body, remote_body, remote_version)
         VALUES
             (:type, :id,
              (SELECT max(:found_at, coalesce(max(found_at) + 1, 0)) FROM conflict WHERE type = :type AND id = :id),
              :elements, :base, :local, :remote, :version)",
    )
    .and_then(|mut put| {
        put.execute(named_params! {
            ":type": key.kind,
            ":id": key.id,
            ":found_at": row.found_at.0,
            ":elements": json!(row.elements).to_string(),
            ":base": text(&row.base),
            ":local": text(&row.local),
            ":remote": text(&row.remote),
            ":version": row.remote_version,
        })
    })
    .map(|_| ())
    .map_err(StoreError::sql("keep a conflict"))
}

type Columns = (Key, i64, String, [Option<String>; 3], Option<String>);

/// Conflicts that are not settled, oldest first.
pub(crate) fn open(conn: &Connection) -> Result<Vec<ConflictRow>, StoreError> {
    let rows: Vec<Columns> = conn
        .prepare_cached(
            "SELECT type, id, found_at, elements, base_body, local_body, remote_body, remote_version
             FROM conflict WHERE settled_at IS NULL ORDER BY found_at, type, id",
        )
        .and_then(|mut select| {
            select
                .query_map([], |row| {
                    let key = Key {
                        kind: row.get("type")?,
                        id: row.get("id")?,
                    };
                    let bodies = [
                        row.get("base_body")?,
                        row.get("local_body")?,
                        row.get("remote_body")?,
                    ];
                    Ok((
                        key,
                        row.get("found_at")?,
                        row.get("elements")?,
                        bodies,
                        row.get("remote_version")?,
                    ))
                })?
                .collect()
        })
        .map_err(StoreError::sql("read conflicts"))?;
    rows.into_iter()
        .map(
            |(key, found_at, elements, [base, local, remote], remote_version)| {
                Ok(ConflictRow {
                    id: key.to_string(),
                    found_at: Timestamp(found_at),
                    elements: serde_json::from_str(&elements).map_err(StoreError::Body)?,
                    base: body(base)?,
                    local: body(local)?,
                    remote: body(remote)?,
                    remote_version,
                })
            },
        )
        .collect()
}

pub(crate) fn find_open(conn: &Connection, key: &Key) -> Result<Option<ConflictRow>, StoreError> {
    let wanted = key.to_string();
    Ok(open(conn)?.into_iter().find(|row| row.id == wanted))
}

pub(crate) fn settle(conn: &Connection, key: &Key, now: Timestamp) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE conflict SET settled_at = :now WHERE type = :type AND id = :id AND settled_at IS NULL",
    )
    .and_then(|mut update| update.execute(named_params! { ":type": key.kind, ":id": key.id, ":now": now.0 }))
    .map(|_| ())
    .map_err(StoreError::sql("settle a conflict"))
}
