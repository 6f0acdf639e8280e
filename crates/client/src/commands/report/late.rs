//! A photo or spoken note that joins a report after it was sent.

use hms_model::ids::PatientId;
use hms_model::view::ErrorCode;
use hms_store::Blob;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;

use super::resources::document_of;
use crate::engine::{Engine, FormFile, Upload};
use crate::error::ClientError;
use crate::picture::Attachment;
use crate::views;

impl Engine {
    /// Keeps a file and queues it as one of this report's, by the way that its first ones went.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where the report is not on this device; [`ErrorCode::DiskFull`].
    pub(crate) async fn add_file(&mut self, report: &str, attachment: Attachment) -> Result<(), ClientError> {
        let store = self.open_store()?;
        let stored = store.get("QuestionnaireResponse", report).await?;
        let stored = stored.ok_or_else(|| ClientError::new(ErrorCode::NotFound))?;
        let patient = stored
            .resource
            .get("subject")
            .and_then(|subject| views::reference_id(subject, "Patient"))
            .and_then(|id| PatientId::parse(id).ok());
        let now = self.now();
        let file = FormFile {
            id: Uuid::new_v4().to_string(),
            content_type: attachment.content_type.clone(),
            size: u32::try_from(attachment.bytes.len()).map_err(|_| ClientError::new(ErrorCode::BadFile))?,
            sha256: Sha256::digest(&attachment.bytes).to_vec(),
            preview: attachment.preview.map(|bytes| STANDARD.encode(bytes)),
            bytes: None,
        };
        let blob = Blob {
            content_type: attachment.content_type,
            bytes: attachment.bytes,
        };
        let kept = store.blob_put(&file.id, blob, now).await;
        kept.map_err(|error| self.store_trouble(error))?;
        let mut uploads = self.uploads().await?;
        uploads.push(Upload {
            id: file.id.clone(),
            content_type: file.content_type.clone(),
            report: report.to_owned(),
            made_at: now,
            place: None,
            send_now: false,
        });
        let document = document_of(&file, report, now, patient.as_ref());
        self.save_files(vec![("file-add", vec![document])], &uploads)
            .await
    }
}
