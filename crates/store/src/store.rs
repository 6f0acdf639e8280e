//! The handle of the store: async calls, done one after the other on the store's own thread.

use crate::open::{self, Db};
use crate::table::draft::Table;
use crate::table::{attachment, audit, conflict, draft, index, meta, outbox, receipt, resource, Key};
use crate::write::{batch, page, result, save, settle};
use crate::{
    Applied, AuditRow, Blob, ConflictRow, Counts, DraftRow, LocalChange, OpenError, OutboxRow, PageReport, ReceiptRow,
    StoreError, Stored,
};
use hms_core::outbox::Failure;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{WireChange, WireOp, WireReceipt, WireResult};
use rusqlite::{Connection, TransactionBehavior};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};

/// Calls that wait for the store's thread. When it is full, callers wait for room.
const WAITING_CALLS: usize = 256;

type Job = Box<dyn FnOnce(&mut Db) + Send>;

/// What a write may use on a full disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    /// Words of a person and answers to them: the reserve, too.
    Reserve,
    /// Photos and copies of what the server has: only free space.
    Free,
}

/// The store of one profile. Cheap to clone; all clones work on one database.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    thread: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
    full: Arc<AtomicBool>,
    dir: Arc<PathBuf>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in a profile's folder, or makes a new one there. Blocks for some milliseconds.
    ///
    /// # Errors
    /// See [`OpenError`]. On `Damaged`, and on `WrongKey` when the key is certain, call [`crate::set_aside`], open
    /// again, and deliver the journal.
    pub fn open(dir: &Path, key: &Secret<[u8; 32]>) -> Result<Self, OpenError> {
        let (jobs, mut inbox) = mpsc::channel::<Job>(WAITING_CALLS);
        let (opened, answer) = std::sync::mpsc::channel();
        let (folder, key) = (dir.to_owned(), key.clone());
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let mut db = match open::open(&folder, &key) {
                    Ok(db) => db,
                    Err(error) => {
                        let _nobody_waits = opened.send(Err(error));
                        return;
                    }
                };
                drop(key);
                let _nobody_waits = opened.send(Ok(db.reserve.is_held()));
                while let Some(job) = inbox.blocking_recv() {
                    job(&mut db);
                    if db.closed {
                        break;
                    }
                }
            })
            .map_err(OpenError::Thread)?;
        let reserve_held = answer.recv().unwrap_or(Err(OpenError::Damaged))?;
        Ok(Self {
            jobs,
            thread: Arc::new(Mutex::new(Some(thread))),
            full: Arc::new(AtomicBool::new(!reserve_held)),
            dir: Arc::new(dir.to_owned()),
        })
    }

    /// The profile's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// True since the reserve had to be let go, until it could be made again: text is saved, photos are not.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Closes the database once every call before this is done, and lets the profile's lock go. Other clones answer
    /// [`StoreError::Closed`] from then on.
    pub async fn close(self) {
        let (done, answer) = oneshot::channel::<()>();
        let sent = self
            .jobs
            .send(Box::new(move |db| {
                let _kept_for_the_next_open = db.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
                db.closed = true;
                drop(done);
            }))
            .await;
        if sent.is_ok() {
            let _dropped = answer.await;
        }
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            let _joined = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, answer) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            // Nobody waits for the answer when the caller has gone; what was done holds.
            let _caller_gone = done.send(job(db));
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.call(move |db| job(&db.conn)).await
    }

    /// One transaction. On a full disk the reserve is let go and the transaction done once more.
    async fn write<T: Send + 'static>(
        &self,
        space: Space,
        job: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let full = Arc::clone(&self.full);
        self.call(move |db| {
            let mut done = transact(db, &job);
            if matches!(done, Err(StoreError::Full)) {
                full.store(true, Ordering::Relaxed);
                if space == Space::Reserve && db.reserve.release() {
                    done = transact(db, &job);
                }
            } else if done.is_ok() && full.load(Ordering::Relaxed) && db.reserve.restore() {
                full.store(false, Ordering::Relaxed);
            }
            done
        })
        .await
    }
}

fn transact<T>(db: &mut Db, job: &impl Fn(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let tx = db
        .conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(StoreError::sql("begin a transaction"))?;
    let done = job(&tx)?;
    let last = outbox::last_number(&tx)?;
    db.floor.cover(last).map_err(|error| match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::File(error),
    })?;
    tx.commit().map_err(StoreError::sql("commit a transaction"))?;
    Ok(done)
}

/// Records.
impl Store {
    /// One record as it is shown here.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn get(&self, kind: &str, id: &str) -> Result<Option<Stored>, StoreError> {
        let key = Key::new(kind, id)?;
        self.read(move |conn| resource::get(conn, &key)).await
    }

    /// All records of a type.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn list(&self, kind: &str) -> Result<Vec<Stored>, StoreError> {
        let kind = kind.to_owned();
        self.read(move |conn| resource::list(conn, &kind)).await
    }

    /// Records by one search parameter, as in a FHIR query: `code` or `system|code`; `Type/id` or `id`; a date with
    /// an optional `eq`, `ge`, `gt`, `le` or `lt`; the beginning of a text.
    ///
    /// # Errors
    /// [`StoreError::BadSearch`] for a parameter or value that cannot be searched by.
    pub async fn search(&self, kind: &str, param: &str, value: &str) -> Result<Vec<Stored>, StoreError> {
        let (kind, param, value) = (kind.to_owned(), param.to_owned(), value.to_owned());
        self.read(move |conn| index::search(conn, &kind, &param, &value)).await
    }

    /// Saves a person's changes: records, outbox rows (one group) and audit row in one transaction. Gives the
    /// number of each change.
    ///
    /// # Errors
    /// [`StoreError::Stale`] where a record is not at the version that the person saw. Nothing is saved then.
    pub async fn save_local(
        &self,
        changes: Vec<LocalChange>,
        audit: AuditRow,
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        self.write(Space::Reserve, move |conn| save::save_local(conn, &changes, &audit, now)).await
    }

    /// How much there is.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(|conn| {
            let (unsent, stuck) = outbox::count(conn)?;
            let small = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
            Ok(Counts {
                resources: resource::count(conn)?,
                unsent,
                stuck,
                conflicts: small(conflict::open(conn)?.len()),
                drafts: small(draft::list(conn, Table::Draft)?.len()),
            })
        })
        .await
    }
}

/// Sync.
impl Store {
    /// Everything that the server has not acknowledged, in the order of sending.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn outbox(&self) -> Result<Vec<OutboxRow>, StoreError> {
        self.read(|conn| Ok(outbox::all(conn)?.into_iter().map(|(_, row)| row).collect())).await
    }

    /// Takes what is due to be sent, in whole groups, words before media, and counts the try. At least one group
    /// is taken where one is due, however large.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn take_batch(
        &self,
        now: Timestamp,
        max_ops: usize,
        max_bytes: u64,
    ) -> Result<Vec<WireOp>, StoreError> {
        self.write(Space::Reserve, move |conn| batch::take(conn, now, max_ops, max_bytes)).await
    }

    /// Applies the answer to one change: removes the row and keeps version and receipt, or keeps the row with the
    /// reason. One transaction. `seed` jitters the wait before another try.
    ///
    /// # Errors
    /// Failures of the database; the answer is then asked for again with the same number.
    pub async fn apply_result(&self, result: &WireResult, now: Timestamp, seed: u64) -> Result<Applied, StoreError> {
        let wire = result.clone();
        self.write(Space::Reserve, move |conn| result::apply(conn, &wire, now, seed)).await
    }

    /// Notes that an exchange failed before these changes got a result.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn apply_failure(
        &self,
        ops: Vec<i64>,
        failure: Failure,
        now: Timestamp,
        seed: u64,
    ) -> Result<(), StoreError> {
        self.write(Space::Reserve, move |conn| result::fail(conn, &ops, failure, now, seed)).await
    }

    /// When the next change is due by itself; a moment in the past is now. `None` where nothing waits.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(batch::next_due).await
    }

    /// Makes every waiting change due now: the person asked, or the link is back.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn lift_waits(&self) -> Result<(), StoreError> {
        self.write(Space::Reserve, outbox::lift_waits).await
    }

    /// Sends a refused change again as it is, with all that was refused with it, under new numbers.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown number, [`StoreError::Stale`] where a conflict is open.
    pub async fn retry(&self, op: i64) -> Result<(), StoreError> {
        self.write(Space::Reserve, move |conn| settle::retry(conn, op)).await
    }

    /// Applies a page of changes and moves the cursor, in one transaction. What is unsent here is merged with the
    /// server's newer version or kept beside it, never overwritten.
    ///
    /// # Errors
    /// Nothing of the page is applied and the cursor stays.
    pub async fn apply_page(
        &self,
        changes: Vec<WireChange>,
        cursor: String,
        now: Timestamp,
    ) -> Result<PageReport, StoreError> {
        self.write(Space::Free, move |conn| page::apply(conn, &changes, &cursor, now)).await
    }

    /// The cursor of the last page applied.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn cursor(&self) -> Result<Option<String>, StoreError> {
        self.read(|conn| meta::get(conn, page::CURSOR)).await
    }

    /// The server's receipt for an entry.
    ///
    /// # Errors
    /// [`StoreError::BadId`] where `id` is not `Type/id`.
    pub async fn receipt(&self, id: &str) -> Result<Option<WireReceipt>, StoreError> {
        let key = Key::parse(id)?;
        self.read(move |conn| receipt::get(conn, &key)).await
    }

    /// Every receipt, newest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn receipts(&self) -> Result<Vec<ReceiptRow>, StoreError> {
        self.read(receipt::list).await
    }

    /// Keeps a receipt that came another way than by sync, as for a sealed entry.
    ///
    /// # Errors
    /// [`StoreError::BadId`] where `id` is not `Type/id`.
    pub async fn receipt_put(&self, id: &str, receipt: WireReceipt) -> Result<(), StoreError> {
        let key = Key::parse(id)?;
        self.write(Space::Reserve, move |conn| receipt::put(conn, &key, &receipt)).await
    }

    /// Conflicts that a person has to settle, oldest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn conflicts(&self) -> Result<Vec<ConflictRow>, StoreError> {
        self.read(conflict::open).await
    }

    /// Settles a conflict: `chosen` is the record as the person wants it; `None` deletes. Gives the new change's
    /// number, or `None` where the server's version was chosen.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where no conflict of this record is open.
    pub async fn settle_conflict(
        &self,
        id: &str,
        chosen: Option<Value>,
        audit: AuditRow,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| settle::conflict(conn, &id, chosen.as_ref(), &audit, now)).await
    }
}

/// What is only on this device.
impl Store {
    /// Keeps a form that is being filled in.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn draft_put(&self, id: &str, body: Value, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| draft::put(conn, Table::Draft, &id, &body, now)).await
    }

    /// A form that is being filled in.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn draft_get(&self, id: &str) -> Result<Option<DraftRow>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| draft::get(conn, Table::Draft, &id)).await
    }

    /// All forms that are being filled in, newest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn draft_list(&self) -> Result<Vec<DraftRow>, StoreError> {
        self.read(|conn| draft::list(conn, Table::Draft)).await
    }

    /// Removes a form: the person discarded it, or it became a report.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn draft_delete(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| draft::delete(conn, Table::Draft, &id)).await
    }

    /// Keeps a symptom check under way.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn check_put(&self, id: &str, body: Value, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| draft::put(conn, Table::SymptomCheck, &id, &body, now)).await
    }

    /// A symptom check under way.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn check_get(&self, id: &str) -> Result<Option<DraftRow>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| draft::get(conn, Table::SymptomCheck, &id)).await
    }

    /// All symptom checks under way, newest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn check_list(&self) -> Result<Vec<DraftRow>, StoreError> {
        self.read(|conn| draft::list(conn, Table::SymptomCheck)).await
    }

    /// Removes a symptom check that has ended.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn check_delete(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| draft::delete(conn, Table::SymptomCheck, &id)).await
    }

    /// Keeps a photo or recording. Needs free space: never takes the reserve.
    ///
    /// # Errors
    /// [`StoreError::Full`] where there is none.
    pub async fn blob_put(&self, id: &str, blob: Blob, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Free, move |conn| attachment::put(conn, &id, &blob, now)).await
    }

    /// A photo or recording.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn blob_get(&self, id: &str) -> Result<Option<Blob>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| attachment::get(conn, &id)).await
    }

    /// Removes a photo or recording.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn blob_delete(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| attachment::delete(conn, &id)).await
    }

    /// A small setting of this profile.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn meta_get(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.read(move |conn| meta::get(conn, &name)).await
    }

    /// Keeps a small setting of this profile; `None` removes it.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn meta_put(&self, name: &str, value: Option<String>) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(Space::Reserve, move |conn| meta::put(conn, &name, value.as_deref())).await
    }

    /// The newest audit rows, newest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn audit_newest(&self, most: u32) -> Result<Vec<(Timestamp, AuditRow)>, StoreError> {
        self.read(move |conn| audit::newest(conn, most)).await
    }

    /// Makes the reserve again where space has come back; for a timer while [`Store::is_full`].
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn check_space(&self) -> Result<bool, StoreError> {
        let full = Arc::clone(&self.full);
        self.call(move |db| {
            let held = db.reserve.restore();
            full.store(!held, Ordering::Relaxed);
            Ok(!held)
        })
        .await
    }
}
