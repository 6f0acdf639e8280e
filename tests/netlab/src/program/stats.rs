//! What has passed one direction.

use std::time::Duration;

use hms_netlab::{Fate, Why};
use serde_json::{json, Value};

/// Counters of one direction. Bytes are from the IP header on.
#[derive(Default)]
pub(super) struct Counters {
    packets: u64,
    bytes: u64,
    lost: [u64; 3],
    carried: u64,
    carried_bytes: u64,
    /// Milliseconds that each carried packet takes, wait for the line included.
    transit: Share<1000>,
    /// How many tens of microseconds after their time packets were handed over.
    late: Share<10>,
    latest: Duration,
}

impl Counters {
    pub(super) fn count(&mut self, fate: Fate, now: Duration, length: usize) {
        self.packets += 1;
        self.bytes += length as u64;
        match fate {
            Fate::Arrives(at) => {
                self.carried += 1;
                self.carried_bytes += length as u64;
                self.transit.add(at.saturating_sub(now));
            }
            Fate::Lost(Why::Chance) => self.lost[0] += 1,
            Fate::Lost(Why::Queue) => self.lost[1] += 1,
            Fate::Lost(Why::Outage) => self.lost[2] += 1,
        }
    }

    pub(super) fn came(&mut self, late: Duration) {
        self.late.add(late);
        self.latest = self.latest.max(late);
    }

    pub(super) fn report(&self) -> Value {
        json!({
            "packets": self.packets,
            "bytes": self.bytes,
            "carried_packets": self.carried,
            "carried_bytes": self.carried_bytes,
            "lost": { "chance": self.lost[0], "queue": self.lost[1], "outage": self.lost[2] },
            "transit_ms": { "p50": self.transit.percentile(50), "p95": self.transit.percentile(95) },
            "late_us": {
                "p50": self.late.percentile(50),
                "p99": self.late.percentile(99),
                "most": self.latest.as_micros() as u64,
            },
        })
    }
}

/// Counts of times in steps of this many microseconds, up to 4096 of them.
struct Share<const MICROS: u128> {
    counts: Vec<u64>,
    all: u64,
}

impl<const MICROS: u128> Default for Share<MICROS> {
    fn default() -> Self {
        Self {
            counts: vec![0; 4096],
            all: 0,
        }
    }
}

impl<const MICROS: u128> Share<MICROS> {
    fn add(&mut self, time: Duration) {
        let step = usize::try_from(time.as_micros() / MICROS).unwrap_or(usize::MAX);
        let last = self.counts.len() - 1;
        if let Some(count) = self.counts.get_mut(step.min(last)) {
            *count += 1;
            self.all += 1;
        }
    }

    /// The smallest step that this many of a hundred are not above, in the unit of the step's own thousandth or one:
    /// milliseconds for steps of a millisecond, microseconds for shorter ones.
    fn percentile(&self, of_100: u64) -> Option<u64> {
        let rank = (self.all * of_100).div_ceil(100).max(1);
        let mut seen = 0;
        let step = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })? as u64;
        Some(if MICROS == 1000 {
            step
        } else {
            step * MICROS as u64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_counted() {
        let mut share = Share::<1000>::default();
        assert_eq!(share.percentile(50), None);
        for ms in 1..=100 {
            share.add(Duration::from_millis(ms));
        }
        assert_eq!((share.percentile(50), share.percentile(95)), (Some(50), Some(95)));
    }
}
