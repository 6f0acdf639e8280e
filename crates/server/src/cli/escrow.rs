//! `ach-server escrow …`: what phones and desks handed in before they were emptied.

use super::{operator_agent, Data};
use crate::service::escrow;
use anyhow::Context;
use clap::Subcommand;
use hms_model::time::Timestamp;

#[derive(Debug, Subcommand)]
pub(super) enum EscrowCommand {
    /// List unfinished forms, and work that could not be stored in its author's name. Shows no content.
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Print one entry as JSON. The audit notes it.
    Open {
        /// Id, as `list` shows it.
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

/// Runs a command.
pub(super) fn run(command: EscrowCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    match command {
        EscrowCommand::List { data } => {
            let (_, app) = data.open()?;
            for row in runtime.block_on(escrow::list(&app))? {
                println!(
                    "{}\t{}\tdevice {}\taccount {}",
                    row.id,
                    Timestamp(row.received_ms).to_instant(),
                    row.device,
                    row.account.as_deref().unwrap_or("-"),
                );
            }
        }
        EscrowCommand::Open { id, data } => {
            let (_, app) = data.open()?;
            let opened = runtime.block_on(escrow::open(&app, &id, &operator_agent()))?;
            let entry = opened.with_context(|| format!("there is no entry {id:?} that can be opened"))?;
            println!("{}", serde_json::to_string_pretty(&entry.resources)?);
        }
    }
    Ok(())
}
