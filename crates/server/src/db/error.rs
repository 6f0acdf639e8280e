//! What can go wrong in the database. No message carries data of a person.

use hms_fhir::Issue;

/// A failure of the database itself.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A statement failed.
    #[error("failed to {what}")]
    Sql {
        /// The operation.
        what: &'static str,
        /// SQLite's reason.
        #[source]
        source: rusqlite::Error,
    },
    /// A stored body is not JSON any more.
    #[error("a stored resource is unreadable")]
    Body(#[source] serde_json::Error),
    /// The file cannot be opened with this key.
    #[error("the database does not open: its key does not fit (restore keys and database from the same backup), or the directory cannot be written")]
    WrongKey(#[source] rusqlite::Error),
    /// The file was written by a newer program.
    #[error("the database has schema {found}, this program knows {known}; use the newer ach-server")]
    Newer {
        /// In the file.
        found: usize,
        /// In the program.
        known: usize,
    },
    /// The writer has ended; the program is shutting down.
    #[error("the database is closed")]
    Closed,
    /// A job panicked; its changes were undone.
    #[error("an internal error stopped the operation; nothing was changed")]
    Panicked,
}

impl DbError {
    /// Whether the disk is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Sql { source, .. }
            if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}

/// Names the operation that a statement belongs to.
pub trait SqlResult<T> {
    /// Wraps SQLite's error with what was being done.
    ///
    /// # Errors
    /// The wrapped error.
    fn doing(self, what: &'static str) -> Result<T, DbError>;
}

impl<T> SqlResult<T> for rusqlite::Result<T> {
    fn doing(self, what: &'static str) -> Result<T, DbError> {
        self.map_err(|source| DbError::Sql { what, source })
    }
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The resource breaks its definition.
    #[error("the resource is not valid")]
    Invalid(Vec<Issue>),
    /// The version to change is not the current one, or it exists where it must not.
    #[error("the precondition does not hold")]
    Precondition {
        /// The version now, 0 where there is none.
        current: i64,
    },
    /// No such resource.
    #[error("there is no such resource")]
    NotFound,
    /// The resource was deleted.
    #[error("the resource was deleted")]
    Gone,
    /// The change contradicts another one; `code` is for the caller's program.
    #[error("the change conflicts with the current state")]
    Conflict {
        /// A word for the caller's program: `already-claimed`, `multiple-matches`.
        code: &'static str,
    },
    /// Not allowed for this actor.
    #[error("not allowed")]
    Denied,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Vec<Issue>> for WriteError {
    fn from(issues: Vec<Issue>) -> Self {
        Self::Invalid(issues)
    }
}
