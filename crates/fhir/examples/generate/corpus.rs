//! `tests/corpus/r4-examples.ndjson.gz`: the official examples of the kept types, one a line.

use super::KEPT;
use flate2::{read::GzDecoder, write::GzEncoder, Compression};
use serde_json::Value;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Larger files are dumps of the whole specification, such as `Bundle-resources.json` with 35 MB.
/// The test that has the package reads those too.
const LARGEST: u64 = 700_000;

/// The package's example files of the kept types, sorted.
pub fn example_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            name.ends_with(".json") && name.split('-').next().is_some_and(|kind| KEPT.contains(&kind))
        })
        .collect();
    files.sort();
    Ok(files)
}

/// The examples that are committed, one compact JSON a line.
pub fn corpus(folder: &Path) -> Result<String, String> {
    let mut lines = String::new();
    for file in example_files(folder)? {
        let problem = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        if std::fs::metadata(&file).map_err(|error| problem(&error))?.len() > LARGEST {
            continue;
        }
        let text = std::fs::read(&file).map_err(|error| problem(&error))?;
        let value: Value = serde_json::from_slice(&text).map_err(|error| problem(&error))?;
        lines.push_str(&value.to_string());
        lines.push('\n');
    }
    Ok(lines)
}

/// Packs text; without a date, so that the same text gives the same bytes.
pub fn pack(text: &str) -> Result<Vec<u8>, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish())
        .map_err(|error| error.to_string())
}

/// Unpacks what [`pack`] made.
pub fn unpack(packed: &[u8]) -> Result<String, String> {
    let mut text = String::new();
    GzDecoder::new(packed)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(text)
}
