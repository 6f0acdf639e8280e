//! Commands of every window.

use hms_model::form::PreferencesForm;
use hms_model::report::Position;
use hms_model::view::{AppView, AttachmentBytes, ErrorCode, OutboxItemView, SignInView, UnlockView};

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// The app as a whole.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn app_state(&self) -> Result<AppView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Changes language and theme of this device.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn set_preferences(&self, form: PreferencesForm) -> Result<AppView, ClientError> {
        let _ = (form,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Starts a sign-in in the browser, or with a code for another device.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn sign_in_start(&self, device_code: bool) -> Result<SignInView, ClientError> {
        let _ = (device_code,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// The sign-in under way.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn sign_in_state(&self) -> Result<SignInView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Gives the sign-in up.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn sign_in_cancel(&self) -> Result<SignInView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Sets the PIN (or the passphrase where there is no keychain) and opens the app.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn set_pin(&self, pin: String) -> Result<AppView, ClientError> {
        let _ = (pin,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Opens the app with the PIN.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn unlock(&self, pin: String) -> Result<UnlockView, ClientError> {
        let _ = (pin,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Starts an online sign-in that allows a new PIN.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn forgot_pin(&self) -> Result<SignInView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Locks the app.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn lock(&self) -> Result<AppView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Exchanges with the server now and waits for the end.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn sync_now(&self) -> Result<AppView, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// What the server has not acknowledged.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn outbox(&self) -> Result<Vec<OutboxItemView>, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Where the phone is.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn where_am_i(&self) -> Result<Option<Position>, ClientError> {
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Calls a number by the telephone.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn dial(&self, number: String) -> Result<(), ClientError> {
        let _ = (number,);
        Err(ClientError::new(ErrorCode::Internal))
    }

    /// Bytes of a photo or recording.
    ///
    /// # Errors
    /// A code of [`ErrorCode`].
    pub async fn attachment(&self, id: String) -> Result<AttachmentBytes, ClientError> {
        let _ = (id,);
        Err(ClientError::new(ErrorCode::Internal))
    }
}
