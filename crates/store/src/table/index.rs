//! `index_token`, `index_reference`, `index_date`, `index_text`: what records can be searched by.
//!
//! Numbers and quantities are not indexed on devices.

use super::{resource, Key};
use crate::{StoreError, Stored};
use hms_fhir::{IndexValue, SearchKind};
use rusqlite::{named_params, Connection};
use serde_json::Value;

/// Replaces the index rows of one record; `None` removes them.
pub(crate) fn replace(
    conn: &Connection,
    key: &Key,
    row_key: i64,
    shown: Option<&Value>,
) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM index_token WHERE key = :key",
        "DELETE FROM index_reference WHERE key = :key",
        "DELETE FROM index_date WHERE key = :key",
        "DELETE FROM index_text WHERE key = :key",
    ] {
        conn.prepare_cached(sql)
            .and_then(|mut delete| delete.execute(named_params! { ":key": row_key }))
            .map_err(StoreError::sql("renew search rows"))?;
    }
    for entry in shown.map(hms_fhir::index).unwrap_or_default() {
        insert(conn, &key.kind, row_key, entry.param, entry.value)
            .map_err(StoreError::sql("keep search rows"))?;
    }
    Ok(())
}

fn insert(conn: &Connection, kind: &str, key: i64, param: &str, value: IndexValue) -> rusqlite::Result<()> {
    match value {
        IndexValue::Token { system, code } => insert_token(conn, kind, key, param, &system.unwrap_or_default(), &code),
        IndexValue::Uri(uri) => insert_token(conn, kind, key, param, "", &uri),
        IndexValue::Reference { target_type, target_id } => conn
            .prepare_cached(
                "INSERT OR IGNORE INTO index_reference (type, param, target_id, target_type, key)
                 VALUES (:type, :param, :target_id, :target_type, :key)",
            )?
            .execute(named_params! {
                ":type": kind, ":param": param, ":target_id": target_id, ":target_type": target_type, ":key": key,
            })
            .map(|_| ()),
        IndexValue::Date { start_ms, end_ms } => conn
            .prepare_cached(
                "INSERT OR IGNORE INTO index_date (type, param, start_ms, end_ms, key)
                 VALUES (:type, :param, :start, :end, :key)",
            )?
            .execute(named_params! { ":type": kind, ":param": param, ":start": start_ms, ":end": end_ms, ":key": key })
            .map(|_| ()),
        IndexValue::Text { folded } => conn
            .prepare_cached(
                "INSERT OR IGNORE INTO index_text (type, param, folded, key)
                 VALUES (:type, :param, :folded, :key)",
            )?
            .execute(named_params! { ":type": kind, ":param": param, ":folded": folded, ":key": key })
            .map(|_| ()),
        IndexValue::Number { .. } | IndexValue::Quantity { .. } => Ok(()),
    }
}

fn insert_token(
    conn: &Connection,
    kind: &str,
    key: i64,
    param: &str,
    system: &str,
    code: &str,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO index_token (type, param, code, system, key)
         VALUES (:type, :param, :code, :system, :key)",
    )?
    .execute(named_params! { ":type": kind, ":param": param, ":code": code, ":system": system, ":key": key })
    .map(|_| ())
}

/// Searches as in a FHIR query: `code` or `system|code`; `Type/id` or `id`; a date with an optional prefix
/// (`eq`, `ge`, `gt`, `le`, `lt`); the beginning of a text.
pub(crate) fn search(
    conn: &Connection,
    kind: &str,
    param: &str,
    value: &str,
) -> Result<Vec<Stored>, StoreError> {
    let found = hms_fhir::search_param(kind, param).ok_or(StoreError::BadSearch)?;
    match found.kind {
        SearchKind::Token => by_token(conn, kind, param, value),
        SearchKind::Uri => resource::by_index(
            conn,
            "SELECT key FROM index_token WHERE type = :type AND param = :param AND code = :code",
            named_params! { ":type": kind, ":param": param, ":code": value },
        ),
        SearchKind::Reference => by_reference(conn, kind, param, value),
        SearchKind::Date => by_date(conn, kind, param, value),
        SearchKind::String => by_text(conn, kind, param, value),
        SearchKind::Number | SearchKind::Quantity => Err(StoreError::BadSearch),
    }
}

fn by_token(conn: &Connection, kind: &str, param: &str, value: &str) -> Result<Vec<Stored>, StoreError> {
    match value.split_once('|') {
        None => resource::by_index(
            conn,
            "SELECT key FROM index_token WHERE type = :type AND param = :param AND code = :code",
            named_params! { ":type": kind, ":param": param, ":code": value },
        ),
        Some((system, "")) => resource::by_index(
            conn,
            "SELECT key FROM index_token WHERE type = :type AND param = :param AND system = :system",
            named_params! { ":type": kind, ":param": param, ":system": system },
        ),
        Some((system, code)) => resource::by_index(
            conn,
            "SELECT key FROM index_token
             WHERE type = :type AND param = :param AND code = :code AND system = :system",
            named_params! { ":type": kind, ":param": param, ":code": code, ":system": system },
        ),
    }
}

fn by_reference(conn: &Connection, kind: &str, param: &str, value: &str) -> Result<Vec<Stored>, StoreError> {
    match value.split_once('/') {
        None => resource::by_index(
            conn,
            "SELECT key FROM index_reference WHERE type = :type AND param = :param AND target_id = :id",
            named_params! { ":type": kind, ":param": param, ":id": value },
        ),
        Some((target, id)) => resource::by_index(
            conn,
            "SELECT key FROM index_reference
             WHERE type = :type AND param = :param AND target_id = :id AND target_type = :target",
            named_params! { ":type": kind, ":param": param, ":id": id, ":target": target },
        ),
    }
}

fn by_date(conn: &Connection, kind: &str, param: &str, value: &str) -> Result<Vec<Stored>, StoreError> {
    let (prefix, date) = match value.get(..2) {
        Some(prefix @ ("eq" | "ge" | "gt" | "le" | "lt")) => (prefix, value.get(2..).unwrap_or_default()),
        _ => ("eq", value),
    };
    let (start, end) = hms_fhir::parse_date_range(date).ok_or(StoreError::BadSearch)?;
    let test = match prefix {
        "ge" => "end_ms >= :start",
        "gt" => "end_ms > :end",
        "le" => "start_ms <= :end",
        "lt" => "start_ms < :start",
        _ => "start_ms >= :start AND end_ms <= :end",
    };
    // Both bounds stay in the statement, so that every prefix binds the same names.
    let keys = format!(
        "SELECT key FROM index_date
         WHERE type = :type AND param = :param AND :start IS NOT NULL AND :end IS NOT NULL AND {test}"
    );
    resource::by_index(
        conn,
        &keys,
        named_params! { ":type": kind, ":param": param, ":start": start, ":end": end },
    )
}

fn by_text(conn: &Connection, kind: &str, param: &str, value: &str) -> Result<Vec<Stored>, StoreError> {
    let folded = hms_fhir::fold(value);
    // The highest character ends the range of all texts with this beginning.
    let past = format!("{folded}\u{10FFFF}");
    resource::by_index(
        conn,
        "SELECT key FROM index_text
         WHERE type = :type AND param = :param AND folded >= :from AND folded < :past",
        named_params! { ":type": kind, ":param": param, ":from": folded, ":past": past },
    )
}
