//! The loop: one thread that owns the state of the profile and its store. Everything else sends it jobs.

mod background;
mod copied;
mod form;
mod leave;
mod offline;
mod open;
mod pump;
mod rebuild;
mod recheck;
mod save;
mod state;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hms_core::Core;
use hms_model::time::Timestamp;
use hms_model::view::{ErrorCode, SignalView, StorageProblem};
use hms_model::wire::session::WireSealed;
use hms_store::keys::{KdfCost, KeyFile};
use hms_store::{Journal, Store, StoreError};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::client::Shared;
use crate::error::ClientError;
use crate::event::{AlertKind, ClientEvent, Tag};
use crate::packs::Packs;
use crate::prefs::Preferences;
use crate::session::Identity;
use crate::sync::UploadNow;

pub(crate) use background::start_background;
pub(crate) use copied::says_copied;
pub(crate) use form::{Form, FormFile};
pub(crate) use leave::{Leaving, Left, Step};
pub(crate) use pump::tags_of;
pub(crate) use recheck::Recheck;
pub(crate) use save::{Sealed, SealedIndex, Upload};
pub(crate) use state::{Check, NetworkNow, SignInNow, SignedIn};
pub(crate) use tally::Tally;

/// Something to do with the state. Jobs run one after the other, each to its end; none waits for the network.
pub(crate) type Job =
    Box<dyn for<'a> FnOnce(&'a mut Engine) -> Pin<Box<dyn Future<Output = ()> + 'a>> + Send>;

/// The state of a profile. Lives on its own thread, so that jobs may hold it across waits for the store.
pub(crate) struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) prefs: Preferences,
    pub(crate) keys: KeyFile,
    pub(crate) journal: Journal,
    pub(crate) sealed: SealedIndex,
    pub(crate) core: Core,
    /// Open exactly while the app is open.
    pub(crate) store: Option<Store>,
    pub(crate) identity: Option<Identity>,
    /// Signed in, and the PIN is still to be set.
    pub(crate) signed_in: Option<SignedIn>,
    pub(crate) sign_in: SignInNow,
    pub(crate) network: NetworkNow,
    pub(crate) storage: Option<StorageProblem>,
    /// This person goes off this phone.
    pub(crate) leaving: Option<Leaving>,
    /// Somebody went off it.
    pub(crate) left: Option<Left>,
    /// Another device sends under this one's id: a new one is taken, and a sign-in is needed.
    pub(crate) copied: bool,
    /// Days after which records could not be read any more, where an unlocking failed for that.
    pub(crate) offline_too_long: Option<u32>,
    pub(crate) form: Option<Form>,
    pub(crate) checks: BTreeMap<String, Check>,
    /// Packs of the symptom checker.
    pub(crate) packs: Packs,
    /// The check that its person is asked about again.
    pub(crate) recheck: Option<Recheck>,
    /// Words of the newest search for a complaint, until a check starts from them.
    pub(crate) searched: Option<String>,
    /// Numbers of the changes that are being sent now.
    pub(crate) batch: Vec<i64>,
    pub(crate) signals: BTreeMap<String, SignalView>,
    /// Entries of the journal that the server has now. They go when the exchange ends, since the file is written anew for
    /// that; what is sealed under the same id meanwhile stays.
    pub(crate) receipted: Vec<WireSealed>,
    /// When the queue was last known to be the server's.
    pub(crate) queue_as_of: Option<Timestamp>,
    /// Emergencies that were announced.
    pub(crate) announced: BTreeSet<String>,
    pub(crate) visit: crate::visit::Visit,
    pub(crate) exchange: Option<AbortHandle>,
    /// The photo or recording that goes up now.
    pub(crate) uploading: Option<UploadNow>,
    pub(crate) signalling: Option<AbortHandle>,
    pub(crate) seed: u64,
    /// The deadline that the alarm was last rung for.
    armed: Option<Timestamp>,
    changed: Vec<Tag>,
    stopped: bool,
}

/// Starts the loop.
pub(crate) async fn spawn(
    shared: Arc<Shared>,
    prefs: Preferences,
    mut inbox: mpsc::Receiver<Job>,
) -> Result<std::thread::JoinHandle<()>, ClientError> {
    let dir = shared.config.dir.clone();
    let journal = Journal::open(&dir.join("unsent.sealed")).map_err(ClientError::internal)?;
    let seed = hms_store::keys::random_seed().map_err(ClientError::internal)?;
    let mut engine = Engine {
        keys: KeyFile::new(&dir, KdfCost::UNLOCK),
        sealed: SealedIndex::read(&dir),
        journal,
        prefs,
        core: Core::new(seed),
        store: None,
        identity: None,
        signed_in: None,
        sign_in: SignInNow::default(),
        network: NetworkNow::default(),
        storage: None,
        leaving: Leaving::read(&dir),
        left: Left::read(&dir),
        copied: false,
        offline_too_long: None,
        form: None,
        checks: BTreeMap::new(),
        packs: Packs::read(&dir, shared.config.server.pack_trust.clone().unwrap_or_default()),
        recheck: None,
        searched: None,
        batch: Vec::new(),
        receipted: Vec::new(),
        signals: BTreeMap::new(),
        queue_as_of: None,
        announced: BTreeSet::new(),
        visit: crate::visit::Visit::default(),
        exchange: None,
        uploading: None,
        signalling: None,
        seed,
        armed: None,
        changed: Vec::new(),
        stopped: false,
        shared,
    };
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("hms-client".into())
        .spawn(move || {
            runtime.block_on(crate::sabotage::dying("engine", async move {
                while let Some(job) = inbox.recv().await {
                    job(&mut engine).await;
                    engine.pump().await;
                    engine.announce();
                    if engine.stopped {
                        break;
                    }
                }
            }));
        })
        .map_err(ClientError::internal)
}

impl Engine {
    /// Ends the loop after this job.
    pub(crate) async fn stop(&mut self) {
        self.close_store().await;
        self.shared.http.meter().write(&self.shared.config.dir);
        self.stopped = true;
    }

    /// Now, by this phone's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.config.clock.now()
    }

    /// Now by the server's clock, as far as it is known.
    pub(crate) fn true_now(&self) -> Timestamp {
        self.now().plus_ms(self.shared.http.link().skew_ms().unwrap_or(0))
    }

    /// The open store.
    ///
    /// # Errors
    /// [`ErrorCode::Locked`].
    pub(crate) fn open_store(&self) -> Result<Store, ClientError> {
        self.store
            .clone()
            .ok_or_else(|| ClientError::new(ErrorCode::Locked))
    }

    /// The account of the open profile.
    ///
    /// # Errors
    /// [`ErrorCode::Locked`].
    pub(crate) fn who(&self) -> Result<Identity, ClientError> {
        self.identity
            .clone()
            .ok_or_else(|| ClientError::new(ErrorCode::Locked))
    }

    /// Notes that values behind a tag changed; windows are told once the job is done.
    pub(crate) fn changed(&mut self, tag: Tag) {
        if !self.changed.contains(&tag) {
            self.changed.push(tag);
        }
    }

    /// Calls for a person's attention now.
    pub(crate) fn alert(&self, kind: AlertKind) {
        let _ = self.shared.events.send(ClientEvent::Alert { kind });
    }

    fn announce(&mut self) {
        if !self.changed.is_empty() {
            let tags = self
                .changed
                .drain(..)
                .map(|tag| tag.as_str().to_owned())
                .collect();
            let _ = self.shared.events.send(ClientEvent::Changed { tags });
        }
    }
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Full => ErrorCode::DiskFull,
            StoreError::Closed => ErrorCode::Locked,
            StoreError::Stale => ErrorCode::Changed,
            StoreError::NotFound => ErrorCode::NotFound,
            StoreError::BadId | StoreError::BadSearch => ErrorCode::Invalid,
            StoreError::Damaged
            | StoreError::Body(_)
            | StoreError::Packed(_)
            | StoreError::File(_)
            | StoreError::Sql { .. } => ErrorCode::Internal,
        };
        Self::caused(code, error)
    }
}
