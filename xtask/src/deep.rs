//! The long seeded suites: 10,000 histories of the world, and every byte of a sync, of the tokens and of an upload. What
//! they counted is printed at the end as lines for docs/faults.md, with date and commit.

use crate::run::{first_line, program, Done};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a suite puts before the counts that are to be kept.
const MARK: &str = "counts: ";

/// A suite: its headline, and what `cargo test` is told.
type Suite = (&'static str, &'static str);

/// Every suite that looks at `HMS_DEEP`. Tests of one program run one after the other, so that times mean something and
/// nobody waits for a processor that another test holds.
const SUITES: &[Suite] = &[
    (
        "A sync cut at every byte, and every moment of an exchange",
        "-p ach-tests --test world -- cuts radio",
    ),
    (
        "10,000 histories of the world",
        "-p ach-tests --test world -- random_histories",
    ),
    (
        "Power cuts of the store and of an exchange",
        "-p ach-tests --test vfs --",
    ),
    (
        "Uploads, tokens and the client's own steps, at every byte and at every wait",
        "-p hms-client --test it -- uploads:: tokens:: every_wait:: thin::",
    ),
    (
        "Signalling cut at every byte",
        "-p hms-server --test exchange -- signal_cuts",
    ),
    (
        "Histories of the store, and more in it than a phone will hold",
        "-p hms-store --test histories --test huge --",
    ),
    (
        "Proofs of the symptom checker",
        "-p hms-triage --features author --test it -- proofs fhirpath",
    ),
    ("Calls over a bad link", "-p hms-media --test calls -- bad_link"),
];

/// Runs all of them, and prints what they counted.
///
/// # Errors
/// What failed, by its headline.
pub fn deep() -> Done {
    let (date, commit) = (now(), commit());
    let mut kept = Vec::new();
    let done = all(SUITES, cargo_test, &mut kept);
    println!("\nFor docs/faults.md, begun {date}, commit {commit}:");
    for line in &kept {
        println!("- {line}");
    }
    done
}

fn cargo_test(args: &str) -> Command {
    let mut command = program("cargo", &["test"]);
    command
        .args(args.split_whitespace())
        .args(["--nocapture", "--test-threads=1"])
        .env("HMS_DEEP", "1");
    command
}

/// Each suite, also after one has failed: a night that ends at its first failure says too little.
fn all(suites: &[Suite], run: fn(&str) -> Command, kept: &mut Vec<String>) -> Done {
    let mut failed = Vec::new();
    for (headline, args) in suites {
        println!("\n== {headline}");
        let begun = Instant::now();
        match suite(&mut run(args), kept) {
            Ok(()) => println!("== {headline}: done in {:.0} s", begun.elapsed().as_secs_f64()),
            Err(problem) => {
                println!("== {headline}: FAILED ({problem})");
                failed.push(*headline);
            }
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join("; ")))
    }
}

/// One suite; its output passes through, and the counts in it are kept. One that runs no test has failed: what it is to
/// run has another name now.
fn suite(command: &mut Command, kept: &mut Vec<String>) -> Done {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("could not start: {e}"))?;
    let mut tests = 0;
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            println!("{line}");
            // The harness writes a test's name before its first words, on the same line.
            if let Some((_, counts)) = line.split_once(MARK) {
                kept.push(counts.to_owned());
            }
            tests += announced(&line);
        }
    }
    let status = child.wait().map_err(|e| e.to_string())?;
    match tests {
        _ if !status.success() => Err(status.to_string()),
        0 => Err("not one test ran".to_owned()),
        _ => Ok(()),
    }
}

/// How many tests a line of the harness says it will run: `running 3 tests`.
fn announced(line: &str) -> u32 {
    let number = line
        .strip_prefix("running ")
        .and_then(|rest| rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test")));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a suite prints and how it ends, played by a shell.
    fn played(script: &str) -> Command {
        program("sh", &["-c", script])
    }

    const PASSES: Suite = (
        "passes",
        "echo 'running 1 test'; echo 'test cuts::sync ... counts: 7 cuts: lost 0'; echo ok",
    );

    #[test]
    fn a_suite_that_fails_or_runs_no_test_fails_the_whole_also_where_others_pass() {
        let fails = ("fails", "echo 'running 2 tests'; exit 3");
        let empty = ("empty", "echo 'running 0 tests'");

        assert_eq!(all(&[PASSES], played, &mut Vec::new()), Ok(()));
        for other in [fails, empty] {
            for order in [[other, PASSES], [PASSES, other]] {
                let mut kept = Vec::new();
                let done = all(&order, played, &mut kept);
                assert_eq!(done, Err(format!("failed: {}", other.0)));
                assert_eq!(kept, ["7 cuts: lost 0"]);
            }
        }
    }
}
