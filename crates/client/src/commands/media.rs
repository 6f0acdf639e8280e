//! Large photos and recordings on a link that costs money.

use hms_core::metered::{Go, LinkCost};
use hms_model::view::ErrorCode;

use crate::client::Client;
use crate::engine::Engine;
use crate::error::ClientError;
use crate::event::Tag;

impl Client {
    /// Says what bytes cost on the link that is there now: the system's word, or the person's. `None`: nobody knows.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn set_link_metered(&self, metered: Option<bool>) -> Result<(), ClientError> {
        self.ask(async move |engine: &mut Engine| {
            engine.network.cost = match metered {
                None => LinkCost::Unknown,
                Some(false) => LinkCost::Free,
                Some(true) => LinkCost::Metered,
            };
            // What waited for a free link goes.
            engine.shared.uploads.notify_one();
            engine.changed(Tag::Outbox);
            Ok(())
        })
        .await
    }

    /// Photos and recordings that wait for a free link, by id.
    ///
    /// # Errors
    /// The app is locked.
    pub async fn waiting_for_free_link(&self) -> Result<Vec<String>, ClientError> {
        self.ask(async |engine: &mut Engine| {
            let mut waiting = Vec::new();
            for upload in engine.uploads().await? {
                let size = engine.open_store()?.blob_size(&upload.id).await?.unwrap_or(0);
                if upload.goes(size, engine.network.cost, engine.prefs.large_media_on_metered)
                    == Go::WaitsForFreeLink
                {
                    waiting.push(upload.id);
                }
            }
            Ok(waiting)
        })
        .await
    }

    /// Sends a photo or recording now, whatever the link costs.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where it does not wait; the app is locked.
    pub async fn send_file_now(&self, id: String) -> Result<(), ClientError> {
        self.ask(async move |engine: &mut Engine| {
            let mut uploads = engine.uploads().await?;
            let found = uploads.iter_mut().find(|upload| upload.id == id);
            found.ok_or(ClientError::new(ErrorCode::NotFound))?.send_now = true;
            engine.set_uploads(&uploads).await?;
            engine.shared.uploads.notify_one();
            engine.changed(Tag::Outbox);
            Ok(())
        })
        .await
    }
}
