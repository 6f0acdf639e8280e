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
mod proof;
mod radio;
mod server;

use history::{History, Tally};
use server::Server;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::Instant;

/// Histories in a CI run.
const SEEDS: u64 = 500;
/// Histories on one server, before a new one is made: its records grow with each.
const PER_SERVER: u64 = 5;
const STEPS: usize = 60;
/// Steps between two looks at everything: what is broken stays broken, and looking costs more than acting.
const LOOK_EVERY: usize = 6;

#[test]
fn random_histories_lose_nothing_and_double_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let deep = std::env::var_os("HMS_DEEP").is_some();
    let first = number("HMS_SEED").unwrap_or(0);
    let count = number("HMS_SEEDS").unwrap_or(if deep { 10_000 } else { SEEDS });
    in_memory();
    let tally = all(first, count);
    // A world in which nothing goes wrong proves nothing.
    let rare = [
        tally.kills,
        tally.repeats,
        tally.strays,
        tally.refusals,
        tally.server_kills,
        tally.restores,
        tally.handed,
        tally.disabled,
        tally.moved,
        tally.removed,
        tally.expired,
        tally.turned,
    ];
    assert!(tally.cuts > count, "{tally:?}");
    assert!(count < 50 || rare.iter().all(|n| *n > 0), "{tally:?}");
}

/// Histories with these seeds, as many at a time as there are processors.
fn all(first: u64, count: u64) -> Tally {
    let begun = Instant::now();
    let next = AtomicU64::new(first);
    let (failed, sum) = (AtomicBool::new(false), Mutex::new((0, Tally::default())));
    let work = || {
        // Each worker has its own server: seeds do not meet, and a seed that failed fails alone, too.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        loop {
            let from = next.fetch_add(PER_SERVER, Ordering::Relaxed);
            if from >= first + count || failed.load(Ordering::Relaxed) {
                return;
            }
            let until = (from + PER_SERVER).min(first + count);
            let played = std::panic::AssertUnwindSafe(|| runtime.block_on(play(from, until)));
            let tally = std::panic::catch_unwind(played).unwrap_or_else(|panic| {
                failed.store(true, Ordering::Relaxed);
                std::panic::resume_unwind(panic)
            });
            let mut sum = sum.lock().expect("nobody panics here");
            sum.1.add(tally);
            let before = sum.0 / 200;
            sum.0 += until - from;
            if sum.0 / 200 > before && count > 200 {
                let seconds = begun.elapsed().as_secs_f64();
                println!("{} histories, {seconds:.0} s: {:?}", sum.0, sum.1);
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let tally = sum.into_inner().expect("nobody panics there").1;
    println!(
        "counts: {count} histories in {:.0} s: {tally:?}",
        begun.elapsed().as_secs_f64()
    );
    tally
}

async fn play(from: u64, until: u64) -> Tally {
    let mut server = Server::new().await;
    let mut tally = Tally::default();
    for seed in from..until {
        server.forget_backups();
        let mut history = History::begin(&server, seed).await;
        for step in 1..=STEPS {
            history.step(&mut server).await;
            if step % LOOK_EVERY == 0 {
                check::always(&mut history, &server).await;
            }
        }
        history.quiet(&mut server).await;
        check::at_rest(&history, &server).await;
        tally.add(history.tally);
    }
    tally
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
