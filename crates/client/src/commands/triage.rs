//! Symptom checks.

use hms_model::form::AnswerForm;
use hms_model::view::{ErrorCode, OptionView, SummaryView, TriageView};

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// Starts a check, for a report or by itself.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn triage_start(
        &self,
        report: Option<String>,
        complaint: Option<String>,
    ) -> Result<TriageView, ClientError> {
        let _ = (report, complaint);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Complaints that fit the words, best first.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn triage_search(&self, text: String) -> Result<Vec<OptionView>, ClientError> {
        let _ = (text,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Answers a question.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn triage_answer(
        &self,
        check: String,
        question: String,
        answer: AnswerForm,
    ) -> Result<TriageView, ClientError> {
        let _ = (check, question, answer);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Goes back one question.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn triage_back(&self, check: String) -> Result<TriageView, ClientError> {
        let _ = (check,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Summaries after visits.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn summaries(&self) -> Result<Vec<SummaryView>, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }
}
