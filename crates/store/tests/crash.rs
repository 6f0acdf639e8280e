//! `kill -9` at any moment: what was said to be saved is there, whole; what was not, is not, not even in part.
//!
//! A child process works on the profile and prints a line after each commit; it is killed at a random moment after that.

mod common;

use common::{audit, change, open, put, task, versioned, Dice, NOW};
use hms_model::wire::session::WireSealed;
use hms_store::{Journal, Store};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const CHILD: &str = "HMS_STORE_CRASH_CHILD";

/// Not a test of its own: the child's work, when this binary is started for it.
#[test]
fn child() {
    let Ok(work) = std::env::var(CHILD) else { return };
    let (what, dir) = work.split_once(' ').expect("work and folder");
    let dir = PathBuf::from(dir);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("runtime");
    runtime.block_on(async {
        match what {
            "save" => save_for_ever(&dir).await,
            "page" => page_for_ever(&dir).await,
            other => panic!("{other}"),
        }
    });
}

fn say(number: usize) {
    // Straight to the parent: what the test harness captures would die with the process.
    let mut out = std::io::stderr();
    writeln!(out, "done {number}")
        .and_then(|()| out.flush())
        .expect("says");
}

async fn save_for_ever(dir: &Path) {
    let store = open(dir);
    let mut journal = Journal::open(&dir.join("unsent.sealed")).expect("journal");
    let first = store.list("Task").await.expect("lists").len() / 2;
    for n in first.. {
        let sealed = WireSealed {
            id: format!("a{n}"),
            enc: "e".into(),
            ciphertext: "c".repeat(500),
        };
        journal.append(&sealed).expect("appends");
        let pair = vec![put(task(&format!("a{n}"), "a")), put(task(&format!("b{n}"), "b"))];
        store
            .save_local(pair, audit(&format!("Task/a{n}")), NOW)
            .await
            .expect("saves");
        say(n);
    }
}

async fn page_for_ever(dir: &Path) {
    let store = open(dir);
    let first: usize = store
        .cursor()
        .await
        .expect("cursor")
        .map_or(0, |c| c.parse().expect("number"));
    for n in first + 1.. {
        let page = (0..20)
            .map(|t| change(versioned(task(&format!("t{t}"), "x"), &n.to_string())))
            .collect();
        store.apply_page(page, n.to_string(), NOW).await.expect("applies");
        say(n);
    }
}

/// Starts the child, and gives the lines that it says.
fn start(what: &str, dir: &Path) -> (Child, impl Iterator<Item = String>) {
    let mut child = Command::new(std::env::current_exe().expect("own path"))
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, format!("{what} {}", dir.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let said = BufReader::new(child.stderr.take().expect("pipe"));
    (child, said.lines().map_while(Result::ok))
}

/// Starts the child, kills it some moments after it said its `lines`th line, and gives the last number that it said.
fn run_and_kill(what: &str, dir: &Path, lines: u64, then: Duration) -> Option<usize> {
    let (mut child, mut said) = start(what, dir);
    let number = |line: String| match line.strip_prefix("done ").map(str::parse) {
        Some(Ok(number)) => Some(number),
        _ => {
            assert!(!line.contains("panicked"), "{line}");
            None
        }
    };
    let mut last = None;
    for _ in 0..lines {
        last = said.next().and_then(number).or(last);
    }
    // Somewhere in the middle of what comes next.
    std::thread::sleep(then);
    child.kill().expect("kills");
    child.wait().expect("ends");
    said.fold(last, |last, line| number(line).or(last))
}

async fn check_saves(store: &Store, said: Option<usize>) -> usize {
    let tasks = store.list("Task").await.expect("lists");
    let outbox = store.outbox().await.expect("outbox");
    let audits = store.audit_newest(1_000_000).await.expect("audit");
    assert_eq!(
        tasks.len(),
        outbox.len(),
        "record without outbox row, or the other way round"
    );
    assert_eq!(outbox.len(), audits.len() * 2, "change without its audit row");
    assert!(
        outbox.chunks(2).all(|pair| pair[0].group == pair[1].group),
        "half a group"
    );
    let pairs = tasks.len() / 2;
    assert!(said.is_none_or(|said| pairs > said), "said {said:?}, has {pairs}");
    pairs
}

#[tokio::test]
async fn what_was_said_to_be_saved_survives_kill_9_whole() {
    let dir = tempfile::tempdir().expect("dir");
    let (mut dice, mut all) = (Dice(11), 0);
    for round in 0..12 {
        let said = run_and_kill(
            "save",
            dir.path(),
            1 + dice.roll(8),
            Duration::from_micros(dice.roll(12_000)),
        );
        let store = open(dir.path());
        let pairs = check_saves(&store, said).await;
        assert!(pairs >= all, "round {round}");
        all = pairs;
        store.close().await;
        let journal = Journal::open(&dir.path().join("unsent.sealed")).expect("journal");
        let sealed = journal.entries().len();
        assert!(
            sealed >= pairs,
            "round {round}: {pairs} saved, {sealed} sealed before"
        );
    }
    assert!(all >= 12, "{all}");
}

#[tokio::test]
async fn a_cursor_is_never_ahead_of_its_page() {
    let dir = tempfile::tempdir().expect("dir");
    let mut dice = Dice(12);
    let mut last = 0;
    for _ in 0..8 {
        let said = run_and_kill(
            "page",
            dir.path(),
            1 + dice.roll(8),
            Duration::from_micros(dice.roll(30_000)),
        );
        let store = open(dir.path());
        let cursor = store.cursor().await.expect("cursor");
        for stored in store.list("Task").await.expect("lists") {
            assert_eq!(stored.version, cursor);
        }
        last = cursor.map_or(0, |c| c.parse().expect("number"));
        assert!(said.is_none_or(|said| last >= said));
        store.close().await;
    }
    assert!(last >= 8, "{last}");
}

/// A phone's system stops an app that goes out of sight, also in the middle of a commit, and lets it go on or ends it.
/// While it is stopped nobody else gets at the database; whichever comes then, nothing that was saved is lost.
#[cfg(unix)]
#[tokio::test]
async fn a_process_that_is_stopped_in_a_commit_goes_on_or_dies_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let mut dice = Dice(0xDEAD_10CC);
    let signal = |name: &str, child: &Child| {
        let sent = Command::new("kill")
            .args([name, &child.id().to_string()])
            .status();
        assert!(sent.expect("sends").success(), "{name}");
    };
    for round in 0..6 {
        let (mut child, said) = start("save", dir.path());
        let mut said = said.filter_map(|line| line.strip_prefix("done ")?.parse::<usize>().ok());
        let mut last = said.next();
        for stop in 0..5 {
            std::thread::sleep(Duration::from_micros(dice.roll(9_000)));
            signal("-STOP", &child);
            let other = Store::open(dir.path(), &hms_model::secret::Secret::new(common::KEY));
            assert!(
                matches!(other, Err(hms_store::OpenError::InUse)),
                "round {round}, stop {stop}: somebody else got at it"
            );
            signal("-CONT", &child);
            last = said.next().or(last);
        }
        std::thread::sleep(Duration::from_micros(dice.roll(9_000)));
        signal("-STOP", &child);
        child.kill().expect("kills");
        child.wait().expect("ends");
        last = said.last().or(last);

        let store = open(dir.path());
        check_saves(&store, last).await;
        store.close().await;
    }
}
