//! Which rung the call is on, and what sound, pictures and stills may take of the line for it.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use hms_core::call::quality::{Link, Rung};
use hms_model::time::Timestamp;

use super::{Conductor, DOUBT_AFTER};
use crate::call::report::CallEvent;
use crate::rate::Estimator;

/// What sound takes of the line: 20 kbit/s and the heads of its packets.
const SOUND_SHARE_BPS: u64 = 30_000;
/// Of what is left beside sound the coder aims at this share, in hundredths.
const PICTURE_SHARE: u64 = 82;
/// Reports of loss are averaged over this long: one holds 17 packets, of which one lost is 6 %.
const LOSS_OVER: Duration = Duration::from_secs(5);
/// A far side that says nothing of what was sent for this long, and two round trips, is sent no pictures.
const HOLD_AFTER: Duration = Duration::from_millis(700);
/// Reports that come so soon after an outage speak of it.
const OUTAGE_TOLD: Duration = Duration::from_secs(3);
/// Reports before the ladder may climb: none means unknown, not clean.
const REPORTS_TO_CLIMB: u32 = 2;

impl Conductor {
    /// Takes the far side's report of what was lost on the way to it, from 0 to 1.
    pub(super) fn take_loss(&mut self, now: Instant, loss: f32) {
        // What an outage lost says nothing of the link before and after it.
        let in_outage = self
            .back_at
            .is_some_and(|at| now.saturating_duration_since(at) < OUTAGE_TOLD);
        if in_outage || self.silent_for(now, DOUBT_AFTER) || !self.path_works {
            self.loss_at = Some(now);
            return;
        }
        let since = self
            .loss_at
            .map_or(Duration::from_secs(1), |at| now.saturating_duration_since(at));
        let weight = 1.0 - (-since.as_secs_f32() / LOSS_OVER.as_secs_f32()).exp();
        self.loss_at = Some(now);
        self.loss += (loss - self.loss) * weight;
        self.reports = self.reports.saturating_add(1);
    }

    /// Asks the ladder, and sets what coders, stills and pacer may use.
    pub(super) fn climb(&mut self, now: Instant) {
        let link = self.link();
        let path_works = self.path_works;
        let Some(ladder) = &mut self.ladder else { return };
        let known = self.reports >= REPORTS_TO_CLIMB;
        let at = Timestamp(now.saturating_duration_since(self.began).as_millis() as i64);
        if path_works && self.shared.controls.try_picture.swap(false, Relaxed) {
            ladder.try_picture(at);
        }
        if path_works && (known || Rung::for_link(link) < ladder.rung()) {
            ladder.observe(at, link);
        }
        let rung = ladder.rung().min(self.shared.controls.ceiling());
        self.set_rung(rung);
        let settings = rung.settings();
        let for_picture = link.usable_bps().saturating_sub(SOUND_SHARE_BPS);
        // The coder misses its aim by some, and what is lost is sent again.
        let video_bps = u64::from(settings.video_bps).min((for_picture * PICTURE_SHARE / 100).max(10_000));
        self.shared.controls.video_bps.store(video_bps as u32, Relaxed);
        let still_bps = self.beside.set_rate(for_picture, rung.moves());
        self.shared.controls.still_bps.store(still_bps as u32, Relaxed);
        // The pacer knows nothing of loss: it spreads what the line takes.
        self.pacer
            .set_rate(link.estimate_bps.saturating_sub(SOUND_SHARE_BPS).max(10_000));
        let silence = self
            .estimator
            .as_ref()
            .map_or(Duration::ZERO, |estimator| estimator.unanswered_for(now));
        self.pacer.hold(silence > HOLD_AFTER + self.round_trip() * 2);
    }

    fn link(&self) -> Link {
        Link {
            estimate_bps: self.estimator.as_ref().map_or(0, Estimator::bps),
            rtt_ms: self.round_trip().as_millis() as u32,
            loss_permille: (self.loss * 1000.0) as u32,
            busy_permille: self.shared.counters.busy_permille(),
        }
    }

    pub(super) fn set_rung(&self, rung: Rung) {
        let controls = &self.shared.controls;
        if rung != controls.rung() {
            controls.set_rung(rung);
            self.shared.events.tell(CallEvent::Rung(rung));
        }
    }
}

/// Where the estimate begins, in bit/s, by what the first handshake told: too much floods a thin link for seconds.
pub(super) fn first_estimate(rung: Rung) -> u64 {
    match rung {
        Rung::Full | Rung::Moderate => 400_000,
        Rung::Small => 200_000,
        Rung::Slow => 110_000,
        Rung::Stills | Rung::SoundOnly | Rung::None => 60_000,
    }
}
