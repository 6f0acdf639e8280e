//! Tasks by what they are about, and the people they are for.

use super::resource::stored;
use crate::db::{DbError, SqlResult, Stored};
use rusqlite::{params, Connection};

/// The live Tasks about a resource (`QuestionnaireResponse/…`) of a patient; without a patient, those of nobody.
///
/// # Errors
/// A failed statement.
pub fn about(conn: &Connection, patient: Option<&str>, focus: &str) -> Result<Vec<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM resource r JOIN version v ON v.seq = r.seq
          WHERE r.type = 'Task' AND r.deleted = 0 AND r.patient IS ?1
            AND json_extract(v.body, '$.focus.reference') = ?2
          ORDER BY r.key",
    )
    .and_then(|mut s| s.query_map(params![patient, focus], stored)?.collect())
    .doing("read the tasks about a resource")
}

/// The live resources of one type in a patient's compartment.
///
/// # Errors
/// A failed statement.
pub fn of_patient(conn: &Connection, kind: &str, patient: &str) -> Result<Vec<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM resource r JOIN version v ON v.seq = r.seq
          WHERE r.patient = ?1 AND r.type = ?2 AND r.deleted = 0 ORDER BY r.key",
    )
    .and_then(|mut s| s.query_map([patient, kind], stored)?.collect())
    .doing("read a patient's resources of a type")
}

/// Entries of the queue that are emergencies, waiting, and unchanged since before a moment.
///
/// # Errors
/// A failed statement.
pub fn unseen_emergencies(conn: &Connection, before_ms: i64) -> Result<Vec<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM (SELECT DISTINCT key FROM relation WHERE kind IN ('queue', 'queue-focus')) q
           JOIN resource r ON r.key = q.key JOIN version v ON v.seq = r.seq
          WHERE r.type = 'Task' AND r.deleted = 0 AND r.last_updated <= ?1
            AND json_extract(v.body, '$.priority') = 'stat'
            AND json_extract(v.body, '$.status') = 'requested'
          ORDER BY r.key",
    )
    .and_then(|mut s| s.query_map([before_ms], stored)?.collect())
    .doing("read unseen emergencies")
}

/// Patients with an open entry in the queue: emergencies first, and of the same priority who waits longest.
///
/// # Errors
/// A failed statement.
pub fn queued_patients(conn: &Connection, most: usize) -> Result<Vec<String>, DbError> {
    conn.prepare_cached(
        "SELECT r.patient
           FROM (SELECT DISTINCT key FROM relation WHERE kind = 'queue') q
           JOIN resource r ON r.key = q.key JOIN version v ON v.seq = r.seq
          WHERE r.type = 'Task' AND r.deleted = 0 AND r.patient IS NOT NULL
          GROUP BY r.patient
          ORDER BY min(CASE json_extract(v.body, '$.priority')
                         WHEN 'stat' THEN 0 WHEN 'asap' THEN 1 WHEN 'urgent' THEN 2 ELSE 3 END),
                   min(r.key)
          LIMIT ?1",
    )
    .and_then(|mut s| {
        s.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |r| r.get(0))?
            .collect()
    })
    .doing("read whose entries are open")
}

/// Encounters that the signalling left open: (id, body).
///
/// # Errors
/// A failed statement.
pub fn open_visits(conn: &Connection) -> Result<Vec<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM resource r JOIN version v ON v.seq = r.seq
          WHERE r.type = 'Encounter' AND r.deleted = 0
            AND json_extract(v.body, '$.class.code') = 'VR'
            AND json_extract(v.body, '$.status') IN ('planned', 'in-progress')
          ORDER BY r.key",
    )
    .and_then(|mut s| s.query_map([], stored)?.collect())
    .doing("read open visits")
}

/// Encounters of visits that were held and have ended, changed since a moment.
///
/// # Errors
/// A failed statement.
pub fn held_visits(conn: &Connection, since_ms: i64) -> Result<Vec<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM resource r JOIN version v ON v.seq = r.seq
          WHERE r.type = 'Encounter' AND r.deleted = 0 AND r.last_updated >= ?1
            AND json_extract(v.body, '$.class.code') = 'VR'
            AND json_extract(v.body, '$.status') = 'finished'
          ORDER BY r.key",
    )
    .and_then(|mut s| s.query_map([since_ms], stored)?.collect())
    .doing("read visits that were held")
}

/// The practitioner ids of the managers of a site (id of the Organization).
///
/// # Errors
/// A failed statement.
pub fn managers(conn: &Connection, site: &str) -> Result<Vec<String>, DbError> {
    conn.prepare_cached(
        "SELECT substr(fhir, 14) FROM user
          WHERE role = 'manager' AND site = ?1 AND disabled = 0 AND fhir LIKE 'Practitioner/%' ORDER BY id",
    )
    .and_then(|mut s| s.query_map([site], |r| r.get(0))?.collect())
    .doing("read the managers of a site")
}
