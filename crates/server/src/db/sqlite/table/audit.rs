//! `audit`: AuditEvents in a hash chain. Rows are only ever appended.

use crate::audit::chain::Head;
use crate::db::{DbError, SqlResult};
use rusqlite::{named_params, Connection, OptionalExtension};

/// The name in `kv` of the chain's end, by which a removed tail is noticed.
const HEAD: &str = "audit.head";

/// A row to append.
#[derive(Debug, Clone, Copy)]
pub struct AuditRow<'a> {
    /// Place in the chain, from 1.
    pub idx: i64,
    /// Id of the AuditEvent.
    pub id: &'a str,
    /// Unix ms.
    pub at: i64,
    /// C, R, U, D or E.
    pub action: &'a str,
    /// Who.
    pub agent: Option<&'a str>,
    /// Patient concerned.
    pub patient: Option<&'a str>,
    /// What: `Type/id`.
    pub entity: Option<&'a str>,
    /// Canonical JSON.
    pub body: &'a str,
    /// Chain hash.
    pub hash: &'a [u8; 32],
}

/// Appends a row.
///
/// # Errors
/// A failed statement.
pub fn append(conn: &Connection, row: AuditRow<'_>) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT INTO audit (idx, id, at, action, agent, patient, entity, body, hash)
         VALUES (:idx, :id, :at, :action, :agent, :patient, :entity, :body, :hash)",
    )
    .and_then(|mut s| {
        s.execute(named_params! {
            ":idx": row.idx, ":id": row.id, ":at": row.at, ":action": row.action, ":agent": row.agent,
            ":patient": row.patient, ":entity": row.entity, ":body": row.body, ":hash": &row.hash[..],
        })
    })
    .doing("append to the audit")
    .map(drop)
}

/// The end of the chain as the last writer left it.
///
/// # Errors
/// A failed statement.
pub fn head(conn: &Connection) -> Result<Head, DbError> {
    let text = super::kv::get(conn, HEAD)?;
    Ok(text.as_deref().and_then(Head::parse).unwrap_or_default())
}

/// Notes the end of the chain.
///
/// # Errors
/// A failed statement.
pub fn set_head(conn: &Connection, head: Head) -> Result<(), DbError> {
    super::kv::set(conn, HEAD, &head.to_string())
}

/// Calls `visit` with (index, body, hash) of each row in order, until it says stop.
///
/// # Errors
/// A failed statement.
pub fn scan(conn: &Connection, mut visit: impl FnMut(i64, &[u8], &[u8]) -> bool) -> Result<(), DbError> {
    let mut statement = conn
        .prepare("SELECT idx, CAST(body AS BLOB), hash FROM audit ORDER BY idx")
        .doing("read the audit")?;
    let mut rows = statement.query([]).doing("read the audit")?;
    while let Some(row) = rows.next().doing("read the audit")? {
        let idx = row.get(0).doing("read the audit")?;
        let body = row
            .get_ref(1)
            .and_then(|v| Ok(v.as_blob()?))
            .doing("read the audit")?;
        let hash = row
            .get_ref(2)
            .and_then(|v| Ok(v.as_blob()?))
            .doing("read the audit")?;
        if !visit(idx, body, hash) {
            break;
        }
    }
    Ok(())
}

/// What a search of the audit asks for; every part that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// AuditEvent id.
    pub id: Option<String>,
    /// Patient concerned.
    pub patient: Option<String>,
    /// Who.
    pub agent: Option<String>,
    /// What: `Type/id`.
    pub entity: Option<String>,
    /// C, R, U, D or E.
    pub action: Option<String>,
    /// At or after, Unix ms.
    pub from: Option<i64>,
    /// At or before, Unix ms.
    pub to: Option<i64>,
    /// Only rows before this index: the place of the next page.
    pub before: Option<i64>,
    /// At most this many.
    pub limit: i64,
}

/// Audit events, newest first: (index, Unix ms, JSON).
///
/// # Errors
/// A failed statement.
pub fn search(conn: &Connection, query: &AuditQuery) -> Result<Vec<(i64, i64, String)>, DbError> {
    conn.prepare_cached(
        "SELECT idx, at, body FROM audit
          WHERE (:id IS NULL OR id = :id)
            AND (:patient IS NULL OR patient = :patient)
            AND (:agent IS NULL OR agent = :agent)
            AND (:entity IS NULL OR entity = :entity)
            AND (:action IS NULL OR action = :action)
            AND (:from IS NULL OR at >= :from)
            AND (:to IS NULL OR at <= :to)
            AND idx < :before
          ORDER BY idx DESC LIMIT :limit",
    )
    .and_then(|mut s| {
        s.query_map(
            named_params! {
                ":id": query.id, ":patient": query.patient, ":agent": query.agent, ":entity": query.entity,
                ":action": query.action, ":from": query.from, ":to": query.to,
                ":before": query.before.unwrap_or(i64::MAX), ":limit": query.limit,
            },
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
        )?
        .collect()
    })
    .doing("search the audit")
}

/// One event by its id.
///
/// # Errors
/// A failed statement.
pub fn get(conn: &Connection, id: &str) -> Result<Option<(i64, Option<String>, String)>, DbError> {
    conn.prepare_cached("SELECT at, patient, body FROM audit WHERE id = ?1")
        .and_then(|mut s| {
            s.query_row([id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
                .optional()
        })
        .doing("read an audit event")
}
