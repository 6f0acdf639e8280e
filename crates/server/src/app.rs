//! The state that every route shares, and the router over the one table of routes.

use crate::auth::external::{ExternalError, ExternalIssuer};
use crate::auth::keys::{Keys, KeysError};
use crate::auth::revoked::Revocations;
use crate::auth::signin::Guards;
use crate::clock::Clock;
use crate::data_dir::{DataDir, DataDirError};
use crate::db::{Changed, Db, DbError};
use crate::routes;
use crate::routes::staff::StaffPage;
use crate::service::gate::Gate;
use crate::service::upload::Uploads;
use crate::settings::{Settings, SettingsError};
use crate::signal::Signalling;
use axum::Router;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Changes that a slow listener may lag behind before it misses some; it then asks the change feed.
const EVENTS: usize = 4096;

/// Why the server cannot start from a data directory.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Files.
    #[error(transparent)]
    Dir(#[from] DataDirError),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The external issuer.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// The folder of the staff page.
    #[error("the staff page cannot be used (staff_page in config.json): {0}")]
    StaffPage(#[from] std::io::Error),
}

/// A running server's shared state; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// One message for each committed change.
    pub events: broadcast::Sender<Changed>,
    /// Settings.
    pub settings: Arc<Settings>,
    /// Keys.
    pub keys: Arc<Keys>,
    /// The external issuer, where one is configured.
    pub external: Option<Arc<ExternalIssuer>>,
    /// Failed sign-ins.
    pub attempts: Arc<Guards>,
    /// Sign-ins that were ended.
    pub revocations: Arc<Revocations>,
    /// Call signalling.
    pub signal: Signalling,
    /// The limit on what comes without sign-in.
    pub sealed_gate: Arc<Gate>,
    /// Photos and recordings that arrive in pieces.
    pub uploads: Arc<Uploads>,
    /// The staff page for browsers, where there is one.
    pub staff_page: Option<Arc<StaffPage>>,
}

impl App {
    /// Opens the database and the keys of a data directory.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open(dir: &DataDir, clock: Clock) -> Result<Self, StartError> {
        let settings = Settings::read(dir)?;
        Self::open_with(dir, clock, settings)
    }

    /// [`App::open`] with settings from elsewhere.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open_with(dir: &DataDir, clock: Clock, settings: Settings) -> Result<Self, StartError> {
        let (events, _) = broadcast::channel(EVENTS);
        let db = Db::open(&dir.database(), dir.db_key()?, clock.clone(), events.clone())?;
        crate::service::install(&db);
        let external = match &settings.issuer {
            Some(issuer) => {
                let audience = settings.audience.as_deref().unwrap_or(&settings.base_url);
                let authority = settings.issuer_ca.as_deref();
                Some(Arc::new(ExternalIssuer::new(issuer, audience, authority)?))
            }
            None => None,
        };
        let staff_page = settings.staff_page.as_deref().map(StaffPage::read).transpose()?;
        Ok(Self {
            db,
            external,
            staff_page: staff_page.map(Arc::new),
            clock,
            events,
            settings: Arc::new(settings),
            keys: Arc::new(Keys::open(dir)?),
            attempts: Arc::default(),
            revocations: Arc::default(),
            signal: Signalling::new(),
            sealed_gate: Arc::default(),
            uploads: Arc::new(Uploads::open(dir)?),
        })
    }

    /// Where the staff page's sign-in comes back to, where there is such a page.
    #[must_use]
    pub fn staff_redirect(&self) -> Option<String> {
        let base = &self.settings.base_url;
        self.staff_page
            .as_ref()
            .map(|_| format!("{base}{}", routes::staff::PATH))
    }

    /// All routes, each behind the guard that its row asks for.
    pub fn router(&self) -> Router {
        routes::router(self, routes::all())
    }

    /// Only the pages of sign-in, for plain HTTP on the loopback address of a demonstration.
    pub fn sign_in_router(&self) -> Router {
        routes::router(self, routes::sign_in_pages())
    }
}
