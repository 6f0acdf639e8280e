//! Prints how long a durable save, a read and a page take on this machine, encrypted. For figures, run with
//! `--release`: `cargo run --release -p hms-store --example save_speed [FOLDER]`.

use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{ChangeBody, WireChange};
use hms_store::{AuditRow, LocalChange, Store};
use serde_json::{json, Value};
use std::path::PathBuf;
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error>;

fn report(n: u32) -> Value {
    json!({
        "resourceType": "QuestionnaireResponse",
        "id": format!("r{n}"),
        "questionnaire": "https://hms-ach.example/fhir/Questionnaire/injury-report|1",
        "status": "completed",
        "authored": "2026-11-21T10:42:00-06:00",
        "subject": { "reference": "Patient/dana" },
        "item": [{ "linkId": "note", "answer": [{ "valueString": "a dog came out of the yard ".repeat(20) }] }],
    })
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!("{what}: p50 {:?}, p99 {:?}, of {}", at(50), at(99), times.len());
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = folder.join(format!("hms-save-speed-{}", std::process::id()));
    let store = Store::open(&dir, &Secret::new([7; 32]))?;
    let now = Timestamp(1_795_000_000_000);

    let mut times = Vec::new();
    for n in 0..500 {
        let change = LocalChange::put(report(n)).ok_or("a report")?;
        let audit = AuditRow {
            who: None,
            action: "save".into(),
            subject: change.id.clone(),
        };
        let start = Instant::now();
        store.save_local(vec![change], audit, now).await?;
        times.push(start.elapsed());
    }
    print("save (record, search rows, outbox, audit, fsync)", times);

    let mut times = Vec::new();
    for n in 0..2_000 {
        let start = Instant::now();
        store
            .get("QuestionnaireResponse", &format!("r{}", n % 500))
            .await?;
        times.push(start.elapsed());
    }
    print("read by id", times);

    let start = Instant::now();
    for page in 0..20 {
        let changes = (0..200)
            .map(|n| WireChange {
                change: ChangeBody::Resource(report(1_000 + page * 200 + n)),
            })
            .collect();
        store.apply_page(changes, page.to_string(), now).await?;
    }
    println!(
        "pages: {:.0} records a second",
        4_000.0 / start.elapsed().as_secs_f64()
    );

    let mut times = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        store
            .search("QuestionnaireResponse", "authored", "ge2027-01-01")
            .await?;
        times.push(start.elapsed());
    }
    print("search by date, nothing found", times);
    store.close().await;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
