//! The change feed: versions in the order of commits, and what decides whose they are.

use super::resource::stored;
use crate::db::{DbError, SqlResult, Stored};
use rusqlite::{named_params, params, Connection};

/// One version in the feed, without its body.
#[derive(Debug, Clone)]
pub struct FeedRow {
    /// Place in the order of commits.
    pub seq: i64,
    /// Internal key.
    pub key: i64,
    /// Resource type.
    pub kind: String,
    /// Resource id.
    pub id: String,
    /// The Patient whose compartment it is in, as of its current version.
    pub patient: Option<String>,
    /// Place of the current version.
    pub current: i64,
    /// Whether the current version is a deletion.
    pub deleted: bool,
}

/// Versions after a place, in order.
///
/// # Errors
/// A failed statement.
pub fn after(conn: &Connection, seq: i64, limit: usize) -> Result<Vec<FeedRow>, DbError> {
    conn.prepare_cached(
        "SELECT v.seq, r.key, r.type, r.id, r.patient, r.seq, r.deleted
           FROM version v JOIN resource r ON r.key = v.key
          WHERE v.seq > ?1 ORDER BY v.seq LIMIT ?2",
    )
    .and_then(|mut s| {
        s.query_map(params![seq, i64::try_from(limit).unwrap_or(i64::MAX)], |r| {
            Ok(FeedRow {
                seq: r.get(0)?,
                key: r.get(1)?,
                kind: r.get(2)?,
                id: r.get(3)?,
                patient: r.get(4)?,
                current: r.get(5)?,
                deleted: r.get(6)?,
            })
        })?
        .collect()
    })
    .doing("read the change feed")
}

/// A resource that is not deleted, without its body.
#[derive(Debug, Clone)]
pub struct LiveRow {
    /// Resource type.
    pub kind: String,
    /// Resource id.
    pub id: String,
    /// Its current version.
    pub version: i64,
    /// Place of that version in the order of commits.
    pub seq: i64,
    /// The Patient whose compartment it is in.
    pub patient: Option<String>,
}

/// Every resource that is not deleted.
///
/// # Errors
/// A failed statement.
pub fn live(conn: &Connection) -> Result<Vec<LiveRow>, DbError> {
    conn.prepare_cached("SELECT type, id, version, seq, patient FROM resource WHERE deleted = 0")
        .and_then(|mut s| {
            s.query_map([], |r| {
                Ok(LiveRow {
                    kind: r.get(0)?,
                    id: r.get(1)?,
                    version: r.get(2)?,
                    seq: r.get(3)?,
                    patient: r.get(4)?,
                })
            })?
            .collect()
        })
        .doing("list what is stored")
}

/// The live resources of a patient's compartment, as they are now.
///
/// # Errors
/// A failed statement.
pub fn compartment(conn: &Connection, patient: &str) -> Result<Vec<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM resource r JOIN version v ON v.seq = r.seq
          WHERE r.patient = ?1 ORDER BY r.seq",
    )
    .and_then(|mut s| s.query_map([patient], stored)?.collect())
    .doing("read a patient's compartment")
}

/// Every version of the resources that decide who has to do with a patient, in order: (place, body).
///
/// # Errors
/// A failed statement.
pub fn deciding_versions(
    conn: &Connection,
    patient: &str,
) -> Result<Vec<(i64, i64, Option<String>)>, DbError> {
    conn.prepare_cached(
        "SELECT v.seq, v.key, v.body FROM resource r JOIN version v ON v.key = r.key
          WHERE r.patient = :patient AND r.type IN ('Task', 'Encounter', 'Patient') ORDER BY v.seq",
    )
    .and_then(|mut s| {
        s.query_map(named_params! {":patient": patient}, |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })?
        .collect()
    })
    .doing("read who had to do with a patient")
}

/// Whether any version of a resource says this.
///
/// # Errors
/// A failed statement.
pub fn ever_named(conn: &Connection, kind: &str, id: &str, said: &str) -> Result<bool, DbError> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM resource r JOIN version v ON v.key = r.key
          WHERE r.type = :kind AND r.id = :id AND instr(v.body, :said) > 0)",
    )
    .and_then(|mut s| {
        s.query_row(named_params! {":kind": kind, ":id": id, ":said": said}, |r| {
            r.get(0)
        })
    })
    .doing("look for what a resource said")
}

/// Versions of one resource from the last at or before a place onward: (place, body), in order.
///
/// # Errors
/// A failed statement.
pub fn versions_since(conn: &Connection, key: i64, seq: i64) -> Result<Vec<(i64, Option<String>)>, DbError> {
    conn.prepare_cached(
        "SELECT seq, body FROM version
          WHERE key = :key
            AND seq >= coalesce((SELECT max(seq) FROM version WHERE key = :key AND seq <= :seq), :seq)
          ORDER BY seq",
    )
    .and_then(|mut s| {
        s.query_map(named_params! {":key": key, ":seq": seq}, |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?
        .collect()
    })
    .doing("read the versions of a resource")
}

/// The body at a place of the feed.
///
/// # Errors
/// A failed statement.
pub fn body(conn: &Connection, seq: i64) -> Result<Option<String>, DbError> {
    conn.prepare_cached("SELECT body FROM version WHERE seq = ?1")
        .and_then(|mut s| s.query_row([seq], |r| r.get(0)))
        .doing("read a version's body")
}
