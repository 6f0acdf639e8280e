//! Records that this device had when the server began anew, and that have not come again yet; kept in `meta`, since the
//! pass may take several exchanges.

use super::{meta, Key};
use crate::StoreError;
use rusqlite::{named_params, Connection};

/// Names from `unseen/` up to here, which sorts right behind.
const END: &str = "unseen0";

/// Notes every record.
pub(crate) fn note_all(conn: &Connection) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO meta (name, value) SELECT 'unseen/' || type || '/' || id, '' FROM resource WHERE true
         ON CONFLICT (name) DO NOTHING",
    )
    .and_then(|mut insert| insert.execute([]))
    .map(|_| ())
    .map_err(StoreError::sql("note what has to come again"))
}

/// Notes one record.
pub(crate) fn note(conn: &Connection, key: &Key) -> Result<(), StoreError> {
    meta::put(conn, &format!("unseen/{key}"), Some(""))
}

/// Whether something still has to come again.
pub(crate) fn is_any(conn: &Connection) -> Result<bool, StoreError> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM meta WHERE name >= 'unseen/' AND name < :end)")
        .and_then(|mut select| select.query_row(named_params! { ":end": END }, |row| row.get(0)))
        .map_err(StoreError::sql("read what has to come again"))
}

/// It came again, or is known to be gone.
pub(crate) fn came(conn: &Connection, key: &Key) -> Result<(), StoreError> {
    meta::put(conn, &format!("unseen/{key}"), None)
}

/// Takes out what has not come again.
pub(crate) fn take_rest(conn: &Connection) -> Result<Vec<Key>, StoreError> {
    let names: Vec<String> = conn
        .prepare_cached("SELECT substr(name, 8) FROM meta WHERE name >= 'unseen/' AND name < :end")
        .and_then(|mut select| {
            select
                .query_map(named_params! { ":end": END }, |row| row.get(0))?
                .collect()
        })
        .map_err(StoreError::sql("read what has not come again"))?;
    if !names.is_empty() {
        conn.prepare_cached("DELETE FROM meta WHERE name >= 'unseen/' AND name < :end")
            .and_then(|mut delete| delete.execute(named_params! { ":end": END }))
            .map_err(StoreError::sql("end the wait for what comes again"))?;
    }
    names.iter().map(|name| Key::parse(name)).collect()
}
