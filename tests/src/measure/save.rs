//! What a person waits for at each tap of a report: sealed journal, encrypted database, both synced to the disk.

use super::person;
use super::row::{Row, Times};
use super::wire::Wire;
use super::Bench;
use anyhow::{ensure, Context, Result};
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_store::{AuditRow, LocalChange, Store};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// The slowest one in a hundred may take this long, in milliseconds.
const GOAL_MS: f64 = 40.0;
/// Reports that are filled in; each is six saves.
const REPORTS: usize = 170;
/// Saves of the store alone.
const RECORDS: usize = 1_000;
/// Writes of the disk alone, before and after the rest.
const PLAIN: usize = 500;

/// `measure save`.
pub(super) async fn save(bench: &Bench) -> Result<Vec<Row>> {
    let cast = bench.cast(false).await?;
    let folder = bench.fresh("save")?;
    let mut plain = plain_writes(&folder)?;

    let wire = Wire::to(bench.server_address(&cast)?).await?;
    let client = person::start(&folder.join("profile"), &bench.demo_json(), wire.address).await?;
    person::sign_in(&client, &cast.http, cast.user("carrier")).await?;
    person::until_synced(&client).await?;
    wire.cut();
    let (mut steps, mut sends) = (Vec::new(), Vec::new());
    for number in 0..REPORTS {
        let mut times = person::report_bite(&client, number).await?;
        sends.extend(times.pop());
        steps.extend(times);
    }
    let waiting = client.app_state().await?.unsent as usize;
    ensure!(
        waiting >= REPORTS,
        "only {waiting} of {REPORTS} reports wait to be sent"
    );
    client.shutdown().await;
    cast.leave().await;

    let records = store_alone(&folder.join("store")).await?;
    plain.extend(plain_writes(&folder)?);
    std::fs::remove_dir_all(&folder)?;

    let plain = Times::of(plain);
    let all = Times::of(steps.into_iter().chain(sends.iter().copied()));
    let mut rows = rows(
        "save of a tap in a report (sealed journal, encrypted store; 2 fsyncs)",
        &all,
        &plain,
    );
    rows.extend(self::rows(
        "save of a finished report (journal, record, queue, audit)",
        &Times::of(sends),
        &plain,
    ));
    rows.extend(self::rows(
        "the store's part of it (record, search rows, outbox, audit; 1 transaction)",
        &Times::of(records),
        &plain,
    ));
    Ok(rows)
}

fn rows(what: &str, times: &Times, plain: &Times) -> Vec<Row> {
    let row = |of_100: usize| {
        Row::new(
            format!("{what}, p{of_100} of {}", times.count()),
            times.percentile(of_100),
            "ms",
        )
        .beside(
            format!("plain write of 4 KiB and fsync, p{of_100} of {}", plain.count()),
            plain.percentile(of_100),
        )
    };
    vec![row(50), row(95), row(99).at_most(GOAL_MS)]
}

/// What the disk alone takes: 4 KiB appended and synced.
fn plain_writes(folder: &Path) -> Result<Vec<Duration>> {
    let path = folder.join("plain");
    let mut file = std::fs::File::create(&path)?;
    let block = [7_u8; 4096];
    let mut times = Vec::with_capacity(PLAIN);
    for _ in 0..PLAIN {
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_all()?;
        times.push(begun.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(times)
}

async fn store_alone(folder: &Path) -> Result<Vec<Duration>> {
    let store = Store::open(folder, &Secret::new([7; 32]))?;
    let now = Timestamp(1_795_000_000_000);
    let mut times = Vec::with_capacity(RECORDS);
    for number in 0..RECORDS {
        let report = json!({
            "resourceType": "QuestionnaireResponse",
            "id": format!("r{number}"),
            "questionnaire": "https://hms-ach.example/fhir/Questionnaire/injury-report|1",
            "status": "completed",
            "authored": "2026-11-21T10:42:00-06:00",
            "subject": { "reference": "Patient/dana" },
            "item": [{ "linkId": "note", "answer": [{ "valueString": "a dog came out of the yard ".repeat(20) }] }],
        });
        let change = LocalChange::put(report).context("a report with an id")?;
        let audit = AuditRow {
            who: None,
            action: "save".to_owned(),
            subject: change.id.clone(),
        };
        let begun = Instant::now();
        store.save_local(vec![change], audit, now).await?;
        times.push(begun.elapsed());
    }
    store.close().await;
    Ok(times)
}
