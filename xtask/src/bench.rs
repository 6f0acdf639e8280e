//! Benches: builds what is handed out, then calls the measuring program. docs/benchmarks.md holds goals and figures seen.

use crate::run::{flag, option, program, root, target, Done};
use crate::setup;
use crate::test::FEATURES;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The benches: of the measuring program, and [`TRIAGE`].
const NAMES: &[&str] = &[
    "validate", "keys", "triage", "store", "save", "sync", "upload", "server", "visits", "start", "ring",
    "call", "package",
];

/// The symptom checker, measured by a program of its own: it needs nothing else of the house.
const TRIAGE: &str = "triage";

/// Those that start the app or look at it.
const WINDOWS: &[&str] = &["start", "ring", "package"];

/// Calls over bad links, by programs of their own: the packets need root, and the whole takes more than an hour, so it is
/// measured only when named.
const CALL: &str = "call";

/// `cargo xtask bench [NAME…] [--quick|--large] [--json] [--work DIR]`; `bench build` times the builds themselves, only
/// when named.
pub fn bench(args: &[String]) -> Done {
    let work = option(args, "--work")?;
    let mut given = vec![work.clone()];
    for name in ["--cells", "--pairs", "--seeds", "--seconds"] {
        given.push(option(args, name)?);
    }
    let names: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| !arg.starts_with("--") && !given.iter().flatten().any(|value| value == arg))
        .collect();
    for name in &names {
        if !NAMES.contains(name) && *name != "build" {
            return Err(format!(
                "there is no bench {name}; there are: {}, and build",
                NAMES.join(", ")
            ));
        }
    }
    let json = flag(args, "--json");
    // The symptom checker needs Rust and nothing else.
    if names != [TRIAGE] {
        setup::ready(flag(args, "--yes"))?;
    }
    if names.contains(&"build") {
        pages()?;
        builds(json)?;
    }
    if names.is_empty() || names.contains(&TRIAGE) {
        triage(args)?;
    }
    if names.contains(&CALL) {
        crate::calls::call(args)?;
    }
    let measured: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| *name != "build" && *name != TRIAGE && *name != CALL)
        .collect();
    if measured.is_empty() && !names.is_empty() {
        return Ok(());
    }
    let wanted = |name: &str| measured.is_empty() || measured.contains(&name);
    // The store's figures come from a program of their own: whoever calls it need not be fast.
    let store_alone = measured == ["store"];
    if store_alone {
        quiet("Build of the measuring program", &mut measuring())?;
    } else if WINDOWS.iter().any(|name| wanted(name)) {
        pages()?;
        quiet("Release build (the first one takes many minutes)", &mut release())?;
    } else {
        // No window is opened: neither the pages nor the app are needed.
        quiet(
            "Release build of server and measuring program",
            &mut without_windows(),
        )?;
    }
    if wanted("store") {
        quiet("Release build of the store's own figures", &mut store_figures())?;
    }
    if wanted("sync") {
        crate::peers::ready();
    }
    if wanted("visits") {
        quiet("Release build of the crowd", &mut crowd())?;
    }
    if wanted("package") {
        quiet(
            "Package",
            &mut program(
                "npm",
                &["run", "--silent", "tauri", "--", "bundle", "--bundles", "deb"],
            ),
        )?;
    }
    let folder = target().join("release");
    let work = work.map_or_else(|| target().join("bench"), std::path::PathBuf::from);
    let calls = if store_alone {
        target().join("debug")
    } else {
        folder.clone()
    };
    let mut measure = program(&calls.join("measure").to_string_lossy(), &measured);
    measure.arg("--bin-dir").arg(&folder).arg("--work").arg(work);
    measure.arg("--peers").arg(root().join("tests/peers"));
    for name in ["--json", "--quick", "--large"] {
        if flag(args, name) {
            measure.arg(name);
        }
    }
    let status = measure
        .status()
        .map_err(|e| format!("the measuring program could not be started: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("a bench could not be measured; the words above say why.".to_owned())
    }
}

fn pages() -> Done {
    quiet(
        "Build the pages",
        &mut program("npm", &["run", "build", "--workspace", "ui", "--silent"]),
    )
}

fn measuring() -> Command {
    program("cargo", &["build", "-p", "ach-tests", "--bin", "measure"])
}

fn without_windows() -> Command {
    program(
        "cargo",
        &[
            "build",
            "--release",
            "-p",
            "ach-tests",
            "-p",
            "hms-server",
            "--bin",
            "measure",
            "--bin",
            "ach-server",
        ],
    )
}

fn release() -> Command {
    program(
        "cargo",
        &[
            "build",
            "--release",
            "--workspace",
            "--bins",
            "--features",
            FEATURES,
        ],
    )
}

/// Built by itself: its feature must not reach a program that is handed out.
fn store_figures() -> Command {
    program(
        "cargo",
        &[
            "build",
            "--release",
            "-p",
            "hms-store",
            "--example",
            "measure_store",
            "--features",
            "without-key",
        ],
    )
}

/// Makes up the people of many visits.
fn crowd() -> Command {
    program(
        "cargo",
        &["build", "--release", "-p", "hms-server", "--example", "crowd"],
    )
}

/// Builds and runs the figures of the symptom checker.
fn triage(args: &[String]) -> Done {
    let build = [
        "build",
        "--release",
        "-p",
        "hms-triage",
        "--example",
        "measure_triage",
    ];
    quiet(
        "Release build of the symptom checker's figures",
        &mut program("cargo", &build),
    )?;
    let path = target().join("release/examples/measure_triage");
    let mut measure = program(&path.to_string_lossy(), &[]);
    measure.args(["--json", "--quick"].into_iter().filter(|name| flag(args, name)));
    match measure.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("the symptom checker could not be measured; the words above say why.".to_owned()),
        Err(e) => Err(format!("{} could not be started: {e}", path.display())),
    }
}

fn debug() -> Command {
    program(
        "cargo",
        &["build", "--workspace", "--bins", "--features", FEATURES],
    )
}

/// Minutes of a build from nothing and after one change, debug and release, in a folder of their own.
fn builds(json: bool) -> Done {
    let folder = target().join("bench-build");
    let fail = |e: std::io::Error| format!("{}: {e}", folder.display());
    for (name, make) in [("debug", debug as fn() -> Command), ("release", release)] {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(fail)?;
        }
        for (state, changed) in [("from nothing", false), ("after a change in the client", true)] {
            if changed {
                // A new time makes cargo build it, and what depends on it, again.
                let file = root().join("crates/client/src/lib.rs");
                let open = std::fs::File::options().append(true).open(&file).map_err(fail)?;
                open.set_modified(std::time::SystemTime::now()).map_err(fail)?;
            }
            let begun = Instant::now();
            quiet(
                &format!("{name} build {state}"),
                make().env("CARGO_TARGET_DIR", &folder),
            )?;
            let minutes = begun.elapsed().as_secs_f64() / 60.0;
            let metric = format!("{name} build of all programs, {state}");
            if json {
                println!(
                    "{{\"metric\":\"{metric}\",\"value\":{minutes:.1},\"unit\":\"min\",\"goal\":null,\"met\":null,\
                     \"peer\":null,\"peer_value\":null}}"
                );
            } else {
                println!("{metric}: {minutes:.1} min");
            }
        }
    }
    std::fs::remove_dir_all(&folder).map_err(fail)
}

/// Runs a step whose words go to the standard error: the standard output is for figures alone.
pub(crate) fn quiet(headline: &str, command: &mut Command) -> Done {
    eprintln!("== {headline}");
    let begun = Instant::now();
    let done = command
        .stdout(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            if let Some(mut said) = child.stdout.take() {
                std::io::copy(&mut said, &mut std::io::stderr())?;
            }
            child.wait()
        })
        .map_err(|e| format!("{headline}: could not start {:?}: {e}", command.get_program()))?;
    if !done.success() {
        return Err(format!("{headline} failed ({done}). Its output above says why."));
    }
    eprintln!("== {headline}: done in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}
