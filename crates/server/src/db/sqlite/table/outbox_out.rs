//! `outbox_out`: messages to other systems, stored with the change that caused them.

use crate::db::{DbError, SqlResult};
use rusqlite::{named_params, params, Connection};

/// A message that is due.
#[derive(Debug, Clone)]
pub struct OutboxOutRow {
    /// Order of sending.
    pub id: i64,
    /// Idempotency key.
    pub message_id: String,
    /// Receiver.
    pub target: String,
    /// Body.
    pub body: String,
    /// How often it was tried.
    pub attempt: i64,
    /// Unix ms.
    pub created_ms: i64,
}

/// Stores a message; one with a known id is left as it is.
///
/// # Errors
/// A failed statement.
pub fn add(
    conn: &Connection,
    message_id: &str,
    target: &str,
    body: &str,
    now_ms: i64,
) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO outbox_out (message_id, target, body, created_ms)
         VALUES (:message_id, :target, :body, :now)",
    )
    .and_then(|mut s| {
        s.execute(named_params! {":message_id": message_id, ":target": target, ":body": body, ":now": now_ms})
    })
    .doing("store an outgoing message")
    .map(drop)
}

/// Messages whose time has come, oldest first.
///
/// # Errors
/// A failed statement.
pub fn due(conn: &Connection, now_ms: i64, limit: i64) -> Result<Vec<OutboxOutRow>, DbError> {
    conn.prepare_cached(
        "SELECT id, message_id, target, body, attempt, created_ms FROM outbox_out
          WHERE sent_ms IS NULL AND stuck IS NULL AND not_before <= ?1 ORDER BY id LIMIT ?2",
    )
    .and_then(|mut s| {
        s.query_map(params![now_ms, limit], |r| {
            Ok(OutboxOutRow {
                id: r.get(0)?,
                message_id: r.get(1)?,
                target: r.get(2)?,
                body: r.get(3)?,
                attempt: r.get(4)?,
                created_ms: r.get(5)?,
            })
        })?
        .collect()
    })
    .doing("read outgoing messages")
}

/// Notes that the receiver has it.
///
/// # Errors
/// A failed statement.
pub fn sent(conn: &Connection, id: i64, now_ms: i64) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE outbox_out SET sent_ms = ?2, attempt = attempt + 1 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, now_ms]))
        .doing("mark a message as sent")
        .map(drop)
}

/// Puts a message off after a failed attempt.
///
/// # Errors
/// A failed statement.
pub fn put_off(conn: &Connection, id: i64, not_before_ms: i64) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE outbox_out SET not_before = ?2, attempt = attempt + 1 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, not_before_ms]))
        .doing("put a message off")
        .map(drop)
}

/// Stops trying, with the reason for the person who looks.
///
/// # Errors
/// A failed statement.
pub fn stuck(conn: &Connection, id: i64, reason: &str) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE outbox_out SET stuck = ?2, attempt = attempt + 1 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, reason]))
        .doing("mark a message as stuck")
        .map(drop)
}
