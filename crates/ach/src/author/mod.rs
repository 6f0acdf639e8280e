//! Tools for those who write, review and sign the symptom checker's rules.

mod args;
mod compare;
mod explain;
mod files;
mod release;
mod review;

pub use args::{Signer, Triage};

use crate::failure::Failure;
use crate::say::say;
use hms_triage::author::{self, fhir};
use serde::Serialize;
use serde_json::json;
use std::path::Path;

/// Does what was asked; `json` asks for answers as JSON.
pub fn run(task: &Triage, as_json: bool) -> Result<(), Failure> {
    match task {
        Triage::Interview { json: _ } => crate::interview::on_lines(),
        Triage::Lint { content } => lint(content, as_json),
        Triage::Build {
            content,
            out,
            version,
            fhir,
        } => build(content, out, version.as_deref(), fhir.as_deref(), as_json),
        Triage::Import { folder, content, out } => import(folder, content, out.as_deref()),
        Triage::Explain { id, content } => explain::explain(id, content, as_json),
        Triage::Diff { old, new, content } => compare::diff(old, new.as_deref(), content, as_json),
        Triage::Paths { content, bound } => compare::paths(content, *bound, as_json),
        Triage::Graph { module, content, dot } => compare::graph(module, content, *dot),
        Triage::Page {
            out,
            content,
            signatures,
            trust,
        } => review::page(out, content, signatures, trust.as_deref()),
        Triage::Key { out, name } => review::key(out, name),
        Triage::Sign { pack, by, out } => review::sign(pack, by, out),
        Triage::Release {
            pack,
            signatures,
            trust,
            out,
        } => release::release(pack, signatures, trust, out),
        Triage::Recall {
            hash,
            trust,
            why,
            why_es,
            by,
            out,
        } => {
            let why = hms_triage::Text {
                en: why.clone(),
                es: why_es.clone(),
            };
            release::recall(hash, trust, &why, by, out)
        }
        Triage::Verify {
            pack,
            signatures,
            trust,
        } => review::verify(pack, signatures, trust, as_json),
    }
}

/// Prints an answer as JSON.
fn say_json(answer: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(answer).map_err(|e| Failure::Content(e.to_string()))?;
    say!("{text}");
    Ok(())
}

/// Checks the tables and prints every finding.
fn lint(content: &Path, as_json: bool) -> Result<(), Failure> {
    let (_, pack) = files::built(&files::tables(content)?.tables, None)?;
    let findings = author::lint(&pack);
    if as_json {
        let rows: Vec<_> = findings
            .iter()
            .map(|f| json!({"row": f.row, "what": f.what}))
            .collect();
        say_json(&json!({"findings": rows, "rules": pack.file().rules.len(), "status": pack.status()}))?;
    } else {
        findings.iter().for_each(|f| say!("{}: {}", f.row, f.what));
    }
    if !findings.is_empty() {
        return Err(Failure::Content(format!("{} findings", findings.len())));
    }
    if !as_json {
        say!(
            "No findings. Rules: {}. Status: {}.",
            pack.file().rules.len(),
            pack.status()
        );
    }
    Ok(())
}

/// Makes the pack, and the FHIR resources where a folder for them is given.
fn build(
    content: &Path,
    out: &Path,
    version: Option<&str>,
    fhir: Option<&Path>,
    as_json: bool,
) -> Result<(), Failure> {
    let tables = files::tables(content)?.tables;
    let (bytes, pack) = files::built(&tables, version)?;
    let resources = match fhir {
        Some(_) => fhir::export(&tables, &pack).map_err(|e| files::content(&e))?,
        None => Vec::new(),
    };
    files::write(out, &bytes)?;
    for (folder, resource) in fhir.iter().flat_map(|f| resources.iter().map(move |r| (f, r))) {
        let mut text =
            serde_json::to_string_pretty(&resource.body).map_err(|e| Failure::Content(e.to_string()))?;
        text.push('\n');
        files::write(&folder.join(&resource.file), text.as_bytes())?;
    }
    if as_json {
        return say_json(&json!({
            "bytes": bytes.len(), "status": pack.status(), "hash": pack.hash(), "resources": resources.len(),
        }));
    }
    say!("{} bytes, {}, {}", bytes.len(), pack.status(), pack.hash());
    if let Some(folder) = fhir {
        say!(
            "{} FHIR resources in {}, all valid",
            resources.len(),
            folder.display()
        );
    }
    Ok(())
}

/// Makes tables, and the pack, from FHIR resources.
fn import(folder: &Path, content: &Path, out: Option<&Path>) -> Result<(), Failure> {
    let mut paths = Vec::new();
    files::collect(folder, "json", &mut paths)?;
    paths.sort();
    let resources = paths
        .iter()
        .map(|p| files::json(p))
        .collect::<Result<Vec<_>, _>>()?;
    let imported = fhir::import(&resources).map_err(|e| files::content(&e))?;
    for (name, text) in &imported.files {
        files::write(&content.join(name), text.as_bytes())?;
    }
    if let Some(out) = out {
        files::write(out, &imported.pack)?;
    }
    let pack = hms_triage::Pack::from_bytes(&imported.pack).map_err(|e| files::content(&e))?;
    say!(
        "{} tables in {}; the pack they make: {}",
        imported.files.len(),
        content.display(),
        pack.hash()
    );
    Ok(())
}
