//! The call.

use hms_model::view::{ErrorCode, VisitView};

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// The call as this window sees it.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn visit(&self) -> Result<VisitView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Calls the patient of a claimed entry.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn visit_call(&self, task: String) -> Result<VisitView, ClientError> {
        let _ = (task,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Answers the call that rings here.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn visit_accept(&self) -> Result<VisitView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Declines the call, or gives up calling.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn visit_decline(&self) -> Result<VisitView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Leaves the call for good.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn visit_leave(&self) -> Result<VisitView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Mutes or opens the microphone.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn visit_mute(&self, muted: bool) -> Result<VisitView, ClientError> {
        let _ = (muted,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Switches the camera.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn visit_camera(&self, on: bool) -> Result<VisitView, ClientError> {
        let _ = (on,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Writes a line to the other side.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn visit_text(&self, text: String) -> Result<VisitView, ClientError> {
        let _ = (text,);
        Err(ClientError::new(ErrorCode::Internal))
    }
}
