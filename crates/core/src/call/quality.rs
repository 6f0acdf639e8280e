//! The quality ladder: what a link of this kind can carry, sound first. Down at once, up with patience.
//!
//! A pure function of the estimate, loss, round trip, load of the processor and the person's wish to see more; the staff page
//! in a browser runs this very code. Figures were measured on impaired links (docs/adr/0002-call-engine.md): at 10 %
//! loss and 600 ms nobody had a usable picture, and insisting on one destroyed the sound.

use hms_model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What the link and the processor do now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Estimated rate in bit/s, loss not taken off.
    pub estimate_bps: u64,
    /// Round trip in milliseconds.
    pub rtt_ms: u32,
    /// Lost share in thousandths, over some seconds.
    pub loss_permille: u32,
    /// How much of its time the busiest of this side's coding threads works, in thousandths.
    pub busy_permille: u32,
}

impl Link {
    /// What a picture may count with, in bit/s: what is lost is sent again, and what is sent again is lost again.
    #[must_use]
    pub fn usable_bps(self) -> u64 {
        self.estimate_bps
            .saturating_mul(u64::from(1_000_u32.saturating_sub(self.loss_permille * 3 / 2)))
            / 1_000
    }

    /// Does a lost packet freeze a moving picture for so long, and so often, that stills say more? It is sent again a
    /// round trip later.
    fn freezes(self, margin: u32) -> bool {
        let bearable = if self.rtt_ms >= 400 { 30 } else { 70 };
        self.loss_permille + margin >= bearable
    }
}

/// One step of the ladder, worst first. The order is from worst to best, so `min` of two rungs is the safer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
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

/// What is sent on a rung.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Settings {
    /// Opus bit rate in bit/s; 0 sends no sound.
    pub audio_bps: u32,
    /// Length of an Opus packet in milliseconds.
    pub audio_packet_ms: u32,
    /// Most bit/s of the moving picture; 0 sends none.
    pub video_bps: u32,
    /// Pictures a second at most.
    pub max_fps: u32,
    /// Width at most, in pixels; the height follows.
    pub max_width: u32,
    /// A still picture so often, in milliseconds; 0 sends none.
    pub still_every_ms: u32,
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

    /// What this rung sends.
    #[must_use]
    pub const fn settings(self) -> Settings {
        let (audio_bps, audio_packet_ms, video_bps, max_fps, max_width, still_every_ms) = match self {
            Self::None => (0, 60, 0, 0, 0, 0),
            Self::SoundOnly => (12_000, 60, 0, 0, 0, 0),
            Self::Stills => (20_000, 60, 0, 0, 320, 6_000),
            Self::Slow => (20_000, 60, 60_000, 6, 320, 0),
            Self::Small => (20_000, 60, 130_000, 12, 320, 0),
            Self::Moderate => (24_000, 40, 400_000, 30, 640, 0),
            Self::Full => (24_000, 40, 900_000, 30, 640, 0),
        };
        Settings {
            audio_bps,
            audio_packet_ms,
            video_bps,
            max_fps,
            max_width,
            still_every_ms,
        }
    }

    /// The best rung that a usable rate of `bps` carries, sound and packet overhead included.
    #[must_use]
    pub const fn for_rate(bps: u64) -> Self {
        match bps {
            0..=13_999 => Self::None,
            14_000..=25_999 => Self::SoundOnly,
            26_000..=59_999 => Self::Stills,
            60_000..=109_999 => Self::Slow,
            110_000..=159_999 => Self::Small,
            160_000..=499_999 => Self::Moderate,
            _ => Self::Full,
        }
    }

    /// The best rung that a link carries.
    #[must_use]
    pub fn for_link(link: Link) -> Self {
        Self::with_margin(link, 0)
    }

    /// As [`Rung::for_link`] for a link that loses `margin` thousandths more.
    fn with_margin(link: Link, margin: u32) -> Self {
        if link.rtt_ms > 2_500 || link.loss_permille > HOPELESS_PERMILLE {
            return Self::None;
        }
        // Sound restores what is lost and sends nothing twice: it takes the line as it is.
        let for_sound = Self::for_rate(link.estimate_bps).min(Self::Stills);
        let by_rate = Self::for_rate(link.usable_bps()).max(for_sound);
        if link.freezes(margin) {
            by_rate.min(Self::Stills)
        } else {
            by_rate
        }
    }

    /// Where a call begins whose first handshake took this long: nothing else is known of its link yet.
    #[must_use]
    pub const fn at_first(rtt_ms: u32) -> Self {
        match rtt_ms {
            0..=79 => Self::Moderate,
            80..=199 => Self::Small,
            200..=399 => Self::Slow,
            _ => Self::Stills,
        }
    }

    /// The word that the window shows: `good`, `picture_small`, `picture_paused`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None | Self::SoundOnly | Self::Stills => "picture_paused",
            Self::Slow | Self::Small => "picture_small",
            Self::Moderate | Self::Full => "good",
        }
    }

    /// The word that a log line or a line of figures uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SoundOnly => "sound-only",
            Self::Stills => "stills",
            Self::Slow => "slow",
            Self::Small => "small",
            Self::Moderate => "moderate",
            Self::Full => "full",
        }
    }

    /// Does a picture move on this rung?
    #[must_use]
    pub const fn moves(self) -> bool {
        self.settings().video_bps > 0
    }

    fn next_up(self) -> Self {
        Self::ALL
            .into_iter()
            .find(|rung| *rung > self)
            .unwrap_or(Self::Full)
    }

    fn next_down(self) -> Self {
        Self::ALL
            .into_iter()
            .rev()
            .find(|rung| *rung < self)
            .unwrap_or(Self::None)
    }
}

const UP_MS: i64 = 3_000;
/// A rate that is less than a quarter short is waited for.
const DIP_MS: i64 = 2_500;
const UP_AFTER_OUTAGE_MS: i64 = 10_000;
/// So soon after a call began a clean link shows what it can do, and nobody has got used to a picture.
const YOUNG_MS: i64 = 10_000;
const UP_WHEN_YOUNG_MS: i64 = 700;
const WIDTH_MS: i64 = 10_000;
/// Sound is given up only where it has been hopeless for this long, and tried again after [`TRY_SOUND_MS`].
const HOPELESS_PERMILLE: u32 = 450;
const HOPELESS_MS: i64 = 6_000;
const TRY_SOUND_MS: i64 = 10_000;
/// A link must lose this much less than what stopped the picture before the picture moves again.
const LOSS_MARGIN: u32 = 20;
/// A busier processor gives up a rung; one that works less than [`IDLE_PERMILLE`] may take it back.
const BUSY_PERMILLE: u32 = 850;
const IDLE_PERMILLE: u32 = 450;
const BUSY_EVERY_MS: i64 = 2_000;
const IDLE_AFTER_MS: i64 = 15_000;
/// So long a picture is tried that a person asked for: long enough to see whether it is of use.
pub const TRY_PICTURE_MS: i64 = 12_000;

/// The ladder of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    rung: Rung,
    began: Option<Timestamp>,
    /// Since when the link would carry more.
    better_since: Option<Timestamp>,
    /// Since when it carries a little less than this rung needs.
    worse_since: Option<Timestamp>,
    hopeless_since: Option<Timestamp>,
    width_changed: Option<Timestamp>,
    /// What the processor can do, and when that was last thought over.
    worker: Rung,
    worker_changed: Option<Timestamp>,
    /// Until when a person wants to see a picture.
    tried: Option<Timestamp>,
    outage: bool,
}

impl Ladder {
    /// A ladder that begins on this rung.
    #[must_use]
    pub fn new(rung: Rung) -> Self {
        Self {
            rung,
            began: None,
            better_since: None,
            worse_since: None,
            hopeless_since: None,
            width_changed: None,
            worker: Rung::Full,
            worker_changed: None,
            tried: None,
            outage: false,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn rung(&self) -> Rung {
        let least = if self.tried.is_some() {
            Rung::Slow
        } else {
            Rung::None
        };
        self.rung.max(least).min(self.worker)
    }

    /// A person wants to see a picture: a small and slow one goes out for [`TRY_PICTURE_MS`], though it may freeze.
    /// Where the link carries no sound, none does.
    pub fn try_picture(&mut self, now: Timestamp) {
        self.tried = Some(now.plus_ms(TRY_PICTURE_MS));
    }

    /// The call was cut, or is back: climbing takes longer afterwards.
    pub fn outage(&mut self) {
        self.outage = true;
        self.better_since = None;
        self.hopeless_since = None;
        self.tried = None;
    }

    /// Takes a measurement in. Gives the rung to be on.
    pub fn observe(&mut self, now: Timestamp, link: Link) -> Rung {
        self.began.get_or_insert(now);
        self.work(now, link.busy_permille);
        let carries = Rung::for_link(link);
        self.tried = self.tried.filter(|until| now < *until && carries > Rung::None);
        if carries == Rung::None {
            self.hopeless(now);
        } else {
            self.hopeless_since = None;
            self.follow(now, link, carries);
        }
        self.rung()
    }

    /// Sound goes on for a while on a link that cannot carry it: a bad second is not the end.
    fn hopeless(&mut self, now: Timestamp) {
        self.better_since = None;
        let since = (*self.hopeless_since.get_or_insert(now)).min(now);
        let lasted = now.since_ms(since);
        if self.rung == Rung::None {
            // Nothing is sent, so nothing is learned: only trying tells.
            if lasted >= TRY_SOUND_MS {
                self.hopeless_since = Some(now);
                self.rung = Rung::SoundOnly;
            }
        } else if lasted >= HOPELESS_MS {
            self.hopeless_since = Some(now);
            self.rung = Rung::None;
        } else {
            self.step(now, self.rung.min(Rung::Stills));
        }
    }

    fn follow(&mut self, now: Timestamp, link: Link, carries: Rung) {
        // A picture that has stopped moves again only on a link that is better by some margin.
        let margin = if self.rung.moves() { 0 } else { LOSS_MARGIN };
        let safely = Rung::with_margin(link, margin);
        if carries < self.rung {
            self.better_since = None;
            let since = (*self.worse_since.get_or_insert(now)).min(now);
            // The coder follows the rate by itself: a dip needs no other picture, a fall does.
            let dips = Rung::for_link(Link {
                estimate_bps: link.estimate_bps * 4 / 3,
                loss_permille: link.loss_permille * 2 / 3,
                ..link
            });
            if dips < self.rung || now.since_ms(since) >= DIP_MS {
                self.worse_since = None;
                self.step(now, carries);
            }
            return;
        }
        self.worse_since = None;
        if safely <= self.rung {
            self.better_since = None;
        } else {
            let since = (*self.better_since.get_or_insert(now)).min(now);
            self.better_since = Some(since);
            let next = self.rung.next_up();
            let width_settled = next.settings().max_width == self.rung.settings().max_width
                || self.width_changed.is_none_or(|at| now.since_ms(at) >= WIDTH_MS);
            if now.since_ms(since) >= self.patience(now, link) && width_settled {
                self.outage = false;
                self.better_since = Some(now);
                self.step(now, next);
            }
        }
    }

    fn patience(&self, now: Timestamp, link: Link) -> i64 {
        let young = self.began.is_some_and(|began| now.since_ms(began) < YOUNG_MS);
        if self.outage {
            UP_AFTER_OUTAGE_MS
        } else if young && link.loss_permille < 5 {
            UP_WHEN_YOUNG_MS
        } else {
            UP_MS
        }
    }

    /// A processor that cannot keep up sheds the picture, never the sound.
    fn work(&mut self, now: Timestamp, busy_permille: u32) {
        let lasted = self.worker_changed.map_or(i64::MAX, |at| now.since_ms(at));
        if busy_permille > BUSY_PERMILLE && lasted >= BUSY_EVERY_MS {
            self.worker_changed = Some(now);
            self.worker = self.rung().next_down().max(Rung::Stills);
        } else if busy_permille < IDLE_PERMILLE && self.worker < Rung::Full && lasted >= IDLE_AFTER_MS {
            self.worker_changed = Some(now);
            self.worker = self.worker.next_up();
        }
    }

    fn step(&mut self, now: Timestamp, to: Rung) {
        if to.settings().max_width != self.rung.settings().max_width {
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
            busy_permille: 100,
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
        check(link(150, 100, 0), Rung::Small);
        check(link(250, 100, 20), Rung::Moderate);
        check(link(2_000, 20, 0), Rung::Full);
        check(link(2_000, 2_600, 0), Rung::None);
        check(link(2_000, 100, 460), Rung::None);
        // What loses a third still carries sound that restores itself.
        check(link(60, 800, 330), Rung::Stills);
    }

    #[test]
    fn a_picture_that_would_mostly_stand_still_is_sent_as_stills() {
        check(link(500, 300, 69), Rung::Moderate);
        check(link(500, 300, 70), Rung::Stills);
        check(link(500, 600, 29), Rung::Moderate);
        check(link(500, 600, 30), Rung::Stills);
    }

    #[test]
    fn a_better_link_never_gives_a_worse_rung_and_sound_is_never_traded_for_a_picture() {
        let mut last = Rung::None;
        for kbps in 0..1000 {
            let rung = Rung::for_rate(kbps * 1000);
            assert!(rung >= last, "{kbps} kbit/s");
            last = rung;
        }
        assert_eq!(last, Rung::Full);
        for pair in Rung::ALL.windows(2) {
            assert!(pair[1].settings().audio_bps >= pair[0].settings().audio_bps);
            assert!(pair[1].settings().video_bps >= pair[0].settings().video_bps);
        }
    }

    fn climb(ladder: &mut Ladder, from: i64, to: i64, link: Link) -> Vec<(i64, Rung)> {
        let mut seen = vec![(from, ladder.rung())];
        for ms in (from..to).step_by(100) {
            let rung = ladder.observe(Timestamp(ms), link);
            if seen.last().map(|(_, rung)| *rung) != Some(rung) {
                seen.push((ms, rung));
            }
        }
        seen
    }

    #[test]
    fn it_steps_down_at_once_and_up_one_rung_after_three_seconds() {
        let mut ladder = Ladder::new(Rung::Moderate);
        climb(&mut ladder, 0, 20_000, link(300, 50, 0));
        assert_eq!(ladder.observe(Timestamp(20_000), link(30, 100, 0)), Rung::Stills);

        let seen = climb(&mut ladder, 20_100, 60_000, link(2_000, 50, 0));

        let rungs: Vec<_> = seen.iter().map(|(_, rung)| *rung).collect();
        assert_eq!(
            rungs,
            [Rung::Stills, Rung::Slow, Rung::Small, Rung::Moderate, Rung::Full]
        );
        assert!(seen.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 3_000));
    }

    #[test]
    fn a_young_call_on_a_clean_link_climbs_fast() {
        let mut ladder = Ladder::new(Rung::at_first(20));

        let seen = climb(&mut ladder, 0, 5_000, link(2_000, 20, 0));

        assert_eq!(seen.last().map(|(_, rung)| *rung), Some(Rung::Full));
        assert!(seen.last().is_some_and(|(ms, _)| *ms < 1_500), "{seen:?}");
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
                link(600, 50, 10)
            } else {
                link(150, 50, 10)
            };
            assert_eq!(ladder.observe(Timestamp(ms), swing), Rung::Small);
        }
    }

    #[test]
    fn loss_about_the_limit_does_not_start_and_stop_the_picture() {
        let mut ladder = Ladder::new(Rung::Moderate);
        let mut changes = 0;
        for ms in (0..120_000_i64).step_by(500) {
            let before = ladder.rung();
            let loss = if ms % 9_000 < 4_500 { 60 } else { 75 };
            ladder.observe(Timestamp(ms), link(500, 100, loss));
            changes += u32::from(before != ladder.rung());
        }
        assert_eq!((changes, ladder.rung()), (1, Rung::Stills));
    }

    #[test]
    fn sound_is_given_up_late_and_tried_again() {
        let mut ladder = Ladder::new(Rung::Stills);

        let seen = climb(&mut ladder, 0, 30_000, link(5, 900, 500));

        let rungs: Vec<_> = seen.iter().map(|(_, rung)| *rung).collect();
        assert_eq!(rungs, [Rung::Stills, Rung::None, Rung::SoundOnly, Rung::None]);
        assert_eq!(seen[1].0, 6_000);
    }

    #[test]
    fn a_processor_that_cannot_keep_up_sheds_the_picture_and_takes_it_back() {
        let mut ladder = Ladder::new(Rung::Full);
        let busy = Link {
            busy_permille: 950,
            ..link(2_000, 20, 0)
        };

        climb(&mut ladder, 0, 20_000, busy);
        assert_eq!(ladder.rung(), Rung::Stills);
        climb(&mut ladder, 20_000, 120_000, link(2_000, 20, 0));
        assert_eq!(ladder.rung(), Rung::Full);
    }

    #[test]
    fn a_person_who_wants_to_see_gets_a_small_picture_for_a_while_and_never_for_the_sound() {
        let lossy = link(500, 600, 60);
        let mut ladder = Ladder::new(Rung::Stills);
        ladder.observe(Timestamp(0), lossy);
        assert_eq!(ladder.rung(), Rung::Stills);

        ladder.try_picture(Timestamp(1_000));
        let seen = climb(&mut ladder, 1_000, 20_000, lossy);
        assert_eq!(
            seen,
            [(1_000, Rung::Slow), (1_000 + TRY_PICTURE_MS, Rung::Stills)]
        );

        ladder.try_picture(Timestamp(21_000));
        assert_eq!(ladder.rung(), Rung::Slow);
        ladder.observe(Timestamp(21_500), link(10, 900, 500));
        assert!(!ladder.rung().moves(), "a link without room for sound");
    }
}
