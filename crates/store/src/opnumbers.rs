//! The floor under operation numbers: a small file that outlives the database.
//!
//! The server answers a number that it knows with the first result, so a rebuilt database that began at 1 again
//! would have its first changes taken for old ones and lose them. The file always holds a number higher than any
//! given so far, and a new database starts after it.

use crate::journal::write_whole;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const STEP: i64 = 1_000;

/// The file, and what it holds.
#[derive(Debug)]
pub(crate) struct Floor {
    path: PathBuf,
    number: i64,
}

impl Floor {
    /// Reads the file; 0 where there is none or it is unreadable.
    pub fn open(dir: &Path) -> Self {
        let path = dir.join("op-floor");
        let number = fs::read_to_string(&path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        Self { path, number }
    }

    /// What a new database starts after.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// Makes sure that the file holds more than `last`, before `last` is committed.
    pub fn cover(&mut self, last: i64) -> io::Result<()> {
        if last < self.number {
            return Ok(());
        }
        let next = last.saturating_add(STEP);
        write_whole(&self.path, next.to_string().as_bytes())?;
        self.number = next;
        Ok(())
    }
}
