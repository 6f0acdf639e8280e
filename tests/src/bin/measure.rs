//! `measure [NAME…] --bin-dir DIR [--work DIR] [--peers DIR] [--quick] [--large] [--json]`: figures of the release build. `cargo xtask bench` builds and
//! calls it.

use ach_tests::measure::{desk, machine, phone, print_table, Bench, Row, DESK, NAMES, PHONE};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str =
    "usage: measure [NAME…] --bin-dir DIR [--work DIR] [--peers DIR] [--quick] [--large] [--json]";

fn main() -> ExitCode {
    // A second call finds a provider installed; that is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Some(profile) = std::env::var_os(PHONE) {
        return alone("phone", phone(profile.as_ref()));
    }
    if let Some(profile) = std::env::var_os(DESK) {
        return alone("desk", desk(profile.as_ref()));
    }
    let mut args = std::env::args().skip(1);
    let (mut names, mut bin_dir, mut work, mut json) = (Vec::new(), None, None, false);
    let (mut peers, mut quick, mut large) = (None, false, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bin-dir" => bin_dir = args.next().map(PathBuf::from),
            "--work" => work = args.next().map(PathBuf::from),
            "--peers" => peers = args.next().map(PathBuf::from),
            "--quick" => quick = true,
            "--large" => large = true,
            "--json" => json = true,
            name if NAMES.contains(&name) => names.push(name.to_owned()),
            other => {
                eprintln!(
                    "measure: {other} is no bench; there are: {}\n{USAGE}",
                    NAMES.join(", ")
                );
                return ExitCode::from(2);
            }
        }
    }
    let Some(bin_dir) = bin_dir else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if names.is_empty() {
        names = NAMES.iter().map(|name| (*name).to_owned()).collect();
    }
    let work = work.unwrap_or_else(|| bin_dir.join("bench-work"));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("measure: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let bench = Bench {
        bin_dir,
        work,
        peers: peers.unwrap_or_else(|| PathBuf::from("tests/peers")),
        quick,
        large,
    };
    let mut failed = false;
    eprintln!("{}", machine());
    for name in names {
        match runtime.block_on(bench.run(&name)) {
            Ok(rows) => show(&name, &rows, json),
            Err(error) => {
                eprintln!("measure: {error:#}");
                failed = true;
            }
        }
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// A process of its own whose memory is measured.
fn alone(who: &str, work: impl std::future::Future<Output = anyhow::Result<()>>) -> ExitCode {
    let done = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(work));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: the {who}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn show(name: &str, rows: &[Row], json: bool) {
    if !json {
        println!("\n{name}");
        print_table(rows);
        return;
    }
    for row in rows {
        match serde_json::to_string(row) {
            Ok(line) => println!("{line}"),
            Err(error) => eprintln!("measure: a row cannot be written: {error}"),
        }
    }
}
