//! `audit`: who did what on this device. Written in the transaction of the deed.

use crate::{AuditRow, StoreError};
use hms_model::time::Timestamp;
use rusqlite::{named_params, Connection};

pub(crate) fn insert(conn: &Connection, row: &AuditRow, at: Timestamp) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT INTO audit (at, who, action, subject) VALUES (:at, :who, :action, :subject)")
        .and_then(|mut insert| {
            insert.execute(named_params! {
                ":at": at.0, ":who": row.who, ":action": row.action, ":subject": row.subject,
            })
        })
        .map(|_| ())
        .map_err(StoreError::sql("keep an audit row"))
}

/// The newest rows, newest first.
pub(crate) fn newest(conn: &Connection, most: u32) -> Result<Vec<(Timestamp, AuditRow)>, StoreError> {
    conn.prepare_cached("SELECT at, who, action, subject FROM audit ORDER BY number DESC LIMIT :most")
        .and_then(|mut select| {
            select
                .query_map(named_params! { ":most": most }, |row| {
                    let audit = AuditRow {
                        who: row.get("who")?,
                        action: row.get("action")?,
                        subject: row.get("subject")?,
                    };
                    Ok((Timestamp(row.get("at")?), audit))
                })?
                .collect()
        })
        .map_err(StoreError::sql("read audit rows"))
}
