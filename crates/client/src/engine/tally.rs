//! What a closed app still holds that the server does not have, in the clear beside it: counts, nothing else.
//!
//! Written when the database is closed, from its rows. While it is open the file says so: after an end without closing,
//! nobody knows, and "nothing waits" is not said.

use std::path::Path;

use hms_model::view::WaitingView;
use hms_store::Store;
use serde::{Deserialize, Serialize};

use super::{Engine, Sealed};
use crate::event::Tag;
use crate::vault::write_private;

const FILE: &str = "tally.json";

/// The counts of one profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// The database is open, or was when the app ended.
    open: bool,
    /// Photos and recordings whose bytes wait.
    photos: u32,
    /// Changes that are not in the journal.
    others: u32,
    /// Forms that are not finished: the journal has their words.
    forms: u32,
    /// Checks that are not finished, and photos of forms: only the database holds those.
    unfinished: u32,
}

impl Tally {
    /// Reads it; `None` where the database was never opened, or the file is damaged.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(dir.join(FILE)).ok()?).ok()
    }

    fn write(self, dir: &Path) {
        let written = serde_json::to_vec(&self)
            .map_err(std::io::Error::from)
            .and_then(|bytes| write_private(&dir.join(FILE), &bytes));
        if let Err(error) = written {
            // What stands there says "open", which is never taken for "nothing waits".
            tracing::warn!(%error, "What waits could not be counted");
        }
    }

    /// Whether the journal holds all that waits.
    pub(crate) fn is_in_journal(self) -> bool {
        !self.open && self.photos == 0 && self.others == 0 && self.unfinished == 0
    }
}

impl Engine {
    /// The database is open from now on.
    pub(crate) fn tally_opened(&self) {
        let open = Tally {
            open: true,
            ..Tally::default()
        };
        open.write(&self.shared.config.dir);
    }

    /// Counts before the database is closed. What the journal holds too is handed in from there while the app is
    /// locked, in the name of its writer.
    pub(crate) async fn tally_closing(&mut self, store: &Store) {
        match self.count(store).await {
            Ok((tally, twins)) => {
                tally.write(&self.shared.config.dir);
                self.leave_to_journal(twins);
            }
            Err(error) => tracing::warn!(cause = %error.chain(), "What waits could not be counted"),
        }
    }

    async fn count(&self, store: &Store) -> Result<(Tally, Vec<Sealed>), crate::error::ClientError> {
        let journal = self.journal.entries();
        let mut tally = Tally::default();
        let mut twins: Vec<Sealed> = Vec::new();
        let rows = store.outbox().await?;
        for row in &rows {
            let id = bare(&row.id);
            if journal.iter().any(|entry| entry.id == id) && !twins.iter().any(|twin| twin.id == id) {
                twins.push(Sealed {
                    id: id.to_owned(),
                    draft: false,
                    kind: row.kind.clone(),
                    made_at: row.made_at,
                    delivered: false,
                    what: None,
                    view: None,
                    resources: Vec::new(),
                    receipt: None,
                });
            }
        }
        // A change goes with its group: the queue entry is in the journal with its report.
        let covered = |group: i64| {
            let mut of_group = rows.iter().filter(|row| row.group == group);
            of_group.any(|row| twins.iter().any(|twin| twin.id == bare(&row.id)))
        };
        let others = rows
            .iter()
            .filter(|row| !covered(row.group) && row.kind != "photo");
        tally.others = number(others.count());
        let uploads = self.uploads().await?;
        let only_described = |id: &str| !uploads.iter().any(|upload| upload.id == id);
        let described = rows
            .iter()
            .filter(|row| row.kind == "photo" && only_described(bare(&row.id)));
        tally.photos = number(uploads.len() + described.count());
        let forms = store.draft_list().await?;
        tally.forms = number(forms.len());
        let files = forms.into_iter().map(|row| {
            let form = serde_json::from_value::<super::Form>(row.body);
            form.map_or(0, |form| form.files.len())
        });
        tally.unfinished = number(files.sum::<usize>() + store.check_list().await?.len());
        Ok((tally, twins))
    }

    fn leave_to_journal(&mut self, twins: Vec<Sealed>) {
        for twin in twins {
            if !self.sealed.entries.iter().any(|known| known.id == twin.id) {
                self.sealed.entries.push(twin);
            }
        }
        self.sealed.write();
        self.changed(Tag::Outbox);
        self.shared.alarm.notify_one();
    }

    /// The database is open again: what it holds is sent from there.
    pub(crate) async fn take_back_from_journal(&mut self, store: &Store) {
        let Ok(rows) = store.outbox().await else { return };
        let before = self.sealed.entries.len();
        self.sealed
            .entries
            .retain(|entry| !entry.resources.is_empty() || !rows.iter().any(|row| bare(&row.id) == entry.id));
        if self.sealed.entries.len() != before {
            self.sealed.write();
        }
    }

    /// What waits of this person, from the rows that wait, or, while they are closed, from the journal and the counts.
    pub(crate) async fn waiting(&self) -> WaitingView {
        let undelivered = |entry: &&Sealed| !entry.delivered;
        let sealed = self.sealed.entries.iter().filter(undelivered);
        let (photos, reports): (Vec<&Sealed>, Vec<&Sealed>) = sealed.partition(|e| e.kind == "photo");
        let mut view = WaitingView {
            reports: number(reports.len()),
            photos: number(photos.len()),
            ..WaitingView::default()
        };
        let tally = match &self.store {
            Some(store) => match self.count(store).await {
                Ok((tally, twins)) => {
                    let new = |twin: &&Sealed| !self.sealed.entries.iter().any(|known| known.id == twin.id);
                    view.reports = view
                        .reports
                        .saturating_add(number(twins.iter().filter(new).count()));
                    Some(tally)
                }
                Err(_) => None,
            },
            // Everything is in the journal by then.
            None if self
                .leaving
                .as_ref()
                .is_some_and(|l| l.step > super::Step::Collecting) =>
            {
                Some(Tally::default())
            }
            None if !self.keys.is_set() => Some(Tally::default()),
            None => Tally::read(&self.shared.config.dir).filter(|tally| !tally.open),
        };
        match tally {
            Some(tally) => {
                view.photos = view.photos.saturating_add(tally.photos);
                view.others = tally.others;
                view.forms = tally.forms.max(u32::from(self.form.is_some()));
            }
            None => view.unknown = true,
        }
        view
    }
}

fn bare(id: &str) -> &str {
    id.split_once('/').map_or(id, |(_, id)| id)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
