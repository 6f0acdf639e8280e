//! `ach-server audit …`, and the signed ends that a running server notes.

use super::Data;
use crate::app::App;
use crate::audit::{read_heads, verify_against, SignedHead, Verdict};
use crate::data_dir::DataDir;
use crate::db::sqlite::table;
use crate::db::DbError;
use anyhow::Context;
use clap::Subcommand;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a running server notes a signed end.
const EVERY: Duration = Duration::from_secs(3600);

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Recompute the chain; names the first row that does not fit, and exits with 1 then.
    Verify {
        /// Also compare with signed ends that were kept elsewhere: what `audit head` printed, or a copy of
        /// DIR/audit-heads.ndjson.
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
        #[command(flatten)]
        data: Data,
    },
    /// Print the chain's end, signed. Keep it off this machine: `audit verify --head` then finds a chain that was
    /// cut or written anew.
    Head {
        #[command(flatten)]
        data: Data,
    },
}

/// Runs a command; the result is the exit code.
pub(super) fn run(command: AuditCommand) -> anyhow::Result<u8> {
    match command {
        AuditCommand::Verify { head, data } => verify(&data, head.as_deref()),
        AuditCommand::Head { data } => {
            let (_, app) = data.open()?;
            let head = app
                .db
                .read_blocking(|read| -> Result<_, DbError> { table::audit::head(read.conn()) })?;
            println!("{}", line(&app.keys.sign_head(head, app.clock.now()))?);
            Ok(0)
        }
    }
}

fn verify(data: &Data, kept: Option<&Path>) -> anyhow::Result<u8> {
    let (dir, app) = data.open()?;
    let mut heads = Vec::new();
    let noted = noted_in(&dir);
    for file in kept.into_iter().chain(noted.exists().then_some(noted.as_path())) {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        match read_heads(&text, app.keys.audit_public_key()) {
            Ok(found) => heads.extend(found),
            Err(error) => {
                println!("broken: {}: {error}", file.display());
                return Ok(1);
            }
        }
    }
    let compared = heads.len();
    let verdict = app
        .db
        .read_blocking(|read| -> Result<Verdict, DbError> { verify_against(read.conn(), &heads) })?;
    match verdict {
        Verdict::Intact { rows } => {
            println!("intact: {rows} audit events fit the chain, and {compared} signed ends fit it");
            Ok(0)
        }
        Verdict::Broken { index, fault } => {
            println!("broken: audit event {index} is the first that does not fit ({fault:?})");
            Ok(1)
        }
    }
}

fn noted_in(dir: &DataDir) -> PathBuf {
    dir.root().join("audit-heads.ndjson")
}

fn line(head: &SignedHead) -> anyhow::Result<String> {
    serde_json::to_string(head).context("cannot write the head")
}

/// Notes a signed end now and every hour, where the chain has grown.
pub(super) async fn note_heads(app: App, dir: DataDir) {
    let mut hourly = tokio::time::interval(EVERY);
    let mut last = None;
    loop {
        hourly.tick().await;
        match app.db.read(|read| table::audit::head(read.conn())).await {
            Ok(head) if last == Some(head) => {}
            Ok(head) => {
                let path = noted_in(&dir);
                let signed = app.keys.sign_head(head, app.clock.now());
                let noted = tokio::task::spawn_blocking(move || append(&path, &signed)).await;
                match noted {
                    Ok(Ok(())) => last = Some(head),
                    Ok(Err(error)) => tracing::warn!(%error, "A signed end of the audit was not noted"),
                    Err(_) => return,
                }
            }
            Err(error) => tracing::warn!(%error, "The end of the audit could not be read"),
        }
    }
}

fn append(path: &Path, head: &SignedHead) -> anyhow::Result<()> {
    let text = line(head)? + "\n";
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .context("cannot open audit-heads.ndjson")?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_data())
        .context("cannot write audit-heads.ndjson")
}
