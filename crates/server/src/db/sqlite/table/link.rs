//! `link`: the last that is known of each account's connection.

use crate::db::{DbError, SqlResult};
use rusqlite::{params, Connection};

/// What is known of an account's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// Account.
    pub user: String,
    /// The Patient that it is.
    pub patient: String,
    /// Round trip.
    pub rtt_ms: Option<u32>,
    /// Lost share in thousandths.
    pub loss_permille: Option<u32>,
    /// When a sync last ran to its end, Unix ms.
    pub last_sync: Option<i64>,
}

/// Notes how an account sees its link.
///
/// # Errors
/// A failed statement.
pub fn told(
    conn: &Connection,
    user: &str,
    rtt_ms: u32,
    loss_permille: u32,
    now_ms: i64,
) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT INTO link (user, rtt_ms, loss_permille, link_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (user) DO UPDATE SET rtt_ms = ?2, loss_permille = ?3, link_at = ?4",
    )
    .and_then(|mut s| s.execute(params![user, rtt_ms, loss_permille, now_ms]))
    .doing("note a link")
    .map(drop)
}

/// Notes that a sync ran to its end.
///
/// # Errors
/// A failed statement.
pub fn synced(conn: &Connection, user: &str, now_ms: i64) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT INTO link (user, last_sync) VALUES (?1, ?2)
         ON CONFLICT (user) DO UPDATE SET last_sync = ?2",
    )
    .and_then(|mut s| s.execute(params![user, now_ms]))
    .doing("note a sync")
    .map(drop)
}

/// The links of everybody who is a patient.
///
/// # Errors
/// A failed statement.
pub fn of_patients(conn: &Connection) -> Result<Vec<LinkRow>, DbError> {
    conn.prepare_cached(
        "SELECT u.id, substr(u.fhir, 9), l.rtt_ms, l.loss_permille, l.last_sync
           FROM user u LEFT JOIN link l ON l.user = u.id
          WHERE u.fhir LIKE 'Patient/%' AND u.disabled = 0",
    )
    .and_then(|mut s| {
        s.query_map([], |r| {
            Ok(LinkRow {
                user: r.get(0)?,
                patient: r.get(1)?,
                rtt_ms: r.get(2)?,
                loss_permille: r.get(3)?,
                last_sync: r.get(4)?,
            })
        })?
        .collect()
    })
    .doing("read links")
}
