//! Fuzzing of everything in a call's way that reads what others wrote (`tests/fuzz`): built with the compiler's own address sanitizer
//! and libFuzzer, for Linux on x86-64.

use crate::run::{first_line, option, program, root, step, target, Done};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The targets; what needs the server's build comes last.
const TARGETS: &[&str] = &[
    "framing",
    "beside",
    "signal_json",
    "signal_session",
    "files",
    "sdp",
    "turn_client",
    "sound",
    "picture",
    "engine_before",
    "engine_after",
    SERVER,
];
const SERVER: &str = "relay";
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
const SECONDS: u32 = 60;

/// Every branch and comparison of ours is told to libFuzzer; `fuzzing` opens the doors to what is private.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-sanitizer-coverage-stack-depth -Zsanitizer=address \
    -Ccodegen-units=1 -Cforce-frame-pointers=yes";

/// `cargo xtask fuzz [TARGET…] [--seconds N]`.
pub fn fuzz(args: &[String]) -> Done {
    let seconds = match option(args, "--seconds")? {
        None => SECONDS,
        Some(given) => given
            .parse()
            .map_err(|_| format!("--seconds {given}: not a whole number"))?,
    };
    let given = option(args, "--seconds")?;
    let named: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| !arg.starts_with("--") && given.as_deref() != Some(*arg))
        .collect();
    if let Some(unknown) = named.iter().find(|name| !TARGETS.contains(name)) {
        return Err(format!(
            "there is no target {unknown}; there are: {}",
            TARGETS.join(", ")
        ));
    }
    let chosen = if named.is_empty() { TARGETS.to_vec() } else { named };
    needs()?;
    let mut failed = Vec::new();
    build(&chosen)?;
    for name in chosen {
        if let Err(problem) = run(name, seconds) {
            eprintln!("xtask: {problem}");
            failed.push(name);
        }
    }
    if failed.is_empty() {
        println!("\nNothing was found.");
        return Ok(());
    }
    Err(format!("found something: {}", failed.join(", ")))
}

/// What this machine must have; says all of it at once.
fn needs() -> Done {
    let mut missing = Vec::new();
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        missing.push("Linux on x86-64 (the build's flags are for it)");
    }
    if first_line("c++", &["--version"]).is_none() && clang().is_none() {
        missing.push("a C++ compiler for libFuzzer (Debian: g++ or clang)");
    }
    if !runtime() {
        missing.push(
            "Rust's own runtime of the address sanitizer (it comes with rustup's toolchains for Linux, not with Debian's rustc)",
        );
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("fuzzing needs\n  - {}", missing.join("\n  - ")))
}

fn runtime() -> bool {
    let Some(root) = first_line("rustc", &["--print", "sysroot"]) else {
        return false;
    };
    let folder = Path::new(&root).join("lib/rustlib").join(TRIPLE).join("lib");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .any(|name| name.contains("_rt.asan"))
}

fn clang() -> Option<String> {
    first_line("clang", &["--version"])
}

fn folder() -> PathBuf {
    target().join("fuzz")
}

fn build(chosen: &[&str]) -> Done {
    let mut cargo = program("cargo", &["build", "--release", "--locked", "--target", TRIPLE]);
    cargo
        .current_dir(root().join("tests/fuzz"))
        .env("CARGO_TARGET_DIR", folder())
        .env("CARGO_INCREMENTAL", "0")
        // The sanitizer is behind a gate of the compiler, which a stable one opens by this word.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC_WRAPPER", root().join("tests/fuzz/rustc.sh"))
        .env("RUSTFLAGS", FLAGS);
    if chosen.contains(&SERVER) {
        cargo.args(["--features", "server"]);
    }
    for name in chosen {
        cargo.args(["--bin", name]);
    }
    instrument_c(&mut cargo);
    step(
        "Build of the targets (the first one takes many minutes)",
        &mut cargo,
    )
}

/// The C libraries that are built here (libopus) get the same checks where there is a compiler that has them. libvpx is the
/// system's: of its mistakes only those are seen that end the process or touch what Rust owns.
fn instrument_c(cargo: &mut Command) {
    if clang().is_none() {
        println!("No clang: libopus is fuzzed without checks of its own memory.");
        return;
    }
    let name = TRIPLE.replace('-', "_");
    cargo
        .env(format!("CC_{name}"), "clang")
        .env(format!("CXX_{name}"), "clang++")
        .env(
            format!("CFLAGS_{name}"),
            "-fsanitize=address,fuzzer-no-link -fno-omit-frame-pointer",
        );
}

fn run(name: &str, seconds: u32) -> Done {
    let place = folder().join("found").join(name);
    let corpus = place.join("corpus");
    let crashes = place.join("crashes/");
    for folder in [&corpus, &crashes] {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    seeds(&corpus).map_err(|e| format!("{}: {e}", corpus.display()))?;
    let path = folder().join(TRIPLE).join("release").join(name);
    let mut fuzzer = Command::new(path);
    fuzzer.arg(&corpus);
    // A few inputs that are kept, for what no chance hits on.
    let kept = root().join("tests/fuzz/seeds").join(name);
    if kept.is_dir() {
        fuzzer.arg(kept);
    }
    fuzzer.args([
        format!("-artifact_prefix={}/", crashes.display()).replace("//", "/"),
        format!("-max_total_time={seconds}"),
        "-rss_limit_mb=1024".to_owned(),
        "-malloc_limit_mb=1024".to_owned(),
        "-timeout=5".to_owned(),
        "-max_len=4096".to_owned(),
        "-len_control=0".to_owned(),
        "-verbosity=0".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    step(&format!("{name}, {seconds} s"), &mut fuzzer).map_err(|_| {
        format!(
            "{name} fell. The input is under {}; to see it again: {} FILE",
            crashes.display(),
            fuzzer.get_program().to_string_lossy()
        )
    })
}

/// Inputs to begin with: of most targets any bytes are choices, so bytes by chance are a way through. The same each time.
fn seeds(corpus: &Path) -> std::io::Result<()> {
    let mut state = 1_u64;
    for (number, length) in [16, 64, 64, 256, 256, 1024, 1024, 4000].into_iter().enumerate() {
        let bytes: Vec<u8> = std::iter::repeat_with(|| byte(&mut state)).take(length).collect();
        std::fs::write(corpus.join(format!("chance-{number}")), bytes)?;
    }
    Ok(())
}

/// SplitMix64.
fn byte(state: &mut u64) -> u8 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 56) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_file_and_every_file_is_a_target() {
        let files = std::fs::read_dir(root().join("tests/fuzz/targets")).unwrap();
        let mut found: Vec<String> = files
            .flatten()
            .filter_map(|file| Some(file.path().file_stem()?.to_string_lossy().into_owned()))
            .collect();
        let mut named: Vec<String> = TARGETS.iter().map(|name| (*name).to_owned()).collect();
        found.sort();
        named.sort();

        assert_eq!(found, named);
    }

    #[test]
    fn a_target_that_is_not_there_is_named() {
        let said = fuzz(&["picutre".to_owned()]).unwrap_err();

        assert!(said.starts_with("there is no target picutre"), "{said}");
    }
}
