//! The open form of a report.

use hms_model::report::ReportDraft;
use hms_model::time::Timestamp;
use hms_model::view::{AttachmentView, DraftView, SendState};
use serde::{Deserialize, Serialize};

use crate::views;

/// A form with its files. Kept as JSON in the store, or in memory alone while the app is locked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Form {
    pub(crate) draft: ReportDraft,
    #[serde(default)]
    pub(crate) files: Vec<FormFile>,
    pub(crate) saved_at: Timestamp,
    /// Only the sealed journal holds it: the app was locked when it was opened.
    #[serde(default)]
    pub(crate) sealed_only: bool,
}

/// A photo or recording of a form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FormFile {
    pub(crate) id: String,
    pub(crate) content_type: String,
    pub(crate) size: u32,
    /// SHA-256 of the bytes: the same photo twice is one. Empty in forms of before.
    #[serde(default)]
    pub(crate) sha256: Vec<u8>,
    /// Base64 of a small picture of it, which goes with the words.
    #[serde(default)]
    pub(crate) preview: Option<String>,
    /// The bytes, where there is no open store to keep them.
    #[serde(skip)]
    pub(crate) bytes: Option<Vec<u8>>,
}

impl Form {
    /// The form as shown.
    pub(crate) fn view(&self) -> DraftView {
        let files = self.files.iter().map(|file| AttachmentView {
            id: file.id.clone(),
            content_type: file.content_type.clone(),
            size: file.size,
            send: SendState::Draft,
        });
        views::report::draft(&self.draft, files.collect(), self.saved_at, self.sealed_only)
    }
}
