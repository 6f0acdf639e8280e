//! The call's own, careful choice of a rung: below what the client allows, and sound first.
//!
//! Pure: time and figures come in as arguments.

use std::time::{Duration, Instant};

use crate::QualityRung;

/// A better link must last this long before the call steps up.
const UP_AFTER: Duration = Duration::from_secs(3);
/// After the path was lost, it must last this long.
const UP_AFTER_CUT: Duration = Duration::from_secs(6);
/// The estimate starts low and probes upwards; until it has spoken, the call starts here.
const START: QualityRung = QualityRung::Moderate;

/// Steps down at once and up slowly.
pub(crate) struct Ladder {
    rung: QualityRung,
    better_since: Option<Instant>,
    cut: bool,
    usable_bps: u64,
}

impl Ladder {
    pub(crate) fn new() -> Self {
        Self {
            rung: START,
            better_since: None,
            cut: false,
            usable_bps: 300_000,
        }
    }

    /// The rung to use, never above `ceiling`.
    pub(crate) fn rung(&self, ceiling: QualityRung) -> QualityRung {
        self.rung.min(ceiling)
    }

    /// What the link is trusted with, in bit/s.
    pub(crate) fn usable_bps(&self) -> u64 {
        self.usable_bps
    }

    /// The path was lost: the next step up takes longer.
    pub(crate) fn cut(&mut self) {
        self.cut = true;
        self.better_since = None;
    }

    /// Takes the engine's estimate and the far side's report of loss (0 to 1).
    ///
    /// The estimate runs above thin links under loss, so it is derated by loss (measured; see the ADR on the
    /// call engine). Never below sound alone: whether sound is hopeless is for the client to say.
    pub(crate) fn look(&mut self, now: Instant, estimate_bps: u64, loss: f32) {
        let kept = (1.0 - 1.5 * f64::from(loss)).clamp(0.1, 1.0);
        self.usable_bps = (estimate_bps as f64 * kept) as u64;
        let wanted = QualityRung::for_rate(self.usable_bps).max(QualityRung::SoundOnly);
        if wanted < self.rung {
            self.rung = wanted;
            self.better_since = None;
        } else if wanted > self.rung {
            let since = *self.better_since.get_or_insert(now);
            let patience = if self.cut { UP_AFTER_CUT } else { UP_AFTER };
            if now.saturating_duration_since(since) >= patience {
                let next = QualityRung::ALL.iter().find(|rung| **rung > self.rung);
                self.rung = next.copied().unwrap_or(wanted);
                self.better_since = None;
                self.cut = false;
            }
        } else {
            self.better_since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(ladder: &mut Ladder, from: Instant, seconds: u64, bps: u64, loss: f32) -> Instant {
        for tick in 0..seconds * 4 {
            ladder.look(from + Duration::from_millis(tick * 250), bps, loss);
        }
        from + Duration::from_secs(seconds)
    }

    #[test]
    fn it_steps_down_at_once_and_up_one_rung_at_a_time() {
        let start = Instant::now();
        let mut ladder = Ladder::new();

        let now = run(&mut ladder, start, 1, 60_000, 0.0);
        assert_eq!(ladder.rung(QualityRung::Full), QualityRung::Slow);
        let now = run(&mut ladder, now, 4, 2_000_000, 0.0);
        assert_eq!(ladder.rung(QualityRung::Full), QualityRung::Small);
        run(&mut ladder, now, 10, 2_000_000, 0.0);
        assert_eq!(ladder.rung(QualityRung::Full), QualityRung::Full);
    }

    #[test]
    fn loss_counts_and_the_ceiling_holds_and_sound_stays() {
        let start = Instant::now();
        let mut ladder = Ladder::new();

        let now = run(&mut ladder, start, 10, 300_000, 0.3);
        assert_eq!(ladder.rung(QualityRung::Full), QualityRung::Small);
        assert_eq!(ladder.rung(QualityRung::Stills), QualityRung::Stills);
        run(&mut ladder, now, 10, 3_000, 0.9);
        assert_eq!(ladder.rung(QualityRung::Full), QualityRung::SoundOnly);
    }

    #[test]
    fn after_a_cut_it_waits_longer() {
        let start = Instant::now();
        let mut ladder = Ladder::new();
        let now = run(&mut ladder, start, 1, 60_000, 0.0);

        ladder.cut();

        let now = run(&mut ladder, now, 5, 2_000_000, 0.0);
        assert_eq!(ladder.rung(QualityRung::Full), QualityRung::Slow);
        run(&mut ladder, now, 3, 2_000_000, 0.0);
        assert!(ladder.rung(QualityRung::Full) > QualityRung::Slow);
    }
}
