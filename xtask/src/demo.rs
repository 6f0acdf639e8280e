//! The demo: server, district, two windows; or the story played without a hand.

use crate::run::{flag, option, program, root, step, target, Done};
use crate::setup;
use crate::test::FEATURES;
use std::path::{Path, PathBuf};

/// What `--scenario` may name.
const SCENARIOS: [&str; 2] = ["bite", "visit-bad-link"];

/// `cargo xtask demo`.
pub fn demo(args: &[String]) -> Done {
    let headless = flag(args, "--headless");
    let scenario_name = option(args, "--scenario")?;
    let until = option(args, "--until")?;
    let out = option(args, "--out")?.map_or_else(|| target().join("demo-evidence"), PathBuf::from);
    if let Some(unknown) = scenario_name.as_deref().filter(|name| !SCENARIOS.contains(name)) {
        return Err(format!(
            "there is no scenario \"{unknown}\"; there is: {}.",
            SCENARIOS.join(", ")
        ));
    }
    if !headless && std::env::var_os("DISPLAY").is_none() && std::env::var_os("WAYLAND_DISPLAY").is_none() {
        return Err(
            "there is no screen here (DISPLAY is empty). Add --headless, or start it on a desktop."
                .to_owned(),
        );
    }
    setup::ready(flag(args, "--yes"))?;
    step(
        "Build the pages",
        &mut program("npm", &["run", "build", "--workspace", "ui", "--silent"]),
    )?;
    match scenario_name {
        Some(name) => {
            let relay_only = option(args, "--relay-only")?;
            scenario(&name, &out, until.as_deref(), relay_only.as_deref(), headless)
        }
        None => {
            build()?;
            let mut stage = program(&bin("stage").to_string_lossy(), &["open"]);
            stage.arg("--bin-dir").arg(target().join("debug"));
            if let Some(page) = crate::page::for_demo() {
                stage.arg("--staff-page").arg(page);
            }
            if headless {
                stage.arg("--headless");
            }
            step("Demo (close the windows or press Ctrl-C to end)", &mut stage)
        }
    }
}

/// Plays a scenario and leaves evidence in `out`.
pub fn scenario(
    name: &str,
    out: &Path,
    until: Option<&str>,
    relay_only: Option<&str>,
    headless: bool,
) -> Done {
    build()?;
    let mut stage = program(&bin("stage").to_string_lossy(), &["play", name]);
    stage
        .arg("--bin-dir")
        .arg(target().join("debug"))
        .arg("--out")
        .arg(out);
    if let Some(until) = until {
        stage.args(["--until", until]);
    }
    if let Some(protocol) = relay_only {
        stage.args(["--relay-only", protocol]);
    }
    if headless {
        stage.arg("--headless");
    }
    step(&format!("Scenario {name} in the real windows"), &mut stage)
}

/// Breaks push, receipt, decode and relay in turn, and expects the scenario to notice each.
/// Without names, all parts: push, receipt, decode, relay, link.
pub fn prove(out: &Path, parts: Option<&str>) -> Done {
    let mut stage = program(&bin("stage").to_string_lossy(), &["prove", "--headless"]);
    stage
        .arg("--bin-dir")
        .arg(target().join("debug"))
        .arg("--out")
        .arg(out);
    if let Some(parts) = parts {
        stage.args(["--parts", parts]);
    }
    step("The scenario's checks fail where something is broken", &mut stage)
}

/// Every program, as the windows and the tests use them.
pub fn build() -> Done {
    step(
        "Build (the first time takes about 8 minutes on 2 cores)",
        &mut program(
            "cargo",
            &["build", "--workspace", "--bins", "--features", FEATURES],
        ),
    )
}

fn bin(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

/// `cargo xtask dev`: the app with hot reload of the pages.
pub fn dev(args: &[String]) -> Done {
    setup::ready(flag(args, "--yes"))?;
    step("Development", &mut program("npm", &["run", "tauri", "--", "dev"]))
}

/// `cargo xtask reset`: removes what the demo and the tools made.
pub fn reset() -> Done {
    for folder in [
        target().join("demo"),
        target().join("demo-evidence"),
        target().join("scenario-bite"),
        target().join("scenario-visit-bad-link"),
        target().join("scenario-prove"),
        target().join("mobile"),
        target().join("mobile-tools"),
        root().join(".tools"),
    ] {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .map_err(|e| format!("could not remove {}: {e}", folder.display()))?;
            println!("removed {}", folder.display());
        }
    }
    Ok(())
}
