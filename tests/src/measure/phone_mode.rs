//! What a cheap phone has, by control groups: a quarter of a core and 256 MiB. docs/benchmarks.md calls it phone mode.

use anyhow::{bail, Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A quarter of a core, in slices so short that a wait between them does not count as the work of one reading.
const PHONE_SLICE_US: (u32, u32) = (1_000, 4_000);
/// Memory of the program, its share of the file cache included.
const PHONE_BYTES: u64 = 256 * 1024 * 1024;

/// Control groups that hold a program to what a phone has. Removed at the end.
pub(super) struct Held(Vec<PathBuf>);

impl Held {
    /// The groups.
    ///
    /// # Errors
    /// There are none here, or they are another's.
    pub fn new() -> Result<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let name = format!("hms-phone-{}", std::process::id());
        let (quota, period) = PHONE_SLICE_US;
        let mut held = Self(Vec::new());
        if root.join("cgroup.controllers").exists() {
            let all = held.group(root.join(&name))?;
            set(&all, "cpu.max", &format!("{quota} {period}"))?;
            set(&all, "memory.max", &PHONE_BYTES.to_string())?;
        } else if root.join("cpu/cpu.cfs_quota_us").exists() || root.join("cpu/cgroup.procs").exists() {
            let cpu = held.group(root.join("cpu").join(&name))?;
            set(&cpu, "cpu.cfs_period_us", &period.to_string())?;
            set(&cpu, "cpu.cfs_quota_us", &quota.to_string())?;
            let memory = held.group(root.join("memory").join(&name))?;
            set(&memory, "memory.limit_in_bytes", &PHONE_BYTES.to_string())?;
        } else {
            bail!("no control groups");
        }
        Ok(held)
    }

    fn group(&mut self, path: PathBuf) -> Result<PathBuf> {
        fs::create_dir(&path).with_context(|| format!("make the control group {}", path.display()))?;
        self.0.push(path.clone());
        Ok(path)
    }

    /// Starts the program inside: a shell enters the groups and becomes it.
    pub fn command(&self, program: &Path) -> Command {
        let enter: String = self
            .0
            .iter()
            .map(|group| format!("echo $$ > {}/cgroup.procs && ", group.display()))
            .collect();
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{enter}exec \"$0\" \"$@\""))
            .arg(program);
        command
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for group in &self.0 {
            let _left_empty_at_worst = fs::remove_dir(group);
        }
    }
}

fn set(group: &Path, name: &str, value: &str) -> Result<()> {
    fs::write(group.join(name), value).with_context(|| format!("set {name} to {value}"))
}
