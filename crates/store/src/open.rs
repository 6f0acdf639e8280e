//! Opening a profile's database: its lock, its key, its settings, its schema.

use crate::opnumbers::Floor;
use crate::place::Place;
use crate::reserve::Reserve;
use crate::table::outbox;
use crate::{migrate, OpenError};
use hms_model::secret::Secret;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;
use zeroize::Zeroize;

pub(crate) const DATABASE: &str = "store.db";
const KEY_CHECK: &str = "store.keycheck";
const LOCK: &str = "store.lock";

/// An open database and what belongs to it. Lives on the store's thread.
pub(crate) struct Db {
    pub conn: Connection,
    pub floor: Floor,
    pub reserve: Reserve,
    /// The file that is open.
    pub place: Place,
    /// What it was opened with, should it have to be written anew.
    pub cipher: Cipher,
    /// Writes done since the disk was full.
    pub saved_while_full: u32,
    /// Set by the last call; the thread ends after it.
    pub closed: bool,
    /// Held for as long as the database is open; a second process is refused.
    _lock: File,
}

impl OpenError {
    pub(crate) fn sql(what: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => Self::Damaged,
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::InUse,
            _ => Self::Sql { what, source },
        }
    }

    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::File {
                path: path.to_owned(),
                source,
            },
        }
    }
}

/// What a database is opened with.
#[derive(Clone)]
pub(crate) enum Cipher {
    /// The key of the profile.
    Key(Arc<Secret<[u8; 32]>>),
    /// None at all: only to measure what encryption costs.
    #[cfg(feature = "without-key")]
    None,
}

pub(crate) fn open(dir: &Path, cipher: &Cipher) -> Result<Db, OpenError> {
    fs::create_dir_all(dir).map_err(OpenError::file(dir))?;
    let lock = lock(dir)?;
    let reserve = Reserve::new(dir);
    // On a full disk opening goes on without; the state says so, and each save tries again.
    reserve.restore();
    let open = || match cipher {
        Cipher::Key(key) => open_keyed(dir, key),
        #[cfg(feature = "without-key")]
        Cipher::None => open_plain(dir),
    };
    let opened = match open() {
        Err(OpenError::Full) if reserve.release() => open(),
        other => other,
    };
    let (conn, floor) = opened?;
    Ok(Db {
        conn,
        floor,
        reserve,
        place: Place::of(&dir.join(DATABASE)),
        cipher: cipher.clone(),
        saved_while_full: 0,
        closed: false,
        _lock: lock,
    })
}

fn open_keyed(dir: &Path, key: &Secret<[u8; 32]>) -> Result<(Connection, Floor), OpenError> {
    let path = dir.join(DATABASE);
    if !path.exists() {
        keep_key_check(dir, key)?;
    }
    let mut conn = match open_database(&path, key) {
        // SQLCipher says "not a database" for both: the check beside the file tells them apart.
        Err(OpenError::Damaged) if !key_fits(dir, key) => return Err(OpenError::WrongKey),
        other => other?,
    };
    if !dir.join(KEY_CHECK).exists() {
        keep_key_check(dir, key)?;
    }
    let floor = Floor::open(dir);
    let before = migrate::run(&mut conn)?;
    if before == 0 && floor.number() > 0 {
        outbox::start_after(&conn, floor.number()).map_err(|_| OpenError::Damaged)?;
    }
    Ok((conn, floor))
}

/// As [`open_database`], without a key.
#[cfg(feature = "without-key")]
pub(crate) fn open_plain_again(path: &Path) -> Result<Connection, OpenError> {
    let conn = Connection::open(path).map_err(OpenError::sql("open the database"))?;
    settle(&conn)?;
    Ok(conn)
}

#[cfg(feature = "without-key")]
fn open_plain(dir: &Path) -> Result<(Connection, Floor), OpenError> {
    let mut conn = Connection::open(dir.join(DATABASE)).map_err(OpenError::sql("open the database"))?;
    settle(&conn)?;
    migrate::run(&mut conn)?;
    Ok((conn, Floor::open(dir)))
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(OpenError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse),
        // A system without file locks (Android) runs an app in one process.
        Err(fs::TryLockError::Error(source)) if source.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(fs::TryLockError::Error(source)) => Err(OpenError::File { path, source }),
    }
}

/// Waits, once in a process, until the cipher is there. `SQLite` calls itself initialised before it runs `SQLCipher`'s
/// part, so a second thread that opens at the same moment could be told that there is no cipher.
fn cipher_ready() {
    static READY: Once = Once::new();
    READY.call_once(|| {
        for _ in 0..1_000 {
            let keyed =
                Connection::open_in_memory().and_then(|conn| conn.execute_batch("PRAGMA key = 'any'"));
            if keyed.is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        // A build without the cipher: `open_database` refuses it with the right words.
    });
}

pub(crate) fn open_database(path: &Path, key: &Secret<[u8; 32]>) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::sql("open the database")(source);
    cipher_ready();
    let conn = Connection::open(path).map_err(failed)?;
    let mut hex: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    // What goes wrong is returned; the library would also print it.
    conn.execute_batch("PRAGMA cipher_log_level = NONE")
        .map_err(failed)?;
    let mut pragma = format!("PRAGMA key = \"x'{hex}'\"");
    let keyed = conn.execute_batch(&pragma);
    hex.zeroize();
    pragma.zeroize();
    keyed.map_err(|_| OpenError::NotEncrypted)?;
    let cipher: Option<String> = conn.query_row("PRAGMA cipher_version", [], |row| row.get(0)).ok();
    if cipher.is_none() {
        return Err(OpenError::NotEncrypted);
    }
    settle(&conn)?;
    Ok(conn)
}

/// The settings of every database, and a first reading of it.
fn settle(conn: &Connection) -> Result<(), OpenError> {
    let failed = |source| OpenError::sql("open the database")(source);
    // The index in memory and one process at a time: no -shm file, and nothing for a second process to read.
    // Temporary tables in memory: they would lie in the clear on the disk.
    // A log of two megabytes at most: the reserve has to hold it when the disk is full.
    conn.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -20000;
         PRAGMA wal_autocheckpoint = 500;",
    )
    .map_err(failed)?;
    // The first page is read here: a wrong key or a damaged header shows now.
    conn.query_row("SELECT count(*) FROM sqlite_master", [], |row| {
        row.get::<_, i64>(0)
    })
    .map_err(failed)?;
    conn.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// A digest that tells whether a key is the right one, and nothing else about it: the key has 256 random bits.
fn digest(key: &Secret<[u8; 32]>) -> String {
    let mut hash = Sha256::new();
    hash.update(b"hms-ach key check v1");
    hash.update(key.expose());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keep_key_check(dir: &Path, key: &Secret<[u8; 32]>) -> Result<(), OpenError> {
    let path = dir.join(KEY_CHECK);
    crate::journal::write_whole(&path, digest(key).as_bytes()).map_err(OpenError::file(&path))
}

fn key_fits(dir: &Path, key: &Secret<[u8; 32]>) -> bool {
    fs::read_to_string(dir.join(KEY_CHECK)).is_ok_and(|kept| kept == digest(key))
}

/// Moves a database that cannot be used (damaged, or its key is lost) into a folder beside it, never deleting it,
/// so that a new one can be opened. The journal and the numbers of operations stay. Gives the folder, or `None`
/// where there was nothing.
///
/// # Errors
/// A file could not be moved, or another process has the profile open.
pub fn set_aside(dir: &Path) -> Result<Option<PathBuf>, OpenError> {
    if !dir.join(DATABASE).exists() {
        return Ok(None);
    }
    let _lock = lock(dir)?;
    let aside = (1_u32..)
        .map(|number| dir.join(format!("set-aside-{number}")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| dir.join("set-aside"));
    fs::create_dir_all(&aside).map_err(OpenError::file(&aside))?;
    // The database last: while it is there, a second run after a crash finds the rest and moves it too.
    for name in [
        "store.db-wal",
        "store.db-shm",
        "store.db-journal",
        KEY_CHECK,
        DATABASE,
    ] {
        let from = dir.join(name);
        if from.exists() {
            fs::rename(&from, aside.join(name)).map_err(OpenError::file(&from))?;
        }
    }
    crate::journal::sync_folder(dir).map_err(OpenError::file(dir))?;
    Ok(Some(aside))
}
