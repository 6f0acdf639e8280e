//! Why a task ended without its answer.

use hms_client::{ClientError, ProvisioningError};
use hms_model::view::ErrorCode;
use std::process::ExitCode;

/// What is said on standard error. Names operations, never what a person entered.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The client refused or failed.
    #[error("{}", sentence(.0))]
    Client(#[from] ClientError),
    /// The server's settings.
    #[error("{}", provisioning(.0))]
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
    /// The server was not reached for too long.
    #[error("the server was not reached for too long: ach login opens the records again; reports are taken all the same")]
    TooLong,
    /// Somebody is going off this profile.
    #[error("the access of this profile ended: ach sync hands in what is unsent, and empties it")]
    Going,
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

fn provisioning(error: &ProvisioningError) -> String {
    match error {
        ProvisioningError::File {
            what: "write",
            source,
        } => format!("cannot write to the profile's folder: {source}. Give another one with --profile DIR."),
        other => format!("{other}. Give them with --server-json FILE."),
    }
}

/// What a person can do about it. The causes name operations and files only, as in the log.
fn sentence(error: &ClientError) -> String {
    let words = match error.code {
        ErrorCode::Offline => "no way to the server; try again when it can be reached",
        ErrorCode::Locked => "the profile is locked: its PIN or passphrase opens it (HMS_PIN), or, where nobody has signed in yet, ach login",
        ErrorCode::NotAllowed => "nobody has signed in here yet (ach login), or the role does not do this",
        ErrorCode::Taken => "somebody else has it",
        ErrorCode::Changed => "it was changed meanwhile; look at it again",
        ErrorCode::Invalid => "something is missing or out of range",
        ErrorCode::WeakPin => {
            "a passphrase has ten characters or more and no pattern such as 1234567890; none was set, so log in again"
        }
        ErrorCode::DiskFull => "the disk is full",
        ErrorCode::BadFile => "the file is too large or of the wrong kind",
        ErrorCode::DeviceRefused => "camera or microphone could not be opened",
        ErrorCode::Signed => "signed already: only an addendum can follow",
        ErrorCode::NotFound => "not found",
        ErrorCode::Internal => "failed",
    };
    match error.chain() {
        causes if causes.is_empty() => words.to_owned(),
        causes => format!("{words} ({causes})"),
    }
}
