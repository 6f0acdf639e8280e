//! `resource`: each record as it is shown here, and what is known of the server's side while changes wait.

use super::{body, Key};
use crate::{StoreError, Stored};
use rusqlite::{named_params, Connection, OptionalExtension, Row};
use serde_json::Value;

/// The server's newer state of a record, kept beside changes that wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RemoteState {
    Here { body: Value, version: Option<String> },
    Deleted,
    OutOfScope,
}

/// A whole row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResourceRow {
    pub row_key: i64,
    pub body: Option<Value>,
    pub version: Option<String>,
    pub base: Option<Value>,
    pub remote: Option<RemoteState>,
}

type Columns = (i64, [Option<String>; 6]);

pub(crate) fn find(conn: &Connection, key: &Key) -> Result<Option<ResourceRow>, StoreError> {
    let found: Option<Columns> = conn
        .prepare_cached(
            "SELECT key, body, version, base_body, remote_state, remote_body, remote_version
             FROM resource WHERE type = :type AND id = :id",
        )
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":type": key.kind, ":id": key.id }, |row| {
                    let texts = [
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                        row.get(5)?,
                        row.get(6)?,
                    ];
                    Ok((row.get(0)?, texts))
                })
                .optional()
        })
        .map_err(StoreError::sql("read a record"))?;
    let Some((row_key, [text, version, base, state, remote, remote_version])) = found else {
        return Ok(None);
    };
    let remote = match state.as_deref() {
        None => None,
        Some("deleted") => Some(RemoteState::Deleted),
        Some("out-of-scope") => Some(RemoteState::OutOfScope),
        Some(_) => body(remote)?.map(|body| RemoteState::Here {
            body,
            version: remote_version,
        }),
    };
    Ok(Some(ResourceRow {
        row_key,
        body: body(text)?,
        version,
        base: body(base)?,
        remote,
    }))
}

/// What is written of a row; what is known of the server's side apart from `version` is cleared or set by
/// [`keep_base`] and [`keep_remote`]. Gives the row's key.
pub(crate) fn put(
    conn: &Connection,
    key: &Key,
    shown: Option<&Value>,
    version: Option<&str>,
) -> Result<i64, StoreError> {
    let row_key: i64 = conn
        .prepare_cached(
            "INSERT INTO resource (type, id, body, version) VALUES (:type, :id, :body, :version)
             ON CONFLICT (type, id) DO UPDATE SET body = excluded.body, version = excluded.version
             RETURNING key",
        )
        .and_then(|mut put| {
            let body = shown.map(Value::to_string);
            put.query_row(
                named_params! { ":type": key.kind, ":id": key.id, ":body": body, ":version": version },
                |row| row.get(0),
            )
        })
        .map_err(StoreError::sql("keep a record"))?;
    super::index::replace(conn, key, row_key, shown)?;
    Ok(row_key)
}

/// Keeps (or drops) the server's content that local changes started from.
pub(crate) fn keep_base(conn: &Connection, row_key: i64, base: Option<&Value>) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE resource SET base_body = :base WHERE key = :key")
        .and_then(|mut update| {
            update.execute(named_params! { ":key": row_key, ":base": base.map(Value::to_string) })
        })
        .map(|_| ())
        .map_err(StoreError::sql("keep a record's base"))
}

/// Keeps (or drops) the server's newer state beside local changes.
pub(crate) fn keep_remote(
    conn: &Connection,
    row_key: i64,
    remote: Option<&RemoteState>,
) -> Result<(), StoreError> {
    let (state, body, version) = match remote {
        None => (None, None, None),
        Some(RemoteState::Deleted) => (Some("deleted"), None, None),
        Some(RemoteState::OutOfScope) => (Some("out-of-scope"), None, None),
        Some(RemoteState::Here { body, version }) => {
            (Some("here"), Some(body.to_string()), version.as_deref())
        }
    };
    conn.prepare_cached(
        "UPDATE resource SET remote_state = :state, remote_body = :body, remote_version = :version
         WHERE key = :key",
    )
    .and_then(|mut update| {
        update.execute(named_params! { ":key": row_key, ":state": state, ":body": body, ":version": version })
    })
    .map(|_| ())
    .map_err(StoreError::sql("keep a record's remote side"))
}

pub(crate) fn delete(conn: &Connection, key: &Key) -> Result<bool, StoreError> {
    conn.prepare_cached("DELETE FROM resource WHERE type = :type AND id = :id")
        .and_then(|mut delete| delete.execute(named_params! { ":type": key.kind, ":id": key.id }))
        .map(|rows| rows > 0)
        .map_err(StoreError::sql("remove a record"))
}

const STORED: &str = "r.body AS body, r.version AS version,
    EXISTS (SELECT 1 FROM outbox o WHERE o.type = r.type AND o.id = r.id) AS pending";

type StoredColumns = (String, Option<String>, bool);

fn stored_columns(row: &Row<'_>) -> rusqlite::Result<StoredColumns> {
    Ok((row.get("body")?, row.get("version")?, row.get("pending")?))
}

fn stored((text, version, pending): StoredColumns) -> Result<Stored, StoreError> {
    Ok(Stored {
        resource: serde_json::from_str(&text).map_err(StoreError::Body)?,
        version,
        pending,
    })
}

pub(crate) fn get(conn: &Connection, key: &Key) -> Result<Option<Stored>, StoreError> {
    let sql =
        format!("SELECT {STORED} FROM resource r WHERE r.type = :type AND r.id = :id AND r.body IS NOT NULL");
    conn.prepare_cached(&sql)
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":type": key.kind, ":id": key.id }, stored_columns)
                .optional()
        })
        .map_err(StoreError::sql("read a record"))?
        .map(stored)
        .transpose()
}

pub(crate) fn list(conn: &Connection, kind: &str) -> Result<Vec<Stored>, StoreError> {
    let sql =
        format!("SELECT {STORED} FROM resource r WHERE r.type = :type AND r.body IS NOT NULL ORDER BY r.id");
    let rows: Vec<StoredColumns> = conn
        .prepare_cached(&sql)
        .and_then(|mut select| {
            select
                .query_map(named_params! { ":type": kind }, stored_columns)?
                .collect()
        })
        .map_err(StoreError::sql("list records"))?;
    rows.into_iter().map(stored).collect()
}

/// Records whose row keys are in a sub-select over an index table.
pub(crate) fn by_index(
    conn: &Connection,
    keys: &str,
    params: &[(&str, &dyn rusqlite::ToSql)],
) -> Result<Vec<Stored>, StoreError> {
    let sql = format!(
        "SELECT {STORED} FROM resource r WHERE r.body IS NOT NULL AND r.key IN ({keys}) ORDER BY r.id"
    );
    let rows: Vec<StoredColumns> = conn
        .prepare_cached(&sql)
        .and_then(|mut select| select.query_map(params, stored_columns)?.collect())
        .map_err(StoreError::sql("search records"))?;
    rows.into_iter().map(stored).collect()
}

pub(crate) fn count(conn: &Connection) -> Result<u32, StoreError> {
    conn.prepare_cached("SELECT count(*) FROM resource WHERE body IS NOT NULL")
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .map_err(StoreError::sql("count records"))
}
