//! What a program and everything that it started takes of the memory.

use anyhow::{ensure, Context, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// Proportional share of the memory of a process and all its descendants, in MB; pages that several processes use
/// are shared out among them.
///
/// # Errors
/// The process is gone.
pub fn tree_pss_mb(root: u32) -> Result<f64> {
    let mut kib = 0;
    for process in tree(root) {
        // One that ended meanwhile takes nothing.
        kib += field(process, "smaps_rollup", "Pss:").unwrap_or(0);
    }
    ensure!(kib > 0, "process {root} is gone");
    Ok(mb(kib))
}

/// Proportional share of each process of the tree by name, in MB: where the memory goes.
#[must_use]
pub fn tree_parts_mb(root: u32) -> Vec<(String, f64)> {
    let part = |process: u32| {
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
        Some((
            name.trim().to_owned(),
            mb(field(process, "smaps_rollup", "Pss:").ok()?),
        ))
    };
    tree(root).into_iter().filter_map(part).collect()
}

/// All memory of one process that is in use now, shared pages in full, in MB.
///
/// # Errors
/// The process is gone.
pub fn resident_mb(process: u32) -> Result<f64> {
    field(process, "status", "VmRSS:").map(mb)
}

/// The most memory of one process since [`forget_peak`], in MB.
///
/// # Errors
/// The process is gone.
pub fn peak_mb(process: u32) -> Result<f64> {
    field(process, "status", "VmHWM:").map(mb)
}

/// From now on the peak is counted anew.
///
/// # Errors
/// The process is gone, or is another's.
pub fn forget_peak(process: u32) -> Result<()> {
    Ok(std::fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

/// The process that runs this program with this word among its arguments.
///
/// # Errors
/// There is none.
pub fn find(program: &Path, word: &str) -> Result<u32> {
    let wanted = program.file_name().context("a program has a name")?;
    for process in processes() {
        let Ok(line) = std::fs::read(format!("/proc/{process}/cmdline")) else {
            continue;
        };
        let mut words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let name = words.next().unwrap_or_default().into_owned();
        if Path::new(&name).file_name() == Some(wanted) && words.any(|arg| arg == word) {
            return Ok(process);
        }
    }
    anyhow::bail!("{} is not running with {word}", program.display())
}

/// The process and all its descendants.
fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for process in processes() {
        if let Ok(parent) = field(process, "status", "PPid:") {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(process) = found.get(at).copied() {
        found.extend(children.get(&u64::from(process)).into_iter().flatten());
        at += 1;
    }
    found
}

fn processes() -> Vec<u32> {
    let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    folders
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn field(process: u32, file: &str, name: &str) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/{file}"))?;
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .context("no such field")?;
    let number = line.split_whitespace().nth(1).context("no number")?;
    Ok(number.parse()?)
}

fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_in_its_own_tree_and_takes_memory() {
        let own = std::process::id();

        assert!(tree(own).contains(&own));
        assert!(tree_pss_mb(own).expect("figures") > 0.0);
        assert!(resident_mb(own).expect("figures") > 0.0);
    }
}
