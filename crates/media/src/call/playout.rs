//! When a picture is shown: evenly, as it was taken. A packet that was sent again holds up the pictures behind it, and
//! without a short wait each loss would be seen as a halt. Pure.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Pictures over which lateness is looked at: 12 s at 20 a second.
const WINDOW: usize = 240;
/// The share of pictures that is to be there in time, in hundredths.
const IN_TIME_PERCENT: usize = 98;
/// Pictures never wait longer: beyond this they would lag behind the voice.
const LONGEST: Duration = Duration::from_millis(350);
/// A time this far from the one before is a new beginning.
const JUMP_MS: i64 = 10_000;
/// Pictures that wait at most; more are shown at once.
const KEPT: usize = 40;

struct Waiting {
    at_ms: i64,
    frame: Arc<[u8]>,
    contiguous: bool,
}

/// Pictures that wait for their time.
#[derive(Default)]
pub(super) struct Playout {
    waiting: VecDeque<Waiting>,
    /// Arrival less the picture's own time, in ms, newest last.
    ways: VecDeque<i64>,
    newest_ms: Option<i64>,
}

impl Playout {
    /// Takes a picture of the time `at` (90 kHz) that came at `now`.
    pub(super) fn take(&mut self, now: Duration, at: u64, frame: Arc<[u8]>, contiguous: bool) {
        let at_ms = (at / 90) as i64;
        if self
            .newest_ms
            .is_some_and(|newest| (at_ms - newest).abs() > JUMP_MS)
        {
            self.ways.clear();
        }
        self.newest_ms = Some(at_ms);
        self.ways.push_back(now.as_millis() as i64 - at_ms);
        if self.ways.len() > WINDOW {
            self.ways.pop_front();
        }
        self.waiting.push_back(Waiting {
            at_ms,
            frame,
            contiguous,
        });
    }

    /// When the first one is to be shown.
    pub(super) fn due(&self) -> Option<Duration> {
        let first = self.waiting.front()?;
        if self.waiting.len() > KEPT {
            return Some(Duration::ZERO);
        }
        let fastest = self.ways.iter().min()?;
        let due = first.at_ms + fastest + self.wait_ms(*fastest);
        Some(Duration::from_millis(due.max(0) as u64))
    }

    /// The next picture whose time has come.
    pub(super) fn next(&mut self, now: Duration) -> Option<(Arc<[u8]>, bool)> {
        if self.due()? > now {
            return None;
        }
        let first = self.waiting.pop_front()?;
        Some((first.frame, first.contiguous))
    }

    fn wait_ms(&self, fastest: i64) -> i64 {
        let mut late: Vec<i64> = self.ways.iter().map(|way| way - fastest).collect();
        late.sort_unstable();
        let enough = late.get(late.len().saturating_sub(1) * IN_TIME_PERCENT / 100);
        enough.copied().unwrap_or(0).min(LONGEST.as_millis() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each picture of 20 a second is shown that comes `late` ms late.
    fn shown(count: u64, late: impl Fn(u64) -> u64) -> Vec<u64> {
        let mut playout = Playout::default();
        let mut arrivals: Vec<(u64, u64)> = (0..count).map(|n| (n * 50 + 100 + late(n), n)).collect();
        // A picture behind one that is late waits for it.
        for at in 1..arrivals.len() {
            arrivals[at].0 = arrivals[at].0.max(arrivals[at - 1].0);
        }
        let mut shown = Vec::new();
        for now in 0..count * 50 + 2_500 {
            for (_, n) in arrivals.iter().filter(|(came, _)| *came == now) {
                let frame = Arc::from([0].as_slice());
                playout.take(Duration::from_millis(now), n * 4_500, frame, true);
            }
            while playout.next(Duration::from_millis(now)).is_some() {
                shown.push(now);
            }
        }
        shown
    }

    fn longest_gap(shown: &[u64]) -> u64 {
        shown.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
    }

    #[test]
    fn on_a_clean_link_nothing_waits() {
        let shown = shown(100, |_| 0);

        assert_eq!(shown[0], 100);
        assert_eq!(longest_gap(&shown), 50);
    }

    #[test]
    fn after_the_first_losses_pictures_come_evenly() {
        let shown = shown(400, |n| if n % 30 == 10 { 240 } else { 0 });

        assert_eq!(shown.len(), 400);
        assert!(longest_gap(&shown[..100]) >= 200);
        assert!(
            longest_gap(&shown[100..]) <= 120,
            "{}",
            longest_gap(&shown[100..])
        );
    }

    #[test]
    fn nothing_waits_for_long_and_a_new_clock_is_a_new_beginning() {
        let shown = shown(200, |n| if n % 10 == 5 { 2_000 } else { 0 });
        assert_eq!(shown.len(), 200);

        let mut playout = Playout::default();
        let frame: Arc<[u8]> = Arc::from([0].as_slice());
        playout.take(Duration::from_secs(1), 90_000 * 500, Arc::clone(&frame), true);
        assert!(playout.next(Duration::from_secs(1)).is_some());
        playout.take(Duration::from_secs(2), 90, frame, true);
        assert!(playout.next(Duration::from_secs(2)).is_some());
    }
}
