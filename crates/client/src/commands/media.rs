//! Large photos and recordings on a link that costs money.

use hms_model::view::{ErrorCode, StorageView};

use crate::client::Client;
use crate::engine::Engine;
use crate::error::ClientError;
use crate::event::Tag;

impl Client {
    /// What the system says of the link that is there now: whether bytes cost money. `None`: it does not say.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn set_link_metered(&self, metered: Option<bool>) -> Result<(), ClientError> {
        self.ask(async move |engine: &mut Engine| {
            if engine.network.said_to_cost != metered {
                engine.network.said_to_cost = metered;
                engine.link_cost_changed();
            }
            Ok(())
        })
        .await
    }

    /// The person says that the link costs money, or no longer does. Kept until they say otherwise.
    ///
    /// # Errors
    /// The setting could not be kept; the app is locked.
    pub async fn mark_link_costly(&self, costs: bool) -> Result<StorageView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            engine.prefs.link_costs = costs;
            engine.write_prefs()?;
            engine.link_cost_changed();
            engine.storage_view().await
        })
        .await
    }

    /// Sends a photo or recording now, whatever the link costs.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where it does not wait; the app is locked.
    pub async fn send_file_now(&self, id: String) -> Result<(), ClientError> {
        self.act(async move |engine: &mut Engine| {
            let mut uploads = engine.uploads().await?;
            let found = uploads.iter_mut().find(|upload| upload.id == id);
            found.ok_or(ClientError::new(ErrorCode::NotFound))?.send_now = true;
            engine.set_uploads(&uploads).await?;
            engine.link_cost_changed();
            Ok(())
        })
        .await
    }
}

impl Engine {
    /// What waited for a free link may go now, and what went may wait.
    pub(crate) fn link_cost_changed(&mut self) {
        self.shared.uploads.notify_one();
        for tag in [Tag::App, Tag::Outbox, Tag::Reports] {
            self.changed(tag);
        }
    }
}
