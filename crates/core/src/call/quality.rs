//! The quality ladder: what a link of this kind can carry, sound first. Down at once, up with patience.
//!
//! Figures were measured on impaired links: at 10 % loss and 600 ms nobody had a usable picture, and insisting on
//! one destroyed the sound.

use hms_model::time::Timestamp;

/// What the link does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Estimated rate in bit/s, loss not taken off.
    pub estimate_bps: u64,
    /// Round trip in milliseconds.
    pub rtt_ms: u32,
    /// Lost share in thousandths.
    pub loss_permille: u32,
}

/// One step of the ladder, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// Nothing live: text and recorded notes carry the visit.
    None,
    /// Sound alone, in long packets.
    SoundOnly,
    /// Sound, and now and then a still picture.
    Stills,
    /// Sound and a small, slow picture.
    Slow,
    /// Sound and a small picture.
    Small,
    /// Sound and a moderate picture.
    Moderate,
    /// Everything the source gives.
    Full,
}

impl Rung {
    /// All rungs, worst first.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::SoundOnly,
        Self::Stills,
        Self::Slow,
        Self::Small,
        Self::Moderate,
        Self::Full,
    ];

    /// The best rung that a link carries.
    #[must_use]
    pub fn for_link(link: Link) -> Self {
        let Link {
            estimate_bps,
            rtt_ms,
            loss_permille,
        } = link;
        if rtt_ms > 2_500 || loss_permille > 350 {
            return Self::None;
        }
        // Loss counts one and a half times: the estimate runs ahead of the link when packets are lost.
        let usable =
            estimate_bps.saturating_mul(u64::from(1_000_u32.saturating_sub(loss_permille * 3 / 2))) / 1_000;
        let by_rate = match usable {
            0..=13_999 => Self::None,
            14_000..=25_999 => Self::SoundOnly,
            26_000..=44_999 => Self::Stills,
            45_000..=109_999 => Self::Slow,
            110_000..=219_999 => Self::Small,
            220_000..=499_999 => Self::Moderate,
            _ => Self::Full,
        };
        if loss_permille >= 120 {
            by_rate.min(Self::Stills)
        } else {
            by_rate
        }
    }

    /// The word that the window shows: `good`, `picture_small`, `picture_paused`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None | Self::SoundOnly | Self::Stills => "picture_paused",
            Self::Slow | Self::Small => "picture_small",
            Self::Moderate | Self::Full => "good",
        }
    }

    /// Width of the picture in pixels; each change of it costs a key frame.
    fn width(self) -> u32 {
        match self {
            Self::None | Self::SoundOnly => 0,
            Self::Slow => 160,
            Self::Stills | Self::Small | Self::Moderate => 320,
            Self::Full => 640,
        }
    }

    fn next_up(self) -> Self {
        Self::ALL
            .into_iter()
            .find(|rung| *rung > self)
            .unwrap_or(Self::Full)
    }
}

const UP_MS: i64 = 3_000;
const UP_AFTER_OUTAGE_MS: i64 = 10_000;
const WIDTH_MS: i64 = 10_000;

/// The ladder of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    rung: Rung,
    /// Since when the link would carry more.
    better_since: Option<Timestamp>,
    width_changed: Option<Timestamp>,
    outage: bool,
}

impl Ladder {
    /// A ladder that begins on this rung.
    #[must_use]
    pub fn new(rung: Rung) -> Self {
        Self {
            rung,
            better_since: None,
            width_changed: None,
            outage: false,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn rung(&self) -> Rung {
        self.rung
    }

    /// The call was cut, or is back: climbing takes longer afterwards.
    pub fn outage(&mut self) {
        self.outage = true;
        self.better_since = None;
    }

    /// Takes a measurement in. Gives the rung to be on.
    pub fn observe(&mut self, now: Timestamp, link: Link) -> Rung {
        let carries = Rung::for_link(link);
        if carries < self.rung {
            self.better_since = None;
            self.step(now, carries);
        } else if carries == self.rung {
            self.better_since = None;
        } else {
            let since = (*self.better_since.get_or_insert(now)).min(now);
            self.better_since = Some(since);
            let patience = if self.outage { UP_AFTER_OUTAGE_MS } else { UP_MS };
            let next = self.rung.next_up();
            let width_settled = next.width() == self.rung.width()
                || self.width_changed.is_none_or(|at| now.since_ms(at) >= WIDTH_MS);
            if now.since_ms(since) >= patience && width_settled {
                self.outage = false;
                self.better_since = Some(now);
                self.step(now, next);
            }
        }
        self.rung
    }

    fn step(&mut self, now: Timestamp, to: Rung) {
        if to.width() != self.rung.width() {
            self.width_changed = Some(now);
        }
        self.rung = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(kbps: u64, rtt_ms: u32, loss_permille: u32) -> Link {
        Link {
            estimate_bps: kbps * 1_000,
            rtt_ms,
            loss_permille,
        }
    }

    fn check(link: Link, expected: Rung) {
        assert_eq!(Rung::for_link(link), expected, "{link:?}");
    }

    #[test]
    fn each_link_has_its_rung() {
        check(link(10, 100, 0), Rung::None);
        check(link(20, 100, 0), Rung::SoundOnly);
        check(link(40, 100, 0), Rung::Stills);
        check(link(100, 100, 0), Rung::Slow);
        check(link(250, 100, 20), Rung::Moderate);
        check(link(2_000, 20, 0), Rung::Full);
        check(link(2_000, 2_600, 0), Rung::None);
        check(link(2_000, 100, 360), Rung::None);
    }

    #[test]
    fn at_twelve_percent_loss_there_is_no_moving_picture() {
        check(link(500, 300, 119), Rung::Moderate);
        check(link(500, 300, 120), Rung::Stills);
    }

    #[test]
    fn it_steps_down_at_once_and_up_one_rung_after_three_seconds() {
        let mut ladder = Ladder::new(Rung::Moderate);
        assert_eq!(ladder.observe(Timestamp(0), link(30, 100, 0)), Rung::Stills);
        let good = link(2_000, 50, 0);
        let mut seen = vec![Rung::Stills];
        for ms in (100..60_000).step_by(100) {
            let rung = ladder.observe(Timestamp(ms), good);
            if seen.last() != Some(&rung) {
                seen.push(rung);
            }
            assert!(ms >= 3_100 || rung == Rung::Stills, "{ms}");
        }
        assert_eq!(
            seen,
            [Rung::Stills, Rung::Slow, Rung::Small, Rung::Moderate, Rung::Full]
        );
    }

    #[test]
    fn after_an_outage_it_waits_ten_seconds() {
        let mut ladder = Ladder::new(Rung::SoundOnly);
        ladder.outage();
        for ms in (0..10_000).step_by(500) {
            assert_eq!(ladder.observe(Timestamp(ms), link(2_000, 50, 0)), Rung::SoundOnly);
        }
        assert_eq!(
            ladder.observe(Timestamp(10_000), link(2_000, 50, 0)),
            Rung::Stills
        );
    }

    #[test]
    fn a_link_that_swings_does_not_pump_the_picture() {
        let mut ladder = Ladder::new(Rung::Small);
        for ms in (0..60_000_i64).step_by(500) {
            let swing = if ms % 4_000 < 2_000 {
                link(600, 50, 0)
            } else {
                link(150, 50, 0)
            };
            assert_eq!(ladder.observe(Timestamp(ms), swing), Rung::Small);
        }
    }
}
