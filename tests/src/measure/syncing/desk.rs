//! A nurse's app without a window, in a process of its own: what it says on its standard output is when what was done.

use super::super::person::{self, PHRASE};
use anyhow::{ensure, Result};
use std::path::Path;
use std::time::{Duration, Instant};

/// Names the profile that such a process opens.
pub const DESK: &str = "HMS_MEASURE_DESK";
/// Set where the process looks at the queue while records come in.
pub(super) const WATCH: &str = "HMS_MEASURE_WATCH";
/// Set where the process ends after its first list.
pub(super) const LIST_ONLY: &str = "HMS_MEASURE_LIST_ONLY";
/// Longest wait for a sync.
const PATIENCE: Duration = Duration::from_secs(1800);

fn say(name: &str, value: f64) {
    println!("{name}\t{value}");
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// The process.
///
/// # Errors
/// The profile does not open, or the sync does not end.
pub async fn desk(profile: &Path) -> Result<()> {
    let begun = Instant::now();
    let client = person::open_as(profile, true).await?;
    let started = ms(begun);
    let begun = Instant::now();
    ensure!(
        client.unlock(PHRASE.to_owned()).await?.open,
        "the profile is locked"
    );
    say("unlock-ms", ms(begun));
    let unlocked = Instant::now();
    let list = client.queue().await?.items.len();
    // A key of the hardware needs no derivation; what opening the file takes is a row of `bench store`.
    say("list-ms", started + ms(unlocked));
    say("list", list as f64);
    if std::env::var_os(LIST_ONLY).is_some() {
        client.shutdown().await;
        return Ok(());
    }
    let watch = std::env::var_os(WATCH).is_some();
    let mut seen: Vec<(f64, usize)> = Vec::new();
    let mut looked = Instant::now();
    while client.app_state().await?.network.last_sync_at.is_none() {
        ensure!(unlocked.elapsed() < PATIENCE, "the first sync does not end");
        if watch && looked.elapsed() > Duration::from_millis(250) {
            seen.push((ms(unlocked), client.queue().await?.items.len()));
            looked = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    say("synced-ms", ms(unlocked));
    // Before the list, which is of the window's making.
    say("synced-peak-mb", peak_mb());
    let begun = Instant::now();
    let whole = client.queue().await?.items.len();
    say("queue-ms", ms(begun));
    say("queue", whole as f64);
    if watch {
        seen.push((ms(unlocked), whole));
        let useful = seen.iter().find(|(_, count)| *count == whole);
        say("useful-ms", useful.map_or(f64::NAN, |(at, _)| *at));
        let some = seen.iter().find(|(_, count)| *count > 0);
        say("some-ms", some.map_or(f64::NAN, |(at, _)| *at));
    }
    say("peak-mb", peak_mb());
    client.shutdown().await;
    Ok(())
}

fn peak_mb() -> f64 {
    super::super::memory::peak_mb(std::process::id()).unwrap_or(f64::NAN)
}
