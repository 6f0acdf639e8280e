//! Reports that wait, a thousand of them: how fast they are acknowledged, on the loopback and over a rural link.

use super::super::person;
use super::super::row::Row;
use super::super::wire::Wire;
use super::super::Bench;
use super::peers::{Peers, Pulled, Sync};
use anyhow::{ensure, Context, Result};
use hms_client::Client;
use hms_link::Plan;
use std::path::Path;
use std::time::{Duration, Instant};

/// Reports that wait; each is two records, itself and its entry in the queue.
const REPORTS: usize = 1000;
const RECORDS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(600);

/// A carrier with much to send.
pub(super) async fn queued(bench: &Bench) -> Result<Vec<Row>> {
    let reports = if bench.quick { REPORTS / 10 } else { REPORTS };
    let cast = bench.cast(false).await?;
    let folder = bench.fresh("queued")?;
    let wire = Wire::to(bench.server_address(&cast)?).await?;
    let client = person::start(&folder.join("profile"), &bench.demo_json(), wire.address).await?;
    person::sign_in(&client, &cast.http, cast.user("carrier")).await?;
    person::until_synced(&client).await?;
    let open = run(&client, &wire, "open", reports).await?;
    let rural = run(&client, &wire, "rural", reports).await?;
    let receipts = person::receipts(&client).await?;
    ensure!(
        receipts >= 2 * reports,
        "{receipts} receipts for {} reports",
        2 * reports
    );
    client.shutdown().await;
    cast.leave().await;

    let records = reports * RECORDS;
    let mut acks = Row::new(
        format!("durable acknowledgements of {reports} waiting reports ({records} records), loopback TLS"),
        records as f64 / open,
        "/s",
    )
    .at_least(3000.0);
    let mut slow = Row::new(
        format!("{reports} waiting reports, 512 kbit/s up, 300 ms, 2 % lost, until all are acknowledged"),
        rural,
        "s",
    )
    .at_most(5.0);
    let mut rows = Vec::new();
    let lines = folder.join("records.ndjson");
    write(&lines, records)?;
    for plan in ["open", "rural"] {
        for (peer, pushed) in Peers::of(bench)
            .each(&folder, &lines, Sync::Push(records), plan)
            .await
        {
            match pushed {
                Ok(Pulled { seconds, .. }) if plan == "open" => {
                    acks = acks.and_beside(peer, records as f64 / seconds);
                }
                Ok(Pulled { seconds, .. }) => slow = slow.and_beside(peer, seconds),
                Err(why) => rows.push(Row::absent(
                    format!("{peer}: sending {records} records, {plan}"),
                    format!("{why:#}"),
                )),
            }
        }
    }
    std::fs::remove_dir_all(&folder)?;
    rows.splice(0..0, [acks, slow]);
    Ok(rows)
}

/// Seconds until all are acknowledged.
async fn run(client: &Client, wire: &Wire, plan: &str, reports: usize) -> Result<f64> {
    wire.cut();
    for number in 0..reports {
        person::report_bite(client, number).await?;
    }
    wire.like(&Plan::named(plan).context("no such plan")?);
    wire.restore();
    let begun = Instant::now();
    person::until_sent(client, PATIENCE).await?;
    let took = begun.elapsed().as_secs_f64();
    eprintln!("measure: {reports} reports sent in {took:.2} s, {plan}");
    wire.like(&Plan::default());
    Ok(took)
}

/// Records for the peers, of the size of a report.
fn write(file: &Path, count: usize) -> Result<()> {
    let mut text = String::new();
    for number in 0..count {
        let note = "a brown dog came out of the open yard and bit me when I reached for the box ".repeat(7);
        let record = serde_json::json!({ "resourceType": "QuestionnaireResponse", "id": format!("r{number}"), "status": "completed",
            "item": [{ "linkId": "note", "answer": [{ "valueString": note }] }] });
        text += &record.to_string();
        text.push('\n');
    }
    Ok(std::fs::write(file, text)?)
}
