//! `sealed`: entries that arrived sealed to the server's key. The ciphertext stays as it came.

use crate::db::{DbError, SqlResult};
use rusqlite::{named_params, params, Connection, OptionalExtension, Row};

/// A sealed entry.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// Client id of the entry.
    pub id: String,
    /// Device that sealed it.
    pub device: String,
    /// Account that it names.
    pub account: Option<String>,
    /// Whether it is an unfinished form.
    pub draft: bool,
    /// Encapsulated key.
    pub enc: Vec<u8>,
    /// Ciphertext.
    pub ciphertext: Vec<u8>,
    /// Unix ms.
    pub received_ms: i64,
    /// `Type/id` of what was made from it.
    pub resources: Vec<String>,
}

/// Whether an entry is known, and if so whether it is an unfinished form.
///
/// # Errors
/// A failed statement.
pub fn known(conn: &Connection, id: &str) -> Result<Option<bool>, DbError> {
    conn.prepare_cached("SELECT draft FROM sealed WHERE id = ?1")
        .and_then(|mut s| s.query_row([id], |r| r.get(0)).optional())
        .doing("read a sealed entry")
}

/// Keeps an entry; one that is known is replaced, as an unfinished form is by the finished one.
///
/// # Errors
/// A failed statement.
pub fn keep(conn: &Connection, row: &SealedRow, claimed_by: Option<&str>) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT INTO sealed (id, device, account, draft, received_ms, enc, ciphertext, resources, opened_ms, claimed_by)
         VALUES (:id, :device, :account, :draft, :received, :enc, :ciphertext, :resources, :received, :claimed)
         ON CONFLICT (id) DO UPDATE SET device = :device, account = :account, draft = :draft, enc = :enc,
            ciphertext = :ciphertext, resources = :resources, opened_ms = :received, claimed_by = :claimed",
    )
    .and_then(|mut s| {
        s.execute(named_params! {
            ":id": row.id, ":device": row.device, ":account": row.account, ":draft": row.draft,
            ":received": row.received_ms, ":enc": row.enc, ":ciphertext": row.ciphertext,
            ":resources": row.resources.join("\n"), ":claimed": claimed_by,
        })
    })
    .doing("keep a sealed entry")
    .map(drop)
}

/// Finished entries of a device that an account may claim: (id, resources made from it).
///
/// # Errors
/// A failed statement.
pub fn claimable(
    conn: &Connection,
    device: &str,
    account: &str,
) -> Result<Vec<(String, Vec<String>)>, DbError> {
    conn.prepare_cached(
        "SELECT id, resources FROM sealed
          WHERE claimed_by IS NULL AND draft = 0 AND device = ?1 AND (account IS NULL OR account = ?2)
          ORDER BY received_ms, id",
    )
    .and_then(|mut s| {
        s.query_map([device, account], |r| {
            let resources: String = r.get(1)?;
            Ok((r.get(0)?, resources.lines().map(str::to_owned).collect()))
        })?
        .collect()
    })
    .doing("read sealed entries to claim")
}

/// Notes whose entry it is. The row stays.
///
/// # Errors
/// A failed statement.
pub fn claim(conn: &Connection, id: &str, user: &str) -> Result<(), DbError> {
    conn.prepare_cached("UPDATE sealed SET claimed_by = ?2 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, user]))
        .doing("claim a sealed entry")
        .map(drop)
}

/// One entry that is kept as it came; `None` where there is none, or it is finished.
///
/// # Errors
/// A failed statement.
pub fn get_kept(conn: &Connection, id: &str) -> Result<Option<SealedRow>, DbError> {
    conn.prepare_cached(
        "SELECT id, device, account, draft, enc, ciphertext, received_ms FROM sealed
          WHERE draft = 1 AND id = ?1",
    )
    .and_then(|mut s| s.query_row([id], kept_row).optional())
    .doing("read a sealed entry")
}

/// Entries that are kept as they came, oldest first.
///
/// # Errors
/// A failed statement.
pub fn kept(conn: &Connection) -> Result<Vec<SealedRow>, DbError> {
    conn.prepare_cached(
        "SELECT id, device, account, draft, enc, ciphertext, received_ms FROM sealed
          WHERE draft = 1 ORDER BY received_ms, id",
    )
    .and_then(|mut s| s.query_map([], kept_row)?.collect())
    .doing("list sealed entries")
}

fn kept_row(r: &Row<'_>) -> rusqlite::Result<SealedRow> {
    Ok(SealedRow {
        id: r.get(0)?,
        device: r.get(1)?,
        account: r.get(2)?,
        draft: r.get(3)?,
        enc: r.get(4)?,
        ciphertext: r.get(5)?,
        received_ms: r.get(6)?,
        resources: Vec::new(),
    })
}
