//! `meta`: small settings of this profile, the sync cursor among them.

use crate::StoreError;
use rusqlite::{named_params, Connection, OptionalExtension};

pub(crate) fn get(conn: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    conn.prepare_cached("SELECT value FROM meta WHERE name = :name")
        .and_then(|mut found| {
            found
                .query_row(named_params! { ":name": name }, |row| row.get(0))
                .optional()
        })
        .map_err(StoreError::sql("read a setting"))
}

pub(crate) fn all(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    conn.prepare_cached("SELECT name, value FROM meta ORDER BY name")
        .and_then(|mut select| {
            select
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .map_err(StoreError::sql("list settings"))
}

pub(crate) fn put(conn: &Connection, name: &str, value: Option<&str>) -> Result<(), StoreError> {
    let done = match value {
        Some(value) => conn
            .prepare_cached(
                "INSERT INTO meta (name, value) VALUES (:name, :value)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )
            .and_then(|mut put| put.execute(named_params! { ":name": name, ":value": value })),
        None => conn
            .prepare_cached("DELETE FROM meta WHERE name = :name")
            .and_then(|mut delete| delete.execute(named_params! { ":name": name })),
    };
    done.map(|_| ()).map_err(StoreError::sql("keep a setting"))
}
