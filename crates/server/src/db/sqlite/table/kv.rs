//! `kv`: single values of the service.

use crate::db::{DbError, SqlResult};
use rusqlite::{Connection, OptionalExtension};

/// A value by name.
///
/// # Errors
/// A failed statement.
pub fn get(conn: &Connection, name: &str) -> Result<Option<String>, DbError> {
    conn.prepare_cached("SELECT value FROM kv WHERE name = ?1")
        .and_then(|mut s| s.query_row([name], |r| r.get(0)).optional())
        .doing("read a setting")
}

/// Sets a value.
///
/// # Errors
/// A failed statement.
pub fn set(conn: &Connection, name: &str, value: &str) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT INTO kv (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
    )
    .and_then(|mut s| s.execute([name, value]))
    .doing("store a setting")
    .map(drop)
}
