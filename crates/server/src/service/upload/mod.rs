//! Bytes of photos and recordings that arrive in pieces: kept sealed in `DATA/uploads` until they are whole, then
//! stored as the Binary of their DocumentReference.
//!
//! The file says how far an upload has come, nothing else does: an offset is told only after an fsync, a restart reads
//! the same one, and a full disk leaves it where it was.

mod finish;
mod part;
mod receive;

use crate::data_dir::{DataDir, DataDirError};
use crate::fhir::Problem;
use crate::random;
use hms_model::secret::Secret;
use part::{Part, PartError};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

pub use receive::{Checksum, Piece};

/// The largest upload: what a PUT of the same bytes may have.
pub const LARGEST: u64 = crate::routes::fhir::MAX_BODY as u64;
/// Uploads of one account that may be open at a time; a phone makes them one after the other.
pub const OPEN_AT_MOST: usize = 16;
/// How long an upload may take, signal or no signal.
pub const EXPIRES_MS: i64 = 7 * 24 * 3600 * 1000;
/// How long "gone" is said of one that has expired; then it is not known any more.
const GONE_MS: i64 = 24 * 3600 * 1000;

/// Why an upload does not go on. No message carries data of a person.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is none, or none of this account.
    #[error("there is no such upload")]
    NotFound,
    /// It took too long.
    #[error("the upload has expired")]
    Gone,
    /// The piece does not begin where the last one ended.
    #[error("the upload stands elsewhere")]
    Offset {
        /// Where it stands.
        now: u64,
    },
    /// More than was announced, or than may be announced.
    #[error("the upload is too large")]
    TooLarge,
    /// The bytes are not those that the checksum was made of.
    #[error("the checksum does not fit")]
    Checksum,
    /// Too many are open.
    #[error("too many uploads are open")]
    TooMany,
    /// The same upload is asked for by another request, which goes before.
    #[error("another request took the upload over")]
    TakenOver,
    /// The bytes stopped coming.
    #[error("the piece broke off")]
    BrokeOff,
    /// The disk is full; the offset stands where it was.
    #[error("the disk is full")]
    Full,
    /// The file.
    #[error("failed to {what} an upload")]
    Io {
        /// The operation.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The record could not be stored.
    #[error(transparent)]
    Record(#[from] Problem),
}

impl From<PartError> for UploadError {
    fn from(error: PartError) -> Self {
        match error {
            PartError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => Self::Full,
            PartError::Io { what, source } => Self::Io { what, source },
            PartError::Unreadable => Self::NotFound,
        }
    }
}

/// What an upload is of, as it was announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Account that makes it.
    pub user: String,
    /// Id of the DocumentReference that the bytes belong to, and of the Binary that they become.
    pub document: String,
    /// Media type.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of all bytes, in hex.
    pub sha256: String,
    /// Unix ms; afterwards it is gone.
    pub expires: i64,
}

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Bytes that are safe.
    pub offset: u64,
    /// Bytes in all.
    pub size: u64,
    /// Unix ms.
    pub expires: i64,
}

/// One upload. Whoever asks for it last goes first: a request that hangs on a dead line must not hold the others up.
#[derive(Debug)]
struct Slot {
    announced: Announced,
    turn: watch::Sender<u64>,
    state: Arc<tokio::sync::Mutex<State>>,
}

/// What there is of an upload.
#[derive(Debug)]
enum State {
    /// A file that was not looked into since the server started.
    Closed,
    Open(Box<Part>),
    /// Stored.
    Done,
    /// Expired, ended or found damaged.
    Gone,
}

/// All uploads of a server.
#[derive(Debug)]
pub struct Uploads {
    folder: PathBuf,
    key: Secret<[u8; 32]>,
    /// Read from the folder when the first is asked for: the command line opens the same data beside a server.
    slots: Mutex<Option<HashMap<String, Arc<Slot>>>>,
}

impl Uploads {
    /// The uploads of a data directory.
    ///
    /// # Errors
    /// Their key cannot be read or made.
    pub fn open(dir: &DataDir) -> Result<Self, DataDirError> {
        let path = dir.key_path("upload.key");
        let key = dir.key_or_make("upload.key", || random::bytes::<32>().to_vec())?;
        let key = key.try_into().map_err(|_| DataDirError::BadKey { path })?;
        Ok(Self {
            folder: dir.root().join("uploads"),
            key: Secret::new(key),
            slots: Mutex::new(None),
        })
    }

    /// Makes room for an upload, on the disk before this returns. An earlier one of the same bytes' document is dropped.
    ///
    /// # Errors
    /// [`UploadError::TooMany`], [`UploadError::Full`].
    fn begin(&self, announced: Announced, now: i64) -> Result<String, UploadError> {
        let id = new_id();
        let mut slots = self.slots();
        let slots = self.loaded(&mut slots);
        self.replace(slots, &announced);
        let open = slots
            .values()
            .filter(|slot| slot.announced.user == announced.user && slot.announced.expires > now)
            .filter(|slot| !matches!(slot.state.try_lock().as_deref(), Ok(State::Done | State::Gone)))
            .count();
        if open >= OPEN_AT_MOST {
            return Err(UploadError::TooMany);
        }
        let part = Part::create(&self.folder, &id, self.key.expose(), &announced)?;
        slots.insert(
            id.clone(),
            Arc::new(Slot::new(announced, State::Open(Box::new(part)))),
        );
        Ok(id)
    }

    /// Notes an upload of what is stored already.
    fn begin_done(&self, announced: Announced) -> Result<String, UploadError> {
        let id = new_id();
        let mut slots = self.slots();
        let slots = self.loaded(&mut slots);
        self.replace(slots, &announced);
        part::mark_done(&self.folder, &id, self.key.expose(), &announced)?;
        slots.insert(id.clone(), Arc::new(Slot::new(announced, State::Done)));
        Ok(id)
    }

    /// Drops earlier uploads of the same bytes, however often they are announced.
    fn replace(&self, slots: &mut HashMap<String, Arc<Slot>>, announced: &Announced) {
        let same = |slot: &Slot| {
            slot.announced.user == announced.user && slot.announced.document == announced.document
        };
        let earlier: Vec<String> = slots
            .iter()
            .filter(|(_, slot)| same(slot))
            .map(|(id, _)| id.clone())
            .collect();
        for id in earlier {
            if let Some(slot) = slots.remove(&id) {
                slot.turn.send_modify(|turn| *turn += 1);
            }
            part::remove(&self.folder, &id);
        }
    }

    /// The upload of an account, locked; the request that had it gives it up.
    async fn take(&self, id: &str, user: &str, now: i64) -> Result<Taken, UploadError> {
        let slot = self
            .loaded(&mut self.slots())
            .get(id)
            .filter(|slot| slot.announced.user == user)
            .cloned()
            .ok_or(UploadError::NotFound)?;
        let mut turn = 0;
        slot.turn.send_modify(|last| {
            *last += 1;
            turn = *last;
        });
        let mut state = Arc::clone(&slot.state).lock_owned().await;
        if slot.announced.expires <= now && !matches!(*state, State::Done) {
            *state = State::Gone;
            part::remove(&self.folder, id);
        }
        if matches!(*state, State::Gone) {
            return Err(UploadError::Gone);
        }
        let taken = Taken {
            id: id.to_owned(),
            announced: slot.announced.clone(),
            turns: slot.turn.subscribe(),
            turn,
            state,
        };
        match taken.opened(&self.folder, *self.key.expose()).await {
            // What cannot be read is worth nothing: the device has the bytes and begins anew.
            Err(UploadError::NotFound) => {
                tracing::warn!("An upload cannot be read; it is dropped");
                self.forget(id);
                Err(UploadError::NotFound)
            }
            other => other,
        }
    }

    /// Drops an upload and its bytes.
    fn forget(&self, id: &str) {
        self.loaded(&mut self.slots()).remove(id);
        part::remove(&self.folder, id);
    }

    /// Drops what has expired; how many.
    pub fn tidy(&self, now: i64) -> usize {
        let mut slots = self.slots();
        let slots = self.loaded(&mut slots);
        let expired: Vec<(String, i64)> = slots
            .iter()
            .map(|(id, slot)| (id.clone(), slot.announced.expires))
            .filter(|(_, expires)| *expires <= now)
            .collect();
        for (id, expires) in &expired {
            part::remove(&self.folder, id);
            if expires.saturating_add(GONE_MS) <= now {
                slots.remove(id);
            } else if let Some(Ok(mut state)) = slots.get(id).map(|slot| slot.state.try_lock()) {
                *state = State::Gone;
            }
        }
        expired.len()
    }

    fn slots(&self) -> MutexGuard<'_, Option<HashMap<String, Arc<Slot>>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn loaded<'a>(
        &self,
        slots: &'a mut Option<HashMap<String, Arc<Slot>>>,
    ) -> &'a mut HashMap<String, Arc<Slot>> {
        slots.get_or_insert_with(|| {
            part::list(&self.folder, self.key.expose())
                .into_iter()
                .map(|found| {
                    let state = if found.done { State::Done } else { State::Closed };
                    (found.id, Arc::new(Slot::new(found.announced, state)))
                })
                .collect()
        })
    }

    fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Slot {
    fn new(announced: Announced, state: State) -> Self {
        Self {
            announced,
            turn: watch::Sender::new(0),
            state: Arc::new(tokio::sync::Mutex::new(state)),
        }
    }
}

/// An upload that one request has to itself.
#[derive(Debug)]
struct Taken {
    id: String,
    announced: Announced,
    turns: watch::Receiver<u64>,
    turn: u64,
    state: tokio::sync::OwnedMutexGuard<State>,
}

impl Taken {
    /// With its file open, and everything in it safe on the disk.
    async fn opened(mut self, folder: &Path, key: [u8; 32]) -> Result<Self, UploadError> {
        let folder = folder.to_owned();
        blocking("open", move || {
            if matches!(*self.state, State::Closed) {
                let part = Part::open(&folder, &self.id, &key)?;
                *self.state = State::Open(Box::new(part));
            }
            if let State::Open(part) = &mut *self.state {
                // What a request that died left behind.
                if let Err(error) = part.settle() {
                    *self.state = State::Closed;
                    return Err(error.into());
                }
            }
            Ok(self)
        })
        .await
    }

    /// The open file; `None` where it is stored already.
    fn part(&mut self) -> Option<&mut Part> {
        match &mut *self.state {
            State::Open(part) => Some(part),
            State::Closed | State::Done | State::Gone => None,
        }
    }

    fn standing(&mut self) -> Standing {
        let size = self.announced.size;
        Standing {
            offset: self.part().map_or(size, |part| part.offset()),
            size,
            expires: self.announced.expires,
        }
    }
}

/// Runs what waits for the disk where waiting is allowed.
async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, UploadError> + Send + 'static,
) -> Result<T, UploadError> {
    let stopped = |_| UploadError::Io {
        what,
        source: std::io::Error::other("the work was stopped"),
    };
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}

/// 128 random bits in hex: nobody guesses it, and it is safe as the name of a file.
fn new_id() -> String {
    part::hex(&random::bytes::<16>())
}
