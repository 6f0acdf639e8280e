//! The handle that windows hold: cheap to clone, sends every wish to the loop that owns the state.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hms_model::secret::Secret;
use hms_model::view::ErrorCode;
use reqwest::{RequestBuilder, Response};
use tokio::sync::{broadcast, mpsc, oneshot, Notify};
use tokio::task::{AbortHandle, JoinSet};

use crate::config::{ProfileConfig, Provisioning, VaultChoice};
use crate::engine::{self, Engine, Job};
use crate::error::ClientError;
use crate::event::ClientEvent;
use crate::frames::{FramesServer, Screens};
use crate::net::{Fault, Http, Tries};
use crate::oidc::ThisDevice;
use crate::prefs::Preferences;
use crate::sabotage::dying;
use crate::session::TokenKeeper;
use crate::vault::{FileVault, KeychainVault, MemoryVault, Vault};

/// A running profile. Clones share it; it ends with [`Client::shutdown`].
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

/// What the handle, the loop and the background tasks share.
pub(crate) struct Shared {
    pub(crate) config: ProfileConfig,
    pub(crate) device: ThisDevice,
    pub(crate) http: Http,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) tokens: TokenKeeper,
    pub(crate) packing: crate::sync::Packing,
    pub(crate) check_failed: crate::sync::LastFailure,
    pub(crate) screens: Screens,
    pub(crate) frames_url: OnceLock<String>,
    /// The account that signed in on this profile.
    pub(crate) owner: Owner,
    /// The others on this phone, where there is more than this profile.
    pub(crate) neighbours: Mutex<Option<Vec<Owner>>>,
    pub(crate) events: broadcast::Sender<ClientEvent>,
    /// Rung when a deadline of the loop may have moved.
    pub(crate) alarm: Notify,
    /// Rung when the machine has another network: connections over the old one may be dead without anybody being told.
    pub(crate) moved: Notify,
    /// Rung when photos and recordings may have somewhere to go.
    pub(crate) uploads: Notify,
    jobs: mpsc::Sender<Job>,
    tasks: Mutex<JoinSet<()>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// The account of a profile, for those beside it.
pub(crate) type Owner = Arc<Mutex<Option<String>>>;

/// Jobs that wait for the loop; a sender waits when it is full, so nothing is lost.
const JOBS: usize = 256;
/// Events that a slow window may be behind; it then asks for everything anew.
const EVENTS: usize = 256;

/// Makes the folder of a profile, for its owner only: what is in it is sealed, and still nobody else's to copy.
fn make_private(dir: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(dir)
}

impl Client {
    /// Opens the profile and starts its loop. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// The profile's folder cannot be made or used, or its server settings are not usable.
    pub async fn start(mut config: ProfileConfig) -> Result<Self, ClientError> {
        make_private(&config.dir).map_err(ClientError::internal)?;
        let settings = config.dir.join("server.json");
        if settings.exists() {
            config.server = Provisioning::read(&settings).map_err(ClientError::internal)?;
        }
        let prefs = Preferences::read(&config.dir, &config.locale);
        // On a full disk the app opens all the same: words still save.
        if let Err(error) = prefs.write(&config.dir) {
            tracing::warn!(%error, "The device's settings could not be written");
        }
        let device = ThisDevice::new(&prefs.device, device_name());
        let http = Http::new(&config.server, Arc::clone(&config.clock)).map_err(ClientError::internal)?;
        http.link().set_skew(prefs.skew_ms);
        http.meter().read(&config.dir);
        let vault = open_vault(config.vault, &config.dir).await;
        let (tokens, keeper) = TokenKeeper::new(
            http.clone(),
            Arc::clone(&vault),
            device.clone(),
            Arc::clone(&config.clock),
        );
        let (jobs, inbox) = mpsc::channel(JOBS);
        let (events, _) = broadcast::channel(EVENTS);
        let shared = Arc::new(Shared {
            config,
            device,
            http,
            vault,
            tokens,
            packing: crate::sync::Packing::default(),
            check_failed: crate::sync::LastFailure::default(),
            screens: Screens::default(),
            frames_url: OnceLock::new(),
            owner: Arc::new(Mutex::new(prefs.user.clone())),
            neighbours: Mutex::new(None),
            events,
            alarm: Notify::new(),
            moved: Notify::new(),
            uploads: Notify::new(),
            jobs,
            tasks: Mutex::new(JoinSet::new()),
            thread: Mutex::new(None),
        });
        let thread = engine::spawn(Arc::clone(&shared), prefs, inbox).await?;
        *shared.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        shared.spawn(dying("tokens", keeper));
        // Without the port the call has sound and no picture; nothing else depends on it.
        match FramesServer::bind(shared.screens.clone()).await {
            Ok(server) => {
                if let Ok(url) = server.url() {
                    let _ = shared.frames_url.set(url);
                }
                shared.spawn(server.run());
            }
            Err(error) => tracing::warn!(%error, "No port for the pictures of a call"),
        }
        engine::start_background(&shared);
        Ok(Self { shared })
    }

    /// What changes from now on. A receiver that lags behind should read everything again.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<ClientEvent> {
        self.shared.events.subscribe()
    }

    /// Ends calls, background work and the loop, and closes the store.
    pub async fn shutdown(&self) {
        let _ = self
            .ask(async |engine: &mut Engine| {
                engine.stop().await;
                Ok(())
            })
            .await;
        let mut tasks =
            std::mem::take(&mut *self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
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

    /// Runs what a person does on the loop; the two minutes until the automatic lock begin again.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        wish: impl AsyncFnOnce(&mut Engine) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, ClientError> {
        self.shared
            .ask(async move |engine: &mut Engine| {
                engine.core.handle(engine.now(), hms_core::Input::Touched);
                wish(engine).await
            })
            .await
    }

    /// Runs `wish` on the loop and waits for its answer.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        wish: impl AsyncFnOnce(&mut Engine) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, ClientError> {
        self.shared.ask(wish).await
    }
}

impl Shared {
    /// Runs `wish` on the loop and waits for its answer.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        wish: impl AsyncFnOnce(&mut Engine) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, ClientError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |engine| {
            Box::pin(async move {
                let _ = reply.send(wish(engine).await);
            })
        });
        self.jobs
            .send(job)
            .await
            .map_err(|_| ClientError::new(ErrorCode::Internal))?;
        let answer = answer.await.map_err(|_| ClientError::new(ErrorCode::Internal))?;
        if let Err(error) = &answer {
            tracing::info!(code = ?error.code, reference = %error.reference, cause = %error.chain(), "A command failed");
            if error.is_damage() {
                self.tell(async |engine: &mut Engine| engine.store_damaged().await)
                    .await;
            }
        }
        answer
    }

    /// Tells the loop something; nobody waits for it.
    pub(crate) async fn tell(&self, news: impl AsyncFnOnce(&mut Engine) + Send + 'static) {
        let job: Job = Box::new(move |engine| Box::pin(news(engine)));
        let _ = self.jobs.send(job).await;
    }

    /// Whether this account has another place on this phone, or this place is another account's.
    pub(crate) fn is_elsewhere(&self, user: &str) -> bool {
        let neighbours = self.neighbours.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(neighbours) = neighbours.as_ref() else {
            return false;
        };
        let of = |owner: &Owner| owner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        neighbours.iter().any(|owner| of(owner).as_deref() == Some(user))
            || of(&self.owner).is_some_and(|own| own != user)
    }

    /// Notes whose profile this is.
    pub(crate) fn set_owner(&self, user: Option<&str>) {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = user.map(str::to_owned);
    }

    /// Starts background work that ends with the client.
    pub(crate) fn spawn(&self, work: impl std::future::Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work)
    }

    /// A request with the account's token; a refused token is refreshed and the request made once more.
    pub(crate) async fn authorized(
        &self,
        make: impl Fn(&Secret<String>) -> RequestBuilder,
        tries: Tries,
    ) -> Result<Response, Fault> {
        let token = self.tokens.access(None).await?;
        match self.http.send(make(&token), tries).await {
            Err(Fault::SignInNeeded) => {
                let token = self.tokens.access(Some(token)).await?;
                self.http.send(make(&token), tries).await
            }
            other => other,
        }
    }
}

/// The vault that was chosen; the sealed file where the keychain does not really work.
async fn open_vault(choice: VaultChoice, dir: &std::path::Path) -> Arc<dyn Vault> {
    match choice {
        VaultChoice::Memory => Arc::new(MemoryVault::default()),
        VaultChoice::SealedFile => Arc::new(FileVault::new(dir)),
        VaultChoice::Best => {
            let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
            let profile = absolute.to_string_lossy().into_owned();
            let probe = tokio::task::spawn_blocking(move || KeychainVault::probe(&profile)).await;
            match probe {
                Ok(Some(vault)) => Arc::new(vault),
                Ok(None) | Err(_) => Arc::new(FileVault::new(dir)),
            }
        }
    }
}

/// The name by which its owner recognises this device in the list of devices.
fn device_name() -> String {
    let host = std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME"));
    let host = host
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    format!(
        "HMS-ACH ({}) {}",
        std::env::consts::OS,
        host.unwrap_or_default().trim()
    )
    .trim()
    .to_owned()
}
