//! `ach-server import`: Bundles and resources from files, each file or each 500 resources in one transaction.
//! What is imported has happened before: no notice, number or message follows from it.

use super::Data;
use crate::app::App;
use crate::fhir::transaction::{history, operator};
use crate::fhir::Problem;
use anyhow::{bail, Context};
use serde_json::{json, Value};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Resources of an NDJSON file in one transaction.
const CHUNK: usize = 500;

pub(super) fn import(data: &Data, path: &Path) -> anyhow::Result<()> {
    let (_, app) = data.open()?;
    let files = files(path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        let mut total = 0;
        for file in &files {
            let count = one(&app, file)
                .await
                .with_context(|| format!("cannot import {}", file.display()))?;
            println!("{}: {count} resources", file.display());
            total += count;
        }
        println!("Imported {total} resources from {} files.", files.len());
        Ok(())
    })
}

fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let listing = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut found: Vec<PathBuf> = listing
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "json" || e == "ndjson"))
        .collect();
    found.sort();
    if found.is_empty() {
        bail!("{} holds no .json or .ndjson files", path.display());
    }
    Ok(found)
}

async fn one(app: &App, file: &Path) -> anyhow::Result<usize> {
    if file.extension().is_some_and(|e| e == "ndjson") {
        return ndjson(app, file).await;
    }
    let value: Value = serde_json::from_slice(&std::fs::read(file)?).context("it is not JSON")?;
    let bundle = match (
        value.get("resourceType").and_then(Value::as_str),
        value.get("type").and_then(Value::as_str),
    ) {
        (Some("Bundle"), Some("transaction" | "batch")) => value,
        (Some("Bundle"), _) => puts(
            value
                .get("entry")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|e| e.get("resource").cloned()),
        ),
        (Some(_), _) => puts(std::iter::once(value)),
        (None, _) => bail!("it is not a FHIR resource"),
    };
    run(app, &bundle).await
}

async fn ndjson(app: &App, file: &Path) -> anyhow::Result<usize> {
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut total = 0;
    for (number, line) in BufReader::new(std::fs::File::open(file)?).lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        chunk.push(serde_json::from_str(&line).with_context(|| format!("line {} is not JSON", number + 1))?);
        if chunk.len() == CHUNK {
            total += run(app, &puts(chunk.drain(..))).await?;
        }
    }
    if !chunk.is_empty() {
        total += run(app, &puts(chunk.drain(..))).await?;
    }
    Ok(total)
}

/// Resources that have ids keep them.
fn puts(resources: impl Iterator<Item = Value>) -> Value {
    let entries: Vec<Value> = resources
        .map(|resource| {
            let text = |key: &str| resource.get(key).and_then(Value::as_str).map(str::to_owned);
            let request = match (text("resourceType"), text("id")) {
                (Some(kind), Some(id)) => json!({"method": "PUT", "url": format!("{kind}/{id}")}),
                (kind, _) => json!({"method": "POST", "url": kind.unwrap_or_default()}),
            };
            json!({"resource": resource, "request": request})
        })
        .collect();
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

async fn run(app: &App, bundle: &Value) -> anyhow::Result<usize> {
    match history(app, &operator("import"), bundle).await {
        Ok(_) => Ok(bundle.get("entry").and_then(Value::as_array).map_or(0, Vec::len)),
        Err(problem) => Err(explain(problem)),
    }
}

/// The first mistakes with their places; nothing of the content.
fn explain(problem: Problem) -> anyhow::Error {
    let outcome = problem.outcome();
    let issues = outcome
        .get("issue")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let lines: Vec<String> = issues
        .iter()
        .take(5)
        .map(|issue| {
            let text = |key: &str| {
                issue
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let place = issue
                .get("expression")
                .and_then(|e| e.get(0))
                .and_then(Value::as_str)
                .unwrap_or_default();
            format!("{place}: {}", text("diagnostics"))
        })
        .collect();
    anyhow::anyhow!("nothing of this file was imported: {}", lines.join("; "))
}
