//! `counter`: numbers that are given out once.

use crate::db::{DbError, SqlResult};
use rusqlite::{params, Connection};

/// The next number of a counter; the first is `first`.
///
/// # Errors
/// A failed statement.
pub fn next(conn: &Connection, name: &str, first: i64) -> Result<i64, DbError> {
    conn.prepare_cached(
        "INSERT INTO counter (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
    )
    .and_then(|mut s| s.query_row(params![name, first], |r| r.get(0)))
    .doing("take a number")
}

/// The last number of a counter; 0 before the first.
///
/// # Errors
/// A failed statement.
pub fn current(conn: &Connection, name: &str) -> Result<i64, DbError> {
    conn.prepare_cached("SELECT coalesce((SELECT value FROM counter WHERE name = ?1), 0)")
        .and_then(|mut s| s.query_row([name], |r| r.get(0)))
        .doing("read a number")
}
