//! Why a command failed: a code that the window has words for, and a reference for support.

use std::error::Error;
use std::fmt;

use hms_model::view::{CommandError, ErrorCode};

/// A failed command. `Display` names the code and the reference only, never what a person entered.
pub struct ClientError {
    /// What the window acts on.
    pub code: ErrorCode,
    /// Number for support; also in the log.
    pub reference: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ClientError {
    /// A failure that needs no further explanation in the log.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            reference: reference(),
            source: None,
        }
    }

    /// A failure with its cause; the chain goes to the log with the reference.
    pub fn caused(code: ErrorCode, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code,
            reference: reference(),
            source: Some(source.into()),
        }
    }

    /// An unexpected failure.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::caused(ErrorCode::Internal, source)
    }

    /// The chain of causes, for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut parts = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            parts.push(cause.to_string());
            next = cause.source();
        }
        parts.join(": ")
    }

    /// True where the store's file is damaged.
    pub(crate) fn is_damage(&self) -> bool {
        let found = self.source.as_deref().map(|source| source.downcast_ref());
        matches!(found, Some(Some(hms_store::StoreError::Damaged)))
    }

    /// The error as the window gets it.
    #[must_use]
    pub fn to_view(&self) -> CommandError {
        CommandError {
            code: self.code,
            reference: self.reference.clone(),
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the command failed ({:?}, reference {})",
            self.code, self.reference
        )
    }
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}: {}", self.chain())
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

fn reference() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    id.get(..8).unwrap_or_default().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_prints_its_code_and_reference_and_keeps_the_cause_for_the_log() {
        let error = ClientError::internal(std::io::Error::other("disk fell off"));

        assert_eq!(error.reference.len(), 8);
        assert!(!error.to_string().contains("disk fell off"));
        assert_eq!(error.chain(), "disk fell off");
    }
}
