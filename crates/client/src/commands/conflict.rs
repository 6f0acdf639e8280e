//! Two versions of one record that cannot be merged: a person says which one holds. Both are kept in the store, and
//! who settled it is in the audit.

use hms_model::form::KeepForm;
use hms_model::view::{ConflictView, ErrorCode};
use hms_store::AuditRow;

use crate::client::Client;
use crate::engine::{tags_of, Engine};
use crate::error::ClientError;
use crate::event::Tag;
use crate::views::conflict::view;

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
            let provenance = engine.provenance(&open, keep);
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
            if let Some(provenance) = provenance {
                // It is settled; that who settled it could not be kept undoes nothing.
                if let Err(error) = engine.save("conflict-settled", vec![provenance]).await {
                    tracing::warn!(cause = %error.chain(), "Who settled two versions could not be kept");
                }
            }
            for tag in tags_of(&id).iter().copied().chain([Tag::Outbox, Tag::App]) {
                engine.changed(tag);
            }
            engine.core.handle(engine.now(), hms_core::Input::SaveDone);
            Ok(store.conflicts().await?.iter().map(view).collect())
        })
        .await
    }
}
