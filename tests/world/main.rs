//! The world: real stores and the real server in one process, on a virtual clock, over links that lose, cut, repeat and
//! delay. Random histories from a seed; after each, what must always hold is checked.
//!
//! `HMS_SEEDS=10000` runs more of them; `HMS_DEEP=1` runs 10,000. A history may fail only after those that were played on
//! its server before it, so one that failed is played again with them, as its message says: `HMS_SEED=415 HMS_SEEDS=3`
//! plays 415 to 417 on one server, and nothing else.

mod check;
mod cuts;
mod device;
#[path = "../../crates/server/tests/exchange/world.rs"]
#[expect(dead_code, reason = "the server's own tests use the rest")]
mod district;
mod history;
mod link;
mod proof;
mod radio;
mod server;

use history::{History, Tally};
use server::Server;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::Mutex;
use std::time::Instant;

/// Histories in a CI run.
const SEEDS: u64 = 500;
/// Histories on one server, before a new one is made: its records grow with each.
const PER_SERVER: u64 = 5;
/// Histories that have failed once, those of a range on one server: played in every run, whatever else is.
const FAILED_ONCE: &[Range<u64>] = &[
    // 417, after 416: a question that was open while its change waited did not show that a restored backup had undone
    // the deletion that it asked about.
    415..420,
    // What was offered again and had left the desk was set below the server's newer version.
    835..836,
    // 982: a change stayed in conflict with a version that was not offered any more, and nobody was asked.
    980..983,
    // 4631: who may not bring back what was deleted could not let go of theirs either.
    4630..4632,
];
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
    let mut servers: Vec<Range<u64>> = (first..first + count)
        .step_by(PER_SERVER as usize)
        .map(|from| from..(from + PER_SERVER).min(first + count))
        .collect();
    if number("HMS_SEED").is_none() {
        let more = FAILED_ONCE.iter().filter(|seeds| !servers.contains(seeds));
        servers.extend(more.cloned().collect::<Vec<_>>());
    }
    let tally = all(&servers);
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

/// The histories of these servers, as many servers at a time as there are processors.
fn all(servers: &[Range<u64>]) -> Tally {
    let begun = Instant::now();
    let count: u64 = servers.iter().map(|seeds| seeds.end - seeds.start).sum();
    let next = AtomicUsize::new(0);
    let (failed, sum) = (AtomicBool::new(false), Mutex::new((0, Tally::default())));
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        while let Some(seeds) = servers.get(next.fetch_add(1, Ordering::Relaxed)) {
            if failed.load(Ordering::Relaxed) {
                return;
            }
            let at = AtomicU64::new(seeds.start);
            let played = std::panic::AssertUnwindSafe(|| runtime.block_on(play(seeds.clone(), &at)));
            let tally = std::panic::catch_unwind(played).unwrap_or_else(|panic| {
                failed.store(true, Ordering::Relaxed);
                let (first, at) = (seeds.start, at.load(Ordering::Relaxed));
                let played = at - first + 1;
                eprintln!(
                    "seed {at} failed; {first} to {at} shared its server. To play that again: \
                     HMS_SEED={first} HMS_SEEDS={played} cargo test -p ach-tests --test world random_histories"
                );
                std::panic::resume_unwind(panic)
            });
            let mut sum = sum.lock().expect("nobody panics here");
            sum.1.add(tally);
            let before = sum.0 / 200;
            sum.0 += seeds.end - seeds.start;
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

/// Histories one after the other on one server; `at` is the one that is being played.
async fn play(seeds: Range<u64>, at: &AtomicU64) -> Tally {
    let mut server = Server::new().await;
    let mut tally = Tally::default();
    for seed in seeds {
        at.store(seed, Ordering::Relaxed);
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
