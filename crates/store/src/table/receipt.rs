//! `receipt`: the server's word that it has an entry. Outlives the outbox row.

use super::Key;
use crate::{ReceiptRow, StoreError};
use hms_model::wire::sync::WireReceipt;
use rusqlite::{named_params, Connection, OptionalExtension, Row};

pub(crate) fn put(conn: &Connection, key: &Key, receipt: &WireReceipt) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO receipt (type, id, number, at) VALUES (:type, :id, :number, :at)
         ON CONFLICT (type, id) DO UPDATE SET number = excluded.number, at = excluded.at",
    )
    .and_then(|mut put| {
        put.execute(
            named_params! { ":type": key.kind, ":id": key.id, ":number": receipt.number, ":at": receipt.at },
        )
    })
    .map(|_| ())
    .map_err(StoreError::sql("keep a receipt"))
}

pub(crate) fn get(conn: &Connection, key: &Key) -> Result<Option<WireReceipt>, StoreError> {
    conn.prepare_cached("SELECT type, id, number, at FROM receipt WHERE type = :type AND id = :id")
        .and_then(|mut select| {
            select
                .query_row(named_params! { ":type": key.kind, ":id": key.id }, columns)
                .optional()
        })
        .map(|found| found.map(|row| row.receipt))
        .map_err(StoreError::sql("read a receipt"))
}

pub(crate) fn list(conn: &Connection) -> Result<Vec<ReceiptRow>, StoreError> {
    conn.prepare_cached("SELECT type, id, number, at FROM receipt ORDER BY at DESC, id")
        .and_then(|mut select| select.query_map([], columns)?.collect())
        .map_err(StoreError::sql("list receipts"))
}

fn columns(row: &Row<'_>) -> rusqlite::Result<ReceiptRow> {
    let id = Key {
        kind: row.get("type")?,
        id: row.get("id")?,
    }
    .to_string();
    Ok(ReceiptRow {
        id,
        receipt: WireReceipt {
            number: row.get("number")?,
            at: row.get("at")?,
        },
    })
}
