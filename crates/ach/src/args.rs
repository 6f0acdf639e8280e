//! What can be typed.

use crate::author::Triage;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// The client of HMS-ACH without a window.
///
/// The PIN (or passphrase) is read from the environment variable HMS_PIN, else from standard input; never from
/// the command line, where other programs could read it.
#[derive(Debug, Parser)]
#[command(name = "ach", version)]
pub struct Args {
    /// Folder of the profile.
    #[arg(long, global = true, default_value = ".ach-profile")]
    pub profile: PathBuf,
    /// The server's settings (server.json or demo.json), for a profile that has none yet.
    #[arg(long, global = true)]
    pub server_json: Option<PathBuf>,
    /// Answers as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Sign in: opens the browser, or shows a code for another device; then sets the PIN.
    Login {
        /// Use a code on another device.
        #[arg(long, conflicts_with = "browser")]
        device_code: bool,
        /// Use this machine's browser; what is done without either option.
        #[arg(long)]
        browser: bool,
    },
    /// Open the profile with its PIN and say who it belongs to.
    Unlock,
    /// Report an injury.
    Report(ReportArgs),
    /// List reports with their send state.
    Reports,
    /// The symptom checker.
    #[command(subcommand)]
    Triage(Triage),
    /// Send and fetch now, and wait for the end.
    Sync,
    /// What waits to be sent.
    Outbox,
    /// Unsent work as a file, where there is no network.
    #[command(subcommand)]
    HandOver(HandOver),
    /// The clinicians' queue.
    Queue,
    /// Visits.
    #[command(subcommand)]
    Visit(Visit),
}

/// An injury report in one line.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// safe or not_safe.
    #[arg(long, default_value = "safe")]
    pub safe: String,
    /// animal, fall, lifting, vehicle, heat, cold, cut, sting, chemical, assault or other.
    #[arg(long)]
    pub what: String,
    /// Part of the body with its side, e.g. hand:left; may be given more than once.
    #[arg(long = "where", required = true)]
    pub places: Vec<String>,
    /// Place in words.
    #[arg(long)]
    pub place: Option<String>,
    /// Own words.
    #[arg(long)]
    pub note: Option<String>,
    /// Name of the hurt colleague.
    #[arg(long)]
    pub colleague: Option<String>,
}

/// Unsent work as a file. Only the server can read it; it stores each entry once, whichever way it comes.
#[derive(Debug, Subcommand)]
pub enum HandOver {
    /// Write what waits to be sent into a file of this folder.
    Export {
        /// The folder; it is made where it is missing.
        folder: PathBuf,
    },
    /// Give the entries of another phone's file to the server.
    Import {
        /// The file.
        file: PathBuf,
    },
}

/// Visits.
#[derive(Debug, Subcommand)]
pub enum Visit {
    /// Wait for a ring and answer it.
    Join(CallArgs),
    /// Call the person of a queue entry.
    Call {
        /// Task of the queue entry.
        #[arg(long)]
        task: String,
        #[command(flatten)]
        call: CallArgs,
    },
}

/// How a call is held.
#[derive(Debug, clap::Args)]
pub struct CallArgs {
    /// synthetic, devices, or a Y4M file with a WAV file of the same name.
    #[arg(long, default_value = "synthetic")]
    pub media: String,
    /// Seconds in the call.
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,
    /// File for one JSON object of figures a second.
    #[arg(long)]
    pub stats: Option<PathBuf>,
    /// Folder for the far side's sound, as far-side.wav.
    #[arg(long)]
    pub record: Option<PathBuf>,
}

impl Task {
    /// True where this side makes the call, as a desk does.
    pub fn calls(&self) -> bool {
        matches!(self, Task::Visit(Visit::Call { .. }))
    }

    /// Media of the call, where the task is one.
    pub fn call(&self) -> Option<&CallArgs> {
        match self {
            Task::Visit(Visit::Join(call) | Visit::Call { call, .. }) => Some(call),
            _ => None,
        }
    }
}
