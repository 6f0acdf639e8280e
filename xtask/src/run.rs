//! Starting programs, with progress and plain words when one fails.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What a task ends with: nothing, or a sentence for the person at the terminal.
pub type Done = Result<(), String>;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The build folder, honouring `CARGO_TARGET_DIR`.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program to run in the workspace's folder.
pub fn program(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(root());
    command
}

/// Runs a step with a headline and its duration.
pub fn step(headline: &str, command: &mut Command) -> Done {
    println!("\n== {headline}");
    let begun = Instant::now();
    let status = command
        .status()
        .map_err(|e| format!("{headline}: could not start {:?}: {e}", command.get_program()))?;
    if !status.success() {
        return Err(format!(
            "{headline} failed ({status}). Its output above says why."
        ));
    }
    println!("== {headline}: done in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// First line that a program prints, or `None` where it cannot be run.
pub fn first_line(name: &str, args: &[&str]) -> Option<String> {
    let output = program(name, args).output().ok()?;
    output.status.success().then(|| {
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    })
}

/// The value after an option, or an error where it is missing.
pub fn option(args: &[String], name: &str) -> Result<Option<String>, String> {
    match args.iter().position(|arg| arg == name) {
        None => Ok(None),
        Some(at) => args
            .get(at + 1)
            .cloned()
            .map(Some)
            .ok_or_else(|| format!("{name} needs a value")),
    }
}

/// Whether an option is given.
pub fn flag(args: &[String], name: &str) -> bool {
    args.iter().any(|arg| arg == name)
}
