//! Delivers entries that only the sealed journal holds. Needs no account.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_core::sync::PATIENCE_MS;
use hms_model::wire::session::{WireSealed, WireSealedResult};
use reqwest::Method;

use crate::client::Shared;
use crate::engine::{Engine, Sealed};
use crate::event::Tag;
use crate::net::{read_json, Stop, Tries};

/// Entries in one request.
const AT_ONCE: usize = 20;
/// Bytes of ciphertext in one request; one entry always goes.
const BYTES_AT_MOST: usize = 700 * 1024;

/// Sends what waits. What the server has is not sent again; the journal lets go of it.
pub(crate) async fn deliver_sealed(shared: &Arc<Shared>) {
    if crate::sabotage::broken("push") {
        return;
    }
    let waiting = shared
        .ask(async |engine: &mut Engine| {
            let wanted: Vec<String> = engine
                .sealed
                .entries
                .iter()
                .filter(|entry| engine.is_to_deliver(entry))
                .map(|entry| entry.id.clone())
                .collect();
            let entries = engine.journal.entries();
            let waiting = || entries.iter().copied().filter(|entry| wanted.contains(&entry.id));
            Ok(waiting().take(fits(waiting())).cloned().collect::<Vec<_>>())
        })
        .await;
    let Ok(waiting) = waiting else { return };
    if waiting.is_empty() {
        return;
    }
    match give_sealed(shared, &waiting).await {
        Ok(results) => {
            shared
                .tell(async move |engine: &mut Engine| {
                    let taken = engine.sealed_delivered(&waiting, &results);
                    engine.handed_in(taken).await;
                })
                .await;
        }
        Err(stop) => {
            tracing::debug!(fault = %stop.fault, "Sealed entries could not be delivered");
            shared
                .tell(async move |engine: &mut Engine| {
                    engine.network.sealed_after = stop.retry_after_ms.and_then(after);
                    engine.reached(Err(stop.fault));
                })
                .await;
        }
    }
}

/// How many of these go into one request.
pub(crate) fn fits<'a>(entries: impl Iterator<Item = &'a WireSealed>) -> usize {
    let mut bytes = 0;
    let fitting = entries.take(AT_ONCE).take_while(|entry| {
        bytes += entry.ciphertext.len();
        bytes <= BYTES_AT_MOST
    });
    fitting.count().max(1)
}

/// Gives entries to the server, of this phone or of another one's file. Needs no account.
pub(crate) async fn give_sealed(
    shared: &Shared,
    entries: &[WireSealed],
) -> Result<Vec<WireSealedResult>, Stop> {
    let request = shared
        .http
        .request(Method::POST, "/api/sealed", None)
        .header(hms_model::wire::sync::DEVICE_HEADER, shared.device.id())
        .json(entries);
    let response = shared
        .http
        .begin(request.timeout(Tries::Patient.timeout()))
        .await?;
    read_json(response).await.map_err(Stop::from)
}

/// When entries may be offered again, by the clock that nobody sets.
fn after(retry_after_ms: i64) -> Option<Instant> {
    let wait = u64::try_from(retry_after_ms.clamp(0, PATIENCE_MS)).ok()?;
    Instant::now().checked_add(Duration::from_millis(wait))
}

impl Engine {
    /// Whether an entry is to be offered to the server now. The form that is being filled in is not yet.
    pub(crate) fn is_to_deliver(&self, entry: &Sealed) -> bool {
        let asked_to_wait = self
            .network
            .sealed_after
            .is_some_and(|until| until > Instant::now());
        !asked_to_wait
            && !entry.delivered
            && !self.is_open_form(&entry.id)
            && !self.sealed.refused.contains(&entry.id)
    }

    fn sealed_delivered(&mut self, sent: &[WireSealed], results: &[WireSealedResult]) -> u32 {
        let mut taken = Vec::new();
        for result in results {
            if !matches!(result.status, 200 | 201) {
                // It stays in the journal, and in "Waiting to send"; it is offered again later.
                tracing::warn!(status = result.status, "The server did not take a sealed entry");
                if (400..500).contains(&result.status) && result.status != 429 {
                    self.sealed.refused.insert(result.id.clone());
                }
                continue;
            }
            let entry = sent.iter().find(|entry| entry.id == result.id);
            taken.extend(entry.map(|entry| (entry, result)));
        }
        let entries: Vec<&WireSealed> = taken.iter().map(|(entry, _)| *entry).collect();
        if let Err(error) = self.journal.prune_sent(&entries) {
            tracing::warn!(%error, "The journal could not be pruned");
        }
        for (sent, result) in &taken {
            let mut waiting = self.journal.entries().into_iter();
            if waiting.any(|entry| entry.id == sent.id && entry != *sent) {
                // The person went on meanwhile: that is not sent yet.
                continue;
            }
            if let Some(entry) = self.sealed.entries.iter_mut().find(|entry| entry.id == sent.id) {
                entry.delivered = true;
                entry.receipt = result.receipt.clone();
                entry.hide_words();
            }
        }
        // The number stays to be seen on the lock screen; what was said is for whoever signs in.
        self.sealed.write();
        for tag in [Tag::App, Tag::Outbox, Tag::Reports] {
            self.changed(tag);
        }
        u32::try_from(taken.len()).unwrap_or(u32::MAX)
    }
}
