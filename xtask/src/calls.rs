//! `bench call`: calls over seeded bad links between two network namespaces, ours and Chromium's, one run each.

use crate::bench::quiet;
use crate::run::{flag, option, program, root, target, Done};

/// What a quick look runs, and the whole.
const QUICK: [&str; 6] = ["--cells", "a,b", "--pairs", "ours,chromium", "--seeds", "11"];

/// Builds what is needed and runs the cells; what was measured before in the same folder is not run again.
pub fn call(args: &[String]) -> Done {
    let build = [
        "build",
        "--release",
        "-p",
        "hms-netlab",
        "-p",
        "hms-media",
        "--bin",
        "netlab",
        "--example",
        "peer",
    ];
    quiet(
        "Release build of a call's side and of the link",
        &mut program("cargo", &build),
    )?;
    let runner = root().join("tests/peers/call/run.mjs");
    let work = option(args, "--work")?.map_or_else(|| target().join("bench/call"), std::path::PathBuf::from);
    let mut run = program("node", &[]);
    run.arg(runner)
        .arg("--bin")
        .arg(target().join("release"))
        .arg("--work")
        .arg(work);
    for name in ["--cells", "--pairs", "--seeds", "--seconds"] {
        if let Some(value) = option(args, name)? {
            run.args([name, &value]);
        }
    }
    if flag(args, "--quick") {
        run.args(QUICK);
    }
    match run.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("the calls could not be measured; the words above say why (it needs root, for two network namespaces).".to_owned()),
        Err(e) => Err(format!("node could not be started: {e}")),
    }
}
