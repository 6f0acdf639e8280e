//! What can go wrong with the store. Messages name the operation, never what was stored.

use std::path::PathBuf;

/// Why a profile's store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key is not the one that this file was made with.
    #[error("the store was made with another key")]
    WrongKey,
    /// The key is right, but the file cannot be read. Set it aside and deliver the journal.
    #[error("the store's file is damaged")]
    Damaged,
    /// No space to open or create it.
    #[error("the disk is full")]
    Full,
    /// Another process has this profile open.
    #[error("the profile is open in another process")]
    InUse,
    /// A newer version of the app made this file.
    #[error("the store has schema {found}, this program knows up to {known}")]
    NewerSchema {
        /// Schema of the file.
        found: u32,
        /// Newest schema known here.
        known: u32,
    },
    /// The database library encrypts nothing. Opening would write health data in the clear.
    #[error("the database library has no encryption")]
    NotEncrypted,
    /// A file of the profile could not be read or written.
    #[error("failed to access {path}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database refused a step of opening.
    #[error("failed to {what}")]
    Sql {
        /// Step.
        what: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The store's thread could not be started.
    #[error("failed to start the store's thread")]
    Thread(#[source] std::io::Error),
}

/// Why an operation on an open store failed. Nothing of it was done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space left, not even in the reserve.
    #[error("the disk is full")]
    Full,
    /// The file is damaged: close, set aside, open anew.
    #[error("the store's file is damaged")]
    Damaged,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// Not `Type/id`.
    #[error("not a resource id")]
    BadId,
    /// Changed since the version that the change was made on; read it again.
    #[error("the record changed meanwhile")]
    Stale,
    /// The search parameter is unknown, or of a kind that is not indexed on devices.
    #[error("search by this parameter is not possible")]
    BadSearch,
    /// No such entry.
    #[error("no such entry")]
    NotFound,
    /// What is stored is not JSON.
    #[error("failed to read a stored body")]
    Body(#[source] serde_json::Error),
    /// What is stored cannot be unpacked, or could not be packed.
    #[error("failed to pack or unpack a stored body")]
    Packed(#[source] std::io::Error),
    /// A file beside the database could not be written.
    #[error("failed to write a file of the profile")]
    File(#[source] std::io::Error),
    /// The database refused an operation.
    #[error("failed to {what}")]
    Sql {
        /// Operation.
        what: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Wraps a database error, telling a full disk and a damaged file apart from the rest.
    pub(crate) fn sql(what: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => Self::Damaged,
            _ => Self::Sql { what, source },
        }
    }
}
