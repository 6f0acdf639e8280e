//! SQLite: the embedded store. SQL is in [`table`] and in `migrations/` only.

mod migrate;
mod open;
mod read;
pub mod table;
mod writer;

use super::{Changed, DbError, Hook, Tx};
use crate::clock::Clock;
use hms_model::secret::Secret;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use tokio::sync::broadcast;

pub use read::Read;

pub(crate) type Hooks = Arc<RwLock<Vec<Arc<dyn Hook>>>>;

/// A handle on the database; cheap to clone. The file closes when the last handle is gone.
#[derive(Clone)]
pub struct Db {
    writer: Arc<writer::Writer>,
    readers: Arc<read::Pool>,
    hooks: Hooks,
    path: PathBuf,
    key: Arc<Secret<[u8; 32]>>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Db {
    /// Opens the file, creates or migrates the schema, and starts the writer.
    ///
    /// # Errors
    /// [`DbError::WrongKey`], [`DbError::Newer`], or a failed statement.
    pub fn open(
        path: &Path,
        key: Secret<[u8; 32]>,
        clock: Clock,
        events: broadcast::Sender<Changed>,
    ) -> Result<Self, DbError> {
        let mut conn = open::connection(path, &key)?;
        migrate::run(&mut conn)?;
        let hooks = Hooks::default();
        let writer = writer::Writer::start(conn, clock, Arc::clone(&hooks), events);
        let key = Arc::new(key);
        let readers = read::Pool::new(path.to_owned(), Arc::clone(&key));
        Ok(Self {
            writer: Arc::new(writer),
            readers: Arc::new(readers),
            hooks,
            path: path.to_owned(),
            key,
        })
    }

    /// Registers a side effect of changes, run in the transaction of the change.
    pub fn add_hook(&self, hook: Arc<dyn Hook>) {
        if let Ok(mut hooks) = self.hooks.write() {
            hooks.push(hook);
        }
    }

    /// Runs a change. It is durable when this returns `Ok`; on `Err` nothing of it remains.
    ///
    /// Changes that wait at the same time share one commit, each within its own savepoint.
    ///
    /// # Errors
    /// The closure's own error, or a failure of the database.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (job, answer) = writer::job(change);
        self.writer
            .queue()?
            .send(job)
            .await
            .map_err(|_| DbError::Closed)?;
        answer.await.map_err(|_| E::from(DbError::Closed))?
    }

    /// [`Db::write`] for the command line and for threads that may block.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T, E, F>(&self, change: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (job, answer) = writer::job(change);
        self.writer
            .queue()?
            .blocking_send(job)
            .map_err(|_| DbError::Closed)?;
        answer.blocking_recv().map_err(|_| E::from(DbError::Closed))?
    }

    /// Runs a query on a blocking thread, against a snapshot.
    ///
    /// # Errors
    /// The closure's own error, or a failure of the database.
    pub async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || readers.run(query))
            .await
            .map_err(|_| E::from(DbError::Panicked))?
    }

    /// [`Db::read`] for the command line and for threads that may block.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Read<'_>) -> Result<T, E>,
        E: From<DbError>,
    {
        self.readers.run(query)
    }

    /// Copies the database, while it is in use, to a new file under the same key.
    ///
    /// # Errors
    /// A failed statement.
    pub fn copy_to(&self, target: &Path) -> Result<(), DbError> {
        open::copy(&self.path, target, &self.key)
    }
}
