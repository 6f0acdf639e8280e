//! The check against the server: once a week, after an upgrade, in a new store, and when a person asks. Both sides
//! compare sums over ranges of what they hold; only what differs is listed, and only that is fetched again.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;

use hms_core::sync::digest::CHECK_EVERY_MS;
use hms_model::time::Timestamp;
use hms_model::view::RecordsCheckView;
use hms_model::wire::digest::{WireDigest, WireDigestAsk, WireLeaf};
use hms_model::wire::sync::WireChange;
use hms_store::{AuditRow, Store, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::exchange::open;
use super::packing::{Unpacked, Way};
use crate::client::Shared;
use crate::engine::Engine;
use crate::net::{Fault, Stop};

/// How the newest check ended, in the store's settings.
pub(crate) const CHECKED: &str = "records-checked";
/// The person asked for one.
pub(crate) const CHECK_WANTED: &str = "records-check-wanted";
/// Comparisons in one check: each mends what it lists.
const ROUNDS: u32 = 12;
/// Records asked for at a time.
const AT_A_TIME: usize = 100;
/// A list longer than this is none of ours.
const ANSWER_AT_MOST: usize = 64 * 1024 * 1024;

/// A check that failed is tried again after so long, unless a person asks.
const AFTER_FAILURE_MS: i64 = 15 * 60 * 1000;

/// When a check last failed, by this device's clock.
#[derive(Debug, Default)]
pub(crate) struct LastFailure(AtomicI64);

impl LastFailure {
    fn holds_back(&self, now: Timestamp) -> bool {
        let failed = self.0.load(Ordering::Relaxed);
        failed != 0 && (0..AFTER_FAILURE_MS).contains(&now.since_ms(Timestamp(failed)))
    }
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordsCheck {
    /// When, by this device's clock.
    pub(crate) at_ms: i64,
    /// The app's version.
    pub(crate) version: String,
    /// Records that the server has for this person.
    pub(crate) records: u32,
    /// Records that were not as the server has them, and were fetched or let go.
    pub(crate) mended: u32,
}

impl RecordsCheck {
    /// The newest one of a store.
    pub(crate) async fn last(store: &Store) -> Option<Self> {
        let text = store.meta_get(CHECKED).await.ok().flatten()?;
        serde_json::from_str(&text).ok()
    }

    /// As shown.
    pub(crate) fn view(&self) -> RecordsCheckView {
        RecordsCheckView {
            at: Timestamp(self.at_ms).as_f64(),
            records: self.records,
            mended: self.mended,
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let age = now.since_ms(Timestamp(self.at_ms));
        // A clock that was ten years ahead does not put it off for ten years.
        !(0..CHECK_EVERY_MS).contains(&age) || self.version != env!("CARGO_PKG_VERSION")
    }
}

#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("the server could not be asked")]
    Asked(Fault),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the question could not be written")]
    Line(#[from] serde_json::Error),
}

impl From<Stop> for CheckError {
    fn from(stop: Stop) -> Self {
        Self::Asked(stop.fault)
    }
}

impl From<Fault> for CheckError {
    fn from(fault: Fault) -> Self {
        Self::Asked(fault)
    }
}

/// Checks where it is time to. Part of an exchange that went well; a check that fails is tried after the next one.
pub(super) async fn if_due(shared: &Arc<Shared>, store: &Store, scope: &str) {
    let now = shared.config.clock.now();
    let wanted = store.meta_get(CHECK_WANTED).await.ok().flatten().is_some();
    let due = RecordsCheck::last(store)
        .await
        .is_none_or(|last| last.is_due(now));
    if !wanted && (!due || shared.check_failed.holds_back(now)) {
        return;
    }
    match check(shared, store, scope).await {
        Ok(None) => tracing::debug!("Something new came in meanwhile: the check waits"),
        Ok(Some((records, mended))) => {
            if let Err(error) = note(shared, store, now, records, mended).await {
                tracing::warn!(%error, "How a check ended could not be noted");
            }
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            shared.check_failed.0.store(now.0, Ordering::Relaxed);
            tracing::info!(%error, cause, "The records could not be checked against the server");
        }
    }
}

async fn note(
    shared: &Arc<Shared>,
    store: &Store,
    now: Timestamp,
    records: u32,
    mended: u32,
) -> Result<(), CheckError> {
    if mended > 0 {
        tracing::warn!(records, mended, "Records were not as the server has them; mended");
    } else {
        tracing::info!(records, "Checked {records} records against the server");
    }
    let who = shared
        .ask(async |engine: &mut Engine| Ok(engine.identity.as_ref().map(|who| who.user.clone())))
        .await;
    let row = AuditRow {
        who: who.ok().flatten(),
        action: "check-records".to_owned(),
        subject: format!("{records} compared, {mended} mended"),
    };
    store.note_check(row, now).await?;
    let found = RecordsCheck {
        at_ms: now.0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        records,
        mended,
    };
    store
        .meta_put(CHECKED, Some(serde_json::to_string(&found)?))
        .await?;
    store.meta_put(CHECK_WANTED, None).await?;
    shared
        .tell(async move |engine: &mut Engine| {
            engine.network.checked = Some(found.view());
            engine.changed(crate::event::Tag::App);
        })
        .await;
    Ok(())
}

/// Compares, and mends until nothing differs. Gives how many records there are and how many were mended; `None` where
/// something new came in meanwhile.
async fn check(shared: &Arc<Shared>, store: &Store, scope: &str) -> Result<Option<(u32, u32)>, CheckError> {
    let cursor = store.cursor().await?;
    let ask = |leaves, records| WireDigestAsk {
        cursor: cursor.clone(),
        scope: scope.to_owned(),
        leaves,
        records,
    };
    let mut mended = 0;
    for _ in 0..ROUNDS {
        let leaves = store.leaves().await?.to_text();
        let (listed, end) = post::<WireLeaf>(shared, &ask(Some(leaves), Vec::new())).await?;
        if end.behind {
            return Ok(None);
        }
        if end.differ == 0 {
            return Ok(Some((end.records, mended)));
        }
        let differing = store.differing(listed).await?;
        if differing.is_empty() {
            // What differs is on its way: made here, arrived, and not answered yet.
            return Ok(Some((end.records, mended)));
        }
        for some in differing.chunks(AT_A_TIME) {
            let (changes, _) = post::<WireChange>(shared, &ask(None, some.to_vec())).await?;
            let report = store.mend(changes, shared.config.clock.now()).await?;
            mended += u32::try_from(report.changed.len()).unwrap_or(u32::MAX);
            let ids: Vec<String> = report.changed.into_iter().chain(report.conflicts).collect();
            shared
                .tell(async move |engine: &mut Engine| engine.records_changed(&ids).await)
                .await;
        }
    }
    Ok(None)
}

/// One question and its whole answer.
async fn post<T: DeserializeOwned>(
    shared: &Arc<Shared>,
    ask: &WireDigestAsk,
) -> Result<(Vec<T>, WireDigest), CheckError> {
    let body = serde_json::to_vec(ask)?;
    let way = shared.packing.way(shared.config.clock.now());
    match post_on(shared, &body, way).await {
        Err(CheckError::Asked(fault)) if way.may_have_spoiled(fault) => {
            post_on(shared, &body, Way::PLAIN).await
        }
        other => other,
    }
}

async fn post_on<T: DeserializeOwned>(
    shared: &Arc<Shared>,
    body: &[u8],
    way: Way,
) -> Result<(Vec<T>, WireDigest), CheckError> {
    let response = open(shared, "/fhir/$hms-sync-digest", body, way).await?;
    let mut answer = Unpacked::new(response)?;
    let mut bytes = Vec::new();
    while let Some(piece) = answer.next().await? {
        bytes.extend(piece);
        if bytes.len() > ANSWER_AT_MOST {
            return Err(Fault::Unreadable.into());
        }
    }
    read(&bytes).ok_or(CheckError::Asked(Fault::Unreadable))
}

/// The lines, and the one that says that they are all.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<(Vec<T>, WireDigest)> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (lines, end) = match text.rsplit_once('\n') {
        Some((lines, end)) => (lines, end),
        None => ("", text),
    };
    let end = serde_json::from_str(end).ok()?;
    let lines: Result<Vec<T>, _> = lines.lines().map(serde_json::from_str).collect();
    Some((lines.ok()?, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_due_after_a_week_an_upgrade_and_a_clock_that_went_wrong() {
        let check = |at_ms, version: &str| RecordsCheck {
            at_ms,
            version: version.to_owned(),
            records: 1,
            mended: 0,
        };
        let now = Timestamp(CHECK_EVERY_MS * 10);
        let ours = env!("CARGO_PKG_VERSION");
        assert!(!check(now.0 - 1, ours).is_due(now));
        assert!(!check(now.0 - CHECK_EVERY_MS + 1, ours).is_due(now));
        assert!(check(now.0 - CHECK_EVERY_MS, ours).is_due(now));
        assert!(check(now.0 + 1, ours).is_due(now));
        assert!(check(now.0 - 1, "0.0.1").is_due(now));
    }

    #[test]
    fn an_answer_without_its_last_line_says_nothing() {
        let whole = b"{\"leaf\":3,\"holds\":{\"Task/a\":\"1\"}}\n{\"records\":4,\"differ\":1}\n";
        let (leaves, end) = read::<WireLeaf>(whole).expect("reads");
        assert_eq!((leaves.len(), end.records, end.differ), (1, 4, 1));
        for at in 0..whole.len() {
            assert!(read::<WireLeaf>(&whole[..at]).is_none(), "cut at {at}");
        }
    }
}
