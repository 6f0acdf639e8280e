//! Everything that CI runs, in the order in which a mistake is cheapest to learn of.

use crate::run::{flag, option, program, step, target, Done};
use crate::setup;

/// One feature set for every build, so that nothing is compiled twice: what `tauri build` passes.
pub const FEATURES: &str = "tauri/custom-protocol";

/// A step by name.
type Step = (&'static str, fn() -> Done);

/// Runs all steps, or the one named by `--only`. The long suites run with `--deep`, last.
pub fn test(args: &[String]) -> Done {
    let only = option(args, "--only")?;
    let deep = flag(args, "--deep") || only.as_deref() == Some("deep");
    let mut steps: Vec<Step> = vec![
        ("fmt", fmt),
        ("ui", ui),
        ("clippy", clippy),
        ("rust", rust),
        ("browser", browser),
        ("windows", windows),
        ("desk", desk),
    ];
    if deep {
        steps.push(("deep", || {
            crate::deep::deep()?;
            crate::demo::prove(&target().join("scenario-prove"), None)
        }));
    }
    if let Some(name) = &only {
        if !steps.iter().any(|(step, _)| step == name) {
            return Err(format!("--only {name}: there is no such step"));
        }
    }
    setup::ready(flag(args, "--yes"))?;
    for (name, run) in steps {
        // Clippy and the tests embed the pages: they are built first whatever was asked for.
        let wanted = only.as_deref().is_none_or(|only| only == name);
        if wanted {
            run()?;
        }
    }
    println!("\nAll steps passed.");
    Ok(())
}

fn fmt() -> Done {
    step("Format", &mut program("cargo", &["fmt", "--all", "--check"]))
}

/// Types, bundle, components, catalogues.
fn ui() -> Done {
    step(
        "Build the pages",
        &mut program("npm", &["run", "build", "--workspace", "ui", "--silent"]),
    )?;
    step(
        "Components and catalogues",
        &mut program("npm", &["test", "--workspace", "ui", "--silent"]),
    )
}

fn clippy() -> Done {
    step(
        "Clippy",
        &mut program(
            "cargo",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--features",
                FEATURES,
                "--",
                "-D",
                "warnings",
            ],
        ),
    )
}

/// Units, integration, arrows, drift.
fn rust() -> Done {
    // A session bus with a keyring is started by the tests that need one.
    step(
        "Rust tests",
        &mut program("cargo", &["test", "--workspace", "--features", FEATURES]),
    )
}

/// The pages in Debian's chromium: taps, 911, axe, reflow.
fn browser() -> Done {
    step(
        "Pages in a browser",
        &mut program("npm", &["run", "e2e", "--workspace", "ui", "--silent"]),
    )
}

/// The staff page of a real server in Debian's chromium, with a carrier's app at the other end of the call.
fn desk() -> Done {
    crate::page::build()?;
    crate::demo::build()?;
    step(
        "The staff page in a browser",
        &mut program("npm", &["run", "e2e:desk", "--workspace", "ui", "--silent"]),
    )
}

/// The story in the real windows; a visit on a bad link, through the relay alone; and proof that its checks can fail.
fn windows() -> Done {
    let out = target().join("scenario-bite");
    crate::demo::scenario("bite", &out, None, None, true)?;
    // Its call goes through the relay; `crates/media/tests/calls/relayed.rs` holds both ways there, UDP and TCP.
    let out = target().join("scenario-visit-bad-link");
    crate::demo::scenario("visit-bad-link", &out, None, None, true)?;
    // The other parts with --deep: each plays the story once more.
    crate::demo::prove(&target().join("scenario-prove"), Some("receipt,link"))
}
