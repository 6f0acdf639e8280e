//! A file of 5 MB over a thin line that breaks thirty times: how much of the line it used, and what it cost the phone.

use super::memory;
use super::person::{self, PHRASE};
use super::row::Row;
use super::wire::{Pace, Wire};
use super::Bench;
use anyhow::{ensure, Context, Result};
use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_client::Client;
use hms_model::view::SendState;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::watch;

/// Names the profile that a process of its own opens as a phone.
pub const PHONE: &str = "HMS_MEASURE_PHONE";

/// A recording goes as it is; a photo would be made smaller first.
const SIZE: usize = 5 * 1024 * 1024;
const CUTS: u64 = 30;
/// How long each lasts.
const CUT: Duration = Duration::from_millis(300);
const BYTES_A_SECOND: u64 = 256_000 / 8;
const LOST_PERCENT: f64 = 10.0;
const MEMORY_MB: f64 = 8.0;
const PATIENCE: Duration = Duration::from_secs(600);

/// What one upload took.
struct Run {
    /// Without the time in which the line was cut.
    took: Duration,
    /// Bytes that came out of the line at the server.
    arrived: u64,
    memory: f64,
    /// From the end of a cut to the next byte at the server.
    resumed: Vec<Duration>,
}

/// `measure upload`.
pub(super) async fn upload(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for round_trip in [100, 300] {
        let run = run(bench, Duration::from_millis(round_trip)).await?;
        let alone = SIZE as f64 / BYTES_A_SECOND as f64;
        let what = format!("5 MB over 256 kbit/s and {round_trip} ms, {CUTS} cuts of 0.3 s");
        let lost = 100.0 * (1.0 - alone / run.took.as_secs_f64());
        let worst = run.resumed.iter().max().copied().unwrap_or_default();
        rows.push(
            Row::new(format!("{what}: share of the line's time lost"), lost, "%").at_most(LOST_PERCENT),
        );
        rows.push(
            Row::new(
                format!("{what}: time, cuts not counted"),
                run.took.as_secs_f64(),
                "s",
            )
            .beside("the bytes alone at the line's rate", alone),
        );
        let over = 100.0 * (run.arrived as f64 / SIZE as f64 - 1.0);
        rows.push(Row::new(
            format!("{what}: bytes on the line beyond the file (TLS, heads, what went twice)"),
            over,
            "%",
        ));
        rows.push(Row::new(
            format!("{what}: from the end of a cut to the next byte at the server, worst"),
            worst.as_secs_f64(),
            "s",
        ));
        rows.push(
            Row::new(
                format!("{what}: memory beyond the phone at rest"),
                run.memory,
                "MB",
            )
            .at_most(MEMORY_MB),
        );
    }
    Ok(rows)
}

async fn run(bench: &Bench, round_trip: Duration) -> Result<Run> {
    let cast = bench.cast(false).await?;
    let folder = bench.fresh("upload")?;
    let profile = folder.join("profile");
    let wire = Wire::to(bench.server_address(&cast)?).await?;
    let client = person::start(&profile, &bench.demo_json(), wire.address).await?;
    person::sign_in(&client, &cast.http, cast.user("carrier")).await?;
    person::until_synced(&client).await?;
    wire.cut();
    report_with_recording(&client).await?;
    client.shutdown().await;

    let mut phone = tokio::process::Command::new(std::env::current_exe()?)
        .env(PHONE, &profile)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let process = phone.id().context("the phone ended")?;
    let mut said = BufReader::new(phone.stdout.take().context("no pipe")?).lines();
    wait_for(&mut said, "open").await?;
    // What opening took is given back.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let at_rest = memory::resident_mb(process)?;
    wire.pace(Pace {
        one_way: round_trip / 2,
        bytes_a_second: Some(BYTES_A_SECOND),
    });
    wire.restore();
    wait_for(&mut said, "words").await?;
    memory::forget_peak(process)?;
    let before = wire.arrived_up();
    let begun = Instant::now();

    let (over, ended) = watch::channel(());
    let waits = async {
        let done = wait_for(&mut said, "done").await;
        drop(over);
        done
    };
    let (done, (cut, resumed)) = tokio::join!(waits, break_it(&wire, before, ended));
    done?;
    let run = Run {
        took: begun.elapsed().saturating_sub(cut),
        arrived: wire.arrived_up() - before,
        memory: memory::peak_mb(process)? - at_rest,
        resumed,
    };
    eprintln!(
        "measure: {} bytes arrived in {:.1} s, {} cuts",
        run.arrived,
        run.took.as_secs_f64(),
        run.resumed.len()
    );
    phone.kill().await?;
    cast.leave().await;
    std::fs::remove_dir_all(&folder)?;
    ensure!(
        run.resumed.len() as u64 == CUTS,
        "only {} of {CUTS} cuts were made",
        run.resumed.len()
    );
    Ok(run)
}

/// Cuts the line at bytes spread over the file; gives how long it was cut in all and how soon each time it went on.
async fn break_it(wire: &Wire, before: u64, ended: watch::Receiver<()>) -> (Duration, Vec<Duration>) {
    let (mut cut, mut resumed) = (Duration::ZERO, Vec::new());
    let mut dice = 0x2545_F491_u64;
    for number in 0..CUTS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let every = SIZE as u64 / CUTS;
        let at = before + number * every + (dice >> 33) % every;
        while wire.arrived_up() < at {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if ended.has_changed().is_err() {
                return (cut, resumed);
            }
        }
        let begun = Instant::now();
        wire.cut();
        tokio::time::sleep(CUT).await;
        let came = wire.arrived_up();
        wire.restore();
        cut += begun.elapsed();
        let back = Instant::now();
        while wire.arrived_up() == came && ended.has_changed().is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        resumed.push(back.elapsed());
    }
    (cut, resumed)
}

async fn wait_for(
    said: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    word: &str,
) -> Result<()> {
    let wait = async {
        loop {
            let line = said.next_line().await?.context("the phone ended")?;
            if line == word {
                return Ok(());
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .with_context(|| format!("no {word} in {PATIENCE:?}"))?
}

async fn report_with_recording(client: &Client) -> Result<()> {
    let mut dice = 7_u64;
    let mut roll = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) as u8
    };
    let recording: Vec<u8> = (0..SIZE).map(|_| roll()).collect();
    let (draft, _) = person::fill_in(client, 0).await?;
    client
        .report_attach(draft.clone(), "audio/ogg".to_owned(), STANDARD.encode(recording))
        .await?;
    client.report_send(draft).await?;
    Ok(())
}

/// The phone: opens a profile, and says when it is open, when the report's words are sent and when all is.
///
/// # Errors
/// The profile does not open.
pub async fn phone(profile: &Path) -> Result<()> {
    let client = person::open(profile).await?;
    ensure!(
        client.unlock(PHRASE.to_owned()).await?.open,
        "the profile is locked"
    );
    println!("open");
    let report = client
        .reports()
        .await?
        .into_iter()
        .find(|report| !report.attachments.is_empty());
    let id = report.context("no report with a file")?.id;
    let is_sent = |send: &SendState| matches!(send, SendState::Sent { .. });
    let mut words = false;
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        // As somebody who looks on: an app that nobody touches locks after two minutes, and then nothing goes up.
        let report = client.report(id.clone()).await?;
        if !words && is_sent(&report.send) {
            words = true;
            println!("words");
        }
        if report.attachments.iter().all(|file| is_sent(&file.send)) {
            println!("done");
            // Its memory is still looked at.
            std::future::pending::<()>().await;
        }
    }
}
