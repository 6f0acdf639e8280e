//! One exchange over `$hms-sync`: changes up, results and changes down, line by line.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use hms_core::outbox::{classify, Failure};
use hms_core::sync::SyncEnd;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{Anew, WireAsk, WireLine, WireOp, WireResult, DEVICE_HEADER, EXCHANGE_HEADER};
use hms_store::{Applied, PageReport, Store, StoreError};
use reqwest::{Method, Response};

use super::intake::Intake;
use super::plain::{self, PlainError};
use crate::client::Shared;
use crate::engine::{says_copied, Engine};
use crate::error::ClientError;
use crate::net::{Fault, Stop};
use crate::sabotage::broken;
use crate::sync::packing::{Unpacked, Way};

/// Bytes of changes in one exchange: a thin link gets its first receipts soon.
const BYTES_AT_MOST: u64 = 256 * 1024;
/// A line longer than this is no line of ours.
const LINE_AT_MOST: usize = 8 * 1024 * 1024;

/// Why an exchange ended early.
#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error("the exchange failed")]
    Fault(#[source] Fault, Option<i64>),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("a change could not be written as a line")]
    Line(#[from] serde_json::Error),
    #[error("the client is closing")]
    Closing(#[from] ClientError),
}

impl From<Stop> for ExchangeError {
    fn from(stop: Stop) -> Self {
        Self::Fault(stop.fault, stop.retry_after_ms)
    }
}

impl From<PlainError> for ExchangeError {
    fn from(error: PlainError) -> Self {
        match error {
            PlainError::Fault(fault, retry_after_ms) => Self::Fault(fault, retry_after_ms),
            PlainError::Store(error) => Self::Store(error),
        }
    }
}

impl From<Fault> for ExchangeError {
    fn from(fault: Fault) -> Self {
        Stop::from(fault).into()
    }
}

impl ExchangeError {
    /// What it means for the link, and what the server asked for.
    fn stop(&self) -> Stop {
        match self {
            Self::Fault(fault, retry_after_ms) => Stop {
                fault: *fault,
                retry_after_ms: *retry_after_ms,
            },
            Self::Store(_) | Self::Line(_) | Self::Closing(_) => Fault::Cut.into(),
        }
    }
}

/// What an exchange starts with.
struct Start {
    store: Store,
    ops: Vec<WireOp>,
    ask: WireAsk,
    seed: u64,
}

impl Start {
    fn id_of(&self, op: i64) -> Option<String> {
        let found = self.ops.iter().find(|sent| sent.op == op);
        found.map(|sent| sent.id.clone())
    }
}

/// Runs one exchange and reports its end to the loop.
pub(crate) async fn exchange(shared: Arc<Shared>, max_ops: usize) {
    let mut answered = Vec::new();
    let start = shared
        .ask(async move |engine: &mut Engine| {
            let store = engine.open_store()?;
            let who = engine.who()?;
            let ops = if broken("push") {
                Vec::new()
            } else {
                store.take_batch(engine.now(), max_ops, BYTES_AT_MOST).await?
            };
            engine.batch = ops.iter().map(|op| op.op).collect();
            if !ops.is_empty() {
                engine.changed(crate::event::Tag::Outbox);
                engine.changed(crate::event::Tag::Reports);
            }
            let ask = WireAsk {
                cursor: store.cursor().await?,
                scope: who.scope().to_owned(),
                link: engine.shared.http.link().wire(),
            };
            Ok(Start {
                store,
                ops,
                ask,
                seed: engine.seed,
            })
        })
        .await;
    let Ok(start) = start else {
        // A full disk takes no note of the try: it ends here, or nothing would be sent for minutes.
        shared
            .tell(async |engine: &mut Engine| engine.exchange_ended(failed(Failure::Transient)).await)
            .await;
        return;
    };
    let ended = with_either(&shared, &start, &mut answered).await;
    if let Err(error) = &ended {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::debug!(%error, cause, "An exchange ended early");
    }
    let end = finish(&shared, &start, ended, &answered).await;
    if matches!(end, SyncEnd::Done { .. }) {
        shared.uploads.notify_one();
    }
    let well = matches!(end, SyncEnd::Done { .. });
    if well {
        // Still part of the exchange: nothing else moves the cursor meanwhile.
        super::proof::if_due(&shared, &start.store, &start.ask.scope).await;
    }
    shared
        .tell(async move |engine: &mut Engine| engine.exchange_ended(end).await)
        .await;
    // Who read what is a word of our own server's.
    if well && !plain::is_service(&shared.http) {
        super::readers::refresh(&shared, &start.store).await;
    }
}

async fn finish(
    shared: &Arc<Shared>,
    start: &Start,
    ended: Result<(), ExchangeError>,
    answered: &[i64],
) -> SyncEnd {
    let stop = ended.as_ref().err().map(ExchangeError::stop);
    let now = shared.config.clock.now();
    let end = match stop {
        None => {
            let next_due = start.store.next_due().await.ok().flatten();
            SyncEnd::Done { next_due }
        }
        Some(Stop {
            fault,
            retry_after_ms,
        }) => {
            let left: Vec<i64> = start
                .ops
                .iter()
                .map(|op| op.op)
                .filter(|op| !answered.contains(op))
                .collect();
            let failure = classify(fault.answer()).unwrap_or(Failure::Transient);
            match (failure, groups_of(&start.ops)) {
                // One of them makes the server refuse them all: smaller batches find it.
                (Failure::Rejected, 2..) => failed(Failure::Rejected),
                (Failure::Rejected, 1) => return alone(shared, start, fault, left).await,
                // A refusal of the whole exchange is no word on any change in it: they are tried again.
                (Failure::Rejected | Failure::Conflict | Failure::Transient, _) => {
                    put_off(start, left, Failure::Transient, now).await;
                    SyncEnd::Failed {
                        failure: Failure::Transient,
                        retry_after_ms,
                    }
                }
                (Failure::AuthNeeded, _) => {
                    put_off(start, left, Failure::AuthNeeded, now).await;
                    failed(Failure::AuthNeeded)
                }
            }
        }
    };
    let outcome = stop.map_or(Ok(()), |stop| Err(stop.fault));
    shared
        .tell(async move |engine: &mut Engine| engine.reached(outcome))
        .await;
    end
}

fn failed(failure: Failure) -> SyncEnd {
    SyncEnd::Failed {
        failure,
        retry_after_ms: None,
    }
}

fn groups_of(ops: &[WireOp]) -> usize {
    // A change without a group is one by itself.
    let groups: BTreeSet<i64> = ops.iter().map(|op| op.group.unwrap_or(-op.op)).collect();
    groups.len()
}

async fn put_off(start: &Start, ops: Vec<i64>, failure: Failure, now: Timestamp) {
    if ops.is_empty() {
        return;
    }
    if let Err(error) = start.store.apply_failure(ops, failure, now, start.seed).await {
        tracing::warn!(%error, "A failed try could not be noted");
    }
}

/// A group that was refused by itself: where the server takes an exchange without it, the refusal was for this group,
/// and it waits for a person while the rest goes on. Where not, nothing is known of it.
async fn alone(shared: &Arc<Shared>, start: &Start, fault: Fault, ops: Vec<i64>) -> SyncEnd {
    let without = Start {
        store: start.store.clone(),
        ops: Vec::new(),
        ask: WireAsk {
            cursor: start.store.cursor().await.ok().flatten(),
            ..start.ask.clone()
        },
        seed: start.seed,
    };
    let tried = run(shared, &without, &mut Vec::new()).await;
    let now = shared.config.clock.now();
    let stop = tried.as_ref().err().map(ExchangeError::stop);
    let outcome = stop.map_or(Ok(()), |stop| Err(stop.fault));
    let (true, Fault::Refused(status)) = (outcome.is_ok(), fault) else {
        put_off(start, ops, Failure::Transient, now).await;
        shared
            .tell(async move |engine: &mut Engine| engine.reached(outcome))
            .await;
        return SyncEnd::Failed {
            failure: Failure::Transient,
            retry_after_ms: stop.and_then(|stop| stop.retry_after_ms),
        };
    };
    tracing::warn!(
        status,
        "A group of changes is refused by itself; the rest goes on"
    );
    for op in ops {
        let result = WireResult {
            op,
            status,
            version: None,
            receipt: None,
            outcome: None,
        };
        match start.store.apply_result(&result, now, start.seed).await {
            Ok(applied) => note(shared, applied, start.id_of(op)).await,
            Err(error) => tracing::warn!(%error, "A refused change could not be noted"),
        }
    }
    shared
        .tell(async |engine: &mut Engine| engine.reached(Ok(())))
        .await;
    let next_due = start.store.next_due().await.ok().flatten();
    SyncEnd::Done { next_due }
}

/// The exchange as the server has it: `$hms-sync`, or plain FHIR where the server is not ours.
async fn with_either(
    shared: &Arc<Shared>,
    start: &Start,
    answered: &mut Vec<i64>,
) -> Result<(), ExchangeError> {
    let plain = match plain::is_plain(shared, &start.store).await? {
        Some(abilities) => abilities,
        None => match run(shared, start, answered).await {
            Err(error @ ExchangeError::Fault(..)) => {
                match plain::has_no_exchange(shared, &start.store, error.stop().fault).await {
                    Some(abilities) => abilities,
                    None => return Err(error),
                }
            }
            other => return other,
        },
    };
    let (ended, kept) = plain::exchange(shared, &start.store, &start.ops, start.seed, plain, answered).await;
    for (applied, id) in kept {
        note(shared, applied, Some(id)).await;
    }
    Ok(ended?)
}

/// The exchange itself. Where packed bodies may have spoiled it, it is tried once without.
async fn run(shared: &Arc<Shared>, start: &Start, answered: &mut Vec<i64>) -> Result<(), ExchangeError> {
    let mut body = Vec::new();
    for op in &start.ops {
        serde_json::to_writer(&mut body, op)?;
        body.push(b'\n');
    }
    serde_json::to_writer(&mut body, &start.ask)?;
    body.push(b'\n');
    let now = shared.config.clock.now();
    let way = shared.packing.way(now);
    let ended = run_on(shared, start, &body, way, answered).await;
    let fault = ended.as_ref().err().map(|error| error.stop().fault);
    shared.packing.ended(way, fault, now);
    if !fault.is_some_and(|fault| way.may_have_spoiled(fault)) {
        return ended;
    }
    let plain = run_on(shared, start, &body, Way::PLAIN, answered).await;
    match plain.as_ref().map_err(|error| error.stop().fault) {
        Ok(()) => shared.packing.spoiled(now),
        Err(Fault::Refused(_)) => shared.packing.doubted(now),
        Err(_) => {}
    }
    plain
}

async fn run_on(
    shared: &Arc<Shared>,
    start: &Start,
    body: &[u8],
    way: Way,
    answered: &mut Vec<i64>,
) -> Result<(), ExchangeError> {
    let response = open(shared, "/fhir/$hms-sync", body, way).await?;
    read(shared, start, Unpacked::new(response)?, answered).await
}

/// Opens the exchange; a refused token is refreshed once. An answer that does not name this exchange is another's.
pub(super) async fn open(shared: &Arc<Shared>, path: &str, body: &[u8], way: Way) -> Result<Response, Stop> {
    let name = fresh_name();
    let response = open_as(shared, path, body, way, &name).await?;
    let named = response.headers().get(EXCHANGE_HEADER);
    if named.is_some_and(|named| named.as_bytes() == name.as_bytes()) {
        shared.packing.answered(response.headers());
        Ok(response)
    } else {
        Err(Fault::NotOurServer.into())
    }
}

/// Names one exchange among all of a device: 64 bits by chance.
fn fresh_name() -> String {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    format!("{:x}", high)
}

async fn open_as(
    shared: &Arc<Shared>,
    path: &str,
    body: &[u8],
    way: Way,
    name: &str,
) -> Result<Response, Stop> {
    let request = |token: &Secret<String>| {
        let request = shared
            .http
            .request(Method::POST, path, Some(token))
            .header(DEVICE_HEADER, shared.device.id())
            .header(EXCHANGE_HEADER, name);
        way.send(request, body.to_vec())
    };
    let token = shared.tokens.access(None).await?;
    let first = shared.http.begin(request(&token)).await;
    match first {
        Err(Stop {
            fault: Fault::SignInNeeded,
            ..
        }) => {
            let token = shared.tokens.access(Some(token)).await?;
            shared.http.begin(request(&token)).await
        }
        other => other,
    }
}

async fn read(
    shared: &Arc<Shared>,
    start: &Start,
    mut answer: Unpacked,
    answered: &mut Vec<i64>,
) -> Result<(), ExchangeError> {
    let mut intake = Intake::default();
    let ended = read_lines(shared, start, &mut answer, answered, &mut intake).await;
    // What came before the last cursor stands, however it ended.
    let kept = write(shared, start, &mut intake).await;
    ended.and(kept)
}

async fn read_lines(
    shared: &Arc<Shared>,
    start: &Start,
    answer: &mut Unpacked,
    answered: &mut Vec<i64>,
    intake: &mut Intake,
) -> Result<(), ExchangeError> {
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        // Nothing is lost where the wait for the next bytes is given up in between.
        let part = loop {
            let next = answer.next();
            let Some(patience) = intake.patience(Instant::now()) else {
                break next.await?;
            };
            match tokio::time::timeout(patience, next).await {
                Ok(part) => break part?,
                Err(_) => write(shared, start, intake).await?,
            }
        };
        let ended = part.is_none();
        buffer.extend(part.iter().flatten());
        let mut rest = buffer.as_slice();
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(at);
            rest = after.get(1..).unwrap_or_default();
            let line = std::str::from_utf8(line).map_err(|_| Fault::Unreadable)?.trim();
            if line.is_empty() {
                continue;
            }
            // A line that does not parse ends the exchange; what came before its last cursor stands.
            let parsed = WireLine::parse(line).map_err(|error| {
                // The message names elements and positions, never what they hold.
                tracing::warn!(category = ?error.classify(), column = error.column(), "A line of a sync does not parse");
                Fault::Unreadable
            })?;
            match parsed {
                WireLine::Result(result) => {
                    answered.push(result.op);
                    if says_copied(&result) {
                        shared
                            .tell(async |engine: &mut Engine| engine.take_own_id().await)
                            .await;
                    }
                    if !(200..300).contains(&result.status) {
                        tracing::info!(
                            op = result.op,
                            status = result.status,
                            "The server did not take a change"
                        );
                    }
                    let now = shared.config.clock.now();
                    let applied = start.store.apply_result(&result, now, start.seed).await?;
                    note(shared, applied, start.id_of(result.op)).await;
                }
                WireLine::Change(change) => intake.change(change, line.len()),
                WireLine::Cursor(cursor) => {
                    match cursor.anew {
                        None => intake.cursor(cursor.cursor, Instant::now()),
                        Some(why) => {
                            write(shared, start, intake).await?;
                            tracing::info!(?why, "The server does not go on from where this device is");
                            // Photos first: a process that ends in between is told once more, since the cursor is not kept yet.
                            if why == Anew::Restored {
                                shared
                                    .ask(async |engine: &mut Engine| engine.offer_uploads_again().await)
                                    .await?;
                            }
                            let now = shared.config.clock.now();
                            let report = start.store.begin_anew(why, cursor.cursor, now).await?;
                            tell_changed(shared, report).await;
                        }
                    }
                    if cursor.done || intake.is_due(Instant::now()) {
                        write(shared, start, intake).await?;
                    }
                    if cursor.done {
                        let gone = start.store.end_exchange().await?;
                        if !gone.is_empty() {
                            shared
                                .tell(async move |engine: &mut Engine| engine.records_changed(&gone).await)
                                .await;
                        }
                        return Ok(());
                    }
                }
            }
        }
        buffer = rest.to_vec();
        if buffer.len() > LINE_AT_MOST {
            return Err(Fault::Unreadable.into());
        }
        if ended {
            // The last line says "done"; without it the answer was cut.
            return Err(Fault::Cut.into());
        }
    }
}

/// Writes what came up to the last cursor.
async fn write(shared: &Arc<Shared>, start: &Start, intake: &mut Intake) -> Result<(), ExchangeError> {
    let Some((changes, cursor)) = intake.take() else {
        return Ok(());
    };
    let now = shared.config.clock.now();
    let report = start.store.apply_page(changes, cursor, now).await?;
    tell_changed(shared, report).await;
    Ok(())
}

async fn tell_changed(shared: &Arc<Shared>, report: PageReport) {
    if !report.changed.is_empty() || !report.conflicts.is_empty() {
        let ids: Vec<String> = report.changed.into_iter().chain(report.conflicts).collect();
        shared
            .tell(async move |engine: &mut Engine| engine.records_changed(&ids).await)
            .await;
    }
}

/// Takes note of a result: a receipt lets the journal go of its copy.
async fn note(shared: &Arc<Shared>, applied: Applied, id: Option<String>) {
    shared
        .tell(async move |engine: &mut Engine| {
            let done = match &applied {
                Applied::Done { id, .. } => Some(id.clone()),
                Applied::Later(_)
                | Applied::SignInNeeded
                | Applied::Stuck(_)
                | Applied::Merged
                | Applied::Unknown => None,
            };
            if let Some((_, entry)) = done.as_deref().and_then(|id| id.split_once('/')) {
                if let Err(error) = engine.journal.prune(entry) {
                    tracing::warn!(%error, "The journal could not be pruned");
                }
                engine.sealed.remove(entry);
            }
            engine.changed(crate::event::Tag::Outbox);
            engine.changed(crate::event::Tag::App);
            for tag in id.iter().flat_map(|id| crate::engine::tags_of(id)) {
                engine.changed(*tag);
            }
        })
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_way_passes() {
        for fault in [
            Fault::Unreachable,
            Fault::Slow,
            Fault::Cut,
            Fault::NotOurServer,
            Fault::Server(500),
        ] {
            assert_eq!(classify(fault.answer()), Some(Failure::Transient), "{fault}");
        }
    }
}
