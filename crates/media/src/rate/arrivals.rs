//! What has come at the far side lately: how long packets were on their way, and how fast the line gave them out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The shortest way is looked for over this long: a path may change.
const BASE_OVER: Duration = Duration::from_secs(20);
/// The queue is the shortest of this many packets: jitter lengthens single ones.
const QUEUE_OF: usize = 6;
/// A packet that was late by so much (seconds) stood behind the one before it.
const STOOD_S: f64 = 0.035;
/// Arrivals out of order lie closer together than this.
const CLOCK_BACK: Duration = Duration::from_secs(60);
/// A way that differs by no more than this (seconds) from one moment to the next is the same way.
const SAME_S: f64 = 0.012;
/// Packets in each third of a span that is compared.
const IN_A_THIRD: usize = 3;

struct Came {
    at: Instant,
    /// Arrival less departure, in seconds, by two clocks: only differences mean anything.
    way: f64,
    bytes: usize,
}

/// The packets that came in the last seconds, newest last, by the far side's clock.
#[derive(Default)]
pub(super) struct Arrivals {
    came: VecDeque<Came>,
    first: Option<Instant>,
}

impl Arrivals {
    /// What was counted says nothing of the line any more.
    pub(super) fn forget(&mut self) {
        self.came.clear();
    }

    /// A packet that left at `sent` has come.
    pub(super) fn add(&mut self, sent: Instant, at: Instant, bytes: usize) {
        if self.came.back().is_some_and(|last| at + CLOCK_BACK < last.at) {
            // The far side's clock goes round every twelve days: nothing before it can be compared with now.
            self.came.clear();
            self.first = None;
        }
        let zero = *self.first.get_or_insert(at);
        let way = signed(at, zero) - signed(sent, zero);
        self.came.push_back(Came { at, way, bytes });
        while self
            .came
            .front()
            .is_some_and(|came| at.saturating_duration_since(came.at) > BASE_OVER)
        {
            self.came.pop_front();
        }
    }

    fn base(&self) -> f64 {
        self.came.iter().map(|came| came.way).fold(f64::MAX, f64::min)
    }

    /// Seconds that packets wait for the line, beyond the shortest way.
    pub(super) fn queue(&self) -> Option<f64> {
        if self.came.len() < QUEUE_OF {
            return None;
        }
        let now = self.came.iter().rev().take(QUEUE_OF).map(|came| came.way);
        Some(now.fold(f64::MAX, f64::min) - self.base())
    }

    /// How much ways differ without a queue, in seconds: the lower half of them.
    pub(super) fn jitter(&self) -> Option<f64> {
        let mut ways: Vec<f64> = self.came.iter().map(|came| came.way).collect();
        let half = ways.len() / 2;
        if half == 0 {
            return None;
        }
        let (lower, middle, _) = ways.select_nth_unstable_by(half, f64::total_cmp);
        let first = lower.iter().copied().fold(*middle, f64::min);
        Some((*middle - first).min(0.05))
    }

    /// What came, in bit/s.
    pub(super) fn bps(&self, over: Duration) -> Option<f64> {
        let last = self.came.back()?;
        let mut bytes = 0;
        let first = self.came.iter().rev().find(|came| {
            let inside = last.at.saturating_duration_since(came.at) < over;
            // The first one's bytes came before the span began.
            bytes += if inside { came.bytes } else { 0 };
            !inside
        });
        let first = first.or(self.came.front())?;
        let span = last.at.saturating_duration_since(first.at);
        (span >= over / 3).then(|| bytes as f64 * 8.0 / span.as_secs_f64())
    }

    /// How fast the line gave out what stood before it, in bit/s: what was sent meanwhile does not matter.
    pub(super) fn bps_of_line(&self, over: Duration) -> Option<f64> {
        let newest = self.came.back()?.at;
        let base = self.base();
        let (mut bytes, mut busy) = (0, Duration::ZERO);
        for (earlier, later) in self.came.iter().zip(self.came.iter().skip(1)) {
            let gap = later.at.saturating_duration_since(earlier.at);
            let recent = newest.saturating_duration_since(earlier.at) < over;
            if recent && later.way - base >= gap.as_secs_f64() + STOOD_S {
                bytes += later.bytes;
                busy += gap;
            }
        }
        (busy >= over / 3).then(|| bytes as f64 * 8.0 / busy.as_secs_f64())
    }

    /// Forgets the shorter way of before if every packet of this span was late by the same, and by more than `late` seconds: a
    /// queue of the call's own would have grown or drained, so the way itself has become longer.
    pub(super) fn take_longer_way(&mut self, over: Duration, late: f64, jitter: f64) -> bool {
        let Some(newest) = self.came.back().map(|came| came.at) else {
            return false;
        };
        let mut thirds = [(0, f64::MAX); 3];
        for came in self.came.iter().rev() {
            let age = newest.saturating_duration_since(came.at);
            let Some((count, shortest)) =
                thirds.get_mut((age.as_secs_f64() / over.as_secs_f64() * 3.0) as usize)
            else {
                break;
            };
            *count += 1;
            *shortest = shortest.min(came.way);
        }
        let shortest = thirds.map(|(_, way)| way);
        let (low, high) = (
            shortest.iter().copied().fold(f64::MAX, f64::min),
            shortest.iter().copied().fold(f64::MIN, f64::max),
        );
        let longer = thirds.iter().all(|(count, _)| *count >= IN_A_THIRD)
            && low - self.base() > late
            && high - low <= SAME_S + jitter / 2.0;
        if longer {
            self.came
                .retain(|came| newest.saturating_duration_since(came.at) < over);
        }
        longer
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.came.len()
    }
}

fn signed(at: Instant, zero: Instant) -> f64 {
    match at.checked_duration_since(zero) {
        Some(after) => after.as_secs_f64(),
        None => -zero.saturating_duration_since(at).as_secs_f64(),
    }
}
