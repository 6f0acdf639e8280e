//! What was handed in sealed and is kept as it came: unfinished forms, and unsent work of devices that were emptied.
//! Nothing is done with it by itself; an operator reads it, and the audit says so.

use super::sealed;
use crate::app::App;
use crate::audit::{AuditAction, AuditAgent, AuditEntry};
use crate::db::sqlite::table;
use crate::db::sqlite::table::sealed::SealedRow;
use crate::db::{DbError, Tx};
use hms_model::wire::session::SealedEntry;

/// What is kept unopened, oldest first.
///
/// # Errors
/// A failed statement.
pub async fn list(app: &App) -> Result<Vec<SealedRow>, DbError> {
    app.db.read(|read| table::sealed::kept(read.conn())).await
}

/// Opens one entry; `None` where there is none of that id, or its key is another server's.
///
/// # Errors
/// A failed statement.
pub async fn open(app: &App, id: &str, by: &AuditAgent) -> Result<Option<SealedEntry>, DbError> {
    let Some(row) = list(app).await?.into_iter().find(|row| row.id == id) else {
        return Ok(None);
    };
    let opened = sealed::unseal(&app.keys, &row.id, &row.enc, &row.ciphertext);
    let entry = AuditEntry {
        action: AuditAction::Read,
        subtype: "read-handed-in",
        ok: opened.is_some(),
        agent: by.clone(),
        patient: None,
        entity: Some(row.id),
        count: None,
    };
    app.db.write(move |tx: &mut Tx<'_>| tx.audit(&entry)).await?;
    Ok(opened)
}
