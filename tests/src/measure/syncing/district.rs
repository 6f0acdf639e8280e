//! A server that holds exactly so many records of a nurse's district, and the same records as lines for the peers.

use super::super::server::{launch, Ready};
use super::super::Bench;
use anyhow::{ensure, Context, Result};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

#[path = "../../../../crates/store/tests/common/district.rs"]
mod made;

/// The seed of the records.
const SEED: u64 = 2026;
/// What a nurse's device holds of a server.
const KINDS: &[&str] = &[
    "Patient",
    "AllergyIntolerance",
    "MedicationStatement",
    "Condition",
    "Immunization",
    "Observation",
    "QuestionnaireResponse",
    "RiskAssessment",
    "Task",
    "Encounter",
    "Composition",
    "Appointment",
    "DocumentReference",
    "Practitioner",
    "Organization",
    "Location",
];

/// A running server with its records.
pub(super) struct District {
    pub server: Ready,
    /// NDJSON with at least as many made-up records as the nurse's device will hold.
    pub records: PathBuf,
    /// What the device will hold.
    pub count: usize,
}

impl District {
    /// Starts a server of which the nurse's device will hold so many records.
    ///
    /// # Errors
    /// It cannot be started or filled.
    pub async fn with(bench: &Bench, folder: &Path, count: usize) -> Result<Self> {
        let data = folder.join("data");
        let empty = launch(bench, &data, folder).await?;
        let there = held(&empty).await?;
        empty.process.stop().await;
        ensure!(there < count, "the demonstration alone has {there} records");
        let records = folder.join("records.ndjson");
        write(&records, count)?;
        let more = folder.join("more.ndjson");
        write(&more, count - there)?;
        let begun = std::time::Instant::now();
        let done = tokio::process::Command::new(bench.program("ach-server"))
            .arg("import")
            .arg(&more)
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .await?;
        ensure!(done.success(), "the records were not imported");
        eprintln!(
            "measure: {} records imported in {:.0} s",
            count - there,
            begun.elapsed().as_secs_f64()
        );
        let server = launch(bench, &data, folder).await?;
        let count = held(&server).await?;
        Ok(Self {
            server,
            records,
            count,
        })
    }

    /// The nurse's account.
    pub fn nurse(&self) -> &Value {
        &self.server.demo["users"]["nurse"]
    }
}

/// How many records the nurse's device will hold.
async fn held(server: &Ready) -> Result<usize> {
    let mut all = 0;
    for kind in KINDS {
        let found = server
            .read("nurse", &format!("fhir/{kind}?_summary=count"))
            .await?;
        let total = found["total"]
            .as_u64()
            .with_context(|| format!("no total of {kind}"))?;
        all += usize::try_from(total)?;
    }
    Ok(all)
}

/// The first made-up records as lines, all of them people of one site of the demonstration.
fn write(file: &Path, count: usize) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    for mut record in made::people(SEED).take(count) {
        if let Some(map) = record.as_object_mut() {
            // The server gives its own.
            map.remove("meta");
            if map.contains_key("managingOrganization") {
                map.insert(
                    "managingOrganization".to_owned(),
                    serde_json::json!({ "reference": "Organization/site-001" }),
                );
            }
        }
        serde_json::to_writer(&mut out, &record)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
