//! Whether the file under the database's name is still the one that is open.
//!
//! A file that somebody deletes (a cleaner, a restored backup) stays readable and writable for who has it open: what is
//! saved then would be gone with the process. So it is looked for before each transaction, and written anew.

use crate::journal::sync_folder;
use crate::open::{open_database, Cipher, Db};
use crate::StoreError;
use rusqlite::Connection;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The database's file as it was opened.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    was: Option<(u64, u64)>,
    /// The log's, since it was first seen: SQLite makes it with the first write and keeps it until it closes.
    log: Option<(u64, u64)>,
}

/// What is under the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    Same,
    Gone,
    Another,
    /// The database is there; its log is not, or is another one.
    LogGone,
}

impl Place {
    /// The file that is there now.
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            was: number(path).ok(),
            log: number(&log_of(path)).ok(),
        }
    }

    fn now(&mut self) -> Now {
        match (number(&self.path), self.was) {
            (_, None) => Now::Same,
            (Ok(now), Some(was)) if now == was => self.log_now(),
            (Ok(_), Some(_)) => Now::Another,
            (Err(error), Some(_)) if error.kind() == io::ErrorKind::NotFound => Now::Gone,
            // That it cannot be looked at says nothing of the file: the transaction will.
            (Err(_), Some(_)) => Now::Same,
        }
    }

    fn log_now(&mut self) -> Now {
        let seen = number(&log_of(&self.path));
        match (seen, self.log) {
            (Ok(now), None) => {
                self.log = Some(now);
                Now::Same
            }
            (Ok(now), Some(was)) if now != was => Now::LogGone,
            (Err(error), Some(_)) if error.kind() == io::ErrorKind::NotFound => Now::LogGone,
            (Ok(_) | Err(_), _) => Now::Same,
        }
    }
}

fn log_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

#[cfg(unix)]
fn number(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let seen = fs::metadata(path)?;
    Ok((seen.dev(), seen.ino()))
}

/// Elsewhere an open file cannot be deleted.
#[cfg(not(unix))]
fn number(_path: &Path) -> io::Result<(u64, u64)> {
    Ok((0, 0))
}

/// Makes sure that what is saved next will be found again.
///
/// # Errors
/// [`StoreError::Damaged`] where another file lies there, or the file could not be written anew.
pub(crate) fn keep(db: &mut Db) -> Result<(), StoreError> {
    match db.place.now() {
        Now::Same => Ok(()),
        Now::Another => Err(StoreError::Damaged),
        Now::Gone => {
            tracing::error!("The database's file was deleted while it was open; it is written anew");
            write_anew(db)
        }
        Now::LogGone => {
            tracing::error!("The database's log was deleted while it was open; what it holds is taken over");
            take_log_over(db)
        }
    }
}

/// All that the log holds goes into the database, which then begins a new one.
fn take_log_over(db: &mut Db) -> Result<(), StoreError> {
    let left: i64 = db
        .conn
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(StoreError::sql("take the log over"))?;
    if left != 0 {
        return Err(StoreError::Damaged);
    }
    let empty = Connection::open_in_memory().map_err(StoreError::sql("take the log over"))?;
    drop(std::mem::replace(&mut db.conn, empty));
    open_again(db)
}

fn write_anew(db: &mut Db) -> Result<(), StoreError> {
    let path = db.place.path.clone();
    let new = path.with_extension("db-anew");
    let _left_by_an_earlier_try = fs::remove_file(&new);
    let copied = db
        .conn
        .execute("VACUUM INTO ?1", [new.to_string_lossy().as_ref()])
        .map_err(StoreError::sql("write the database anew"))
        .and_then(|_| {
            File::open(&new)
                .and_then(|file| file.sync_all())
                .map_err(StoreError::File)
        });
    if let Err(error) = copied {
        let _half_written = fs::remove_file(&new);
        return Err(match error {
            StoreError::Full => StoreError::Full,
            _ => StoreError::Damaged,
        });
    }
    // The old connection takes its log's name away when it closes: before the new one makes its own.
    let empty = Connection::open_in_memory().map_err(StoreError::sql("write the database anew"))?;
    drop(std::mem::replace(&mut db.conn, empty));
    let _log_of_the_old_one = fs::remove_file(log_of(&path));
    fs::rename(&new, &path).map_err(StoreError::File)?;
    path.parent()
        .map_or(Ok(()), sync_folder)
        .map_err(StoreError::File)?;
    open_again(db)
}

fn open_again(db: &mut Db) -> Result<(), StoreError> {
    let path = db.place.path.clone();
    db.conn = match &db.cipher {
        Cipher::Key(key) => open_database(&path, key),
        #[cfg(feature = "without-key")]
        Cipher::None => crate::open::open_plain_again(&path),
    }
    .map_err(|_| StoreError::Damaged)?;
    db.place = Place::of(&path);
    Ok(())
}
