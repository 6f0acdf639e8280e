//! The long seeded suites: 10,000 histories of the world, and every byte of a sync, of the tokens and of an upload. What
//! they counted is printed at the end as lines for docs/faults.md, with date and commit.

use crate::run::{first_line, program, Done};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

/// What a suite puts before the counts that are to be kept.
const MARK: &str = "counts: ";

/// A suite: its headline, and what `cargo test` is told.
type Suite = (&'static str, &'static [&'static str]);

/// Every suite that looks at `HMS_DEEP`. Tests of one program run one after the other, so that times mean something and
/// nobody waits for a processor that another test holds.
const SUITES: &[Suite] = &[
    (
        "A sync cut at every byte, and every moment of an exchange",
        &["-p", "ach-tests", "--test", "world", "--", "cuts"],
    ),
    (
        "10,000 histories of the world",
        &["-p", "ach-tests", "--test", "world", "--", "random_histories"],
    ),
    (
        "Power cuts of the store and of an exchange",
        &["-p", "ach-tests", "--test", "vfs", "--"],
    ),
    (
        "Uploads, tokens and the client's own steps, at every byte and at every wait",
        &[
            "-p",
            "hms-client",
            "--test",
            "it",
            "--",
            "uploads",
            "tokens",
            "every_wait",
        ],
    ),
    (
        "Signalling cut at every byte",
        &["-p", "hms-server", "--test", "exchange", "--", "signal_cuts"],
    ),
    (
        "Histories of the store",
        &["-p", "hms-store", "--test", "histories", "--"],
    ),
    (
        "Proofs of the symptom checker",
        &[
            "-p",
            "hms-triage",
            "--features",
            "author",
            "--test",
            "proofs",
            "--",
        ],
    ),
    (
        "Calls over a bad link",
        &["-p", "hms-media", "--test", "calls", "--", "bad_link"],
    ),
];

/// Runs all of them, also after one has failed: a night that ends at its first failure says too little.
///
/// # Errors
/// What failed, by its headline.
pub fn deep() -> Done {
    let (date, commit) = (now(), commit());
    let (mut kept, mut failed) = (Vec::new(), Vec::new());
    for (headline, args) in SUITES {
        println!("\n== {headline}");
        let begun = Instant::now();
        match suite(args, &mut kept) {
            Ok(()) => println!("== {headline}: done in {:.0} s", begun.elapsed().as_secs_f64()),
            Err(problem) => {
                println!("== {headline}: FAILED ({problem})");
                failed.push(*headline);
            }
        }
    }
    println!("\nFor docs/faults.md, begun {date}, commit {commit}:");
    for line in &kept {
        println!("- {line}");
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join("; ")))
    }
}

/// One suite; its output passes through, and the counts in it are kept.
fn suite(args: &[&str], kept: &mut Vec<String>) -> Done {
    let mut command = program("cargo", &["test", "--profile", "deep"]);
    command
        .args(args)
        .args(["--nocapture", "--test-threads=1"])
        .env("HMS_DEEP", "1")
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|e| format!("could not start cargo: {e}"))?;
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            println!("{line}");
            // The harness writes a test's name before its first words, on the same line.
            if let Some((_, counts)) = line.split_once(MARK) {
                kept.push(counts.to_owned());
            }
        }
    }
    let status = child.wait().map_err(|e| e.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(status.to_string())
    }
}

fn now() -> String {
    first_line("date", &["-u", "+%Y-%m-%d %H:%M UTC"]).unwrap_or_else(|| "at an unknown time".to_owned())
}

/// The commit, and whether anything was changed since.
fn commit() -> String {
    let commit = first_line("git", &["rev-parse", "--short", "HEAD"]);
    let changed = first_line("git", &["status", "--porcelain", "--untracked-files=no"]);
    let mut commit = commit.unwrap_or_else(|| "unknown".to_owned());
    if changed.is_some_and(|line| !line.is_empty()) {
        commit.push_str(" with changes");
    }
    commit
}
