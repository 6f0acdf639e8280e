//! Injury reports.

use hms_model::form::ReportStepForm;
use hms_model::view::{DraftView, ErrorCode, ReportView};

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// Opens a form, for oneself or for a colleague.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn report_start(&self, colleague: Option<String>) -> Result<DraftView, ClientError> {
        let _ = (colleague,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// The open form.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn report_draft(&self) -> Result<Option<DraftView>, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Keeps one answer at once.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn report_step(&self, draft: String, step: ReportStepForm) -> Result<DraftView, ClientError> {
        let _ = (draft, step);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Adds a photo or a recording.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn report_attach(
        &self,
        draft: String,
        content_type: String,
        base64: String,
    ) -> Result<DraftView, ClientError> {
        let _ = (draft, content_type, base64);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Takes a photo or a recording away.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn report_detach(&self, draft: String, id: String) -> Result<DraftView, ClientError> {
        let _ = (draft, id);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Throws the form away, because the person said so.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn report_discard(&self, draft: String) -> Result<(), ClientError> {
        let _ = (draft,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Finishes the report: from here it is delivered, whatever happens.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn report_send(&self, draft: String) -> Result<ReportView, ClientError> {
        let _ = (draft,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Own reports, newest first.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn reports(&self) -> Result<Vec<ReportView>, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// One report.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn report(&self, id: String) -> Result<ReportView, ClientError> {
        let _ = (id,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Adds a correction, an addition or "it got worse".
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn report_add(
        &self,
        report: String,
        kind: String,
        text: Option<String>,
    ) -> Result<ReportView, ClientError> {
        let _ = (report, kind, text);
        Err(ClientError::new(ErrorCode::Internal))
    }
}
