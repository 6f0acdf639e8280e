//! The sealed journal: what a person entered and the server has not acknowledged, readable only by the server.
//!
//! Written and synced before the commit of the same entry, so that a lost key, a damaged database, a forgotten PIN
//! or a phone nobody has signed in on still delivers it. Replay is idempotent by the entry's id.
//!
//! A record is `HMSJ1`, four bytes of length (little endian), the SHA-256 of the text, and the text (JSON of a
//! [`WireSealed`]). A torn record is skipped by looking for the next mark; it is never cut off.

use crate::reserve::Reserve;
use hms_model::wire::session::WireSealed;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const MARK: &[u8; 5] = b"HMSJ1";
const HEAD: usize = 5 + 4 + 32;
/// Above this, an append that replaced an earlier record of the same id rewrites the file.
const COMPACT_ABOVE: u64 = 4 * 1024 * 1024;

/// The journal could not be read or written. What it holds is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No space left, not even in the reserve.
    #[error("the disk is full")]
    Full,
    /// The file could not be read.
    #[error("failed to read the journal")]
    Read(#[source] io::Error),
    /// The file could not be written.
    #[error("failed to write the journal")]
    Write(#[source] io::Error),
    /// The entry could not be turned into a record.
    #[error("failed to form a journal record")]
    Form(#[source] serde_json::Error),
}

/// The journal of one profile. A second process may append to it (it needs no key): writing takes a lock file, and
/// a rewrite reads again what the others have added.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    reserve: Option<Reserve>,
    entries: BTreeMap<String, WireSealed>,
    /// Order of first arrival, by id.
    order: Vec<String>,
    damaged: Vec<u8>,
}

impl Journal {
    /// Opens the journal, or starts one with the first append. The folder must exist.
    ///
    /// # Errors
    /// The file is there but cannot be read.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let mut journal = Self {
            path: path.to_owned(),
            reserve: path.parent().map(Reserve::new),
            entries: BTreeMap::new(),
            order: Vec::new(),
            damaged: Vec::new(),
        };
        journal.read_again()?;
        Ok(journal)
    }

    fn read_again(&mut self) -> Result<(), JournalError> {
        let mut bytes = Vec::new();
        match File::open(&self.path) {
            Ok(mut file) => file
                .read_to_end(&mut bytes)
                .map(|_| ())
                .map_err(JournalError::Read)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(JournalError::Read(error)),
        }
        self.entries.clear();
        self.order.clear();
        self.damaged.clear();
        self.read(&bytes);
        Ok(())
    }

    /// Held while writing. Where the system knows no file locks there is only one process.
    fn lock(&self) -> Result<Option<File>, JournalError> {
        let path = self.path.with_extension("lock");
        let file = match OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
        {
            // An empty file needs no space, but a folder entry may: going on without is better than losing the entry.
            Err(error) if is_full(&error) => return Ok(None),
            other => other.map_err(JournalError::Write)?,
        };
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(JournalError::Write(error)),
            _ => Ok(Some(file)),
        }
    }

    fn read(&mut self, mut rest: &[u8]) {
        while !rest.is_empty() {
            if let Some((entry, length)) = record(rest) {
                self.keep(entry);
                rest = rest.get(length..).unwrap_or_default();
            } else {
                // Skips at least one byte, up to the next mark.
                let next = rest
                    .windows(MARK.len())
                    .skip(1)
                    .position(|window| window == MARK)
                    .map_or(rest.len(), |at| at + 1);
                self.damaged
                    .extend_from_slice(rest.get(..next).unwrap_or_default());
                rest = rest.get(next..).unwrap_or_default();
            }
        }
    }

    fn keep(&mut self, entry: WireSealed) {
        if !self.entries.contains_key(&entry.id) {
            self.order.push(entry.id.clone());
        }
        self.entries.insert(entry.id.clone(), entry);
    }

    /// Appends an entry and syncs it to the disk; an earlier one of the same id is replaced by it. On a full disk
    /// the reserve is let go first.
    ///
    /// # Errors
    /// Nothing was kept; the caller must not say that it was.
    pub fn append(&mut self, entry: &WireSealed) -> Result<(), JournalError> {
        let bytes = form(entry)?;
        let _lock = self.lock()?;
        match self.write(&bytes) {
            Err(error) if is_full(&error) => {
                let released = self.reserve.as_ref().is_some_and(Reserve::release);
                let again = if released { self.write(&bytes) } else { Err(error) };
                again.map_err(|error| {
                    if is_full(&error) {
                        JournalError::Full
                    } else {
                        JournalError::Write(error)
                    }
                })?;
            }
            other => other.map_err(JournalError::Write)?,
        }
        let replaced = self.entries.contains_key(&entry.id);
        self.keep(entry.clone());
        if replaced && self.is_long() {
            // The entry is safe already; a rewrite that fails now is tried at the next replacement.
            let _later = self.rewrite(|_| false);
        }
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let new = !self.path.exists();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        let before = file.metadata()?.len();
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            // What is half written here was never promised to anybody.
            let _torn = file.set_len(before);
        } else if new {
            self.path.parent().map_or(Ok(()), sync_folder)?;
        }
        written
    }

    /// What the server has not acknowledged, oldest first; of one id, the newest.
    #[must_use]
    pub fn entries(&self) -> Vec<&WireSealed> {
        self.order.iter().filter_map(|id| self.entries.get(id)).collect()
    }

    /// The newest of an id that the server has not acknowledged.
    #[must_use]
    pub fn entry(&self, id: &str) -> Option<&WireSealed> {
        self.entries.get(id)
    }

    /// True where nothing is unsent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that could not be read as records: a write that power cut short, or a damaged disk. They are kept in
    /// `….damaged` beside the journal when it is rewritten.
    #[must_use]
    pub fn damaged_bytes(&self) -> usize {
        self.damaged.len()
    }

    /// Removes entries that the server has given receipts for, at the price of one. Unknown ids do nothing.
    ///
    /// # Errors
    /// The journal is as before; pruning again later is safe, and so is sending again.
    pub fn prune(&mut self, ids: &[&str]) -> Result<(), JournalError> {
        let _lock = self.lock()?;
        self.rewrite(|entry| ids.contains(&entry.id.as_str()))
    }

    /// Removes entries that were sent and that the server has kept, unless a newer one of the same id (the finished form
    /// after the draft) has come meanwhile: that is not sent yet.
    ///
    /// # Errors
    /// As for [`Journal::prune`].
    pub fn prune_sent(&mut self, sent: &[&WireSealed]) -> Result<(), JournalError> {
        let _lock = self.lock()?;
        self.rewrite(|entry| sent.contains(&entry))
    }

    /// Writes the file anew without what is `done`. The caller holds the lock.
    fn rewrite(&mut self, done: impl Fn(&WireSealed) -> bool) -> Result<(), JournalError> {
        self.read_again()?;
        let before = self.entries.len();
        let kept: Vec<&WireSealed> = self.entries().into_iter().filter(|entry| !done(entry)).collect();
        if kept.len() == before && self.damaged.is_empty() && !self.is_long() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for entry in &kept {
            bytes.extend_from_slice(&form(entry)?);
        }
        let full = |error| {
            if is_full(&error) {
                JournalError::Full
            } else {
                JournalError::Write(error)
            }
        };
        if !self.damaged.is_empty() {
            let path = self.path.with_extension("damaged");
            let mut file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map_err(full)?;
            file.write_all(&self.damaged)
                .and_then(|()| file.sync_all())
                .map_err(full)?;
        }
        write_whole(&self.path, &bytes).map_err(full)?;
        self.damaged.clear();
        self.entries.retain(|_, entry| !done(entry));
        let entries = &self.entries;
        self.order.retain(|id| entries.contains_key(id));
        Ok(())
    }

    fn is_long(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|meta| meta.len() > COMPACT_ABOVE)
    }
}

fn form(entry: &WireSealed) -> Result<Vec<u8>, JournalError> {
    let text = serde_json::to_vec(entry).map_err(JournalError::Form)?;
    let length = u32::try_from(text.len()).map_err(|_| JournalError::Full)?;
    let mut bytes = Vec::with_capacity(HEAD + text.len());
    bytes.extend_from_slice(MARK);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&Sha256::digest(&text));
    bytes.extend_from_slice(&text);
    Ok(bytes)
}

/// The record at the beginning, and its length.
fn record(bytes: &[u8]) -> Option<(WireSealed, usize)> {
    let rest = bytes.strip_prefix(MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<32>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let text = rest.get(..length)?;
    if Sha256::digest(text).as_slice() != sum {
        return None;
    }
    Some((serde_json::from_slice(text).ok()?, HEAD + length))
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Replaces a file's content as a whole: after a crash it holds the old or the new content.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = File::create(&new)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _gone = fs::remove_file(&new);
        return Err(error);
    }
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes a rename or a new file in this folder durable. Windows has no such call and needs none.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(dir)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, text: &str) -> WireSealed {
        WireSealed {
            id: id.into(),
            enc: "e".into(),
            ciphertext: text.into(),
        }
    }

    fn ids(journal: &Journal) -> Vec<&str> {
        journal
            .entries()
            .into_iter()
            .map(|entry| entry.id.as_str())
            .collect()
    }

    #[test]
    fn a_tail_torn_at_any_byte_loses_only_the_torn_entry_and_the_next_append_works() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("unsent.sealed");
        let mut journal = Journal::open(&path).expect("opens");
        for id in ["a", "b"] {
            journal.append(&entry(id, "HMSJ1 in the text")).expect("appends");
        }
        let two = fs::read(&path).expect("bytes");
        journal.append(&entry("c", "last")).expect("appends");
        let three = fs::read(&path).expect("bytes");

        for cut in two.len()..three.len() {
            fs::write(&path, &three[..cut]).expect("tears");
            let mut journal = Journal::open(&path).expect("opens");
            assert_eq!(ids(&journal), ["a", "b"], "cut at {cut}");

            journal.append(&entry("d", "after")).expect("appends");

            let again = Journal::open(&path).expect("opens");
            assert_eq!(ids(&again), ["a", "b", "d"], "cut at {cut}");
        }
    }

    #[test]
    fn a_byte_flipped_anywhere_loses_at_most_one_entry_and_keeps_its_bytes() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("unsent.sealed");
        let mut journal = Journal::open(&path).expect("opens");
        for id in ["a", "b", "c"] {
            journal.append(&entry(id, "x")).expect("appends");
        }
        let whole = fs::read(&path).expect("bytes");
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x40;
            fs::write(&path, &flipped).expect("flips");

            let mut journal = Journal::open(&path).expect("opens");

            assert_eq!(journal.entries().len(), 2, "flip at {at}");
            let first = journal.entries()[0].id.clone();
            journal.prune(&[&first]).expect("prunes");
            assert_eq!(Journal::open(&path).expect("opens").entries().len(), 1);
            let kept = fs::metadata(path.with_extension("damaged")).expect("kept aside");
            assert!(kept.len() > 0);
            fs::remove_file(path.with_extension("damaged")).expect("removed");
        }
    }

    #[test]
    fn two_processes_lose_nothing_of_each_other() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("unsent.sealed");
        let (mut one, mut two) = (
            Journal::open(&path).expect("opens"),
            Journal::open(&path).expect("opens"),
        );
        one.append(&entry("a", "x")).expect("appends");
        two.append(&entry("b", "y")).expect("appends");

        one.prune(&["a"]).expect("prunes");

        assert_eq!(ids(&one), ["b"]);
        assert_eq!(ids(&Journal::open(&path).expect("opens")), ["b"]);
    }

    #[test]
    fn a_draft_that_was_delivered_does_not_take_the_finished_form_with_it() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("unsent.sealed");
        let mut journal = Journal::open(&path).expect("opens");
        journal.append(&entry("a", "draft")).expect("appends");
        let sent = journal.entries()[0].clone();
        journal.append(&entry("a", "finished")).expect("appends");

        journal.prune_sent(&[&sent]).expect("prunes");
        assert_eq!(journal.entries(), [&entry("a", "finished")]);
        journal.prune_sent(&[&entry("a", "finished")]).expect("prunes");
        assert!(journal.is_empty());
    }

    #[test]
    fn a_form_written_at_every_key_does_not_grow_without_end() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("unsent.sealed");
        let mut journal = Journal::open(&path).expect("opens");
        let text = "c".repeat(600_000);
        for _ in 0..20 {
            journal.append(&entry("a", &text)).expect("appends");
        }
        assert!(fs::metadata(&path).expect("length").len() < 2 * COMPACT_ABOVE);
        assert_eq!(Journal::open(&path).expect("opens").entries().len(), 1);
    }

    #[test]
    fn the_newest_of_an_id_holds_and_a_receipt_removes_it() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("unsent.sealed");
        let mut journal = Journal::open(&path).expect("opens");
        journal.append(&entry("a", "draft")).expect("appends");
        journal.append(&entry("b", "other")).expect("appends");
        journal.append(&entry("a", "finished")).expect("appends");

        let mut again = Journal::open(&path).expect("opens");

        assert_eq!(again.entries(), [&entry("a", "finished"), &entry("b", "other")]);
        again.prune(&["a"]).expect("prunes");
        again.prune(&["unknown"]).expect("does nothing");
        assert_eq!(ids(&Journal::open(&path).expect("opens")), ["b"]);
    }
}
