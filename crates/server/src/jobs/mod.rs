//! What runs beside the requests: signalling, hints, escalation, messages to HR, and tidying up.

pub mod escalation;

use crate::app::App;
use crate::db::sqlite::table;
use crate::db::DbError;
use crate::hr::sender::{Sender, SenderError};
use crate::service::sync::KEEP_RESULTS_MS;
use crate::signal::run::{AdmitToRelay, RelayCounters};
use crate::signal::turn::TurnIssuer;
use crate::signal::{hints, visits};
use std::time::Duration;
use tokio::task::JoinSet;

/// How often emergencies are looked for that nobody has opened.
const ESCALATE_EVERY: Duration = Duration::from_secs(5);
/// How often the outbox is looked at; what was just committed goes within this.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// How often old results are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Why the jobs cannot start.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// Calls that an earlier run left open could not be ended.
    #[error("failed to end the calls of the last run")]
    EndCalls(#[source] DbError),
    /// HR's endpoint.
    #[error(transparent)]
    Sender(#[from] SenderError),
}

/// The relay for calls, as signalling needs it.
pub struct RelayAccess {
    /// Makes credentials.
    pub turn: TurnIssuer,
    /// Lets their bearers in.
    pub admit: AdmitToRelay,
    /// What it has carried.
    pub counters: RelayCounters,
}

/// The running jobs; they stop when this is dropped.
pub struct Jobs {
    tasks: JoinSet<()>,
}

impl Jobs {
    /// Starts them all. Without a relay, calls are direct.
    ///
    /// # Errors
    /// [`JobsError`].
    pub async fn start(app: &App, relay: Option<RelayAccess>) -> Result<Self, JobsError> {
        let ended = visits::end_left_open(app).await.map_err(JobsError::EndCalls)?;
        if ended > 0 {
            tracing::info!(visits = ended, "Ended {ended} visits that the last run left open");
        }
        let mut tasks = JoinSet::new();
        // Subscribed before anything else runs, so that no change goes unnoticed.
        tasks.spawn(hints::run(app.clone(), app.events.subscribe()));
        if let Some(relay) = &relay {
            app.signal.set_relay_counters(relay.counters.clone());
        }
        let (turn, admit) = relay.map_or((TurnIssuer::none(), None), |r| (r.turn, Some(r.admit)));
        tasks.spawn(app.signal.clone().run(app.clone(), admit, turn));
        let watched = app.clone();
        tasks.spawn(async move { watched.revocations.watch(&watched.db).await });
        tasks.spawn(escalate(app.clone()));
        tasks.spawn(forget(app.clone()));
        if let Some(sender) = Sender::new(app).await? {
            tasks.spawn(send(sender));
        }
        Ok(Self { tasks })
    }

    /// Stops them, and waits until they have.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn escalate(app: App) {
    let mut every = tokio::time::interval(ESCALATE_EVERY);
    loop {
        every.tick().await;
        match escalation::escalate(&app).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(
                count,
                "{count} emergencies went to the nurses: no clinician had opened them"
            ),
            Err(error) => tracing::error!(%error, "Emergencies could not be escalated"),
        }
    }
}

async fn send(sender: Sender) {
    let mut every = tokio::time::interval(SEND_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        match sender.send_due().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "Sent {count} messages to HR"),
            Err(error) => tracing::error!(%error, "The outbox could not be read"),
        }
    }
}

async fn forget(app: App) {
    let mut every = tokio::time::interval(FORGET_EVERY);
    loop {
        every.tick().await;
        let forgotten: Result<usize, DbError> = app
            .db
            .write(|tx| table::op_result::forget(tx.conn(), tx.now_ms().saturating_sub(KEEP_RESULTS_MS)))
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "Old results could not be forgotten");
        }
        let (uploads, now) = (app.uploads.clone(), app.clock.now_ms());
        match tokio::task::spawn_blocking(move || uploads.tidy(now)).await {
            Ok(0) | Err(_) => {}
            Ok(count) => tracing::info!(count, "Dropped {count} uploads that had expired"),
        }
    }
}
