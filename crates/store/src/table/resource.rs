//! `resource`: each record as it is shown here, and what is known of the server's side while changes wait.
//!
//! Bodies are packed; a row that was written before there was packing holds text until it is written again.

use super::gather::Gathered;
use super::{body, index, Key};
use crate::packed;
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

type Columns = (i64, Shown, [Option<String>; 5]);

pub(crate) fn find(conn: &Connection, key: &Key) -> Result<Option<ResourceRow>, StoreError> {
    let found: Option<Columns> = conn
        .prepare_cached(
            "SELECT key, packed, body, version, base_body, remote_state, remote_body, remote_version
             FROM resource WHERE type = :type AND id = :id",
        )
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":type": key.kind, ":id": key.id }, |row| {
                    let shown = Shown {
                        packed: row.get(1)?,
                        text: row.get(2)?,
                    };
                    let texts = [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?];
                    Ok((row.get(0)?, shown, texts))
                })
                .optional()
        })
        .map_err(StoreError::sql("read a record"))?;
    let Some((row_key, shown, [version, base, state, remote, remote_version])) = found else {
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
        body: shown.read()?,
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
    let packed = shown.map(packed::pack).transpose()?;
    let before = find_shown(conn, key)?;
    let row_key = match &before {
        Some((row_key, _)) => conn
            .prepare_cached(
                "UPDATE resource SET packed = :packed, body = NULL, version = :version WHERE key = :key",
            )
            .and_then(|mut update| {
                update.execute(named_params! { ":packed": packed, ":version": version, ":key": row_key })
            })
            .map(|_| *row_key),
        None => conn
            .prepare_cached(
                "INSERT INTO resource (type, id, packed, version) VALUES (:type, :id, :packed, :version)",
            )
            .and_then(|mut insert| {
                insert.insert(
                    named_params! { ":type": key.kind, ":id": key.id, ":packed": packed, ":version": version },
                )
            }),
    }
    .map_err(StoreError::sql("keep a record"))?;
    let old = before.map(|(_, old)| old.read()).transpose()?.flatten();
    index::replace(conn, row_key, old.as_ref(), shown)?;
    Ok(row_key)
}

/// Writes what the server has of a record that nothing waits of. Its search rows are gathered.
pub(crate) fn put_server(
    conn: &Connection,
    key: &Key,
    shown: &Value,
    version: Option<&str>,
    rows: &mut Gathered,
) -> Result<(), StoreError> {
    let packed = packed::pack(shown)?;
    let failed = |source| StoreError::sql("keep a record")(source);
    // Most of a first sync is new here: one search of the tree, not two.
    let new = conn
        .prepare_cached(
            "INSERT INTO resource (type, id, packed, version) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )
        .and_then(|mut insert| insert.execute((&key.kind, &key.id, &packed, version)))
        .map_err(failed)?;
    if new == 1 {
        return rows.note(conn, conn.last_insert_rowid(), None, Some(shown));
    }
    let Some((row_key, old)) = find_shown(conn, key)? else {
        return Ok(());
    };
    let old = old.read()?;
    conn.prepare_cached(
        "UPDATE resource SET packed = ?1, body = NULL, version = ?2, base_body = NULL,
             remote_state = NULL, remote_body = NULL, remote_version = NULL
         WHERE key = ?3",
    )
    .and_then(|mut update| update.execute((&packed, version, row_key)))
    .map_err(failed)?;
    rows.note(conn, row_key, old.as_ref(), Some(shown))
}

/// A body as it lies in its row; neither: deleted here.
struct Shown {
    packed: Option<Vec<u8>>,
    text: Option<String>,
}

impl Shown {
    fn read(self) -> Result<Option<Value>, StoreError> {
        match (self.packed, self.text) {
            (Some(packed), _) => packed::unpack(&packed).map(Some),
            (None, text) => body(text),
        }
    }
}

fn find_shown(conn: &Connection, key: &Key) -> Result<Option<(i64, Shown)>, StoreError> {
    conn.prepare_cached("SELECT key, packed, body FROM resource WHERE type = :type AND id = :id")
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":type": key.kind, ":id": key.id }, |row| {
                    Ok((
                        row.get(0)?,
                        Shown {
                            packed: row.get(1)?,
                            text: row.get(2)?,
                        },
                    ))
                })
                .optional()
        })
        .map_err(StoreError::sql("read a record"))
}

/// Packs a body that still is text; gives what the row shows.
pub(crate) fn repack(conn: &Connection, row_key: i64) -> Result<Option<Value>, StoreError> {
    let found = conn
        .prepare_cached("SELECT packed, body FROM resource WHERE key = :key")
        .and_then(|mut select| {
            select.query_row(named_params! { ":key": row_key }, |row| {
                Ok(Shown {
                    packed: row.get(0)?,
                    text: row.get(1)?,
                })
            })
        })
        .map_err(StoreError::sql("read a record"))?;
    let is_text = found.text.is_some();
    let shown = found.read()?;
    if let (true, Some(resource)) = (is_text, &shown) {
        let packed = packed::pack(resource)?;
        conn.prepare_cached("UPDATE resource SET packed = :packed, body = NULL WHERE key = :key")
            .and_then(|mut update| update.execute(named_params! { ":packed": packed, ":key": row_key }))
            .map_err(StoreError::sql("pack a record"))?;
    }
    Ok(shown)
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
    if let Some((row_key, old)) = find_shown(conn, key)? {
        index::replace(conn, row_key, old.read()?.as_ref(), None)?;
    }
    conn.prepare_cached("DELETE FROM resource WHERE type = :type AND id = :id")
        .and_then(|mut delete| delete.execute(named_params! { ":type": key.kind, ":id": key.id }))
        .map(|rows| rows > 0)
        .map_err(StoreError::sql("remove a record"))
}

const STORED: &str = "r.packed AS packed, r.body AS body, r.version AS version,
    EXISTS (SELECT 1 FROM outbox o WHERE o.type = r.type AND o.id = r.id) AS pending";

type StoredColumns = (Shown, Option<String>, bool);

/// Rows that show a record.
const IS_SHOWN: &str = "(r.packed IS NOT NULL OR r.body IS NOT NULL)";

fn stored_columns(row: &Row<'_>) -> rusqlite::Result<StoredColumns> {
    let shown = Shown {
        packed: row.get("packed")?,
        text: row.get("body")?,
    };
    Ok((shown, row.get("version")?, row.get("pending")?))
}

fn stored((shown, version, pending): StoredColumns) -> Result<Option<Stored>, StoreError> {
    Ok(shown.read()?.map(|resource| Stored {
        resource,
        version,
        pending,
    }))
}

pub(crate) fn get(conn: &Connection, key: &Key) -> Result<Option<Stored>, StoreError> {
    let sql = format!("SELECT {STORED} FROM resource r WHERE r.type = :type AND r.id = :id AND {IS_SHOWN}");
    conn.prepare_cached(&sql)
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":type": key.kind, ":id": key.id }, stored_columns)
                .optional()
        })
        .map_err(StoreError::sql("read a record"))?
        .map_or(Ok(None), stored)
}

/// The record of a row; `None` where it is deleted here.
pub(crate) fn by_row(conn: &Connection, row_key: i64) -> Result<Option<Stored>, StoreError> {
    conn.prepare_cached(&format!("SELECT {STORED} FROM resource r WHERE r.key = :key"))
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":key": row_key }, stored_columns)
                .optional()
        })
        .map_err(StoreError::sql("read a record"))?
        .map_or(Ok(None), stored)
}

/// The row of a record, deleted here or not.
pub(crate) fn row_of(conn: &Connection, kind: &str, id: &str) -> Result<Option<i64>, StoreError> {
    conn.prepare_cached("SELECT key FROM resource WHERE type = :type AND id = :id")
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":type": kind, ":id": id }, |row| row.get(0))
                .optional()
        })
        .map_err(StoreError::sql("find a record"))
}

/// Id and row of all records of a type, deleted ones included.
pub(crate) fn ids(conn: &Connection, kind: &str) -> Result<Vec<(String, i64)>, StoreError> {
    conn.prepare_cached("SELECT id, key FROM resource WHERE type = :type")
        .and_then(|mut select| {
            select
                .query_map(named_params! { ":type": kind }, |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect()
        })
        .map_err(StoreError::sql("list ids"))
}

/// What the server is known to have of a record: what is kept beside local changes, or what they stand on.
const KNOWN: &str =
    "CASE WHEN remote_state IS NULL THEN version WHEN remote_state = 'here' THEN remote_version END";

/// `Type/id` and version of every record that the server is known to have.
pub(crate) fn versions(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    conn.prepare_cached(&format!(
        "SELECT type || '/' || id, {KNOWN} AS known FROM resource WHERE known IS NOT NULL"
    ))
    .and_then(|mut select| {
        select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    })
    .map_err(StoreError::sql("list versions"))
}

/// The version of one; `None` where the server is not known to have it.
pub(crate) fn known_version(conn: &Connection, key: &Key) -> Result<Option<String>, StoreError> {
    conn.prepare_cached(&format!(
        "SELECT {KNOWN} FROM resource WHERE type = :type AND id = :id"
    ))
    .and_then(|mut select| {
        select
            .query_row(named_params! { ":type": key.kind, ":id": key.id }, |row| {
                row.get(0)
            })
            .optional()
    })
    .map(Option::flatten)
    .map_err(StoreError::sql("read a version"))
}

pub(crate) fn list(conn: &Connection, kind: &str) -> Result<Vec<Stored>, StoreError> {
    let sql = format!("SELECT {STORED} FROM resource r WHERE r.type = :type AND {IS_SHOWN} ORDER BY r.id");
    let rows: Vec<StoredColumns> = conn
        .prepare_cached(&sql)
        .and_then(|mut select| {
            select
                .query_map(named_params! { ":type": kind }, stored_columns)?
                .collect()
        })
        .map_err(StoreError::sql("list records"))?;
    rows.into_iter()
        .filter_map(|row| stored(row).transpose())
        .collect()
}

pub(crate) fn count(conn: &Connection) -> Result<u32, StoreError> {
    conn.prepare_cached(&format!("SELECT count(*) FROM resource r WHERE {IS_SHOWN}"))
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .map_err(StoreError::sql("count records"))
}
