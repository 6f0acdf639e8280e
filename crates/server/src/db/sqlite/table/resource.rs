//! `resource`: the current state of each resource.

use crate::db::{DbError, SqlResult, Stored};
use rusqlite::{named_params, Connection, OptionalExtension, Row};

/// A row without its body, as the writer needs it.
#[derive(Debug, Clone)]
pub struct ResourceRow {
    /// Internal key.
    pub key: i64,
    /// Current version.
    pub version: i64,
    /// Whether it is deleted.
    pub deleted: bool,
}

pub(crate) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        key: row.get("key")?,
        kind: row.get("type")?,
        id: row.get("id")?,
        version: row.get("version")?,
        seq: row.get("seq")?,
        last_updated: row.get("last_updated")?,
        deleted: row.get("deleted")?,
        patient: row.get("patient")?,
        body: row.get("body")?,
    })
}

/// The current version of a resource, also when it is deleted.
///
/// # Errors
/// A failed statement.
pub fn get(conn: &Connection, kind: &str, id: &str) -> Result<Option<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM resource r JOIN version v ON v.seq = r.seq
          WHERE r.type = :type AND r.id = :id",
    )
    .and_then(|mut s| {
        s.query_row(named_params! {":type": kind, ":id": id}, stored)
            .optional()
    })
    .doing("read a resource")
}

/// Key, version and state of a resource.
///
/// # Errors
/// A failed statement.
pub fn row(conn: &Connection, kind: &str, id: &str) -> Result<Option<ResourceRow>, DbError> {
    conn.prepare_cached("SELECT key, version, deleted FROM resource WHERE type = :type AND id = :id")
        .and_then(|mut s| {
            s.query_row(named_params! {":type": kind, ":id": id}, |r| {
                Ok(ResourceRow {
                    key: r.get(0)?,
                    version: r.get(1)?,
                    deleted: r.get(2)?,
                })
            })
            .optional()
        })
        .doing("read a resource's version")
}

/// What changes in a row with a new version.
#[derive(Debug, Clone, Copy)]
pub struct NewState<'a> {
    /// New version.
    pub version: i64,
    /// Its place in the order of commits.
    pub seq: i64,
    /// Unix ms.
    pub last_updated: i64,
    /// Whether the new version is a deletion.
    pub deleted: bool,
    /// Compartment.
    pub patient: Option<&'a str>,
}

/// Adds a resource; returns its key.
///
/// # Errors
/// A failed statement.
pub fn insert(conn: &Connection, kind: &str, id: &str, state: NewState<'_>) -> Result<i64, DbError> {
    conn.prepare_cached(
        "INSERT INTO resource (type, id, version, seq, last_updated, deleted, patient)
         VALUES (:type, :id, :version, :seq, :at, :deleted, :patient)",
    )
    .and_then(|mut s| {
        s.insert(named_params! {
            ":type": kind, ":id": id, ":version": state.version, ":seq": state.seq,
            ":at": state.last_updated, ":deleted": state.deleted, ":patient": state.patient,
        })
    })
    .doing("add a resource")
}

/// Moves a resource to a new version.
///
/// # Errors
/// A failed statement.
pub fn update(conn: &Connection, key: i64, state: NewState<'_>) -> Result<(), DbError> {
    conn.prepare_cached(
        "UPDATE resource SET version = :version, seq = :seq, last_updated = :at, deleted = :deleted, patient = :patient
          WHERE key = :key",
    )
    .and_then(|mut s| {
        s.execute(named_params! {
            ":key": key, ":version": state.version, ":seq": state.seq,
            ":at": state.last_updated, ":deleted": state.deleted, ":patient": state.patient,
        })
    })
    .doing("update a resource")
    .map(drop)
}

/// How many live resources of each type there are.
///
/// # Errors
/// A failed statement.
pub fn counts(conn: &Connection) -> Result<Vec<(String, i64)>, DbError> {
    conn.prepare_cached("SELECT type, count(*) FROM resource WHERE deleted = 0 GROUP BY type ORDER BY type")
        .and_then(|mut s| s.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect())
        .doing("count resources")
}
