//! Tools for those who write the symptom checker's rules.

use crate::failure::Failure;
use crate::say::say;
use hms_triage::author::{self, Tables};
use hms_triage::Pack;
use std::path::{Path, PathBuf};

/// Checks the tables and prints every finding.
pub fn lint(content: &Path) -> Result<(), Failure> {
    let bytes = bytes_of(content, Pack::embedded().version())?;
    let pack = Pack::from_bytes(&bytes).map_err(|e| Failure::Content(e.to_string()))?;
    let findings = author::lint(&pack);
    for finding in &findings {
        say!("{}: {}", finding.row, finding.what);
    }
    if findings.is_empty() {
        say!(
            "No findings. Rules: {}. Status: {}.",
            pack.file().rules.len(),
            pack.status()
        );
        return Ok(());
    }
    Err(Failure::Content(format!("{} findings", findings.len())))
}

/// Makes the pack.
pub fn build(content: &Path, out: &Path, version: &Option<String>) -> Result<(), Failure> {
    let version = version.as_deref().unwrap_or_else(|| Pack::embedded().version());
    let bytes = bytes_of(content, version)?;
    let pack = Pack::from_bytes(&bytes).map_err(|e| Failure::Content(e.to_string()))?;
    std::fs::write(out, &bytes).map_err(|source| Failure::File {
        what: "write",
        file: out.to_owned(),
        source,
    })?;
    say!("{} bytes, {}, {}", bytes.len(), pack.status(), pack.hash());
    Ok(())
}

/// Prints rules whose id starts like this, with reason and source.
pub fn explain(rule: &str) -> Result<(), Failure> {
    let pack = Pack::embedded();
    let mut found = false;
    for entry in pack.file().rules.iter().filter(|r| r.id.starts_with(rule)) {
        found = true;
        say!(
            "{}\n{}",
            entry.id,
            serde_json::to_string_pretty(entry).unwrap_or_default()
        );
    }
    if found {
        Ok(())
    } else {
        Err(Failure::Content(format!("no rule starts with {rule:?}")))
    }
}

fn bytes_of(content: &Path, version: &str) -> Result<Vec<u8>, Failure> {
    let mut files = Vec::new();
    collect(content, &mut files)?;
    files.sort();
    let texts = files
        .into_iter()
        .map(|file| {
            let name = file
                .strip_prefix(content)
                .unwrap_or(&file)
                .to_string_lossy()
                .into_owned();
            std::fs::read_to_string(&file)
                .map(|text| (name, text))
                .map_err(|source| Failure::File {
                    what: "read",
                    file,
                    source,
                })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let pairs = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let tables = Tables::parse(pairs).map_err(|e| Failure::Content(e.to_string()))?;
    author::build(&tables, version).map_err(|e| Failure::Content(e.to_string()))
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |source| Failure::File {
        what: "read",
        file: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|ext| ext == "yaml") {
            into.push(path);
        }
    }
    Ok(())
}
