//! The data directory: its layout, its keys (readable by the owner only) and its lock.
//!
//! ```text
//! DATA/               0700 where init made it
//! DATA/ach.db         encrypted SQLite (SQLCipher), key in keys/db.key (0600)
//! DATA/keys/          db.key, hpke.key, signing.key, audit.key, upload.key (0600, the folder 0700)
//! DATA/uploads/       photos and recordings that are not whole yet, sealed with keys/upload.key; in no backup
//! DATA/audit-heads.ndjson  signed ends of the audit's chain, one an hour
//! DATA/ca.pem         certificate of the server's own authority, for clients to trust
//! DATA/tls/           the authority's key and the server's certificate
//! DATA/config.json    settings
//! DATA/lock           held while the server runs
//! ```

use crate::random;
use hms_model::secret::Secret;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What can go wrong with the data directory. Messages carry no content of any file.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The directory was never initialised.
    #[error("there is no HMS-ACH data in {path}; create it with: ach-server init --data {path}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A database without its key: nothing new may take the key's place.
    #[error(
        "{path} has a database, but its key {path}/keys/db.key is missing; put it back, or restore a backup"
    )]
    KeyMissing {
        /// The directory.
        path: PathBuf,
    },
    /// Initialising twice would lose the keys.
    #[error("{path} already holds HMS-ACH data; choose another directory, or use it as it is with: ach-server serve --data {path}")]
    AlreadyThere {
        /// The directory.
        path: PathBuf,
    },
    /// Another process serves from it.
    #[error(
        "{path} is in use by another ach-server; stop that one first (its process id is in {path}/lock)"
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot {what} {path}")]
    Io {
        /// The operation.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A key file is damaged.
    #[error("{path} is not a key of HMS-ACH; restore it from a backup")]
    BadKey {
        /// The file.
        path: PathBuf,
    },
}

/// A data directory that exists.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

/// Proof that no other process serves from the directory; released on drop.
#[derive(Debug)]
pub struct DataLock(#[expect(dead_code, reason = "held for its lock")] File);

impl DataDir {
    /// Creates the directory and its keys.
    ///
    /// # Errors
    /// [`DataDirError::AlreadyThere`] where keys exist already; I/O errors.
    pub fn init(root: &Path) -> Result<Self, DataDirError> {
        let dir = Self {
            root: root.to_owned(),
        };
        if dir.key_path("db.key").exists() {
            return Err(DataDirError::AlreadyThere {
                path: root.to_owned(),
            });
        }
        if dir.database().exists() {
            return Err(DataDirError::KeyMissing {
                path: root.to_owned(),
            });
        }
        // A folder that was there before keeps the rights that its owner gave it.
        if !root.exists() {
            make_private_dir(root)?;
        }
        make_private_dir(&root.join("keys"))?;
        make_private_dir(&root.join("tls"))?;
        write_private(&dir.key_path("db.key"), &random::bytes::<32>())?;
        Ok(dir)
    }

    /// Opens a directory that was initialised.
    ///
    /// # Errors
    /// [`DataDirError::Missing`] where it was not.
    pub fn open(root: &Path) -> Result<Self, DataDirError> {
        let dir = Self {
            root: root.to_owned(),
        };
        if !dir.key_path("db.key").exists() {
            let path = root.to_owned();
            return Err(if dir.database().exists() {
                DataDirError::KeyMissing { path }
            } else {
                DataDirError::Missing { path }
            });
        }
        Ok(dir)
    }

    /// Takes the lock that a running server holds.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] where another process holds it.
    pub fn lock(&self) -> Result<DataLock, DataDirError> {
        let path = self.root.join("lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| io("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirError::Locked {
                    path: self.root.clone(),
                })
            }
            Err(TryLockError::Error(source)) => return Err(io("lock", &path, source)),
        }
        file.set_len(0).map_err(|source| io("write", &path, source))?;
        writeln!(file, "{}", std::process::id()).map_err(|source| io("write", &path, source))?;
        Ok(DataLock(file))
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("ach.db")
    }

    /// A key file.
    #[must_use]
    pub fn key_path(&self, name: &str) -> PathBuf {
        self.root.join("keys").join(name)
    }

    /// The key of the database.
    ///
    /// # Errors
    /// Where the file is missing or damaged.
    pub fn db_key(&self) -> Result<Secret<[u8; 32]>, DataDirError> {
        let path = self.key_path("db.key");
        let bytes = self.read_key("db.key")?;
        bytes
            .try_into()
            .map(Secret::new)
            .map_err(|_| DataDirError::BadKey { path })
    }

    /// The bytes of a key file.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read_key(&self, name: &str) -> Result<Vec<u8>, DataDirError> {
        let path = self.key_path(name);
        std::fs::read(&path).map_err(|source| io("read", &path, source))
    }

    /// The bytes of a key file, made by `make` where it does not exist yet.
    ///
    /// # Errors
    /// Where it cannot be read or written.
    pub fn key_or_make(&self, name: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, DataDirError> {
        if !self.key_path(name).exists() {
            write_private(&self.key_path(name), &make())?;
        }
        self.read_key(name)
    }
}

fn io(what: &'static str, path: &Path, source: std::io::Error) -> DataDirError {
    DataDirError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

fn make_private_dir(path: &Path) -> Result<(), DataDirError> {
    std::fs::create_dir_all(path).map_err(|source| io("create", path, source))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
            .map_err(|source| io("protect", path, source))?;
    }
    Ok(())
}

/// Writes a file that only its owner may read, completely or not at all.
///
/// # Errors
/// Where it cannot be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    let part = path.with_extension("part");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options
        .open(&part)
        .map_err(|source| io("create", &part, source))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|source| io("write", &part, source))?;
    std::fs::rename(&part, path).map_err(|source| io("rename", path, source))
}
