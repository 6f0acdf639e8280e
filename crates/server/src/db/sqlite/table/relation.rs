//! `relation`: who has to do with whom, as the resources say it now.

use crate::auth::relation::Relation;
use crate::db::{DbError, SqlResult};
use rusqlite::{params, Connection};

/// Replaces what one resource says.
///
/// # Errors
/// A failed statement.
pub fn replace(conn: &Connection, key: i64, fresh: bool, relations: &[Relation]) -> Result<(), DbError> {
    if !fresh {
        conn.prepare_cached("DELETE FROM relation WHERE key = ?1")
            .and_then(|mut s| s.execute([key]))
            .doing("remove relations")?;
    }
    for relation in relations {
        conn.prepare_cached(
            "INSERT OR IGNORE INTO relation (key, kind, subject, object) VALUES (?1, ?2, ?3, ?4)",
        )
        .and_then(|mut s| {
            s.execute(params![
                key,
                relation.kind.as_str(),
                relation.subject,
                relation.object
            ])
        })
        .doing("add a relation")?;
    }
    Ok(())
}

/// Whether a relation holds.
///
/// # Errors
/// A failed statement.
pub fn holds(conn: &Connection, kind: &str, subject: &str, object: &str) -> Result<bool, DbError> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM relation WHERE kind = ?1 AND subject = ?2 AND object = ?3)",
    )
    .and_then(|mut s| s.query_row([kind, subject, object], |r| r.get(0)))
    .doing("read a relation")
}

/// The objects that a relation gives a subject: what was made with a report.
///
/// # Errors
/// A failed statement.
pub fn objects(conn: &Connection, kind: &str, subject: &str) -> Result<Vec<String>, DbError> {
    conn.prepare_cached(
        "SELECT DISTINCT object FROM relation WHERE kind = ?1 AND subject = ?2 ORDER BY object",
    )
    .and_then(|mut s| s.query_map([kind, subject], |r| r.get(0))?.collect())
    .doing("read relations")
}

/// The subjects that a relation gives an object: the site of a patient.
///
/// # Errors
/// A failed statement.
pub fn subjects(conn: &Connection, kind: &str, object: &str) -> Result<Vec<String>, DbError> {
    conn.prepare_cached(
        "SELECT DISTINCT subject FROM relation WHERE kind = ?1 AND object = ?2 ORDER BY subject",
    )
    .and_then(|mut s| s.query_map([kind, object], |r| r.get(0))?.collect())
    .doing("read relations")
}
