//! Why a task ended without its answer.

use hms_client::{ClientError, ProvisioningError};
use std::process::ExitCode;

/// What is said on standard error. Names operations, never what a person entered.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The client refused or failed.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The server's settings.
    #[error("{0}. Give them with --server-json FILE.")]
    Provisioning(#[from] ProvisioningError),
    /// A word on the command line is not known.
    #[error("{what}: {word:?} is not one of {choices}")]
    Word {
        /// Option.
        what: &'static str,
        /// What was typed.
        word: String,
        /// What can be typed.
        choices: String,
    },
    /// A file of the author's tools.
    #[error("could not {what} {}: {source}", file.display())]
    File {
        /// Read or write.
        what: &'static str,
        /// File.
        file: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Content that the builder or linter refuses.
    #[error("{0}")]
    Content(String),
    /// Sign-in did not end well.
    #[error("the sign-in was not completed: {0}")]
    SignIn(&'static str),
    /// Wrong PIN.
    #[error("the PIN was not accepted; {tries_left} tries left")]
    Pin {
        /// Tries left before a delay.
        tries_left: u32,
    },
    /// Nothing came in time.
    #[error("{0}")]
    Waited(&'static str),
    /// Standard input or output failed.
    #[error("standard input or output failed: {0}")]
    Console(std::io::Error),
    /// No runtime.
    #[error("could not start: {0}")]
    Runtime(std::io::Error),
}

impl Failure {
    /// 2 for wrong usage, else 1.
    pub fn exit(&self) -> ExitCode {
        match self {
            Failure::Word { .. } => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}
