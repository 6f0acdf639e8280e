//! Unsent work as a file, for a place without a network: a phone writes it, a computer that reaches the server takes it
//! in. Both ways stay open: what the phone sends later is the same entry, and the server stores it once.

use std::path::PathBuf;
use std::{fs, io};

use hms_model::view::{ErrorCode, HandOverView, TakenInView};
use hms_model::wire::handover::{HandOver, ENDING, FORMAT};
use hms_model::wire::session::WireSealed;

use super::report::binary;
use crate::client::Client;
use crate::engine::{Engine, Upload};
use crate::error::ClientError;
use crate::sync::{fits, give_sealed};
use crate::vault::write_private;

/// The largest file that is taken in: some hundred reports with photos.
const FILE_AT_MOST: usize = 256 * 1024 * 1024;

impl Client {
    /// [`Client::hand_over_to`] the person's downloads.
    ///
    /// # Errors
    /// As there.
    pub async fn hand_over(&self) -> Result<HandOverView, ClientError> {
        self.hand_over_to(self.shared.config.downloads.clone()).await
    }

    /// Writes what waits to be sent into a file of a folder, which is made where it is missing. Photos are in it where
    /// the app is open.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where nothing waits; [`ErrorCode::Offline`] on a phone that does not know its server's key
    /// yet; [`ErrorCode::DiskFull`]; [`ErrorCode::BadFile`] where the folder
    /// cannot be written.
    pub async fn hand_over_to(&self, folder: PathBuf) -> Result<HandOverView, ClientError> {
        self.ask(async move |engine: &mut Engine| {
            let mut entries: Vec<WireSealed> = engine.journal.entries().into_iter().cloned().collect();
            if engine.store.is_some() {
                for upload in engine.uploads().await? {
                    entries.extend(engine.sealed_photo(&upload).await?);
                }
            }
            if entries.is_empty() {
                // Without the server's key nothing can be sealed: that is not to be taken for nothing to send.
                let no_key = engine.seal_key().is_none();
                return Err(ClientError::new(if no_key {
                    ErrorCode::Offline
                } else {
                    ErrorCode::NotFound
                }));
            }
            let now = engine.shared.config.clock.stamp();
            let file = HandOver {
                format: FORMAT.to_owned(),
                made: now.at.to_instant(),
                entries,
            };
            let digits: String = now
                .to_datetime()
                .chars()
                .filter(char::is_ascii_digit)
                .take(14)
                .collect();
            let path = folder.join(format!("hms-ach-unsent-{digits}.{ENDING}"));
            let text = serde_json::to_vec(&file).map_err(ClientError::internal)?;
            let written = fs::create_dir_all(&folder).and_then(|()| write_private(&path, &text));
            written.map_err(|error| {
                let full = error.kind() == io::ErrorKind::StorageFull;
                let code = if full {
                    ErrorCode::DiskFull
                } else {
                    ErrorCode::BadFile
                };
                ClientError::caused(code, error)
            })?;
            Ok(HandOverView {
                path: path.display().to_string(),
                entries: u32::try_from(file.entries.len()).unwrap_or(u32::MAX),
            })
        })
        .await
    }

    /// Gives the entries of another phone's file to the server. Given twice, or sent by the phone as well, each is
    /// stored once.
    ///
    /// # Errors
    /// [`ErrorCode::BadFile`] for what is no such file; [`ErrorCode::Offline`] and the like where the server cannot be
    /// reached: what it has taken so far it keeps, and the file can be given again.
    pub async fn take_in(&self, text: String) -> Result<TakenInView, ClientError> {
        let bad = || ClientError::new(ErrorCode::BadFile);
        if text.len() > FILE_AT_MOST {
            return Err(bad());
        }
        let file: HandOver = serde_json::from_str(&text).map_err(|_| bad())?;
        if file.format != FORMAT {
            return Err(bad());
        }
        let mut view = TakenInView::default();
        let mut rest = file.entries.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(fits(rest.iter()));
            rest = later;
            let results = give_sealed(&self.shared, batch)
                .await
                .map_err(|stop| stop.fault)?;
            for result in results {
                match result.status {
                    201 => view.taken += 1,
                    200 => view.known += 1,
                    400..=499 => view.refused += 1,
                    _ => return Err(ClientError::new(ErrorCode::Offline)),
                }
            }
        }
        Ok(view)
    }
}

impl Engine {
    /// A photo that waits for its upload, with what describes it; `None` where it is gone or there is no key.
    pub(crate) async fn sealed_photo(&self, upload: &Upload) -> Result<Option<WireSealed>, ClientError> {
        let store = self.open_store()?;
        let document = store.get("DocumentReference", &upload.id).await?;
        let (Some(document), Some(blob)) = (document, store.blob_get(&upload.id).await?) else {
            return Ok(None);
        };
        let bytes = binary(&upload.id, &upload.content_type, &blob.bytes);
        self.sealed_for_server(&upload.id, vec![document.resource, bytes], false)
    }
}
