//! `ach triage interview --json`: the symptom checker on lines of JSON.

use crate::failure::Failure;
use hms_triage::{Interview, Pack};
use std::io::{BufRead, Write};

/// Reads lines until the outcome, or until the input ends: then the rest is unknown.
pub fn on_lines() -> Result<(), Failure> {
    let mut interview = Interview::new(Pack::embedded());
    let mut out = std::io::stdout().lock();
    let mut say = |lines: Vec<String>| -> Result<(), Failure> {
        for line in lines {
            writeln!(out, "{line}").map_err(Failure::Console)?;
        }
        out.flush().map_err(Failure::Console)
    };
    let mut bytes = Vec::new();
    let mut input = std::io::stdin().lock();
    loop {
        bytes.clear();
        if input.read_until(b'\n', &mut bytes).map_err(Failure::Console)? == 0 {
            break;
        }
        // A line that is not UTF-8 is a bad line like any other: it gets an error and the question again.
        let line = String::from_utf8_lossy(&bytes);
        if line.trim().is_empty() {
            continue;
        }
        say(interview.line(line.trim()))?;
        if interview.finished() {
            return Ok(());
        }
    }
    say(interview.finish())
}
