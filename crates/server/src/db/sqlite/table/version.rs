//! `version`: every version of every resource, in the order of commits.

use super::resource::stored;
use crate::db::{DbError, SqlResult, Stored};
use rusqlite::{named_params, Connection, OptionalExtension};

/// The last number given out; 0 in an empty database.
///
/// # Errors
/// A failed statement.
pub fn last_seq(conn: &Connection) -> Result<i64, DbError> {
    conn.prepare_cached("SELECT coalesce(max(seq), 0) FROM version")
        .and_then(|mut s| s.query_row([], |r| r.get(0)))
        .doing("read the last commit number")
}

/// A version to append.
#[derive(Debug, Clone, Copy)]
pub struct VersionRow<'a> {
    /// Place in the order of commits.
    pub seq: i64,
    /// Resource.
    pub key: i64,
    /// Version, from 1.
    pub version: i64,
    /// Unix ms.
    pub at: i64,
    /// POST, PUT or DELETE.
    pub method: &'a str,
    /// JSON, `None` for a deletion.
    pub body: Option<&'a str>,
}

/// Appends a version.
///
/// # Errors
/// A failed statement.
pub fn append(conn: &Connection, row: VersionRow<'_>) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT INTO version (seq, key, version, at, method, body) VALUES (:seq, :key, :version, :at, :method, :body)",
    )
    .and_then(|mut s| {
        s.execute(named_params! {
            ":seq": row.seq, ":key": row.key, ":version": row.version,
            ":at": row.at, ":method": row.method, ":body": row.body,
        })
    })
    .doing("append a version")
    .map(drop)
}

/// One version of a resource.
///
/// # Errors
/// A failed statement.
pub fn get(conn: &Connection, kind: &str, id: &str, version: i64) -> Result<Option<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, v.version, v.seq, v.at AS last_updated, v.body IS NULL AS deleted, r.patient, v.body
           FROM resource r JOIN version v ON v.key = r.key
          WHERE r.type = :type AND r.id = :id AND v.version = :version",
    )
    .and_then(|mut s| {
        s.query_row(named_params! {":type": kind, ":id": id, ":version": version}, stored)
            .optional()
    })
    .doing("read a version")
}

/// Which versions a history asks for.
#[derive(Debug, Clone, Default)]
pub struct HistoryQuery {
    /// Only this type.
    pub kind: Option<String>,
    /// Only this id (with a type).
    pub id: Option<String>,
    /// Only versions at or after this moment, Unix ms.
    pub since: Option<i64>,
    /// Only versions before this commit number: the place of the next page.
    pub before_seq: Option<i64>,
    /// At most this many.
    pub limit: i64,
}

/// Versions, newest first, each with the method that made it.
///
/// # Errors
/// A failed statement.
pub fn history(conn: &Connection, query: &HistoryQuery) -> Result<Vec<(Stored, String)>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, v.version, v.seq, v.at AS last_updated, v.body IS NULL AS deleted, r.patient,
                v.body, v.method
           FROM version v JOIN resource r ON r.key = v.key
          WHERE (:type IS NULL OR r.type = :type)
            AND (:id IS NULL OR r.id = :id)
            AND (:id IS NULL OR v.key = (SELECT key FROM resource WHERE type = :type AND id = :id))
            AND (:since IS NULL OR v.at >= :since)
            AND v.seq < :before
          ORDER BY v.seq DESC LIMIT :limit",
    )
    .and_then(|mut s| {
        s.query_map(
            named_params! {
                ":type": query.kind, ":id": query.id, ":since": query.since,
                ":before": query.before_seq.unwrap_or(i64::MAX), ":limit": query.limit,
            },
            |row| Ok((stored(row)?, row.get("method")?)),
        )?
        .collect()
    })
    .doing("read the history")
}

/// Changes after a commit number, oldest first; of each resource only its newest version.
///
/// # Errors
/// A failed statement.
pub fn changes_after(conn: &Connection, seq: i64, limit: i64) -> Result<Vec<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM version v JOIN resource r ON r.seq = v.seq
          WHERE v.seq > :seq ORDER BY v.seq LIMIT :limit",
    )
    .and_then(|mut s| {
        s.query_map(named_params! {":seq": seq, ":limit": limit}, stored)?
            .collect()
    })
    .doing("read the changes")
}
