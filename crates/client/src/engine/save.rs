//! Saving what a person entered: sealed journal first, then one transaction of the store.

use std::path::Path;

use hms_core::metered::{may_go, Go, LinkCost, Said};
use hms_model::map::report as words;
use hms_model::report::WhatHappened;
use hms_model::time::Timestamp;
use hms_model::view::{ErrorCode, ReportView};
use hms_model::wire::session::{SealedEntry, WireSealed};
use hms_model::wire::sync::WireReceipt;
use hms_store::{AuditRow, JournalError, LocalChange, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Engine;
use crate::error::ClientError;
use crate::event::Tag;

/// Name under which the store keeps the uploads that are due.
pub(crate) const UPLOADS: &str = "uploads";

/// Bytes of a photo or recording that the server does not have yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) content_type: String,
    /// The report that must have its receipt first.
    pub(crate) report: String,
    pub(crate) made_at: Timestamp,
    /// Where on the server it goes on, once it was begun there.
    #[serde(default)]
    pub(crate) place: Option<String>,
    /// The person said that it goes now, whatever the link costs.
    #[serde(default)]
    pub(crate) send_now: bool,
}

/// An entry of the journal that has no twin in an open store: what is known of it without opening it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) id: String,
    /// A form that was not finished.
    pub(crate) draft: bool,
    /// `report`, `check` or `photo`.
    pub(crate) kind: String,
    pub(crate) made_at: Timestamp,
    /// The server has it; it is claimed at sign-in.
    #[serde(default)]
    pub(crate) delivered: bool,
    #[serde(skip)]
    pub(crate) what: Option<WhatHappened>,
    /// What this run can still show of it.
    #[serde(skip)]
    pub(crate) view: Option<Box<ReportView>>,
    /// What this run can still move into the store, once it is open.
    #[serde(skip)]
    pub(crate) resources: Vec<Value>,
    #[serde(skip)]
    pub(crate) receipt: Option<WireReceipt>,
}

impl Sealed {
    /// Takes what the person said off the lock screen, which anybody can read. The entry itself stays.
    pub(crate) fn hide_words(&mut self) {
        if let Some(view) = &mut self.view {
            view.colleague = None;
            view.places.clear();
            view.position = None;
            view.place_text = None;
            view.witness = None;
            view.note = None;
            view.attachments.clear();
        }
    }
}

/// Ids of entries that only the journal holds, beside it in the clear: ids, kinds and times, nothing else.
#[derive(Debug, Default)]
pub(crate) struct SealedIndex {
    path: std::path::PathBuf,
    pub(crate) entries: Vec<Sealed>,
    /// Not taken by the server in this run: offered again when the app starts anew, not every few seconds.
    pub(crate) refused: std::collections::BTreeSet<String>,
}

impl SealedIndex {
    /// Reads the index; without one, nothing is only in the journal.
    pub(crate) fn read(dir: &Path) -> Self {
        let path = dir.join("unsent.index.json");
        let stored = std::fs::read(&path).ok();
        let mut entries: Vec<Sealed> = stored
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        // The server has these, and their owner gets them with the next sync.
        entries.retain(|entry| !entry.delivered);
        Self {
            path,
            entries,
            refused: std::collections::BTreeSet::new(),
        }
    }

    /// Notes an entry, replacing an earlier one of the same id.
    pub(crate) fn put(&mut self, entry: Sealed) {
        self.entries.retain(|known| known.id != entry.id);
        self.entries.push(entry);
        self.write();
    }

    /// Forgets an entry.
    pub(crate) fn remove(&mut self, id: &str) {
        let before = self.entries.len();
        self.entries.retain(|known| known.id != id);
        // Most of what is sent was never here: a file written for each result took most of the time of a long queue.
        if self.entries.len() < before {
            self.write();
        }
    }

    pub(crate) fn write(&self) {
        // The journal is the truth; a lost index only means that entries are delivered once more.
        let written = serde_json::to_vec(&self.entries)
            .map_err(std::io::Error::from)
            .and_then(|bytes| crate::vault::write_private(&self.path, &bytes));
        if let Err(error) = written {
            tracing::warn!(%error, "The index of the journal could not be written");
        }
    }
}

impl Engine {
    /// The server's public key to seal to: the one pinned at sign-in, or the one that the profile came with.
    pub(crate) fn seal_key(&self) -> Option<String> {
        self.prefs
            .pinned_key
            .clone()
            .or_else(|| self.shared.config.server.hpke_public_key.clone())
    }

    /// Seals resources into the journal and waits until the disk has them.
    ///
    /// # Errors
    /// The disk is full, or, with the store closed, there is no key to seal to.
    pub(crate) fn seal(&mut self, id: &str, resources: Vec<Value>, draft: bool) -> Result<(), ClientError> {
        let Some(sealed) = self.sealed_for_server(id, resources, draft)? else {
            // With an open store the entry is safe there; without one it would be nowhere.
            return if self.store.is_some() {
                Ok(())
            } else {
                Err(ClientError::new(ErrorCode::Offline))
            };
        };
        self.journal.append(&sealed).map_err(|error| {
            let code = match &error {
                JournalError::Full => ErrorCode::DiskFull,
                JournalError::Read(_) | JournalError::Write(_) | JournalError::Form(_) => ErrorCode::Internal,
            };
            ClientError::caused(code, error)
        })
    }

    /// Resources as only the server can read them; `None` where its key is not known.
    ///
    /// # Errors
    /// The key cannot be used.
    pub(crate) fn sealed_for_server(
        &self,
        id: &str,
        resources: Vec<Value>,
        draft: bool,
    ) -> Result<Option<WireSealed>, ClientError> {
        let Some(key) = self.seal_key() else {
            return Ok(None);
        };
        let entry = SealedEntry {
            resources,
            device: self.shared.device.id(),
            user: self
                .identity
                .as_ref()
                .map(|i| i.user.clone())
                .or_else(|| self.prefs.user.clone()),
            draft,
        };
        let sealed = hms_store::seal::seal(&key, id, &entry).map_err(ClientError::internal)?;
        Ok(Some(sealed))
    }

    /// Saves records and queues them, as one group.
    ///
    /// # Errors
    /// The store is closed or full.
    pub(crate) async fn save(&mut self, action: &str, resources: Vec<Value>) -> Result<(), ClientError> {
        let changes: Option<Vec<LocalChange>> = resources.into_iter().map(LocalChange::put).collect();
        self.save_changes(
            action,
            changes.ok_or_else(|| ClientError::new(ErrorCode::Internal))?,
        )
        .await
    }

    /// Saves changes and queues them, as one group.
    ///
    /// # Errors
    /// The store is closed or full, or a record changed meanwhile.
    pub(crate) async fn save_changes(
        &mut self,
        action: &str,
        changes: Vec<LocalChange>,
    ) -> Result<(), ClientError> {
        let store = self.open_store()?;
        let audit = self.audit_of(action, &changes);
        let tags = tags_of_all(&changes);
        store
            .save_local(changes, audit, self.now())
            .await
            .map_err(|error| self.store_trouble(error))?;
        self.saved(&store, tags);
        Ok(())
    }

    /// Turns the form `draft` into what is sent, whole or not at all: each group with the word for the audit.
    ///
    /// # Errors
    /// The store is closed or full; the form is as it was.
    pub(crate) async fn finish_form(
        &mut self,
        draft: &str,
        groups: Vec<(&str, Vec<Value>)>,
        uploads: &[Upload],
    ) -> Result<(), ClientError> {
        self.save_all(draft, groups, uploads).await?;
        self.form = None;
        Ok(())
    }

    /// Saves records of files and the list of uploads, whole or not at all.
    ///
    /// # Errors
    /// The store is closed or full.
    pub(crate) async fn save_files(
        &mut self,
        groups: Vec<(&str, Vec<Value>)>,
        uploads: &[Upload],
    ) -> Result<(), ClientError> {
        // No form has this name: none is taken away.
        self.save_all("", groups, uploads).await
    }

    async fn save_all(
        &mut self,
        draft: &str,
        groups: Vec<(&str, Vec<Value>)>,
        uploads: &[Upload],
    ) -> Result<(), ClientError> {
        let store = self.open_store()?;
        let (mut all, mut tags) = (Vec::with_capacity(groups.len()), vec![Tag::Draft]);
        for (action, resources) in groups {
            let changes: Option<Vec<LocalChange>> = resources.into_iter().map(LocalChange::put).collect();
            let changes = changes.ok_or_else(|| ClientError::new(ErrorCode::Internal))?;
            tags.extend(tags_of_all(&changes));
            let audit = self.audit_of(action, &changes);
            all.push((changes, audit));
        }
        let text = serde_json::to_string(uploads).map_err(ClientError::internal)?;
        store
            .draft_finish(draft, all, Some((UPLOADS.to_owned(), text)), self.now())
            .await
            .map_err(|error| self.store_trouble(error))?;
        self.saved(&store, tags);
        Ok(())
    }

    fn audit_of(&self, action: &str, changes: &[LocalChange]) -> AuditRow {
        AuditRow {
            who: self.identity.as_ref().map(|i| i.user.clone()),
            action: action.to_owned(),
            subject: changes
                .first()
                .map(|change| change.id.clone())
                .unwrap_or_default(),
        }
    }

    /// What follows a save: the windows are told, and it is sent.
    fn saved(&mut self, store: &hms_store::Store, tags: Vec<Tag>) {
        self.note_space(store);
        for tag in tags {
            self.changed(tag);
        }
        self.changed(Tag::Outbox);
        self.changed(Tag::App);
        self.core.handle(self.now(), hms_core::Input::SaveDone);
    }

    /// Notes trouble with the store for the screen.
    pub(crate) fn store_trouble(&mut self, error: StoreError) -> ClientError {
        if matches!(error, StoreError::Full) {
            self.storage = Some(hms_model::view::StorageProblem::Full);
            self.changed(Tag::App);
        }
        error.into()
    }

    /// Tells the screen when the disk is full, and when it no longer is.
    pub(crate) fn note_space(&mut self, store: &hms_store::Store) {
        use hms_model::view::StorageProblem::Full;
        let now = match (store.is_full(), self.storage) {
            (true, _) => Some(Full),
            (false, Some(Full)) => None,
            (false, other) => other,
        };
        if now != self.storage {
            self.storage = now;
            self.changed(Tag::App);
        }
    }

    /// Uploads that are due.
    pub(crate) async fn uploads(&self) -> Result<Vec<Upload>, ClientError> {
        let store = self.open_store()?;
        let text = store.meta_get(UPLOADS).await?;
        Ok(text
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default())
    }

    /// Replaces the list of uploads that are due.
    pub(crate) async fn set_uploads(&self, uploads: &[Upload]) -> Result<(), ClientError> {
        let text = serde_json::to_string(uploads).map_err(ClientError::internal)?;
        Ok(self.open_store()?.meta_put(UPLOADS, Some(text)).await?)
    }

    /// Whether it goes over the link that is there now.
    pub(crate) async fn goes(&self, upload: &Upload) -> Result<Go, ClientError> {
        let size = self.open_store()?.blob_size(&upload.id).await?.unwrap_or(0);
        let said = if upload.send_now {
            Said::SendNow
        } else {
            Said::Nothing
        };
        let cost = LinkCost::of(self.network.said_to_cost, self.prefs.link_costs);
        Ok(may_go(size, cost, self.prefs.large_media_on_metered, said))
    }

    /// Moves what was entered on the locked phone in this run into the open store, with the person now known.
    pub(crate) async fn adopt_sealed(&mut self) -> Result<(), ClientError> {
        let waiting: Vec<Sealed> = self
            .sealed
            .entries
            .iter()
            .filter(|entry| !entry.draft && !entry.delivered && !entry.resources.is_empty())
            .cloned()
            .collect();
        let patient = self
            .identity
            .as_ref()
            .and_then(|i| i.patient().map(str::to_owned));
        let author = self.author();
        for entry in waiting {
            let colleague = self.is_of_colleague(&entry.resources).await;
            let resources = entry
                .resources
                .into_iter()
                .map(|r| with_person(r, patient.as_deref(), author.as_ref(), colleague))
                .collect();
            self.save("sealed-entry-adopted", resources).await?;
            self.sealed.remove(&entry.id);
        }
        Ok(())
    }

    /// Whether records are, or belong to, a report for a colleague: a symptom check is an entry of its own.
    async fn is_of_colleague(&self, resources: &[Value]) -> bool {
        if resources.iter().any(is_for_colleague) {
            return true;
        }
        for (_, link) in resources.iter().flat_map(hms_fhir::references) {
            let Some(id) = link.strip_prefix("QuestionnaireResponse/") else {
                continue;
            };
            let mut sealed = self.sealed.entries.iter().flat_map(|entry| &entry.resources);
            if sealed.any(|r| crate::views::text(r, &["id"]) == Some(id) && is_for_colleague(r)) {
                return true;
            }
            let stored = match &self.store {
                Some(store) => store.get("QuestionnaireResponse", id).await.ok().flatten(),
                None => None,
            };
            if stored.is_some_and(|stored| is_for_colleague(&stored.resource)) {
                return true;
            }
        }
        false
    }

    /// Nothing of what was entered on the lock screen before is shown there again, once somebody has opened the app.
    pub(crate) fn clear_lock_screen(&mut self) {
        for entry in &mut self.sealed.entries {
            entry.view = None;
            entry.what = None;
        }
    }

    /// What was entered on the locked phone of one person is not shown to another who signs in, nor sent in their
    /// name: the journal delivers it.
    pub(crate) fn leave_sealed_to_journal(&mut self) {
        for entry in &mut self.sealed.entries {
            entry.resources.clear();
            entry.view = None;
            entry.what = None;
        }
    }
}

fn is_for_colleague(resource: &Value) -> bool {
    words::from_fhir(resource)
        .is_ok_and(|report| matches!(report.reporter, hms_model::report::Reporter::Colleague { .. }))
}

fn tags_of_all(changes: &[LocalChange]) -> Vec<Tag> {
    let tags = changes.iter().flat_map(|change| super::pump::tags_of(&change.id));
    tags.copied().collect()
}

/// Says whose a record is that was made before the person was known. A colleague's stays open: only who wrote it is
/// known.
fn with_person(mut resource: Value, patient: Option<&str>, author: Option<&Value>, colleague: bool) -> Value {
    if colleague {
        let report = is_for_colleague(&resource);
        if let (Some(author), Some(map), true) = (author, resource.as_object_mut(), report) {
            map.insert("author".to_owned(), author.clone());
        }
        return resource;
    }
    let element = match resource.get("resourceType").and_then(Value::as_str) {
        Some("QuestionnaireResponse" | "DocumentReference" | "RiskAssessment") => "subject",
        Some("Task") => "for",
        _ => return resource,
    };
    if let (Some(patient), Some(map)) = (patient, resource.as_object_mut()) {
        map.insert(element.to_owned(), hms_model::map::reference("Patient", patient));
    }
    resource
}
