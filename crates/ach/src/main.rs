//! `ach`: the client without a window, for scripts, tests and support; and the author's tools of the symptom checker.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

mod args;
mod author;
mod failure;
mod handover;
mod interview;
mod profile;
mod record;
mod report;
mod say;
mod session;
mod visit;

use args::{Args, Task};
use clap::Parser;
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    // clap ends the program itself, with 2 for wrong usage and 0 for help.
    let args = Args::parse();
    // A second call finds a provider installed; that is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("ach: {failure}");
            failure.exit()
        }
    }
}

fn run(args: Args) -> Result<(), Failure> {
    // The author's tools and the interview need no profile, no server and no runtime.
    if let Task::Triage(task) = &args.task {
        return author::run(task, args.json);
    }
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::Runtime)?;
    runtime.block_on(on_profile(args))
}

async fn on_profile(args: Args) -> Result<(), Failure> {
    let client = profile::start(&args).await?;
    let done = match &args.task {
        Task::Login {
            device_code,
            browser: _,
        } => session::login(&client, *device_code).await,
        Task::Unlock => session::unlock(&client, args.json).await,
        Task::Report(form) => report::send(&client, form, args.json).await,
        Task::Reports => report::list(&client, args.json).await,
        Task::Sync => session::sync(&client, args.json).await,
        Task::Outbox => session::outbox(&client, args.json).await,
        Task::HandOver(task) => handover::run(&client, task, args.json).await,
        Task::Queue => visit::queue(&client, args.json).await,
        Task::Visit(task) => visit::run(&client, task).await,
        Task::Triage(_) => Ok(()),
    };
    client.shutdown().await;
    done
}
