//! Type-checks the shell for the phones. Nothing is linked: the C and Objective-C parts of dependencies are left out
//! by a stand-in for the compiler, since neither the NDK nor Xcode is needed to check Rust.

use crate::run::{flag, program, step, target, Done};
use std::fs;
use std::path::{Path, PathBuf};

const TARGETS: [&str; 2] = ["aarch64-linux-android", "aarch64-apple-ios"];

/// Writes an empty file for every `-o`, as if something had been compiled.
const COMPILER: &str =
    "#!/bin/sh\nprev=\nfor a in \"$@\"; do [ \"$prev\" = -o ] && : > \"$a\"; prev=$a; done\nexit 0\n";
/// Writes an empty library.
const ARCHIVER: &str = "#!/bin/sh\nfor a; do case $a in *.a) : > \"$a\";; esac; done\nexit 0\n";

/// `cargo xtask check --mobile`.
pub fn check(args: &[String]) -> Done {
    if !flag(args, "--mobile") {
        return Err("say what to check: --mobile".to_owned());
    }
    step(
        "Standard libraries of the phones",
        program("rustup", &["target", "add"]).args(TARGETS),
    )?;
    let tools = target().join("mobile-tools");
    let cc = tool(&tools, "cc", COMPILER)?;
    let ar = tool(&tools, "ar", ARCHIVER)?;
    for name in TARGETS {
        let mut cargo = program(
            "cargo",
            &["check", "--package", "hms-ach", "--lib", "--target", name],
        );
        let suffix = name.replace('-', "_");
        for (variable, value) in [("CC", &cc), ("CXX", &cc), ("AR", &ar)] {
            cargo.env(format!("{variable}_{suffix}"), value);
        }
        cargo
            .env("SDKROOT", &tools)
            // libvpx's version is asked of this machine's copy; nothing is linked.
            .env("PKG_CONFIG_ALLOW_CROSS", "1")
            // A folder of its own: what is checked for phones does not disturb what is built for this machine.
            .env("CARGO_TARGET_DIR", target().join("mobile"));
        step(&format!("Type-check for {name}"), &mut cargo)?;
    }
    Ok(())
}

fn tool(folder: &Path, name: &str, script: &str) -> Result<PathBuf, String> {
    let path = folder.join(name);
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(&path, script)?;
        may_run(&path)
    };
    write().map_err(|e| format!("could not write {}: {e}", path.display()))?;
    Ok(path)
}

#[cfg(unix)]
fn may_run(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn may_run(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
