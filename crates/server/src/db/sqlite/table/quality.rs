//! `visit_quality`: how each visit went, for each of its sides.

use crate::db::{DbError, SqlResult};
use rusqlite::{params, Connection};

/// Keeps what a side tells of a visit; the first telling stands. Says whether it was the first.
///
/// # Errors
/// A failed statement.
pub fn keep(conn: &Connection, visit: &str, side: &str, body: &str, now_ms: i64) -> Result<bool, DbError> {
    conn.prepare_cached(
        "INSERT INTO visit_quality (visit, side, received_ms, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (visit, side) DO NOTHING",
    )
    .and_then(|mut s| s.execute(params![visit, side, now_ms, body]))
    .doing("keep how a visit went")
    .map(|rows| rows > 0)
}

/// What was told since then (Unix ms), oldest first.
///
/// # Errors
/// A failed statement.
pub fn since(conn: &Connection, since_ms: i64) -> Result<Vec<String>, DbError> {
    conn.prepare_cached(
        "SELECT body FROM visit_quality WHERE received_ms >= ?1 ORDER BY received_ms, visit, side",
    )
    .and_then(|mut s| s.query_map([since_ms], |row| row.get(0))?.collect())
    .doing("read how visits went")
}
