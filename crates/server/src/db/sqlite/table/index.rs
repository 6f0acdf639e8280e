//! `idx_*`: search values of live resources.

use crate::db::{DbError, SqlResult};
use hms_fhir::{IndexEntry, IndexValue};
use rusqlite::{params, Connection};

/// The number that stands for a search parameter of a type in the index tables (FNV-1a, 32 bits; a
/// test shows that no two parameters share one).
#[must_use]
pub fn param_id(kind: &str, name: &str) -> i64 {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in kind.bytes().chain([b'.']).chain(name.bytes()) {
        hash ^= u32::from(byte);
        hash = hash.wrapping_mul(0x0100_0193);
    }
    i64::from(hash)
}

/// Adds the search values of a resource.
///
/// # Errors
/// A failed statement.
pub fn insert(conn: &Connection, key: i64, kind: &str, entries: &[IndexEntry]) -> Result<(), DbError> {
    // These two are columns of the resource itself.
    for entry in entries
        .iter()
        .filter(|e| !matches!(e.param, "_id" | "_lastUpdated"))
    {
        insert_one(conn, key, param_id(kind, entry.param), &entry.value).doing("index a resource")?;
    }
    Ok(())
}

// A value that occurs twice in a resource is one row: OR IGNORE.
fn insert_one(conn: &Connection, key: i64, param: i64, value: &IndexValue) -> rusqlite::Result<()> {
    match value {
        IndexValue::Token { system, code } => conn
            .prepare_cached("INSERT OR IGNORE INTO idx_token (param, code, system, key) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![param, code, system.as_deref().unwrap_or(""), key]),
        IndexValue::Reference { target_type, target_id } => conn
            .prepare_cached("INSERT OR IGNORE INTO idx_reference (param, target_id, target_type, key) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![param, target_id, target_type, key]),
        IndexValue::Uri(uri) => conn
            .prepare_cached("INSERT OR IGNORE INTO idx_uri (param, value, key) VALUES (?1, ?2, ?3)")?
            .execute(params![param, uri, key]),
        IndexValue::Text { folded } => conn
            .prepare_cached("INSERT OR IGNORE INTO idx_text (param, folded, key) VALUES (?1, ?2, ?3)")?
            .execute(params![param, folded, key]),
        IndexValue::Date { start_ms, end_ms } => conn
            .prepare_cached("INSERT OR IGNORE INTO idx_date (param, start_ms, end_ms, key) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![param, start_ms, end_ms, key]),
        IndexValue::Number { low, high } => conn
            .prepare_cached("INSERT OR IGNORE INTO idx_number (param, low, high, key) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![param, low, high, key]),
        IndexValue::Quantity { system, code, low, high } => conn
            .prepare_cached(
                "INSERT OR IGNORE INTO idx_quantity (param, low, high, system, code, key) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![param, low, high, system.as_deref().unwrap_or(""), code.as_deref().unwrap_or(""), key]),
    }
    .map(drop)
}

/// The ids of the live resources of a type that have a token, at most two: enough to know whether there is one.
///
/// # Errors
/// A failed statement.
pub fn with_token(
    conn: &Connection,
    kind: &str,
    param: &str,
    system: &str,
    code: &str,
) -> Result<Vec<String>, DbError> {
    conn.prepare_cached(
        "SELECT DISTINCT r.id FROM idx_token t JOIN resource r ON r.key = t.key
          WHERE t.param = ?1 AND t.code = ?2 AND t.system = ?3 AND r.deleted = 0 LIMIT 2",
    )
    .and_then(|mut s| {
        s.query_map(params![param_id(kind, param), code, system], |r| r.get(0))?
            .collect()
    })
    .doing("find resources by a token")
}

/// Removes all search values of a resource.
///
/// # Errors
/// A failed statement.
pub fn remove(conn: &Connection, key: i64) -> Result<(), DbError> {
    const STATEMENTS: [&str; 7] = [
        "DELETE FROM idx_token WHERE key = ?1",
        "DELETE FROM idx_reference WHERE key = ?1",
        "DELETE FROM idx_date WHERE key = ?1",
        "DELETE FROM idx_text WHERE key = ?1",
        "DELETE FROM idx_number WHERE key = ?1",
        "DELETE FROM idx_quantity WHERE key = ?1",
        "DELETE FROM idx_uri WHERE key = ?1",
    ];
    for statement in STATEMENTS {
        conn.prepare_cached(statement)
            .and_then(|mut s| s.execute([key]))
            .doing("remove search values")?;
    }
    Ok(())
}
