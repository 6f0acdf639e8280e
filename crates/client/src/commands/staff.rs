//! The desk: queue, chart, note, order, advice.

use hms_model::form::{DutyForm, FollowUpForm, IntakeForm};
use hms_model::report::BodyPart;
use hms_model::view::{ChartView, DutyChoicesView, ErrorCode, NoteView, QueueView, SiteView};

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// The queue.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn queue(&self) -> Result<QueueView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Takes an entry; only one person can.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn queue_claim(&self, task: String) -> Result<QueueView, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Gives an entry back.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn queue_release(&self, task: String) -> Result<QueueView, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Chart and workspace of an entry.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn chart(&self, task: String) -> Result<ChartView, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Keeps what is asked when the visit opens.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn intake_save(&self, task: String, form: IntakeForm) -> Result<ChartView, ClientError> {
        let _ = (task, form);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Keeps the draft of the note.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn note_save(&self, task: String, text: String) -> Result<NoteView, ClientError> {
        let _ = (task, text);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Signs the note; only addenda follow.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn note_sign(&self, task: String) -> Result<ChartView, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Adds to a signed note.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn note_addendum(&self, task: String, text: String) -> Result<ChartView, ClientError> {
        let _ = (task, text);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Imaging sites, nearest first.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn imaging_sites(&self, task: String) -> Result<Vec<SiteView>, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Orders an image at a site.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn order_imaging(
        &self,
        task: String,
        site: String,
        part: BodyPart,
    ) -> Result<ChartView, ClientError> {
        let _ = (task, site, part);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Choices of the fit-for-duty form.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn duty_choices(&self) -> Result<DutyChoicesView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Keeps the draft of the advice.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn advice_save(&self, task: String, form: DutyForm) -> Result<ChartView, ClientError> {
        let _ = (task, form);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Signs the advice; the manager is asked to decide.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn advice_sign(&self, task: String) -> Result<ChartView, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Books a follow-up.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn follow_up(&self, task: String, form: FollowUpForm) -> Result<ChartView, ClientError> {
        let _ = (task, form);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Records that 911 was sent to where the person is.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn send_911(&self, task: String) -> Result<ChartView, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Closes an entry.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn close_task(&self, task: String) -> Result<QueueView, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }
}
