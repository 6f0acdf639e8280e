//! Two versions of one record that cannot be merged: a person says which one holds. Both are kept in the store, and
//! who settled it is in the audit.

use hms_core::outbox::kind_of;
use hms_model::form::KeepForm;
use hms_model::map::{note, text_at};
use hms_model::view::{ConflictView, ErrorCode};
use hms_store::{AuditRow, ConflictRow};
use serde_json::Value;

use crate::client::Client;
use crate::engine::{tags_of, Engine};
use crate::error::ClientError;
use crate::event::Tag;

impl Client {
    /// Records with two versions, oldest first.
    ///
    /// # Errors
    /// [`ErrorCode::Locked`].
    pub async fn conflicts(&self) -> Result<Vec<ConflictView>, ClientError> {
        self.ask(async |engine: &mut Engine| {
            let open = engine.open_store()?.conflicts().await?;
            Ok(open.iter().map(view).collect())
        })
        .await
    }

    /// Settles one. The version kept goes to the server on top of the other one, or is the server's already.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where there is none (any more); [`ErrorCode::DiskFull`].
    pub async fn conflict_settle(
        &self,
        id: String,
        keep: KeepForm,
    ) -> Result<Vec<ConflictView>, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let store = engine.open_store()?;
            let open = store.conflicts().await?.into_iter().find(|row| row.id == id);
            let open = open.ok_or_else(|| ClientError::new(ErrorCode::NotFound))?;
            let (chosen, action) = match keep {
                KeepForm::Mine => (open.local, "conflict-keep-mine"),
                KeepForm::Theirs => (open.remote, "conflict-keep-theirs"),
            };
            let audit = AuditRow {
                who: Some(engine.who()?.user),
                action: action.to_owned(),
                subject: id.clone(),
            };
            let settled = store.settle_conflict(&id, chosen, audit, engine.now()).await;
            settled.map_err(|error| engine.store_trouble(error))?;
            for tag in tags_of(&id).iter().copied().chain([Tag::Outbox, Tag::App]) {
                engine.changed(tag);
            }
            engine.core.handle(engine.now(), hms_core::Input::SaveDone);
            Ok(store.conflicts().await?.iter().map(view).collect())
        })
        .await
    }
}

fn view(row: &ConflictRow) -> ConflictView {
    let either = row.local.as_ref().or(row.remote.as_ref());
    ConflictView {
        id: row.id.clone(),
        kind: either.map_or("change", kind_of).to_owned(),
        found_at: row.found_at.as_f64(),
        elements: row.elements.clone(),
        mine: row.local.as_ref().and_then(words),
        theirs: row.remote.as_ref().and_then(words),
    }
}

/// What a person can tell two versions apart by: the words of a note, or the status.
fn words(resource: &Value) -> Option<String> {
    let note = note::from_fhir(resource).map(|note| note.text);
    note.or_else(|| text_at(resource, &["status"]).map(str::to_owned))
}
