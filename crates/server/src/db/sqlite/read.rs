//! The pool of read connections.

use super::{open, table};
use crate::db::{DbError, SqlResult, Stored};
use hms_model::secret::Secret;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Idle connections that are kept; more are opened when more readers run at once, and closed after.
const KEEP: usize = 8;

/// A snapshot of the database for one query.
pub struct Read<'c> {
    conn: &'c Connection,
}

impl<'c> Read<'c> {
    /// For the functions of [`table`].
    #[must_use]
    pub fn conn(&self) -> &'c Connection {
        self.conn
    }

    /// The current version of a resource, `None` if it never existed. Deleted ones are returned as such.
    ///
    /// # Errors
    /// A failed statement.
    pub fn get(&self, kind: &str, id: &str) -> Result<Option<Stored>, DbError> {
        table::resource::get(self.conn, kind, id)
    }
}

pub(super) struct Pool {
    path: PathBuf,
    key: Arc<Secret<[u8; 32]>>,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(path: PathBuf, key: Arc<Secret<[u8; 32]>>) -> Self {
        Self {
            path,
            key,
            idle: Mutex::default(),
        }
    }

    pub(super) fn run<T, E: From<DbError>>(
        &self,
        query: impl FnOnce(&Read<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let taken = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let conn = match taken {
            Some(conn) => conn,
            None => open::reader(&self.path, &self.key)?,
        };
        let answer = {
            let snapshot = conn.unchecked_transaction().doing("begin a read")?;
            query(&Read { conn: &snapshot })
        };
        if let Ok(mut idle) = self.idle.lock() {
            if idle.len() < KEEP {
                idle.push(conn);
            }
        }
        answer
    }
}
