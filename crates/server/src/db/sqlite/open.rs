//! Opening encrypted connections.

use crate::db::{DbError, SqlResult};
use hms_model::secret::Secret;
use rusqlite::{Connection, OpenFlags};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Once;
use std::thread;
use std::time::Duration;

/// A connection that may write. WAL with a full sync at each commit: what is acknowledged survives a power cut.
pub(super) fn connection(path: &Path, key: &Secret<[u8; 32]>) -> Result<Connection, DbError> {
    cipher_ready();
    private(path);
    let conn = Connection::open(path).doing("open the database")?;
    unlock(&conn, key)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA cache_size = -16384;
         PRAGMA temp_store = MEMORY;",
    )
    .map_err(DbError::WrongKey)?;
    super::table::search::register(&conn)?;
    Ok(conn)
}

/// Makes the file readable by its owner only, before there is anything in it; SQLite gives the files beside it the
/// same rights. Where that fails, opening says why.
fn private(path: &Path) {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        // One that an earlier release made, too.
        if path.exists() {
            let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
        }
    }
    let _ = options.open(path);
}

/// A connection that only reads.
pub(super) fn reader(path: &Path, key: &Secret<[u8; 32]>) -> Result<Connection, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    cipher_ready();
    let conn = Connection::open_with_flags(path, flags).doing("open the database for reading")?;
    unlock(&conn, key)?;
    conn.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA cache_size = -4096;
         PRAGMA temp_store = MEMORY;",
    )
    .map_err(DbError::WrongKey)?;
    conn.set_prepared_statement_cache_capacity(128);
    super::table::search::register(&conn)?;
    Ok(conn)
}

/// Copies a database page by page with SQLite's backup, so that a running server is not disturbed.
pub(super) fn copy(from: &Path, to: &Path, key: &Secret<[u8; 32]>) -> Result<(), DbError> {
    let source = reader(from, key)?;
    private(to);
    let mut target = Connection::open(to).doing("create the copy")?;
    unlock(&target, key)?;
    {
        let backup = rusqlite::backup::Backup::new(&source, &mut target).doing("begin the copy")?;
        backup
            .run_to_completion(1024, Duration::from_millis(1), None)
            .doing("copy the database")?;
    }
    target.close().map_err(|(_, source)| DbError::Sql {
        what: "finish the copy",
        source,
    })
}

/// Waits, once in a process, until the cipher is there. SQLite calls itself initialised before it runs SQLCipher's
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
        // A build without the cipher: `unlock` refuses it with the right words.
    });
}

/// A raw 256-bit key, so that no time goes into key derivation on each connection.
fn unlock(conn: &Connection, key: &Secret<[u8; 32]>) -> Result<(), DbError> {
    use std::fmt::Write;
    let mut hex = String::with_capacity(70);
    hex.push_str("x'");
    for byte in key.expose() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex.push('\'');
    conn.pragma_update(None, "key", &hex)
        .doing("unlock the database")?;
    conn.busy_timeout(Duration::from_secs(10))
        .doing("set the waiting time")?;
    conn.set_prepared_statement_cache_capacity(128);
    Ok(())
}
