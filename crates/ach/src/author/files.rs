//! Reading and writing what the author's tools work on.

use crate::failure::Failure;
use hms_triage::author::{self, Example, Tables};
use hms_triage::Pack;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The tables of a folder, and all its cases.
pub struct Content {
    /// The tables.
    pub tables: Tables,
    /// Examples, then short cases.
    pub cases: Vec<Example>,
}

/// What the builder or the linter says, with its cause.
pub fn content(error: &dyn std::error::Error) -> Failure {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(why) = cause {
        words = format!("{words}: {why}");
        cause = why.source();
    }
    Failure::Content(words)
}

fn failed<'a>(what: &'static str, file: &'a Path) -> impl FnOnce(std::io::Error) -> Failure + 'a {
    move |source| Failure::File {
        what,
        file: file.to_owned(),
        source,
    }
}

/// Reads a file.
pub fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(failed("read", file))
}

/// Reads a file of text.
pub fn text(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(failed("read", file))
}

/// Reads a file of JSON.
pub fn json<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    let text = text(file)?;
    serde_json::from_str(&text).map_err(|e| Failure::Content(format!("{}: {e}", file.display())))
}

/// Writes a file; its folder is made where it is missing.
pub fn write(file: &Path, what: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed("make", folder))?;
    }
    std::fs::write(file, what).map_err(failed("write", file))
}

/// Reads a pack.
pub fn pack(file: &Path) -> Result<Pack, Failure> {
    Pack::from_bytes(&bytes(file)?).map_err(|e| content(&e))
}

/// Reads the tables of a folder.
pub fn tables(folder: &Path) -> Result<Content, Failure> {
    let mut files = Vec::new();
    collect(folder, "yaml", &mut files)?;
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        let name = file
            .strip_prefix(folder)
            .unwrap_or(&file)
            .to_string_lossy()
            .into_owned();
        texts.push((name, text(&file)?));
    }
    let pairs = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let tables = Tables::parse(pairs).map_err(|e| content(&e))?;
    let mut cases = tables.examples.clone();
    for (name, text) in texts.iter().filter(|(name, _)| name.starts_with("vignettes")) {
        cases.extend(author::examples(name, text).map_err(|e| content(&e))?);
    }
    Ok(Content { tables, cases })
}

/// The pack that tables make, as bytes and ready for use. The version is the embedded pack's where none is given.
pub fn built(tables: &Tables, version: Option<&str>) -> Result<(Vec<u8>, Pack), Failure> {
    let version = version.unwrap_or_else(|| Pack::embedded().version());
    let bytes = author::build(tables, version).map_err(|e| content(&e))?;
    let pack = Pack::from_bytes(&bytes).map_err(|e| content(&e))?;
    Ok((bytes, pack))
}

/// The files of a folder and those below it that end so.
pub fn collect(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder).map_err(failed("read", folder))? {
        let path = entry.map_err(failed("read", folder))?.path();
        if path.is_dir() {
            collect(&path, ending, into)?;
        } else if path.extension().is_some_and(|ext| ext == ending) {
            into.push(path);
        }
    }
    Ok(())
}
