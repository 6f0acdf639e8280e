//! One exchange over `$hms-sync`: what goes up, how it is asked for, and what its end means.

use std::collections::BTreeSet;
use std::sync::Arc;

use hms_core::outbox::{classify, Failure};
use hms_core::sync::SyncEnd;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{WireAsk, WireOp, WireResult, DEVICE_HEADER, EXCHANGE_HEADER};
use hms_store::{Store, StoreError};
use reqwest::{Method, Response};

use super::answer;
use super::plain::{self, PlainError};
use crate::client::Shared;
use crate::engine::Engine;
use crate::error::ClientError;
use crate::net::{Fault, Stop};
use crate::sabotage::broken;
use crate::sync::packing::{Unpacked, Way};

/// Bytes of changes in one exchange; packed they are a sixth. The number of changes keeps the first one small.
const BYTES_AT_MOST: u64 = 1024 * 1024;

/// Why an exchange ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
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
pub(super) struct Start {
    pub(super) store: Store,
    ops: Vec<WireOp>,
    ask: WireAsk,
    pub(super) seed: u64,
}

impl Start {
    pub(super) fn id_of(&self, op: i64) -> Option<String> {
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
    let now = shared.config.clock.now();
    let more = matches!(end, SyncEnd::Done { next_due: Some(due) } if due <= now);
    if well && !more {
        // Still part of the exchange: nothing else moves the cursor meanwhile.
        super::proof::if_due(&shared, &start.store, &start.ask.scope).await;
    }
    shared
        .tell(async move |engine: &mut Engine| engine.exchange_ended(end).await)
        .await;
    // Who read what is a word of our own server's. What still waits goes before it.
    if well && !more && !plain::is_service(&shared.http) {
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
            Ok(applied) => answer::note(shared, vec![(applied, start.id_of(op))]).await,
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
    answer::note(
        shared,
        kept.into_iter()
            .map(|(applied, id)| (applied, Some(id)))
            .collect(),
    )
    .await;
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
    answer::read(shared, start, Unpacked::new(response)?, answered).await
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
