//! The handle of the store: async calls, done one after the other on the store's own thread.

mod foreign;
mod local;
mod proof;
mod records;
mod sync;
mod usage;

pub use foreign::Note;

use crate::keys::wipe_stack;
use crate::open::{self, Cipher, Db};
use crate::place;
use crate::table::{index, outbox};
use crate::{OpenError, StoreError};
use hms_model::secret::Secret;
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};

/// Calls that wait for the store's thread. When it is full, callers wait for room.
const WAITING_CALLS: usize = 256;

/// On a full disk every so many writes try to make the reserve again; each try writes megabytes.
const RESTORE_EVERY: u32 = 16;

/// Records that get their search rows between two calls, after an upgrade: some milliseconds of work.
const CATCH_UP: u32 = 100;

type Job = Box<dyn FnOnce(&mut Db) + Send>;

/// What a write may use on a full disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    /// Words of a person and answers to them: the reserve, too.
    Reserve,
    /// Photos and copies of what the server has: only free space.
    Free,
}

/// The store's thread. It ends once no handle can send to it, and the last one waits for that: a process that ends
/// while another thread of it is in the cipher's library crashes.
struct OnThread(Mutex<Option<std::thread::JoinHandle<()>>>);

impl OnThread {
    fn take(&self) -> Option<std::thread::JoinHandle<()>> {
        self.0.lock().ok().and_then(|mut thread| thread.take())
    }
}

impl Drop for OnThread {
    fn drop(&mut self) {
        if let Some(thread) = self.take() {
            let _panicked = thread.join();
        }
    }
}

/// The store of one profile. Cheap to clone; all clones work on one database. Dropping the last one waits until the
/// database is closed.
#[derive(Clone)]
pub struct Store {
    /// Before the thread: it ends when the last of these is dropped.
    jobs: mpsc::Sender<Job>,
    thread: Arc<OnThread>,
    full: Arc<AtomicBool>,
    dir: Arc<PathBuf>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in a profile's folder, or makes a new one there. Blocks for some milliseconds.
    ///
    /// # Errors
    /// See [`OpenError`]. On `Damaged`, and on `WrongKey` when the key is certain, call [`crate::set_aside`], open
    /// again, and deliver the journal.
    pub fn open(dir: &Path, key: &Secret<[u8; 32]>) -> Result<Self, OpenError> {
        Self::open_with(dir, Cipher::Key(Arc::new(key.clone())))
    }

    /// Opens a store that encrypts nothing, to measure what encryption costs. Never for records of people.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[cfg(feature = "without-key")]
    pub fn open_without_key(dir: &Path) -> Result<Self, OpenError> {
        Self::open_with(dir, Cipher::None)
    }

    fn open_with(dir: &Path, cipher: Cipher) -> Result<Self, OpenError> {
        let (jobs, mut inbox) = mpsc::channel::<Job>(WAITING_CALLS);
        let (opened, answer) = std::sync::mpsc::channel();
        let folder = dir.to_owned();
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let mut db = match open::open(&folder, &cipher) {
                    Ok(db) => db,
                    Err(error) => {
                        let _nobody_waits = opened.send(Err(error));
                        return;
                    }
                };
                wipe_stack();
                let _nobody_waits = opened.send(Ok(db.reserve.is_held()));
                let mut behind = true;
                while let Some(job) = next_job(&mut inbox, &mut db, &mut behind) {
                    job(&mut db);
                    if db.closed {
                        break;
                    }
                }
                drop((db, cipher));
                wipe_stack();
            })
            .map_err(OpenError::Thread)?;
        let reserve_held = answer.recv().unwrap_or(Err(OpenError::Damaged))?;
        Ok(Self {
            jobs,
            thread: Arc::new(OnThread(Mutex::new(Some(thread)))),
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
        if let Some(thread) = self.thread.take() {
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
            } else if done.is_ok() && full.load(Ordering::Relaxed) {
                db.saved_while_full = db.saved_while_full.wrapping_add(1);
                if db.saved_while_full % RESTORE_EVERY == 0 && db.reserve.restore() {
                    full.store(false, Ordering::Relaxed);
                }
            }
            done
        })
        .await
    }
}

/// The next call. While records lack their search rows, the time until it comes is used for those.
fn next_job(inbox: &mut mpsc::Receiver<Job>, db: &mut Db, behind: &mut bool) -> Option<Job> {
    while *behind {
        match inbox.try_recv() {
            Ok(job) => return Some(job),
            Err(mpsc::error::TryRecvError::Disconnected) => return None,
            Err(mpsc::error::TryRecvError::Empty) => {}
        }
        // What fails here, as on a full disk, is tried again by the first search, which can say so.
        *behind = index::is_behind(&db.conn).unwrap_or(false)
            && transact(db, &|conn: &Connection| index::catch_up(conn, CATCH_UP)).is_ok();
    }
    inbox.blocking_recv()
}

fn transact<T>(db: &mut Db, job: &impl Fn(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
    place::keep(db)?;
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
