//! What it costs to ask where nothing is new, and to send one thing.

use super::super::person;
use super::super::row::{Row, Times};
use super::super::wire::{Pace, Wire};
use super::super::Bench;
use anyhow::Result;
use std::time::{Duration, Instant};

const ROUNDS: usize = 10;
/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(300);

/// One carrier with nothing to do.
pub(super) async fn idle(bench: &Bench) -> Result<Vec<Row>> {
    let cast = bench.cast(false).await?;
    let folder = bench.fresh("idle")?;
    let wire = Wire::to(bench.server_address(&cast)?).await?;
    let client = person::start(&folder.join("profile"), &bench.demo_json(), wire.address).await?;
    person::sign_in(&client, &cast.http, cast.user("carrier")).await?;
    person::until_synced(&client).await?;

    let (mut bytes, mut times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if round == ROUNDS / 2 {
            wire.pace(Pace {
                one_way: ROUND_TRIP / 2,
                bytes_a_second: None,
            });
        }
        let (up, down) = wire.bytes();
        let begun = Instant::now();
        client.sync_now().await?;
        if round < ROUNDS / 2 {
            // What the server still sends after its last line.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let (up_now, down_now) = wire.bytes();
            bytes.push((up_now - up) + (down_now - down));
        } else {
            times.push(begun.elapsed());
        }
    }
    wire.pace(Pace::default());
    let mut single = Vec::new();
    for number in 0..5 {
        wire.cut();
        person::report_bite(&client, number).await?;
        wire.restore();
        // The connection is warm before the report is measured: this exchange takes it along, and makes the greeting.
        person::until_synced(&client).await?;
        let (up, _) = wire.bytes();
        person::report_bite(&client, 100 + number).await?;
        person::until_synced(&client).await?;
        single.push(wire.bytes().0 - up);
    }
    client.shutdown().await;
    cast.leave().await;
    std::fs::remove_dir_all(&folder)?;

    bytes.sort_unstable();
    single.sort_unstable();
    let middle = |all: &[u64]| all.get(all.len() / 2).copied().unwrap_or_default() as f64;
    let times = Times::of(times);
    let trips = times.median() / 1000.0 / ROUND_TRIP.as_secs_f64();
    Ok(vec![
        Row::new(
            format!(
                "sync with nothing new, warm TLS, both ways, median of {}",
                bytes.len()
            ),
            middle(&bytes),
            "bytes",
        )
        .at_most(600.0),
        Row::new(
            "sync with nothing new: round trips (its time over a link of 300 ms, in 300 ms)",
            trips,
            "round trips",
        )
        // What is not the link, on a busy machine.
        .at_most(1.5),
        Row::new(
            "one report sent alone, up, a record (report and queue entry; all requests, HTTP and TLS in it)",
            middle(&single) / 2.0,
            "bytes",
        )
        .at_most(150.0),
        Row::absent("a field edit, up", "$hms-sync takes whole records, no patches"),
    ])
}
