//! `sealed`: entries that arrived sealed to the server's key.

use crate::db::{DbError, SqlResult};
use rusqlite::{named_params, params, Connection};

/// A sealed entry.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// Client id of the entry.
    pub id: String,
    /// Encapsulated key.
    pub enc: Vec<u8>,
    /// Ciphertext.
    pub ciphertext: Vec<u8>,
    /// Unix ms.
    pub received_ms: i64,
}

/// Keeps an entry; says whether it was new.
///
/// # Errors
/// A failed statement.
pub fn add(conn: &Connection, row: &SealedRow, device: Option<&str>) -> Result<bool, DbError> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO sealed (id, device, received_ms, enc, ciphertext)
         VALUES (:id, :device, :received, :enc, :ciphertext)",
    )
    .and_then(|mut s| {
        s.execute(named_params! {
            ":id": row.id, ":device": device, ":received": row.received_ms,
            ":enc": row.enc, ":ciphertext": row.ciphertext,
        })
    })
    .doing("keep a sealed entry")
    .map(|n| n == 1)
}

/// Entries that nobody has claimed, from one device or from all.
///
/// # Errors
/// A failed statement.
pub fn unclaimed(conn: &Connection, device: Option<&str>) -> Result<Vec<SealedRow>, DbError> {
    conn.prepare_cached(
        "SELECT id, enc, ciphertext, received_ms FROM sealed
          WHERE claimed_by IS NULL AND (?1 IS NULL OR device = ?1) ORDER BY received_ms, id",
    )
    .and_then(|mut s| {
        s.query_map(params![device], |r| {
            Ok(SealedRow { id: r.get(0)?, enc: r.get(1)?, ciphertext: r.get(2)?, received_ms: r.get(3)? })
        })?
        .collect()
    })
    .doing("read sealed entries")
}

/// Notes whose entry it is. The row stays.
///
/// # Errors
/// A failed statement.
pub fn claim(conn: &Connection, id: &str, user: &str, now_ms: i64) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE sealed SET claimed_by = ?2, opened_ms = ?3 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, user, now_ms]))
        .doing("claim a sealed entry")
        .map(drop)
}
