//! The command line of `ach-server`.

mod admin;
mod audit;
mod backup;
mod bounds;
mod demo;
mod escrow;
mod hr_receiver;
mod import;
mod quality;
mod relay;
mod serve;
mod staffing;
mod tls;

use crate::app::App;
use crate::audit::AuditAgent;
use crate::auth::accounts::{self, LinkPurpose};
use crate::clock::Clock;
use crate::data_dir::DataDir;
use crate::db::{DbError, Tx};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use serve::{serve, ExternalOptions, Running, ServeOptions};

/// HMS-ACH server: FHIR R4, sign-in, sync and calls for occupational health.
#[derive(Debug, Parser)]
#[command(name = "ach-server", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a data directory with its keys, and print the link for the first administrator.
    Init {
        #[command(flatten)]
        data: Data,
        /// Address under which clients will reach the server, such as https://ach.example.gov
        #[arg(long)]
        base_url: Option<String>,
    },
    /// Run the server.
    Serve(ServeOptions),
    /// Accounts.
    #[command(subcommand)]
    User(admin::UserCommand),
    /// Devices that have signed in.
    #[command(subcommand)]
    Device(admin::DeviceCommand),
    /// Write database and keys to one file, also while the server runs.
    Backup {
        /// File to write; it must not exist.
        file: PathBuf,
        #[command(flatten)]
        data: Data,
    },
    /// Make a data directory from a backup.
    Restore {
        /// File that `backup` wrote.
        file: PathBuf,
        #[command(flatten)]
        data: Data,
    },
    /// What phones and desks handed in before they were emptied.
    #[command(subcommand)]
    Escrow(escrow::EscrowCommand),
    /// The audit.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// How many clinicians each hour of the day needs, played from the visits that were.
    Staffing(staffing::StaffingOptions),
    /// How visits went: medians and tails of their figures, by the kind of path.
    Quality(quality::QualityOptions),
    /// Stand in for HR's system: write each message that is received to a file.
    HrReceiver(hr_receiver::ReceiverOptions),
    /// Read FHIR Bundles (.json) and resources (.json, .ndjson) from a file or a folder.
    Import {
        /// File or folder.
        path: PathBuf,
        #[command(flatten)]
        data: Data,
    },
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub struct Data {
    /// Data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Data {
    fn open(&self) -> anyhow::Result<(DataDir, App)> {
        let dir = DataDir::open(&self.data)?;
        let app = App::open(&dir, Clock::System)?;
        Ok((dir, app))
    }
}

/// Runs a command; the result is the exit code.
///
/// # Errors
/// What a person should read, with the next step.
pub fn run(cli: Cli) -> anyhow::Result<u8> {
    match cli.command {
        Command::Init { data, base_url } => init(&data.data, base_url).map(|()| 0),
        Command::Serve(options) => serve::run(options).map(|()| 0),
        Command::User(command) => admin::user(command).map(|()| 0),
        Command::Device(command) => admin::device(command).map(|()| 0),
        Command::Backup { file, data } => backup::backup(&data.data, &file).map(|()| 0),
        Command::Restore { file, data } => backup::restore(&data.data, &file).map(|()| 0),
        Command::Escrow(command) => escrow::run(command).map(|()| 0),
        Command::Audit(command) => audit::run(command),
        Command::Staffing(options) => staffing::run(&options).map(|()| 0),
        Command::Quality(options) => quality::run(&options).map(|()| 0),
        Command::HrReceiver(options) => hr_receiver::run(options).map(|()| 0),
        Command::Import { path, data } => import::import(&data, &path).map(|()| 0),
    }
}

fn init(root: &Path, base_url: Option<String>) -> anyhow::Result<()> {
    let port = match &base_url {
        Some(base_url) => port_of(base_url).with_context(|| {
            format!("{base_url:?} is not an address; write --base-url as https://NAME or https://NAME:PORT")
        })?,
        None => 8443,
    };
    let dir = DataDir::init(root)?;
    if let Some(base_url) = base_url {
        let text =
            serde_json::to_string_pretty(&serde_json::json!({"base_url": base_url.trim_end_matches('/')}))?;
        std::fs::write(dir.root().join("config.json"), text + "\n").context("cannot write config.json")?;
    }
    let app = App::open(&dir, Clock::System)?;
    let link = app
        .db
        .write_blocking(|tx: &mut Tx<'_>| -> Result<String, DbError> {
            accounts::make_link(tx, &LinkPurpose::FirstAdministrator)
        })
        .context("cannot make the administrator's link")?;
    println!(
        "Created {}. Keep {}/keys as safe as the data itself: one is worth nothing without the other.",
        root.display(),
        root.display()
    );
    println!(
        "Start it with:\n  ach-server serve --data {} --listen 0.0.0.0:{port}",
        root.display()
    );
    println!(
        "Then open this link once, within 24 hours, to make the first administrator:\n  {}",
        link_url(&app, &link)
    );
    Ok(())
}

/// The port of a server's own address, which has no path; nothing where it is not one.
fn port_of(base_url: &str) -> Option<u16> {
    let host = base_url.trim_end_matches('/').strip_prefix("https://")?;
    let plain = |c: char| c.is_alphanumeric() || "-._:[]".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return None;
    }
    match host.rsplit_once(':') {
        Some((_, port)) if !host.ends_with(']') => port.parse().ok(),
        _ => Some(443),
    }
}

fn link_url(app: &App, link: &str) -> String {
    let base = app.settings.base_url.as_str();
    let base = if base.is_empty() {
        "https://SERVER:PORT"
    } else {
        base
    };
    format!("{base}/oauth/welcome?token={link}")
}

/// Who the audit names for work at the command line.
fn operator_agent() -> AuditAgent {
    AuditAgent {
        name: "operator at the server".to_owned(),
        ..AuditAgent::service()
    }
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write it as ADDRESS:PORT, such as 0.0.0.0:8443 or 127.0.0.1:8443".to_owned())
}
