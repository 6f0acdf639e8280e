//! A server that was put back to a backup gets again the photos and recordings that it had acknowledged since.

use hms_store::Store;

use crate::engine::{Engine, Upload};
use crate::error::ClientError;
use crate::event::Tag;

/// Name under which the store keeps what was uploaded, oldest first.
const UPLOADED: &str = "uploaded";
/// So many are remembered: weeks of reports, and more than lies between two backups.
const KEPT: usize = 200;

async fn uploaded(store: &Store) -> Result<Vec<Upload>, ClientError> {
    let text = store.meta_get(UPLOADED).await?;
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

impl Engine {
    /// The server has the bytes: they are not due any more, and are remembered.
    pub(super) async fn upload_done(&mut self, id: &str) -> Result<(), ClientError> {
        let (store, mut left) = (self.open_store()?, self.uploads().await?);
        if let Some(at) = left.iter().position(|upload| upload.id == id) {
            let done = Upload {
                place: None,
                ..left.remove(at)
            };
            let mut kept = uploaded(&store).await?;
            kept.retain(|upload| upload.id != done.id);
            kept.push(done);
            let more = kept.len().saturating_sub(KEPT);
            kept.drain(..more);
            let text = serde_json::to_string(&kept).map_err(ClientError::internal)?;
            // Remembered before it is let go: ended in between, it is offered once more, and the server has it already.
            store.meta_put(UPLOADED, Some(text)).await?;
            self.set_uploads(&left).await?;
        }
        self.changed(Tag::Outbox);
        self.changed(Tag::Reports);
        Ok(())
    }

    /// Offers again what was uploaded and is still on this device. What the backup had is complete at once.
    pub(crate) async fn offer_uploads_again(&mut self) -> Result<(), ClientError> {
        let (store, mut due) = (self.open_store()?, self.uploads().await?);
        for upload in uploaded(&store).await? {
            let here = store.blob_size(&upload.id).await?.is_some();
            if here && !due.iter().any(|other| other.id == upload.id) {
                due.push(upload);
            }
        }
        // Where the server keeps an upload that had begun was said by one that is no more.
        for upload in &mut due {
            upload.place = None;
        }
        self.set_uploads(&due).await?;
        self.changed(Tag::Outbox);
        self.changed(Tag::Reports);
        Ok(())
    }
}
