//! A program in node that we did not write the heart of: JSON goes in, a line each, and comes back so.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// What it says to each line. `package` is the one it stands on.
pub fn ask<'a, T: DeserializeOwned>(
    package: &str,
    args: &[&str],
    given: impl Iterator<Item = &'a Value> + Send,
) -> Vec<T> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    assert!(
        root.join("node_modules").join(package).exists(),
        "`npm ci` at the top, which `cargo xtask test` runs, installs {package}"
    );
    let mut child = Command::new("node")
        .args(args)
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    let mut pipe = child.stdin.take().expect("a pipe");
    let answers = BufReader::new(child.stdout.take().expect("a pipe"));
    let lines = std::thread::scope(|scope| {
        scope.spawn(move || {
            for line in given {
                // A peer that has died says why itself; here its answers are too few.
                if writeln!(pipe, "{line}").is_err() {
                    break;
                }
            }
        });
        answers
            .lines()
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect()
    });
    assert!(child.wait().expect("an end").success());
    lines
}
