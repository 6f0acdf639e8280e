//! Four megabytes kept beside the database, let go when the disk is full so that text still saves.

use crate::journal::sync_folder;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Size of the reserve in bytes.
const SIZE: usize = 4 * 1024 * 1024;
/// Name of the file.
const NAME: &str = "reserve.bin";

/// The reserve of one profile.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// The reserve in this folder; made by [`Reserve::restore`].
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join(NAME) }
    }

    /// True while it can be let go.
    pub fn is_held(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|meta| meta.len() > 0)
    }

    /// Gives the space free. True where there was any.
    pub fn release(&self) -> bool {
        self.is_held() && fs::remove_file(&self.path).is_ok()
    }

    /// Makes it again, if the disk holds it twice over: the last free megabytes are left to the text that is being
    /// saved. True where it is held afterwards.
    pub fn restore(&self) -> bool {
        if self.is_held() {
            return true;
        }
        let trial = self.path.with_extension("new");
        let made = fill(&trial).and_then(|()| fs::rename(&trial, &self.path));
        if made.is_err() {
            // A half-made trial would keep the very space that is short.
            let _gone = fs::remove_file(&trial);
        }
        made.is_ok() && self.path.parent().is_some_and(|dir| sync_folder(dir).is_ok())
    }
}

/// Noise, because some file systems store zeros in no space at all.
fn fill(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    let mut seed = 0x5EED_u64;
    let mut block = Vec::with_capacity(64 * 1024);
    while block.len() < 64 * 1024 {
        seed = hms_core::backoff::split_mix(seed);
        block.extend_from_slice(&seed.to_le_bytes());
    }
    for _ in 0..(2 * SIZE / block.len()) {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    file.set_len(u64::try_from(SIZE).unwrap_or(0))?;
    file.sync_all()
}
