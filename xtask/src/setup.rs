//! What the machine needs: versions, packages of the system, packages of the pages.

use crate::run::{first_line, program, root, step, Done};
use std::io::{IsTerminal, Write};

/// Debian and Ubuntu packages to build and to run the app.
const BUILD_PACKAGES: &[&str] = &[
    "build-essential",
    "cmake",
    "pkg-config",
    "libssl-dev",
    "libwebkit2gtk-4.1-dev",
    "librsvg2-dev",
    "libayatana-appindicator3-dev",
    "libxdo-dev",
    "patchelf",
    "file",
    "libvpx-dev",
    "libclang-dev",
    "libasound2-dev",
];
/// Packages for windows without a screen, for the tests and the scenario.
const TEST_PACKAGES: &[&str] = &[
    "xvfb",
    "xauth",
    "dbus",
    "dbus-x11",
    "webkit2gtk-driver",
    "chromium",
    "chromium-driver",
    "imagemagick",
    "fonts-dejavu-core",
    "gnome-keyring",
    "libsecret-tools",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "libgl1-mesa-dri",
];
/// A clean build and all tests take 5.3 GiB of `target` without the compiler's notes for a next build.
const DISK_GIB: u64 = 7;
/// What a checkout needs that has been built.
const DISK_BUILT_GIB: u64 = 2;
const MEMORY_GIB: u64 = 6;

/// Says what this machine lacks, changes nothing.
pub fn doctor() -> Done {
    let mut problems = versions();
    problems.extend(room());
    let missing = missing_packages();
    if !missing.is_empty() {
        problems.push(format!(
            "These packages are missing. Install them with:\n    {}",
            apt_line(&missing)
        ));
    }
    if problems.is_empty() {
        println!("This machine has what HMS-ACH needs.");
        return Ok(());
    }
    Err(problems.join("\n  "))
}

/// Makes the machine ready: checks versions and room, installs packages after asking, and the pages' packages.
pub fn ready(yes: bool) -> Done {
    let mut problems = versions();
    problems.extend(room());
    if !problems.is_empty() {
        return Err(problems.join("\n  "));
    }
    let missing = missing_packages();
    if !missing.is_empty() {
        install(&missing, yes)?;
    }
    pages()
}

fn versions() -> Vec<String> {
    let mut problems = Vec::new();
    match first_line("rustc", &["--version"]).and_then(|line| version(&line)) {
        Some(found) if found >= (1, 91) => {}
        Some((major, minor)) => problems.push(format!(
            "Rust {major}.{minor} is too old: HMS-ACH needs 1.91. Update with: rustup update stable"
        )),
        None => problems.push("Rust is missing. Install it from https://rustup.rs".to_owned()),
    }
    match first_line("node", &["--version"]).and_then(|line| version(&line)) {
        Some((20, minor)) if minor >= 19 => {}
        Some((major, _)) if major >= 22 => {}
        Some((major, minor)) => {
            problems.push(format!(
                "Node {major}.{minor} is too old: HMS-ACH needs 22, or 20.19 and later."
            ));
        }
        None => problems.push("Node is missing. Install version 22 from https://nodejs.org".to_owned()),
    }
    problems
}

/// Major and minor number in a line like "rustc 1.95.0 (…)" or "v20.20.2".
fn version(line: &str) -> Option<(u32, u32)> {
    let start = line.find(|c: char| c.is_ascii_digit())?;
    let mut parts = line[start..].split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn room() -> Vec<String> {
    let mut problems = Vec::new();
    let free_kib = first_number("df", &["-Pk", "."], 3);
    let built = crate::run::target().join("debug/ach-server").is_file();
    let needed = if built { DISK_BUILT_GIB } else { DISK_GIB };
    if let Some(free) = free_kib
        .map(|kib| kib / 1024 / 1024)
        .filter(|free| *free < needed)
    {
        problems.push(format!(
            "{free} GiB of disk is free here; a debug build needs {needed}. Free some, or set CARGO_TARGET_DIR to a \
             folder on another disk."
        ));
    }
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal"))?.to_owned();
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    if memory.is_some_and(|kib| kib / 1024 / 1024 < MEMORY_GIB - 1) {
        problems.push(format!(
            "Less than {MEMORY_GIB} GiB of memory; the linker would be killed."
        ));
    }
    problems
}

fn first_number(name: &str, args: &[&str], column: usize) -> Option<u64> {
    let output = program(name, args).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().nth(1)?.split_whitespace().nth(column)?.parse().ok()
}

fn missing_packages() -> Vec<&'static str> {
    if first_line("dpkg-query", &["--version"]).is_none() {
        return Vec::new();
    }
    let installed = |name: &str| {
        first_line("dpkg-query", &["-W", "-f=${db:Status-Abbrev}", name])
            .is_some_and(|line| line.starts_with("ii"))
    };
    BUILD_PACKAGES
        .iter()
        .chain(TEST_PACKAGES)
        .copied()
        .filter(|name| !installed(name))
        .collect()
}

fn apt_line(missing: &[&str]) -> String {
    let sudo = if is_root() { "" } else { "sudo " };
    format!(
        "{sudo}apt-get install --no-install-recommends -y {}",
        missing.join(" ")
    )
}

fn is_root() -> bool {
    first_line("id", &["-u"]).as_deref() == Some("0")
}

fn install(missing: &[&str], yes: bool) -> Done {
    let line = apt_line(missing);
    println!("These packages are missing:\n    {line}");
    let ask = !yes && std::env::var_os("CI").is_none() && std::io::stdin().is_terminal();
    if ask {
        print!("Run it now? [y/N] ");
        let _ = std::io::stdout().flush();
        let mut answer = String::new();
        let _ = std::io::stdin().read_line(&mut answer);
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err("nothing was installed. Run the line above, then this task again.".to_owned());
        }
    }
    let sudo = if is_root() { "" } else { "sudo " };
    step(
        "Refresh the list of packages",
        &mut program("sh", &["-c", &format!("{sudo}apt-get update -qq")]),
    )?;
    let quiet = format!("DEBIAN_FRONTEND=noninteractive {line} -qq >/dev/null");
    step(
        "Install packages of the system (about a minute)",
        &mut program("sh", &["-c", &quiet]),
    )
}

fn pages() -> Done {
    let stamp = root().join("node_modules/.package-lock.json");
    let lock = root().join("package-lock.json");
    let newer = |a: &std::path::Path, b: &std::path::Path| {
        let time = |p: &std::path::Path| p.metadata().and_then(|m| m.modified()).ok();
        matches!((time(a), time(b)), (Some(a), Some(b)) if a >= b)
    };
    if newer(&stamp, &lock) {
        return Ok(());
    }
    // By way of the standard error: a bench's standard output is for figures alone.
    crate::bench::quiet(
        "Install packages of the pages",
        &mut program("npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"]),
    )
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        assert_eq!(version("rustc 1.95.0 (59807616e 2026-04-14)"), Some((1, 95)));
        assert_eq!(version("v20.20.2"), Some((20, 20)));
        assert_eq!(version("none"), None);
    }
}
