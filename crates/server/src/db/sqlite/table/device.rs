//! `device`: phones and desktops that have signed in.

use crate::db::{DbError, SqlResult};
use rusqlite::{params, Connection, OptionalExtension, Row};

/// A device.
#[derive(Debug, Clone)]
pub struct DeviceRow {
    /// Device id, chosen by the device.
    pub id: String,
    /// Account that signed in last.
    pub user_id: String,
    /// Name that its owner recognises.
    pub name: String,
    /// Unix ms.
    pub created_ms: i64,
    /// Last sign-in or token refresh, Unix ms.
    pub seen_ms: i64,
    /// Since when it may not connect.
    pub revoked_ms: Option<i64>,
}

fn device(row: &Row<'_>) -> rusqlite::Result<DeviceRow> {
    Ok(DeviceRow {
        id: row.get(0)?,
        user_id: row.get(1)?,
        name: row.get(2)?,
        created_ms: row.get(3)?,
        seen_ms: row.get(4)?,
        revoked_ms: row.get(5)?,
    })
}

/// Notes a sign-in on a device. A revoked device stays revoked.
///
/// # Errors
/// A failed statement.
pub fn signed_in(conn: &Connection, id: &str, user: &str, name: &str, now_ms: i64) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT INTO device (id, user_id, name, created_ms, seen_ms) VALUES (?1, ?2, ?3, ?4, ?4)
         ON CONFLICT (id) DO UPDATE SET user_id = ?2, name = ?3, seen_ms = ?4",
    )
    .and_then(|mut s| s.execute(params![id, user, name, now_ms]))
    .doing("note a sign-in on a device")
    .map(drop)
}

/// The device of that id, which becomes the account's where nobody has it yet.
///
/// # Errors
/// A failed statement.
pub fn adopt(conn: &Connection, id: &str, user: &str, now_ms: i64) -> Result<DeviceRow, DbError> {
    conn.prepare_cached(
        "INSERT INTO device (id, user_id, name, created_ms, seen_ms) VALUES (?1, ?2, '', ?3, ?3)
         ON CONFLICT (id) DO UPDATE SET seen_ms = ?3
         RETURNING id, user_id, name, created_ms, seen_ms, revoked_ms",
    )
    .and_then(|mut s| s.query_row(params![id, user, now_ms], device))
    .doing("note the device of an account")
}

/// A device by id.
///
/// # Errors
/// A failed statement.
pub fn get(conn: &Connection, id: &str) -> Result<Option<DeviceRow>, DbError> {
    conn.prepare_cached("SELECT id, user_id, name, created_ms, seen_ms, revoked_ms FROM device WHERE id = ?1")
        .and_then(|mut s| s.query_row([id], device).optional())
        .doing("read a device")
}

/// The devices of one account, or of all.
///
/// # Errors
/// A failed statement.
pub fn list(conn: &Connection, user: Option<&str>) -> Result<Vec<DeviceRow>, DbError> {
    conn.prepare_cached(
        "SELECT id, user_id, name, created_ms, seen_ms, revoked_ms FROM device
          WHERE (?1 IS NULL OR user_id = ?1) ORDER BY created_ms, id",
    )
    .and_then(|mut s| s.query_map(params![user], device)?.collect())
    .doing("list devices")
}

/// Takes a device's access away, for good.
///
/// # Errors
/// A failed statement.
pub fn revoke(conn: &Connection, id: &str, now_ms: i64) -> Result<bool, DbError> {
    conn.prepare_cached("UPDATE device SET revoked_ms = coalesce(revoked_ms, ?2) WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, now_ms]))
        .doing("revoke a device")
        .map(|n| n == 1)
}

/// Notes that a device was heard of.
///
/// # Errors
/// A failed statement.
pub fn seen(conn: &Connection, id: &str, now_ms: i64) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE device SET seen_ms = ?2 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, now_ms]))
        .doing("note that a device was heard of")
        .map(drop)
}
