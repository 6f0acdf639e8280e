//! `grant_once`: authorization codes, device codes and one-time links.

use crate::db::{DbError, SqlResult};
use rusqlite::{named_params, params, Connection, OptionalExtension, Row};

/// A grant as kept.
#[derive(Debug, Clone)]
pub struct GrantRow {
    /// SHA-256 of the code.
    pub hash: [u8; 32],
    /// `code`, `device` or `link`.
    pub kind: String,
    /// What a person types on the device page.
    pub user_code: Option<String>,
    /// Who approved it.
    pub user_id: Option<String>,
    /// JSON of what was asked for.
    pub detail: String,
    /// Unix ms.
    pub expires_ms: i64,
    /// Last poll of a device, Unix ms.
    pub polled_ms: Option<i64>,
    /// When it was exchanged.
    pub used_ms: Option<i64>,
    /// The sign-in that it began.
    pub family: Option<String>,
}

fn grant(row: &Row<'_>) -> rusqlite::Result<GrantRow> {
    Ok(GrantRow {
        hash: row.get("hash")?,
        kind: row.get("kind")?,
        user_code: row.get("user_code")?,
        user_id: row.get("user_id")?,
        detail: row.get("detail")?,
        expires_ms: row.get("expires_ms")?,
        polled_ms: row.get("polled_ms")?,
        used_ms: row.get("used_ms")?,
        family: row.get("family")?,
    })
}

/// Keeps a grant.
///
/// # Errors
/// A failed statement.
pub fn insert(conn: &Connection, row: &GrantRow) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT INTO grant_once (hash, kind, user_code, user_id, detail, expires_ms)
         VALUES (:hash, :kind, :user_code, :user, :detail, :expires)",
    )
    .and_then(|mut s| {
        s.execute(named_params! {
            ":hash": &row.hash[..], ":kind": row.kind, ":user_code": row.user_code,
            ":user": row.user_id, ":detail": row.detail, ":expires": row.expires_ms,
        })
    })
    .doing("keep a grant")
    .map(drop)
}

/// A grant by the hash of its code.
///
/// # Errors
/// A failed statement.
pub fn get(conn: &Connection, kind: &str, hash: &[u8; 32]) -> Result<Option<GrantRow>, DbError> {
    conn.prepare_cached(
        "SELECT hash, kind, user_code, user_id, detail, expires_ms, polled_ms, used_ms, family
           FROM grant_once WHERE hash = ?1 AND kind = ?2",
    )
    .and_then(|mut s| s.query_row(params![&hash[..], kind], grant).optional())
    .doing("read a grant")
}

/// A grant by what a person typed.
///
/// # Errors
/// A failed statement.
pub fn by_user_code(conn: &Connection, user_code: &str) -> Result<Option<GrantRow>, DbError> {
    conn.prepare_cached(
        "SELECT hash, kind, user_code, user_id, detail, expires_ms, polled_ms, used_ms, family
           FROM grant_once WHERE user_code = ?1",
    )
    .and_then(|mut s| s.query_row([user_code], grant).optional())
    .doing("read a grant by its user code")
}

/// Notes who approved a device code.
///
/// # Errors
/// A failed statement.
pub fn approve(conn: &Connection, hash: &[u8; 32], user: &str) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE grant_once SET user_id = ?2 WHERE hash = ?1")
        .and_then(|mut s| s.execute(params![&hash[..], user]))
        .doing("approve a grant")
        .map(drop)
}

/// Notes a poll.
///
/// # Errors
/// A failed statement.
pub fn polled(conn: &Connection, hash: &[u8; 32], now_ms: i64) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE grant_once SET polled_ms = ?2 WHERE hash = ?1")
        .and_then(|mut s| s.execute(params![&hash[..], now_ms]))
        .doing("note a poll")
        .map(drop)
}

/// Uses a grant up; `false` where it was used before.
///
/// # Errors
/// A failed statement.
pub fn take(conn: &Connection, hash: &[u8; 32], family: &str, now_ms: i64) -> Result<bool, DbError> {
    conn.prepare_cached("UPDATE grant_once SET used_ms = ?3, family = ?2 WHERE hash = ?1 AND used_ms IS NULL")
        .and_then(|mut s| s.execute(params![&hash[..], family, now_ms]))
        .doing("use a grant")
        .map(|n| n == 1)
}

/// Forgets grants that expired before a moment.
///
/// # Errors
/// A failed statement.
pub fn forget_expired(conn: &Connection, before_ms: i64) -> Result<usize, DbError> {
    conn.prepare_cached("DELETE FROM grant_once WHERE expires_ms < ?1")
        .and_then(|mut s| s.execute([before_ms]))
        .doing("forget expired grants")
}
