//! The answer to an exchange: results, changes and cursors, line by line, into the store.

use std::sync::Arc;
use std::time::Instant;

use hms_model::wire::sync::{Anew, WireCursor, WireLine, WireResult};
use hms_store::{Applied, PageReport};

use super::exchange::{ExchangeError, Start};
use super::intake::Intake;
use crate::client::Shared;
use crate::engine::{says_copied, Engine};
use crate::net::Fault;
use crate::sync::packing::Unpacked;

/// A line longer than this is no line of ours.
const LINE_AT_MOST: usize = 8 * 1024 * 1024;
/// Results that are kept in one transaction: they share its wait for the disk, and it stays small on a full one.
const RESULTS_AT_ONCE: usize = 100;

/// What came and is not written yet.
struct Incoming<'a> {
    shared: &'a Arc<Shared>,
    start: &'a Start,
    /// Numbers of the changes that have their result.
    answered: &'a mut Vec<i64>,
    results: Vec<WireResult>,
    intake: Intake,
}

/// Reads the answer to its end. What came before its last cursor is kept however it ended.
pub(super) async fn read(
    shared: &Arc<Shared>,
    start: &Start,
    mut answer: Unpacked,
    answered: &mut Vec<i64>,
) -> Result<(), ExchangeError> {
    let mut incoming = Incoming {
        shared,
        start,
        answered,
        results: Vec::new(),
        intake: Intake::default(),
    };
    let ended = incoming.read(&mut answer).await;
    let kept = incoming.write_all().await;
    ended.and(kept)
}

impl Incoming<'_> {
    async fn read(&mut self, answer: &mut Unpacked) -> Result<(), ExchangeError> {
        let mut buffer: Vec<u8> = Vec::new();
        loop {
            // Nothing is lost where the wait for the next bytes is given up in between.
            let part = loop {
                let next = answer.next();
                let Some(patience) = self.intake.patience(Instant::now()) else {
                    break next.await?;
                };
                match tokio::time::timeout(patience, next).await {
                    Ok(part) => break part?,
                    Err(_) => self.write_page().await?,
                }
            };
            let ended = part.is_none();
            buffer.extend(part.iter().flatten());
            let mut rest = buffer.as_slice();
            while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                let (line, after) = rest.split_at(at);
                rest = after.get(1..).unwrap_or_default();
                if self.line(line).await? {
                    return Ok(());
                }
            }
            buffer = rest.to_vec();
            // What came together is kept together; nobody waits for more.
            self.write_results().await?;
            if buffer.len() > LINE_AT_MOST {
                return Err(Fault::Unreadable.into());
            }
            if ended {
                // The last line says "done"; without it the answer was cut.
                return Err(Fault::Cut.into());
            }
        }
    }

    /// Takes one line in. True where it was the last.
    async fn line(&mut self, line: &[u8]) -> Result<bool, ExchangeError> {
        let line = std::str::from_utf8(line).map_err(|_| Fault::Unreadable)?.trim();
        if line.is_empty() {
            return Ok(false);
        }
        // A line that does not parse ends the exchange; what came before its last cursor stands.
        let parsed = WireLine::parse(line).map_err(|error| {
            // The message names elements and positions, never what they hold.
            tracing::warn!(category = ?error.classify(), column = error.column(), "A line of a sync does not parse");
            Fault::Unreadable
        })?;
        match parsed {
            WireLine::Result(result) => {
                self.results.push(result);
                if self.results.len() >= RESULTS_AT_ONCE {
                    self.write_results().await?;
                }
                Ok(false)
            }
            WireLine::Change(change) => {
                self.intake.change(change, line.len());
                Ok(false)
            }
            WireLine::Cursor(cursor) => {
                // A page may hold what a result before it answered.
                self.write_results().await?;
                self.cursor(cursor).await
            }
        }
    }

    async fn cursor(&mut self, cursor: WireCursor) -> Result<bool, ExchangeError> {
        match cursor.anew {
            None => self.intake.cursor(cursor.cursor, Instant::now()),
            Some(why) => self.begin_anew(why, cursor.cursor).await?,
        }
        if cursor.done || self.intake.is_due(Instant::now()) {
            self.write_page().await?;
        }
        if cursor.done {
            let gone = self.start.store.end_exchange().await?;
            if !gone.is_empty() {
                self.shared
                    .tell(async move |engine: &mut Engine| engine.records_changed(&gone).await)
                    .await;
            }
        }
        Ok(cursor.done)
    }

    async fn begin_anew(&mut self, why: Anew, cursor: String) -> Result<(), ExchangeError> {
        self.write_page().await?;
        tracing::info!(?why, "The server does not go on from where this device is");
        // Photos first: a process that ends in between is told once more, since the cursor is not kept yet.
        if why == Anew::Restored {
            self.shared
                .ask(async |engine: &mut Engine| engine.offer_uploads_again().await)
                .await?;
        }
        let now = self.shared.config.clock.now();
        let report = self.start.store.begin_anew(why, cursor, now).await?;
        tell_changed(self.shared, report).await;
        Ok(())
    }

    async fn write_all(&mut self) -> Result<(), ExchangeError> {
        self.write_results().await?;
        self.write_page().await
    }

    /// Keeps the results that came, in their order.
    async fn write_results(&mut self) -> Result<(), ExchangeError> {
        if self.results.is_empty() {
            return Ok(());
        }
        let results = std::mem::take(&mut self.results);
        for result in &results {
            self.answered.push(result.op);
            if !(200..300).contains(&result.status) {
                tracing::info!(
                    op = result.op,
                    status = result.status,
                    "The server did not take a change"
                );
            }
        }
        if results.iter().any(says_copied) {
            self.shared
                .tell(async |engine: &mut Engine| engine.take_own_id().await)
                .await;
        }
        let ids: Vec<_> = results.iter().map(|result| self.start.id_of(result.op)).collect();
        let now = self.shared.config.clock.now();
        let applied = self
            .start
            .store
            .apply_results(results, now, self.start.seed)
            .await?;
        note(self.shared, applied.into_iter().zip(ids).collect()).await;
        Ok(())
    }

    /// Writes what came up to the last cursor.
    async fn write_page(&mut self) -> Result<(), ExchangeError> {
        let Some((changes, cursor)) = self.intake.take() else {
            return Ok(());
        };
        let now = self.shared.config.clock.now();
        let report = self.start.store.apply_page(changes, cursor, now).await?;
        tell_changed(self.shared, report).await;
        Ok(())
    }
}

async fn tell_changed(shared: &Arc<Shared>, report: PageReport) {
    if !report.changed.is_empty() || !report.conflicts.is_empty() {
        let ids: Vec<String> = report.changed.into_iter().chain(report.conflicts).collect();
        shared
            .tell(async move |engine: &mut Engine| engine.records_changed(&ids).await)
            .await;
    }
}

/// Takes note of results, each with what it was about: a receipt lets the journal go of its copy, once the exchange ends.
pub(super) async fn note(shared: &Arc<Shared>, results: Vec<(Applied, Option<String>)>) {
    if results.is_empty() {
        return;
    }
    shared
        .tell(async move |engine: &mut Engine| {
            let done: Vec<&str> = results.iter().filter_map(|(applied, _)| entry(applied)).collect();
            for entry in done {
                engine.sealed.remove(entry);
                engine.receipted.extend(engine.journal.entry(entry).cloned());
            }
            for id in results.iter().filter_map(|(_, id)| id.as_deref()) {
                for tag in crate::engine::tags_of(id) {
                    engine.changed(*tag);
                }
            }
            engine.changed(crate::event::Tag::Outbox);
            engine.changed(crate::event::Tag::App);
        })
        .await;
}

/// The id of an entry that the server has now.
fn entry(applied: &Applied) -> Option<&str> {
    match applied {
        Applied::Done { id, .. } => id.split_once('/').map(|(_, entry)| entry),
        Applied::Later(_)
        | Applied::SignInNeeded
        | Applied::Stuck(_)
        | Applied::Merged
        | Applied::Unknown => None,
    }
}
