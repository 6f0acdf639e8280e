//! `draft` and `symptom_check`: forms and symptom checks under way, kept at every step.

use crate::{DraftRow, StoreError};
use hms_model::time::Timestamp;
use rusqlite::{named_params, Connection, OptionalExtension, Row};
use serde_json::Value;

/// Which of the two tables of the same shape.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Table {
    Draft,
    SymptomCheck,
}

impl Table {
    fn sql(self, statement: &str) -> String {
        let name = match self {
            Table::Draft => "draft",
            Table::SymptomCheck => "symptom_check",
        };
        statement.replace("«table»", name)
    }
}

pub(crate) fn put(
    conn: &Connection,
    table: Table,
    id: &str,
    body: &Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = table.sql(
        "INSERT INTO «table» (id, body, changed_at) VALUES (:id, :body, :now)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, changed_at = excluded.changed_at",
    );
    conn.prepare_cached(&sql)
        .and_then(|mut put| {
            put.execute(named_params! { ":id": id, ":body": body.to_string(), ":now": now.0 })
        })
        .map(|_| ())
        .map_err(StoreError::sql("keep a form"))
}

pub(crate) fn get(conn: &Connection, table: Table, id: &str) -> Result<Option<DraftRow>, StoreError> {
    let sql = table.sql("SELECT id, body, changed_at FROM «table» WHERE id = :id");
    conn.prepare_cached(&sql)
        .and_then(|mut select| select.query_row(named_params! { ":id": id }, columns).optional())
        .map_err(StoreError::sql("read a form"))?
        .map(draft)
        .transpose()
}

pub(crate) fn list(conn: &Connection, table: Table) -> Result<Vec<DraftRow>, StoreError> {
    let sql = table.sql("SELECT id, body, changed_at FROM «table» ORDER BY changed_at DESC, id");
    let rows: Vec<(String, String, i64)> = conn
        .prepare_cached(&sql)
        .and_then(|mut select| select.query_map([], columns)?.collect())
        .map_err(StoreError::sql("list forms"))?;
    rows.into_iter().map(draft).collect()
}

pub(crate) fn delete(conn: &Connection, table: Table, id: &str) -> Result<(), StoreError> {
    conn.prepare_cached(&table.sql("DELETE FROM «table» WHERE id = :id"))
        .and_then(|mut delete| delete.execute(named_params! { ":id": id }))
        .map(|_| ())
        .map_err(StoreError::sql("remove a form"))
}

fn columns(row: &Row<'_>) -> rusqlite::Result<(String, String, i64)> {
    Ok((row.get("id")?, row.get("body")?, row.get("changed_at")?))
}

fn draft((id, body, changed_at): (String, String, i64)) -> Result<DraftRow, StoreError> {
    let body = serde_json::from_str(&body).map_err(StoreError::Body)?;
    Ok(DraftRow {
        id,
        body,
        changed_at: Timestamp(changed_at),
    })
}
