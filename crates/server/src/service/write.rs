//! Writing as the service itself.

use crate::audit::{AuditAction, AuditAgent, AuditEntry};
use crate::db::{DbError, Precondition, Prepared, Put, Stored, Tx, WriteError};
use serde_json::Value;

/// Makes a resource whose id follows from its cause; one that exists already is left as it is.
///
/// # Errors
/// As [`Tx::put`], without the precondition.
pub fn make(tx: &mut Tx<'_>, resource: Value) -> Result<Option<Put>, WriteError> {
    match store(
        tx,
        resource,
        Precondition::Absent,
        AuditAction::Create,
        &AuditAgent::service(),
    ) {
        Err(WriteError::Precondition { .. }) => Ok(None),
        other => other.map(Some),
    }
}

/// Stores the next version of a resource.
///
/// # Errors
/// As [`Tx::put`].
pub fn change(tx: &mut Tx<'_>, before: &Stored, resource: Value) -> Result<Put, WriteError> {
    change_as(tx, before, resource, &AuditAgent::service())
}

/// Stores the next version of a resource on behalf of a person.
///
/// # Errors
/// As [`Tx::put`].
pub fn change_as(
    tx: &mut Tx<'_>,
    before: &Stored,
    resource: Value,
    agent: &AuditAgent,
) -> Result<Put, WriteError> {
    store(
        tx,
        resource,
        Precondition::Version(before.version),
        AuditAction::Update,
        agent,
    )
}

/// Stores a resource with its audit event.
///
/// # Errors
/// As [`Tx::put`].
pub fn store(
    tx: &mut Tx<'_>,
    resource: Value,
    precondition: Precondition,
    action: AuditAction,
    agent: &AuditAgent,
) -> Result<Put, WriteError> {
    let prepared = Prepared::new(resource)?;
    let patient = prepared.patient().map(str::to_owned);
    let put = tx.put(prepared, precondition)?;
    tx.audit(&AuditEntry {
        action,
        subtype: if action == AuditAction::Create {
            "create"
        } else {
            "update"
        },
        ok: true,
        agent: agent.clone(),
        patient,
        entity: Some(format!("{}/{}", put.kind, put.id)),
        count: None,
    })?;
    Ok(put)
}

/// A resource that is live now.
///
/// # Errors
/// A failed statement or a damaged body.
pub fn live(tx: &Tx<'_>, kind: &str, id: &str) -> Result<Option<(Stored, Value)>, DbError> {
    let Some(stored) = tx.get(kind, id)?.filter(|s| !s.deleted) else {
        return Ok(None);
    };
    let value = stored.value()?;
    Ok(Some((stored, value)))
}
