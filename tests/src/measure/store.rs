//! The encrypted store alone, with a hundred thousand records (ten thousand with --quick, 700,000 with --large): what a reading, a search, a save and a page of a sync
//! take, on disk and in memory; the same without a key; and the same held to what a cheap phone has.

use super::phone_mode::Held;
use super::row::Row;
use super::Bench;
use anyhow::{ensure, Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Records that a device holds.
const RECORDS: usize = 100_000;
/// Records of a large clinic.
const MANY: usize = 700_000;

/// Name in the program's lines, words, unit, the most it may be, and the most on a phone.
type Line = (&'static str, &'static str, &'static str, f64, f64);

/// Without a goal.
const NONE: f64 = f64::INFINITY;

const LINES: &[Line] = &[
    (
        "cold-first-list-ms",
        "open, and the first list of open tasks",
        "ms",
        50.0,
        200.0,
    ),
    ("read-p50", "read by id, p50", "ms", NONE, NONE),
    ("read-p99", "read by id, p99", "ms", 0.5, 3.0),
    ("token-p99", "search by token, p99", "ms", 1.5, 6.0),
    ("date-p99", "search by date, p99", "ms", 1.5, 6.0),
    ("reference-p99", "search by reference, p99", "ms", 1.5, 6.0),
    (
        "prefix-p99",
        "search by the beginning of a name, p99",
        "ms",
        1.5,
        6.0,
    ),
    (
        "sort-p99",
        "the newest 50 of a kind and state, sorted, p99",
        "ms",
        5.0,
        20.0,
    ),
    ("has-p99", "_has, p99", "ms", 5.0, 20.0),
    ("include-p99", "_include, p99", "ms", 5.0, 20.0),
    ("contains-p99", "search by a part of a name, p99", "ms", 5.0, 20.0),
    ("fuzzy-p99", "search by a name with a slip, p99", "ms", 5.0, 20.0),
    ("words-p99", "full text, two words, p99", "ms", 5.0, 20.0),
    ("quantity-p99", "search by an amount, p99", "ms", 5.0, 20.0),
    (
        "ingest-us",
        "page of a sync, encrypted and indexed, for one record (10,000/s is 100)",
        "µs",
        100.0,
        500.0,
    ),
    (
        "save-p50",
        "durable save (record, search rows, outbox, audit), p50",
        "ms",
        NONE,
        NONE,
    ),
    ("save-p99", "durable save, p99", "ms", 15.0, 40.0),
    ("json-bytes", "a record as JSON", "bytes", NONE, NONE),
    (
        "disk-bytes",
        "a record on the disk, with its search rows",
        "bytes",
        900.0,
        900.0,
    ),
    ("fill-peak-mb", "most memory while they come in", "MB", 64.0, 64.0),
    (
        "use-peak-mb",
        "most memory while they are searched",
        "MB",
        64.0,
        64.0,
    ),
];

/// Name, words, and how much slower than without a key it may be.
const COSTS: &[(&str, &str, f64)] = &[
    ("ingest-us", "pages of a sync", 1.6),
    ("read-mean-us", "reading by id, cold", 2.0),
    ("cached-mean-us", "reading by id, cached", 1.15),
];

/// `measure store`.
pub(super) fn store(bench: &Bench) -> Result<Vec<Row>> {
    let program = bench.program("examples/measure_store");
    ensure!(
        program.exists(),
        "{} is not built: cargo build --release -p hms-store --example measure_store --features without-key",
        program.display()
    );
    let records = if bench.quick { RECORDS / 10 } else { RECORDS };
    let folder = bench.fresh("store")?;
    let keyed = figures(&program, &folder.join("keyed"), records, &[], None)?;
    let plain = figures(&program, &folder.join("plain"), records, &["--without-key"], None)?;
    let of = format!("{records} records: ");
    let mut rows = table(&keyed, &of, |line| line.3);
    for (name, what, most) in COSTS {
        if let (Some(keyed), Some(plain)) = (keyed.get(*name), plain.get(*name)) {
            rows.push(
                Row::new(format!("cost of encryption: {what}"), keyed / plain, "times")
                    .at_most(*most)
                    .beside("without a key, µs a record", *plain),
            );
        }
    }
    match Held::new() {
        Ok(held) => {
            let phone = figures(&program, &folder.join("phone"), records, &[], Some(&held))?;
            rows.extend(table(&phone, &format!("phone mode, {of}"), |line| line.4));
        }
        Err(why) => rows.push(Row::absent("phone mode", format!("{why:#}"))),
    }
    if bench.large {
        let many = figures(&program, &folder.join("many"), MANY, &[], None)?;
        // Of the searches, one goal; the rest has none for so many.
        let mut many = table(
            &many,
            "700,000 records: ",
            |line| if line.3 <= 5.0 { 8.0 } else { NONE },
        );
        many.retain(|row| row.goal.is_some());
        rows.extend(many);
    } else {
        rows.push(Row::absent(
            "searches in 700,000 records",
            "asked for by --large only",
        ));
    }
    fs::remove_dir_all(folder)?;
    Ok(rows)
}

fn table(figures: &BTreeMap<String, f64>, mode: &str, goal: impl Fn(&Line) -> f64) -> Vec<Row> {
    let row = |line: &Line| {
        let row = Row::new(format!("{mode}{}", line.1), *figures.get(line.0)?, line.2);
        Some(if goal(line).is_finite() {
            row.at_most(goal(line))
        } else {
            row
        })
    };
    LINES.iter().filter_map(row).collect()
}

fn figures(
    program: &Path,
    folder: &Path,
    records: usize,
    more: &[&str],
    held: Option<&Held>,
) -> Result<BTreeMap<String, f64>> {
    let mut all = BTreeMap::new();
    for step in ["fill", "use"] {
        let mut command = match held {
            Some(held) => held.command(program),
            None => Command::new(program),
        };
        command.arg(step).arg(folder).arg(records.to_string()).args(more);
        let said = command
            .output()
            .with_context(|| format!("start {}", program.display()))?;
        ensure!(
            said.status.success(),
            "{step} failed: {}",
            String::from_utf8_lossy(&said.stderr).trim()
        );
        for line in String::from_utf8_lossy(&said.stdout).lines() {
            let (name, value) = line.split_once('\t').context("a name and a number")?;
            all.insert(name.to_owned(), value.parse()?);
        }
    }
    fs::remove_dir_all(folder)?;
    Ok(all)
}
