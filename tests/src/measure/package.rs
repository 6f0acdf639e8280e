//! What is handed out: the size of the package and of the programs, and what the package needs.

use super::row::Row;
use super::Bench;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Megabytes.
const GOAL_MB: f64 = 25.0;

/// `measure package`; the package is built before.
pub(super) fn package(bench: &Bench) -> Result<Vec<Row>> {
    let deb = newest_deb(&bench.bin_dir.join("bundle/deb"))?;
    let mut rows = vec![Row::new(".deb of the app", size_mb(&deb)?, "MB").at_most(GOAL_MB)];
    for name in ["hms-ach", "ach-server", "ach"] {
        rows.push(Row::new(
            format!("program {name}, stripped"),
            size_mb(&bench.program(name))?,
            "MB",
        ));
    }
    match Command::new("dpkg-deb")
        .arg("--field")
        .arg(&deb)
        .arg("Depends")
        .output()
    {
        Ok(said) => eprintln!(
            "measure: the .deb depends on {}",
            String::from_utf8_lossy(&said.stdout).trim()
        ),
        Err(_) => eprintln!("measure: dpkg-deb is not here, so what the .deb depends on is not shown"),
    }
    Ok(rows)
}

fn newest_deb(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("no package in {}", folder.display()))?;
    let packages = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "deb"));
    let newest = packages.max_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok());
    newest.map(|entry| entry.path()).context("no .deb was built")
}

fn size_mb(file: &Path) -> Result<f64> {
    let size = file
        .metadata()
        .with_context(|| format!("{} is missing", file.display()))?;
    Ok(size.len() as f64 / 1e6)
}
