//! On what it was measured: a figure without its machine says nothing.

use std::process::Command;

/// How many programs want a core, the last minute's average.
#[must_use]
pub fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// The machine, its load and the state of the code, in one line.
#[must_use]
pub fn describe() -> String {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            Some(
                line.strip_prefix("model name")?
                    .split_once(':')?
                    .1
                    .trim()
                    .to_owned(),
            )
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let gib = read("/proc/meminfo")
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        })
        .map_or(0.0, |kib| kib / 1024.0 / 1024.0);
    let load = read("/proc/loadavg")
        .split_whitespace()
        .next()
        .unwrap_or("?")
        .to_owned();
    let system = read("/etc/os-release")
        .lines()
        .find_map(|line| Some(line.strip_prefix("PRETTY_NAME=")?.trim_matches('"').to_owned()))
        .unwrap_or_else(|| std::env::consts::OS.to_owned());
    let say = |program: &str, args: &[&str]| {
        let said = Command::new(program).args(args).output().ok();
        said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
            .unwrap_or_default()
    };
    let commit = say("git", &["rev-parse", "--short", "HEAD"]);
    let date = say("date", &["-u", "+%Y-%m-%d %H:%M UTC"]);
    format!("{date}, commit {commit}, {system}, {cores} cores of {model}, {gib:.0} GiB, load {load}")
}
