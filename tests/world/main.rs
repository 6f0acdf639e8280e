//! The world: real stores and the real server in one process, on a virtual clock, over links that lose, cut, repeat and
//! delay. Random histories from a seed; after each, what must always hold is checked.
//!
//! `HMS_SEEDS=10000` runs more of them, `HMS_SEED=416` begins at one that failed; `HMS_DEEP=1` runs 10,000.

mod check;
mod cuts;
mod device;
#[path = "../../crates/server/tests/exchange/world.rs"]
#[allow(dead_code, reason = "the server's own tests use the rest")]
mod district;
mod history;
mod link;

use history::History;
use std::time::Instant;

/// Histories on one server, before a new one is made: its records grow with each.
const PER_SERVER: u64 = 20;
const STEPS: usize = 60;
/// Steps between two looks at everything: what is broken stays broken, and looking costs more than acting.
const LOOK_EVERY: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_lose_nothing_and_double_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let deep = std::env::var_os("HMS_DEEP").is_some();
    let first = number("HMS_SEED").unwrap_or(0);
    let count = number("HMS_SEEDS").unwrap_or(if deep { 10_000 } else { 40 });
    let begun = Instant::now();
    let mut tally = history::Tally::default();
    in_memory();
    let mut server = district::World::new().await;
    for seed in first..first + count {
        if (seed - first) % PER_SERVER == 0 {
            server = district::World::new().await;
        }
        let mut history = History::begin(&server, seed).await;
        for step in 1..=STEPS {
            history.step(&server).await;
            if step % LOOK_EVERY == 0 {
                check::always(&history, &server).await;
            }
        }
        history.quiet(&server).await;
        check::at_rest(&history, &server).await;
        tally.add(&history);
        if count > 200 && (seed - first) % 200 == 199 {
            println!(
                "{} histories, {:.0} s: {tally:?}",
                seed - first + 1,
                begun.elapsed().as_secs_f64()
            );
        }
    }
    println!(
        "{count} histories in {:.0} s: {tally:?}",
        begun.elapsed().as_secs_f64()
    );
    // A world in which nothing goes wrong proves nothing.
    assert!(
        tally.cuts > count && tally.kills > 0 && tally.repeats > 0,
        "{tally:?}"
    );
}

/// Folders lie in memory where the machine has room for it: histories are many, and what a disk does is tested
/// elsewhere. Each profile keeps a reserve of megabytes, and some containers have little memory there.
fn in_memory() {
    let free = std::process::Command::new("df")
        .args(["-k", "--output=avail", "/dev/shm"])
        .output();
    let kilobytes = free.ok().and_then(|said| {
        let text = String::from_utf8(said.stdout).ok()?;
        text.lines().last()?.trim().parse::<u64>().ok()
    });
    if kilobytes.is_some_and(|free| free > 1_000_000) {
        std::env::set_var("TMPDIR", "/dev/shm");
    }
}
