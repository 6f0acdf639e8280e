//! What this phone holds, what it sent and received, and freeing space.

use std::collections::BTreeSet;
use std::path::Path;

use hms_model::view::{AmountView, ForeignServerView, LargeMedia, StorageView};
use hms_store::{Held, Order, Query, Store};

use crate::client::Client;
use crate::engine::{Engine, Form};
use crate::error::ClientError;
use crate::event::Tag;
use crate::views::moment;

/// Kinds whose oldest record is looked for.
const DATED: [&str; 7] = [
    "QuestionnaireResponse",
    "Task",
    "Composition",
    "Observation",
    "Encounter",
    "RiskAssessment",
    "DocumentReference",
];

impl Client {
    /// What this person's part of the phone holds, and the bytes to and from the server.
    ///
    /// # Errors
    /// [`hms_model::view::ErrorCode::Locked`]; the store failed.
    pub async fn storage(&self) -> Result<StorageView, ClientError> {
        self.ask(async |engine: &mut Engine| engine.storage_view().await)
            .await
    }

    /// What large photos do on a link that costs.
    ///
    /// # Errors
    /// The setting could not be kept.
    pub async fn set_large_media(&self, choice: LargeMedia) -> Result<StorageView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            engine.prefs.large_media_on_metered = choice;
            engine.write_prefs()?;
            engine.link_cost_changed();
            engine.storage_view().await
        })
        .await
    }

    /// Removes copies of photos and recordings that the server has; they come again when they are opened. Unsent work is
    /// never touched.
    ///
    /// # Errors
    /// [`hms_model::view::ErrorCode::Locked`]; the store failed.
    pub async fn free_up(&self) -> Result<StorageView, ClientError> {
        self.act(async |engine: &mut Engine| {
            let store = engine.open_store()?;
            for (id, _) in engine.free_files(&store).await? {
                store.blob_delete(&id).await?;
            }
            store.give_space_back().await?;
            engine.note_space(&store);
            engine.changed(Tag::App);
            engine.storage_view().await
        })
        .await
    }
}

impl Engine {
    pub(crate) async fn storage_view(&mut self) -> Result<StorageView, ClientError> {
        let store = self.open_store()?;
        let usage = store.usage().await?;
        let uploads: BTreeSet<String> = self
            .uploads()
            .await?
            .into_iter()
            .map(|upload| upload.id)
            .collect();
        let files = store.files().await?;
        let mut unsent = usage.waiting;
        for (_, size) in files.iter().filter(|(id, _)| uploads.contains(id)) {
            unsent.count = unsent.count.saturating_add(1);
            unsent.bytes += size;
        }
        let free = self.free_files(&store).await?;
        let can_free = Held {
            count: u32::try_from(free.len()).unwrap_or(u32::MAX),
            bytes: free.iter().map(|(_, size)| size).sum(),
        };
        let dir = &self.shared.config.dir;
        let meter = self.shared.http.meter();
        Ok(StorageView {
            records: amount(usage.records),
            photos: amount(usage.files),
            unsent: amount(unsent),
            oldest_at: oldest(&store).await?,
            as_of: self.network.last_sync_at.map(hms_model::time::Timestamp::as_f64),
            here_bytes: float(size_of(dir)),
            others_bytes: 0.0,
            free_bytes: free_space(dir).map(float),
            today: meter.use_of(1),
            month: meter.use_of(30),
            large_media: self.prefs.large_media_on_metered,
            link_said_to_cost: self.network.said_to_cost == Some(true),
            link_marked_costly: self.prefs.link_costs,
            can_free: amount(can_free),
            foreign: crate::sync::known_of_foreign(&self.shared, &store)
                .await?
                .map(|known| ForeignServerView {
                    lacks: known.lacks(),
                    name: known.software,
                }),
        })
    }

    /// Photos and recordings that the server has: neither waiting for their upload, nor part of a form, nor described by
    /// something that waits itself.
    async fn free_files(&self, store: &Store) -> Result<Vec<(String, u64)>, ClientError> {
        let mut kept: BTreeSet<String> = self
            .uploads()
            .await?
            .into_iter()
            .map(|upload| upload.id)
            .collect();
        for row in store.outbox().await? {
            kept.extend(row.id.split_once('/').map(|(_, id)| id.to_owned()));
        }
        for row in store.draft_list().await? {
            match serde_json::from_value::<Form>(row.body) {
                Ok(form) => kept.extend(form.files.into_iter().map(|file| file.id)),
                // A form that cannot be read may hold any of them.
                Err(_) => return Ok(Vec::new()),
            }
        }
        for file in self.form.iter().flat_map(|form| &form.files) {
            kept.insert(file.id.clone());
        }
        let mut free = Vec::new();
        for (id, size) in store.files().await? {
            // What the server never described to this phone, it may not have.
            let described = store.get("DocumentReference", &id).await?;
            let there = described.is_some_and(|d| d.version.is_some() && !d.pending);
            if there && !kept.contains(&id) {
                free.push((id, size));
            }
        }
        Ok(free)
    }
}

async fn oldest(store: &Store) -> Result<Option<f64>, ClientError> {
    let mut oldest: Option<f64> = None;
    for kind in DATED {
        let first = Query::of(kind).sorted("_lastUpdated", Order::Up).at_most(1);
        for found in store.find(first).await?.records {
            if let Some(at) = moment(&found.resource, &["meta", "lastUpdated"]) {
                let at = at.as_f64();
                oldest = Some(oldest.map_or(at, |known| known.min(at)));
            }
        }
    }
    Ok(oldest)
}

fn amount(held: Held) -> AmountView {
    AmountView {
        count: held.count,
        bytes: float(held.bytes),
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a disk are below 2^53")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

/// Bytes of all files of a profile; what others have in folders below it is theirs.
pub(crate) fn size_of(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() && entry.file_name() == crate::phone::PEOPLE => 0,
        Ok(kind) if kind.is_dir() => size_of(&entry.path()),
        Ok(_) => entry.metadata().map_or(0, |meta| meta.len()),
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(unix)]
fn free_space(dir: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(dir).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(not(unix))]
fn free_space(_dir: &Path) -> Option<u64> {
    None
}
