//! Many visits at once: how many a server signals, how many its relay carries, and what each costs; the relay beside coturn.

mod coturn;
mod crowd;
mod line;
mod person;
mod relayed;
mod signalled;

use super::row::Row;
use super::Bench;
use anyhow::{ensure, Context, Result};
use crowd::Crowd;

/// How large a run is.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// Visits that are signalled at once.
    signalled: usize,
    /// Visits whose media go through the relay at once.
    relayed: usize,
    /// Seconds for which a load is held.
    seconds: u64,
    /// Rounds of each relay, one after the other in turn.
    rounds: usize,
}

const FULL: Size = Size {
    signalled: 2_000,
    relayed: 200,
    seconds: 30,
    rounds: 3,
};
const QUICK: Size = Size {
    signalled: 100,
    relayed: 20,
    seconds: 5,
    rounds: 1,
};
/// Files that a process may have open beyond its connections.
const OTHER_FILES: usize = 200;

/// `measure visits`.
pub(super) async fn visits(bench: &Bench) -> Result<Vec<Row>> {
    let size = if bench.quick { QUICK } else { FULL };
    enough_files(size)?;
    let folder = bench.fresh("visits")?;
    let crowd = Crowd::make(bench, &folder, size.signalled.max(size.relayed)).await?;
    let mut rows = signalled::rows(&crowd, size).await.context("signalled visits")?;
    // A process that has carried nothing yet: its memory is the relay's alone.
    let crowd = crowd.again(bench).await?;
    rows.extend(
        relayed::rows(&crowd, &folder, size)
            .await
            .context("relayed visits")?,
    );
    crowd.stop().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(rows)
}

/// Two connections a visit, in this process and in the server's.
fn enough_files(size: Size) -> Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let most = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .and_then(|line| line.split_whitespace().nth(3)?.parse::<usize>().ok())
        .unwrap_or(usize::MAX);
    let needed = 2 * size.signalled + OTHER_FILES;
    ensure!(
        most >= needed,
        "{needed} files must be open at once, {most} may be: ulimit -n {needed}"
    );
    Ok(())
}

/// Processor time of a process so far, in seconds.
fn cpu_seconds(process: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may hold blanks; it ends with the last bracket. Times are in hundredths everywhere that Linux runs.
    let (_, rest) = text.rsplit_once(')').context("no name in /proc/PID/stat")?;
    let ticks: u64 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|number| number.parse::<u64>().ok())
        .sum();
    Ok(ticks as f64 / 100.0)
}

/// The middle one; not a number where there is none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time() {
        let begun = cpu_seconds(std::process::id()).expect("figures");
        let mut sum = 0u64;
        while cpu_seconds(std::process::id()).expect("figures") < begun + 0.05 {
            sum = sum.wrapping_mul(31).wrapping_add(7);
        }

        assert!(
            cpu_seconds(std::process::id()).expect("figures") >= begun + 0.05,
            "{sum}"
        );
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), 5.0);
        assert!(median(Vec::new()).is_nan());
    }
}
