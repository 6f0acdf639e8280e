//! The manager's page.

use hms_model::form::DutyForm;
use hms_model::view::{ErrorCode, ManagerView};

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// Notices and decisions of the manager's site.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn manager(&self) -> Result<ManagerView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Acknowledges that someone is hurt.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn acknowledge_notice(&self, task: String) -> Result<ManagerView, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Decides on duty.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn decide_duty(&self, task: String, form: DutyForm) -> Result<ManagerView, ClientError> {
        let _ = (task, form);
        Err(ClientError::new(ErrorCode::Internal))
    }
}
