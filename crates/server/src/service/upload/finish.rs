//! Who may upload what, and the end of an upload: its bytes become the Binary, by the same way as a PUT of it.

use super::{blocking, part, Announced, State, Taken, UploadError};
use crate::app::App;
use crate::audit::AuditAction;
use crate::auth::policy::{self, Action};
use crate::auth::standing::Subject;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::{Precondition, Prepared, Stored, Tx};
use crate::fhir::{binary, interact, Problem};
use crate::service::sync::apply::links_to_own_report;
use hms_model::role::Role;
use ring::digest;
use rusqlite::Connection;
use serde_json::{json, Value};

/// By which rule a person adds the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// As for any Binary.
    Policy,
    /// They belong to a report that this carrier made for somebody else.
    OwnReport,
}

/// Whether an upload may begin; true where these very bytes are stored already.
pub(super) async fn admit(app: &App, actor: &Actor, announced: &Announced) -> Result<bool, UploadError> {
    let (actor, announced) = (actor.clone(), announced.clone());
    let same = app
        .db
        .read(move |read| -> Result<bool, Problem> {
            may_add(read.conn(), &actor, &announced.document)?;
            let stored = table::resource::get(read.conn(), "Binary", &announced.document)?;
            match stored {
                None => Ok(false),
                Some(stored) => is_the_same(&stored, &announced.sha256).map(|()| true),
            }
        })
        .await;
    Ok(same?)
}

/// Checks all bytes and stores them. Without an error, they are in the database when this returns.
pub(super) async fn store(app: &App, actor: &Actor, mut taken: Taken) -> Result<(), UploadError> {
    let (mut taken, bytes) = blocking("read", move || {
        let bytes = taken.part().map(|part| part.read()).transpose()?;
        Ok((taken, bytes.unwrap_or_default()))
    })
    .await?;
    let announced = taken.announced.clone();
    if sha256(&bytes) != announced.sha256 {
        *taken.state = State::Gone;
        app.uploads.forget(&taken.id);
        return Err(UploadError::Checksum);
    }
    let context = format!("DocumentReference/{}", announced.document);
    let mut resource = binary::resource(&announced.content_type, Some(&context), &bytes);
    drop(bytes);
    if let Some(object) = resource.as_object_mut() {
        object.insert("id".to_owned(), Value::String(announced.document.clone()));
    }
    let prepared = Prepared::new(resource).map_err(Problem::from)?;
    let (who, sum) = (actor.clone(), announced.sha256.clone());
    app.db
        .write(move |tx: &mut Tx<'_>| put(tx, &who, prepared, &sum))
        .await?;
    let (uploads, key) = (app.uploads.clone(), *app.uploads.key.expose());
    blocking("note", move || {
        // Not noted, it is stored all the same: the next who asks finds the record.
        if let Err(error) = part::mark_done(uploads.folder(), &taken.id, &key, &taken.announced) {
            tracing::warn!(%error, "The end of an upload could not be noted");
        } else {
            *taken.state = State::Done;
        }
        Ok(())
    })
    .await
}

fn put(tx: &mut Tx<'_>, actor: &Actor, binary: Prepared, sum: &str) -> Result<(), Problem> {
    let id = binary.id().unwrap_or_default().to_owned();
    let by = may_add(tx.conn(), actor, &id)?;
    if let Some(stored) = tx.get("Binary", &id)? {
        // An earlier try whose end was not noted.
        return is_the_same(&stored, sum);
    }
    match by {
        By::Policy => interact::update(tx, actor, binary, Precondition::Absent).map(drop),
        By::OwnReport => {
            tx.put(binary, Precondition::Absent)?;
            let entry = interact::entry(actor, AuditAction::Create, "create", "Binary", &id, None);
            Ok(tx.audit(&entry)?)
        }
    }
}

/// By which rule an actor may add the bytes of a DocumentReference.
fn may_add(conn: &Connection, actor: &Actor, document: &str) -> Result<By, Problem> {
    if policy::granted(actor, Action::Create, "Binary").is_empty() {
        return Err(Problem::Denied);
    }
    let stored = table::resource::get(conn, "DocumentReference", document)?;
    let stored = stored.ok_or(Problem::NotFound)?;
    if stored.deleted {
        return Err(Problem::Gone);
    }
    let described = stored.value()?;
    let empty = json!({"resourceType": "Binary"});
    let of = Subject {
        kind: "Binary",
        id: document,
        patient: None,
        body: &empty,
    };
    let allowed = interact::allowed(conn, actor, Action::Create, of)?;
    // Bytes of nobody are anybody's by the policy; here it must be seen what they are of.
    let known = stored.patient.is_some() || interact::may_read(conn, actor, &stored)?;
    if allowed && known {
        return Ok(By::Policy);
    }
    // The carrier who wrote a report adds its photos, also once somebody has said whose the report is.
    if actor.role == Role::Carrier && links_to_own_report(conn, actor, &described)? {
        return Ok(By::OwnReport);
    }
    // Whoever may not add to it must not learn that it is there.
    Err(Problem::NotFound)
}

fn is_the_same(stored: &Stored, sum: &str) -> Result<(), Problem> {
    if stored.deleted {
        return Err(Problem::Gone);
    }
    if binary::bytes_of(&stored.value()?).is_some_and(|bytes| sha256(&bytes) == sum) {
        Ok(())
    } else {
        Err(Problem::Conflict("already-exists-with-other-content"))
    }
}

fn sha256(bytes: &[u8]) -> String {
    part::hex(digest::digest(&digest::SHA256, bytes).as_ref())
}
