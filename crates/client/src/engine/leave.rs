//! Going off a phone: because the person asked, or because the server ended the access of the device or the account.
//!
//! First everything that the server does not have is sealed to its key and handed in, which needs no sign-in. Only with
//! a receipt for every entry are the key, the database and the rest removed. Each step is noted on the disk before it
//! begins, so that it goes on after an end at any moment; without a network it waits, locked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hms_model::role::Role;
use hms_model::time::Timestamp;
use hms_model::view::{ErrorCode, LeavingView, LeavingWhy, LeftView, SignInState};
use hms_model::wire::session::WireSealed;
use hms_store::{OutboxRow, Store};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

use super::{Engine, Form, Tally};
use crate::commands::binary;
use crate::error::ClientError;
use crate::event::Tag;
use crate::prefs::Preferences;
use crate::vault::{name, write_private};

const LEAVING: &str = "leaving.json";
const LEFT: &str = "left.json";
/// Records in one entry, at most; the server takes 24.
const TOGETHER: usize = 20;

/// What is removed, in this order: first what opens the rest. What was set aside (damaged, or its key lost) stays: nobody
/// knows whether the server has it, and nothing here opens it any more.
const FILES: [&str; 20] = [
    "keys.json",
    "pin-tries.json",
    "secrets.sealed",
    "secrets.lost",
    "store.db",
    "store.db-wal",
    "store.db-shm",
    "store.db-journal",
    "store.keycheck",
    "store.suspect",
    "op-floor",
    "reserve.bin",
    "unsent.sealed",
    "unsent.index.json",
    "tally.json",
    "data-use.json",
    "store.lock",
    "unsent.lock",
    "left.json",
    "device.json",
];

/// How far the leaving is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// What only the open database holds goes into the journal; needs the PIN where the app is locked.
    Collecting,
    /// The journal is handed in.
    HandingIn,
    /// The server has everything: the profile is removed.
    Emptying,
}

/// A leaving under way, as it is noted on the disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Leaving {
    why: LeavingWhy,
    pub(crate) step: Step,
    handed_in: u32,
}

/// A leaving that is over, for whoever looks at the phone next.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Left {
    why: LeavingWhy,
    handed_in: u32,
    at: Timestamp,
}

impl Leaving {
    /// The one that an earlier run did not finish.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(dir.join(LEAVING)).ok()?).ok()
    }

    fn write(&self, dir: &Path) -> std::io::Result<()> {
        write_private(&dir.join(LEAVING), &serde_json::to_vec(self)?)
    }
}

impl Left {
    /// The last one.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(dir.join(LEFT)).ok()?).ok()
    }

    /// As shown.
    pub(crate) fn view(self) -> LeftView {
        LeftView {
            why: self.why,
            handed_in: self.handed_in,
            at: self.at.as_f64(),
        }
    }
}

impl Engine {
    /// Starts to leave, unless that is under way. Where the disk has no room for the note, nothing begins.
    pub(crate) async fn begin_leaving(&mut self, why: LeavingWhy) {
        let something = self.store.is_some() || self.keys.is_set() || !self.journal.is_empty();
        if self.leaving.is_some() || !something {
            return;
        }
        let leaving = Leaving {
            why,
            step: Step::Collecting,
            handed_in: 0,
        };
        if let Err(error) = leaving.write(&self.shared.config.dir) {
            tracing::error!(%error, "That this profile is to be emptied could not be noted");
            return;
        }
        tracing::info!(?why, "This profile is handed in, and then emptied");
        self.recheck = None;
        self.leaving = Some(leaving);
        // Who goes is not signed in any more, also while their work waits for the signal. How a sign-in failed is still said.
        if self.sign_in.state == SignInState::Done {
            self.end_sign_in(SignInState::Idle);
        }
        self.leave_on().await;
    }

    /// The account was let in again before anything was removed: it stays.
    pub(crate) fn stop_leaving(&mut self) {
        if self.leaving.as_ref().is_some_and(|l| l.step < Step::Emptying) {
            remove(&self.shared.config.dir.join(LEAVING));
            self.leaving = None;
        }
    }

    /// Somebody else signed in here: who was here before is not told of any more.
    pub(crate) fn forget_left(&mut self) {
        if self.left.take().is_some() {
            remove(&self.shared.config.dir.join(LEFT));
        }
    }

    /// Goes on as far as it can go now.
    pub(crate) async fn leave_on(&mut self) {
        let Some(mut leaving) = self.leaving.clone() else {
            return;
        };
        self.changed(Tag::App);
        if leaving.step == Step::Collecting {
            match self.store.clone() {
                Some(store) => {
                    if let Err(error) = self.collect(&store).await {
                        tracing::error!(cause = %error.chain(), "What is unsent could not be collected");
                        return;
                    }
                }
                None if self.only_journal() => {}
                None => return,
            }
            leaving.step = Step::HandingIn;
            if !self.note_leaving(leaving.clone()) {
                return;
            }
            self.lock_app().await;
        }
        if leaving.step == Step::HandingIn {
            self.prune_delivered();
            self.deliver_all_sealed();
            if !self.everything_is_handed_in() {
                return;
            }
            leaving = self.leaving.clone().unwrap_or(leaving);
            leaving.step = Step::Emptying;
            if !self.note_leaving(leaving.clone()) {
                return;
            }
        }
        if let Err(error) = self.empty(&leaving).await {
            tracing::error!(%error, "The profile could not be removed whole; it is tried again");
        }
    }

    fn note_leaving(&mut self, leaving: Leaving) -> bool {
        let noted = leaving.write(&self.shared.config.dir);
        if let Err(error) = &noted {
            tracing::error!(%error, "How far the leaving is could not be noted");
        }
        self.leaving = Some(leaving);
        noted.is_ok()
    }

    /// Whether the journal alone holds what is unsent: nobody ever opened this profile, or it was counted when closed.
    fn only_journal(&self) -> bool {
        !self.keys.is_set() || Tally::read(&self.shared.config.dir).is_some_and(Tally::is_in_journal)
    }

    fn prune_delivered(&mut self) {
        let sealed = self.sealed.entries.iter().filter(|entry| entry.delivered);
        let ids: Vec<&str> = sealed.map(|entry| entry.id.as_str()).collect();
        // Also where none is: bytes that are no record go aside.
        if let Err(error) = self.journal.prune(&ids) {
            tracing::warn!(%error, "The journal could not be pruned");
        }
    }

    /// The journal is read anew: a report may have been made while this waited.
    fn everything_is_handed_in(&mut self) -> bool {
        let path = self.shared.config.dir.join("unsent.sealed");
        let nothing = hms_store::Journal::open(&path)
            .is_ok_and(|journal| journal.is_empty() && journal.damaged_bytes() == 0);
        nothing && self.form.is_none() && self.store.is_none()
    }

    /// Entries were taken by the server.
    pub(crate) async fn handed_in(&mut self, entries: u32) {
        if let Some(leaving) = &mut self.leaving {
            leaving.handed_in = leaving.handed_in.saturating_add(entries);
            let leaving = leaving.clone();
            self.note_leaving(leaving);
            self.leave_on().await;
        }
    }

    /// Seals what waits in the open database into the journal. Done twice, it is the same entries.
    async fn collect(&mut self, store: &Store) -> Result<(), ClientError> {
        let mut groups: BTreeMap<i64, Vec<OutboxRow>> = BTreeMap::new();
        for row in store.outbox().await? {
            groups.entry(row.group).or_default().push(row);
        }
        let in_journal: Vec<String> = self.journal.entries().iter().map(|e| e.id.clone()).collect();
        for rows in groups.values().flat_map(|rows| rows.chunks(TOGETHER)) {
            if self.is_taken_unsigned(rows) {
                let bare = |row: &&OutboxRow| in_journal.iter().any(|id| *id == bare_id(row));
                let lead = rows.iter().find(bare).or(rows.first());
                let bodies = rows.iter().filter_map(|row| row.body.clone()).collect();
                self.seal_needed(&lead.map(bare_id).unwrap_or_default(), bodies, false)?;
            } else {
                // Nobody's name is on it without a sign-in: the server keeps it whole, for a person to read.
                let id = rows.first().map(|row| self.id_of_op(row.op)).unwrap_or_default();
                let kept = |row: &OutboxRow| {
                    let gone = || json!({ "deleted": row.id, "base": row.base });
                    row.body.clone().unwrap_or_else(gone)
                };
                self.seal_needed(&id, rows.iter().map(kept).collect(), true)?;
            }
        }
        for upload in self.uploads().await? {
            if let Some(entry) = self.sealed_photo(&upload).await? {
                self.append(&entry)?;
            }
        }
        for row in store.draft_list().await? {
            let Ok(form) = serde_json::from_value::<Form>(row.body) else {
                continue;
            };
            for file in &form.files {
                if let Some(blob) = store.blob_get(&file.id).await? {
                    let bytes = binary(&file.id, &blob.content_type, &blob.bytes);
                    self.seal_needed(&file.id, vec![bytes], true)?;
                }
            }
        }
        for check in store.check_list().await? {
            let id: String = format!("{}-check", check.id).chars().take(64).collect();
            self.seal_needed(&id, vec![check.body], true)?;
        }
        Ok(())
    }

    /// Whether the server stores these in their author's name without a sign-in: what a carrier reports, made anew.
    fn is_taken_unsigned(&self, rows: &[OutboxRow]) -> bool {
        let carrier = self.identity.as_ref().is_some_and(|i| i.role == Role::Carrier);
        let fits = |row: &OutboxRow| {
            let kind = matches!(
                row.kind.as_str(),
                "report" | "addition" | "check" | "photo" | "task"
            );
            kind && row.base.is_none() && row.body.is_some()
        };
        carrier && rows.iter().all(fits)
    }

    fn id_of_op(&self, op: i64) -> String {
        format!("{}-op-{op}", self.shared.device.id())
            .chars()
            .take(64)
            .collect()
    }

    fn seal_needed(&mut self, id: &str, resources: Vec<Value>, draft: bool) -> Result<(), ClientError> {
        let entry = self.sealed_for_server(id, resources, draft)?;
        // Every account that signed in has pinned the server's key.
        let entry = entry.ok_or_else(|| ClientError::new(ErrorCode::Offline))?;
        self.append(&entry)
    }

    fn append(&mut self, entry: &WireSealed) -> Result<(), ClientError> {
        self.journal.append(entry).map_err(ClientError::internal)
    }

    /// Removes the profile. What is gone already is fine: it may be the second time.
    async fn empty(&mut self, leaving: &Leaving) -> std::io::Result<()> {
        let dir = self.shared.config.dir.clone();
        self.close_store().await;
        self.shared.tokens.forget().await;
        let vault = Arc::clone(&self.shared.vault);
        let _ = tokio::task::spawn_blocking(move || {
            for name in [name::KEY_HALF, name::TOKENS, name::IDENTITY] {
                if vault.remove(name).is_err() {
                    tracing::warn!(name, "A secret could not be removed from the vault");
                }
            }
            vault.close();
        })
        .await;
        for path in files(&dir) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        let left = Left {
            why: leaving.why,
            handed_in: leaving.handed_in,
            at: self.now(),
        };
        self.begin_anew(&dir, left)?;
        tracing::info!("The profile is empty");
        Ok(())
    }

    fn begin_anew(&mut self, dir: &Path, left: Left) -> std::io::Result<()> {
        let (language, theme) = (self.prefs.language.clone(), self.prefs.theme.clone());
        let mut prefs = Preferences::read(dir, &language);
        prefs.theme = theme;
        prefs.write(dir)?;
        self.shared.device.change(&prefs.device);
        self.prefs = prefs;
        self.shared.set_owner(None);
        self.shared.http.meter().clear();
        self.sealed = super::SealedIndex::read(dir);
        self.journal = hms_store::Journal::open(&dir.join("unsent.sealed")).map_err(std::io::Error::other)?;
        self.identity = None;
        self.signed_in = None;
        self.end_sign_in(SignInState::Idle);
        self.storage = None;
        self.network.last_sync_at = None;
        write_private(&dir.join(LEFT), &serde_json::to_vec(&left)?)?;
        std::fs::remove_file(dir.join(LEAVING))?;
        self.left = Some(left);
        self.leaving = None;
        for tag in [Tag::App, Tag::Reports, Tag::Outbox, Tag::Draft] {
            self.changed(tag);
        }
        Ok(())
    }

    /// The leaving as shown.
    pub(crate) fn leaving_view(&self) -> Option<LeavingView> {
        let leaving = self.leaving.as_ref()?;
        let count = |found: usize| u32::try_from(found).unwrap_or(u32::MAX);
        let refused = &self.sealed.refused;
        let waiting = self.journal.entries();
        Some(LeavingView {
            why: leaving.why,
            handed_in: leaving.handed_in,
            waiting: count(waiting.iter().filter(|e| !refused.contains(&e.id)).count()),
            refused: count(waiting.iter().filter(|e| refused.contains(&e.id)).count()),
            needs_pin: leaving.step == Step::Collecting && self.store.is_none(),
        })
    }
}

fn bare_id(row: &OutboxRow) -> String {
    row.id
        .split_once('/')
        .map_or(row.id.as_str(), |(_, id)| id)
        .to_owned()
}

fn files(dir: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    FILES.iter().map(|name| dir.join(name))
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "A note could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_the_rest_goes_first_and_what_was_set_aside_stays() {
        assert_eq!(FILES.first(), Some(&"keys.json"));
        assert_eq!(FILES.last(), Some(&"device.json"));
        let dir = Path::new("/p");
        assert!(files(dir).all(|path| !path.to_string_lossy().contains("aside")));
    }
}
