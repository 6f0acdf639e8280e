//! `op_result`: the first answer to each change of a device.

use crate::db::{DbError, SqlResult};
use rusqlite::{params, Connection, OptionalExtension};

/// The stored answer to a change: the account whose change it was, and the wire JSON.
///
/// # Errors
/// A failed statement.
pub fn get(conn: &Connection, device: &str, op: i64) -> Result<Option<(String, String)>, DbError> {
    conn.prepare_cached("SELECT user, result FROM op_result WHERE device = ?1 AND op = ?2")
        .and_then(|mut s| {
            s.query_row(params![device, op], |r| Ok((r.get(0)?, r.get(1)?)))
                .optional()
        })
        .doing("read the result of a change")
}

/// Keeps an answer; the first one stays.
///
/// # Errors
/// A failed statement.
pub fn keep(
    conn: &Connection,
    device: &str,
    op: i64,
    user: &str,
    result: &str,
    now_ms: i64,
) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO op_result (device, op, user, result, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .and_then(|mut s| s.execute(params![device, op, user, result, now_ms]))
    .doing("keep the result of a change")
    .map(drop)
}

/// Forgets answers from before a moment.
///
/// # Errors
/// A failed statement.
pub fn forget(conn: &Connection, before_ms: i64) -> Result<usize, DbError> {
    conn.prepare_cached("DELETE FROM op_result WHERE at < ?1")
        .and_then(|mut s| s.execute([before_ms]))
        .doing("forget old results")
}
