//! A hundred reports made without a signal, then the signal: how long until the server has them, and what they cost.

use super::super::person;
use super::super::row::{Row, Times};
use super::super::wire::{Pace, Wire};
use super::super::Bench;
use crate::stage::cast::Cast;
use anyhow::{ensure, Context, Result};
use hms_client::Client;
use serde_json::Value;
use std::time::{Duration, Instant};

const REPORTS: usize = 100;
const ROUNDS: usize = 5;
const GOAL_S: f64 = 3.0;
/// Longest wait on the slow link.
const PATIENCE: Duration = Duration::from_secs(180);
/// A thin rural link: 300 ms there and back, 1 Mbit/s.
const RURAL: Pace = Pace {
    one_way: Duration::from_millis(150),
    bytes_a_second: Some(125_000),
};

/// One sync of [`REPORTS`].
struct Run {
    took: Duration,
    up: u64,
    down: u64,
}

/// A hundred reports.
pub(super) async fn hundred(bench: &Bench) -> Result<Vec<Row>> {
    let cast = bench.cast(false).await?;
    let folder = bench.fresh("sync")?;
    let wire = Wire::to(bench.server_address(&cast)?).await?;
    let client = person::start(&folder.join("profile"), &bench.demo_json(), wire.address).await?;
    person::sign_in(&client, &cast.http, cast.user("carrier")).await?;
    person::until_synced(&client).await?;

    let mut fast = Vec::new();
    for _ in 0..ROUNDS {
        fast.push(run(&client, &wire, Pace::default()).await?);
    }
    let rural = run(&client, &wire, RURAL).await?;
    wire.pace(Pace::default());
    let made = (ROUNDS + 1) * REPORTS;
    let receipts = person::receipts(&client).await?;
    ensure!(receipts >= made, "{receipts} receipts for {made} reports");
    let plain = one_by_one(&cast).await?;
    client.shutdown().await;
    cast.leave().await;
    std::fs::remove_dir_all(&folder)?;

    let times = Times::of(fast.iter().map(|run| run.took));
    let each = |bytes: fn(&Run) -> u64| {
        let all: u64 = fast.iter().map(bytes).sum();
        all as f64 / (ROUNDS * REPORTS) as f64
    };
    let what = format!("sync of {REPORTS} reports");
    let median = times.median() / 1000.0;
    Ok(vec![
        Row::new(format!("{what}, loopback TLS, median of {ROUNDS}"), median, "s")
            .at_most(GOAL_S)
            .beside(
                "the same number of FHIR transactions, one after the other",
                plain.took.as_secs_f64(),
            ),
        Row::new(
            format!("{what}, loopback TLS, worst"),
            times.worst() / 1000.0,
            "s",
        )
        .at_most(GOAL_S),
        Row::new(
            format!("{what}, 300 ms round trip, 1 Mbit/s"),
            rural.took.as_secs_f64(),
            "s",
        ),
        Row::new(
            "bytes a report, up (report and queue entry; TLS in it)",
            each(|run| run.up),
            "bytes",
        )
        .beside("JSON of the two alone", plain.up as f64 / REPORTS as f64),
        Row::new(
            "bytes a report, down (results, receipts, changes)",
            each(|run| run.down),
            "bytes",
        ),
    ])
}

/// Makes the reports without a signal, then gives the signal back.
async fn run(client: &Client, wire: &Wire, pace: Pace) -> Result<Run> {
    wire.cut();
    for number in 0..REPORTS {
        person::report_bite(client, number).await?;
    }
    let waiting = client.app_state().await?.unsent as usize;
    ensure!(waiting >= REPORTS, "only {waiting} of {REPORTS} reports wait");
    wire.pace(pace);
    wire.restore();
    let (up, down) = wire.bytes();
    let begun = Instant::now();
    person::until_sent(client, PATIENCE).await?;
    let took = begun.elapsed();
    let (up_now, down_now) = wire.bytes();
    eprintln!("measure: {REPORTS} reports sent in {:.2} s", took.as_secs_f64());
    Ok(Run {
        took,
        up: up_now - up,
        down: down_now - down,
    })
}

/// The same over plain FHIR: each report with its queue entry as a transaction, over one connection.
async fn one_by_one(cast: &Cast) -> Result<Run> {
    let patient = text(&cast.user("carrier")["fhir_id"]);
    let newest = format!("QuestionnaireResponse?_sort=-authored&_count=1&patient=Patient/{patient}");
    let found = cast.fhir("carrier", &newest).await?;
    let report = &found["entry"][0]["resource"];
    let search = format!("Task?focus=QuestionnaireResponse/{}", text(&report["id"]));
    let found = cast.fhir("clinician", &search).await?;
    let task = &found["entry"][0]["resource"];
    ensure!(
        report.is_object() && task.is_object(),
        "the server shows no report and queue entry"
    );
    let base = text(&cast.demo["base_url"]).trim_end_matches('/');
    let token = text(&cast.user("carrier")["token"]);
    let (mut up, mut took) = (0, Duration::ZERO);
    for number in 0..REPORTS {
        let body = serde_json::to_vec(&transaction(
            report,
            task,
            &format!("plain-{}-{number}", std::process::id()),
        ))?;
        up += body.len() as u64;
        let begun = Instant::now();
        let request = cast
            .http
            .post(format!("{base}/fhir"))
            .bearer_auth(token)
            .header("content-type", "application/fhir+json");
        let answer = request.body(body).send().await?;
        let status = answer.status();
        let said = answer.text().await.context("no answer to a transaction")?;
        took += begun.elapsed();
        ensure!(
            status.is_success(),
            "a plain transaction was refused with {status}: {said}"
        );
    }
    Ok(Run { took, up, down: 0 })
}

/// A report and its queue entry like these two, under new ids.
fn transaction(report: &Value, task: &Value, id: &str) -> Value {
    let entry = |resource: &Value, kind: &str, id: &str| {
        let mut resource = resource.clone();
        if let Some(map) = resource.as_object_mut() {
            // What the server adds is not sent again.
            for given in ["meta", "identifier", "owner", "businessStatus"] {
                map.remove(given);
            }
        }
        resource["id"] = id.into();
        serde_json::json!({ "resource": resource, "request": { "method": "PUT", "url": format!("{kind}/{id}") } })
    };
    let mut task = task.clone();
    task["focus"]["reference"] = format!("QuestionnaireResponse/{id}").into();
    serde_json::json!({
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [entry(report, "QuestionnaireResponse", id), entry(&task, "Task", &format!("review-{id}"))],
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
