//! The handle that windows hold: cheap to clone, sends every wish to the loop that owns the state.

use std::sync::{Arc, Mutex, PoisonError};

use hms_model::view::ErrorCode;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::config::ProfileConfig;
use crate::engine::{self, Engine, Job};
use crate::error::ClientError;
use crate::event::ClientEvent;

/// A running profile. Clones share it; it ends with [`Client::shutdown`].
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What the handle, the loop and the background tasks share.
pub(crate) struct Shared {
    pub(crate) config: ProfileConfig,
    pub(crate) jobs: mpsc::Sender<Job>,
    pub(crate) events: broadcast::Sender<ClientEvent>,
    tasks: Mutex<JoinSet<()>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// Jobs that wait for the loop; a sender waits when it is full, so nothing is lost.
const JOBS: usize = 256;
/// Events that a slow window may be behind; it then asks for everything anew.
const EVENTS: usize = 256;

impl Client {
    /// Opens the profile and starts its loop. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// The profile's folder cannot be made or used.
    pub async fn start(config: ProfileConfig) -> Result<Self, ClientError> {
        std::fs::create_dir_all(&config.dir).map_err(ClientError::internal)?;
        let (jobs, inbox) = mpsc::channel(JOBS);
        let (events, _) = broadcast::channel(EVENTS);
        let shared = Arc::new(Shared {
            config,
            jobs,
            events,
            tasks: Mutex::new(JoinSet::new()),
            thread: Mutex::new(None),
        });
        let thread = engine::spawn(Arc::clone(&shared), inbox).map_err(ClientError::internal)?;
        *shared.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(Self { shared })
    }

    /// What changes from now on. A receiver that lags behind should read everything again.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<ClientEvent> {
        self.shared.events.subscribe()
    }

    /// Ends calls, background work and the loop, and closes the store.
    pub async fn shutdown(&self) {
        let mut tasks =
            std::mem::take(&mut *self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        let _ = self.shared.jobs.send(Box::new(Engine::stop)).await;
        let thread = self
            .shared
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    /// Runs `wish` on the loop and waits for its answer.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        wish: impl FnOnce(&mut Engine) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, ClientError> {
        self.shared.ask(wish).await
    }
}

impl Shared {
    /// Runs `wish` on the loop and waits for its answer.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        wish: impl FnOnce(&mut Engine) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, ClientError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |engine| {
            let _ = reply.send(wish(engine));
        });
        self.jobs
            .send(job)
            .await
            .map_err(|_| ClientError::new(ErrorCode::Internal))?;
        let answer = answer.await.map_err(|_| ClientError::new(ErrorCode::Internal))?;
        if let Err(error) = &answer {
            tracing::info!(code = ?error.code, reference = %error.reference, cause = %error.chain(), "A command failed");
        }
        answer
    }

    /// Starts background work that ends with the client.
    pub(crate) fn spawn(&self, work: impl std::future::Future<Output = ()> + Send + 'static) {
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(work);
    }
}
