//! Benches: a release build measured against the goals.

use crate::run::{program, step, Done};

/// `cargo xtask bench [NAME] [--json]`.
pub fn bench(args: &[String]) -> Done {
    let mut run = program(
        "cargo",
        &[
            "run",
            "--quiet",
            "--release",
            "--package",
            "ach-tests",
            "--bin",
            "bench",
            "--",
        ],
    );
    run.args(args);
    step("Benches (release build)", &mut run)
}
