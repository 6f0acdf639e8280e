//! `ach-server backup` and `restore`: database, keys and settings in one file.
//!
//! ```text
//! "HMS-ACH backup 1\n"  then, for each file: name length (u32), name, length (u64), bytes; big-endian
//! last, the SHA-256 of everything before it
//! ```
//! The file holds the keys in clear, readable by its owner only: it is worth as much as the data.

use crate::data_dir::{DataDir, DataDirError};
use crate::db::{DbError, Tx};
use anyhow::{bail, Context};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

const MAGIC: &[u8] = b"HMS-ACH backup 1\n";

/// Files beside the database that belong to a server.
const KEPT: [&str; 7] = [
    "keys/db.key",
    "keys/hpke.key",
    "keys/signing.key",
    "keys/audit.key",
    "tls/ca.key",
    "ca.pem",
    "config.json",
];

pub(super) fn backup(root: &Path, file: &Path) -> anyhow::Result<()> {
    let dir = DataDir::open(root)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        bail!(
            "there is no folder {}; create it first, or choose another place",
            folder.display()
        );
    }
    let app = crate::app::App::open(&dir, crate::clock::Clock::System)?;
    if file.exists() {
        bail!("{} exists already; choose another name", file.display());
    }
    let copy = sibling(file, "db-part");
    let part = sibling(file, "part");
    let done = app
        .db
        .copy_to(&copy)
        .map_err(anyhow::Error::from)
        .and_then(|()| write(&dir, &copy, &part))
        .and_then(|()| {
            std::fs::rename(&part, file).with_context(|| format!("cannot write {}", file.display()))
        });
    let _ = std::fs::remove_file(&copy);
    if done.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    done?;
    println!(
        "Wrote {}. It holds the keys: keep it as safe as the server itself.",
        file.display()
    );
    Ok(())
}

fn sibling(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Writes and hashes at once.
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..n).unwrap_or_default());
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn write(dir: &DataDir, database: &Path, part: &Path) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = options
        .open(part)
        .with_context(|| format!("cannot create {}", part.display()))?;
    let mut out = Hashing {
        inner: BufWriter::new(file),
        hasher: Sha256::new(),
    };
    out.write_all(MAGIC)?;
    for name in KEPT {
        let path = dir.root().join(name);
        if path.exists() {
            append(&mut out, name, &path)?;
        }
    }
    append(&mut out, "ach.db", database)?;
    let digest = out.hasher.clone().finalize();
    out.inner.write_all(&digest)?;
    let file = out
        .inner
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all().context("cannot finish the backup")?;
    Ok(())
}

fn append(out: &mut impl Write, name: &str, path: &Path) -> anyhow::Result<()> {
    let mut file = File::open(path).with_context(|| format!("cannot read {name}"))?;
    let length = file
        .metadata()
        .with_context(|| format!("cannot read {name}"))?
        .len();
    out.write_all(&u32::try_from(name.len())?.to_be_bytes())?;
    out.write_all(name.as_bytes())?;
    out.write_all(&length.to_be_bytes())?;
    let copied = std::io::copy(&mut (&mut file).take(length), out).context("cannot write the backup")?;
    if copied != length {
        bail!("{name} changed while it was read; run the backup again");
    }
    Ok(())
}

pub(super) fn restore(root: &Path, file: &Path) -> anyhow::Result<()> {
    if root.join("keys/db.key").exists() || root.join("ach.db").exists() {
        return Err(DataDirError::AlreadyThere {
            path: root.to_owned(),
        })
        .context("restore makes a new directory and never overwrites one");
    }
    check(file)?;
    let mut input =
        BufReader::new(File::open(file).with_context(|| format!("cannot open {}", file.display()))?);
    let mut magic = vec![0; MAGIC.len()];
    input.read_exact(&mut magic)?;
    // The length was checked with the digest: the last 32 bytes are not a file.
    let end = std::fs::metadata(file)?.len().saturating_sub(32);
    let mut at = u64::try_from(MAGIC.len())?;
    while at < end {
        at += extract(root, &mut input)?;
    }
    let dir = DataDir::open(root)?;
    let app = crate::app::App::open(&dir, crate::clock::Clock::System)?;
    // Clients hold cursors into a history that may have gone further: a new epoch has them offer what they know.
    app.db.write_blocking(|tx: &mut Tx<'_>| -> Result<(), DbError> {
        crate::service::sync::renew_epoch(tx).map(drop)
    })?;
    println!(
        "Restored {}. Start it with: ach-server serve --data {}",
        root.display(),
        root.display()
    );
    Ok(())
}

fn check(file: &Path) -> anyhow::Result<()> {
    let mut input =
        BufReader::new(File::open(file).with_context(|| format!("cannot open {}", file.display()))?);
    let length = std::fs::metadata(file)?.len();
    let mut hasher = Sha256::new();
    let mut left = length.saturating_sub(32);
    let mut buffer = vec![0; 64 * 1024];
    let mut first = true;
    while left > 0 {
        let n = usize::try_from(left.min(64 * 1024))?;
        let part = buffer.get_mut(..n).context("cannot read the backup")?;
        input.read_exact(part).context("cannot read the backup")?;
        if std::mem::take(&mut first) && !part.starts_with(MAGIC) {
            bail!("{} is not a backup of HMS-ACH", file.display());
        }
        hasher.update(&*part);
        left -= u64::try_from(n)?;
    }
    let mut digest = [0; 32];
    input
        .read_exact(&mut digest)
        .with_context(|| format!("{} is not a backup of HMS-ACH", file.display()))?;
    if hasher.finalize()[..] != digest {
        bail!(
            "{} is damaged; nothing was restored. Use another backup",
            file.display()
        );
    }
    Ok(())
}

/// Writes one file of the backup; returns how many bytes it took there.
fn extract(root: &Path, input: &mut impl Read) -> anyhow::Result<u64> {
    let (mut short, mut long) = ([0; 4], [0; 8]);
    input.read_exact(&mut short)?;
    let mut name = vec![0; usize::try_from(u32::from_be_bytes(short))?.min(256)];
    input.read_exact(&mut name)?;
    input.read_exact(&mut long)?;
    let (name, length) = (String::from_utf8(name)?, u64::from_be_bytes(long));
    let relative = Path::new(&name);
    if !relative.components().all(|c| matches!(c, Component::Normal(_))) {
        bail!("the backup names a file outside the data directory");
    }
    let path = root.join(relative);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).context("cannot create the data directory")?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o700))?;
        }
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options
        .open(&path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    std::io::copy(&mut input.take(length), &mut file)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.sync_all()?;
    Ok(4 + u64::try_from(name.len())? + 8 + length)
}
