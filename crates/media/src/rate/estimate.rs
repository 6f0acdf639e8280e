//! What the link carries, from the far side's receipts: queues are kept short, losses of the radio are borne.
//!
//! Written for links of 30 to 1,000 kbit/s. Ready-made controllers take loss for a full line and fill a line with
//! packets of no use to learn what it carries; here a queue that grows is the only sign of a full line (but for losses
//! that no radio makes), the call's own picture is the only thing that tries for more, and a rate that has failed is
//! remembered for a while. Times of the far side are compared with one another only.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::arrivals::Arrivals;

/// What the far side says of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The packet's number in the row of all packets.
    pub number: u64,
    /// When it came, by the far side's clock; `None` if it did not.
    pub came: Option<Instant>,
}

/// A queue longer than this (beyond the link's usual jitter) is too long.
const LONG_QUEUE: Duration = Duration::from_millis(35);
/// A queue shorter than this is none.
const SHORT_QUEUE: Duration = Duration::from_millis(15);
/// Half of a full packet.
const PACKET_BITS: f64 = 4_800.0;
/// What came is counted over this long.
const RATE_OVER: Duration = Duration::from_millis(1_000);
const SHORT_RATE_OVER: Duration = Duration::from_millis(400);
/// Of what came while a queue grew, this share is aimed at.
const BACK_TO: f64 = 0.85;
/// Of a rate that filled the queue, this share is tried again while it is remembered.
const SAFE: f64 = 0.92;
/// With a long queue the rate goes down to this share until it is gone.
const DRAIN_TO: f64 = 0.4;
/// Growth a second while there is no queue.
const GROWTH: f64 = 0.15;
/// The estimate is at most so much above what is really sent: nothing more has been tried.
const TRIED: f64 = 1.3;
/// What may be hoped of a line without a queue, whatever has been tried: the rate from which a picture moves, slowly. Without it a
/// call that sends sound and stills alone would never learn that the line could carry more.
const HOPED_BPS: f64 = 68_000.0;
/// A rate that filled the queue is not gone beyond for this long, and twice as long each time.
const REMEMBER: Duration = Duration::from_secs(15);
const REMEMBER_AT_MOST: Duration = Duration::from_secs(30);
/// No radio loses so much for so long: the line must be full.
const HOPELESS_LOSS: f64 = 0.30;
/// Weight of one packet in the average of loss.
const LOSS_WEIGHT: f64 = 0.02;
/// What left so much later has overtaken nothing: what it left behind is lost.
const OVERTAKEN: Duration = Duration::from_millis(60);
const LEAST_BPS: f64 = 20_000.0;
/// What sound with deep redundancy takes of the line, and how long a queue must last to take it away.
const SOUND_BPS: f64 = 28_000.0;
const SOUND_GIVES_WAY: Duration = Duration::from_secs(5);
const MOST_BPS: f64 = 4_000_000.0;
/// No receipts for this long are an outage.
const OUTAGE: Duration = Duration::from_millis(1_500);
/// Packets that are all late by the same for this long have a longer way; twice as long each time within a minute, or a full
/// queue that neither grows nor drains would be taken for a way again and again.
const LONGER_WAY: Duration = Duration::from_millis(1_500);
const LONGER_WAY_AT_MOST: Duration = Duration::from_secs(12);
const LONGER_WAY_AGAIN: Duration = Duration::from_secs(60);
/// Packets remembered: two seconds of the fastest call.
const SENT_KEPT: usize = 2_048;

struct Sent {
    at: Instant,
    bytes: usize,
    /// The far side said that it has not come; it may yet.
    missed: bool,
}

/// The estimator of one direction.
pub(crate) struct Estimator {
    /// By number. Sound leaves before pictures with lower numbers, so this is not the order of leaving.
    sent: BTreeMap<u64, Sent>,
    newest: u64,
    arrivals: Arrivals,
    bps: f64,
    failed: Option<(f64, Instant)>,
    remember: Duration,
    grown_at: Option<Instant>,
    cut_at: Option<Instant>,
    /// Since when the queue has been too long, with no moment without one.
    long_since: Option<Instant>,
    /// When the way was last found to have become longer, and how long that took.
    longer_way: Option<(Instant, Duration)>,
    loss: f64,
    /// When the first packet left after the last receipts.
    unanswered: Option<Instant>,
}

impl Estimator {
    /// An estimator that begins at `bps`.
    pub(crate) fn new(bps: u64) -> Self {
        Self {
            sent: BTreeMap::new(),
            newest: 0,
            arrivals: Arrivals::default(),
            bps: bps as f64,
            failed: None,
            remember: REMEMBER,
            grown_at: None,
            cut_at: None,
            long_since: None,
            longer_way: None,
            loss: 0.0,
            unanswered: None,
        }
    }

    /// What the link carries, in bit/s.
    pub(crate) fn bps(&self) -> u64 {
        self.bps as u64
    }

    /// How long nothing was heard of packets that were sent.
    pub(crate) fn unanswered_for(&self, now: Instant) -> Duration {
        self.unanswered
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// A packet left with the lowest 16 bits of its number.
    pub(crate) fn sent(&mut self, now: Instant, number: u16, bytes: usize) {
        let number = unwrap(self.newest, number);
        self.newest = self.newest.max(number);
        // Heads of UDP and IP take the line, too.
        let sent = Sent {
            at: now,
            bytes: bytes + 28,
            missed: false,
        };
        self.sent.insert(number, sent);
        if self.sent.len() > SENT_KEPT {
            self.sent.pop_first();
        }
        self.unanswered.get_or_insert(now);
    }

    /// Takes what the far side says. Packets that it does not name are unknown, not lost.
    pub(crate) fn take(&mut self, now: Instant, receipts: &[Receipt]) {
        if self.unanswered_for(now) > OUTAGE {
            // Nothing came for a while: what was counted before it and in it says nothing of the line.
            self.arrivals.forget();
            self.sent.clear();
        }
        self.unanswered = None;
        let mut newest_answered = None;
        for receipt in receipts {
            let number = unwrap(self.newest, receipt.number as u16);
            let Some(came) = receipt.came else {
                if let Some(sent) = self.sent.get_mut(&number) {
                    sent.missed = true;
                }
                continue;
            };
            let Some(sent) = self.sent.remove(&number) else {
                continue;
            };
            self.loss -= self.loss * LOSS_WEIGHT;
            newest_answered = newest_answered.max(Some(sent.at));
            self.arrivals.add(sent.at, came, sent.bytes);
        }
        self.count_lost(newest_answered);
        self.judge(now);
    }

    /// Lost is what has not come while something that left well after it has.
    fn count_lost(&mut self, newest_answered: Option<Instant>) {
        let Some(newest) = newest_answered else { return };
        let before = self.sent.len();
        self.sent
            .retain(|_, sent| !sent.missed || sent.at + OVERTAKEN >= newest);
        let lost = before - self.sent.len();
        for _ in 0..lost {
            self.loss += (1.0 - self.loss) * LOSS_WEIGHT;
        }
    }

    fn judge(&mut self, now: Instant) {
        let (Some(queue), Some(jitter)) = (self.arrivals.queue(), self.arrivals.jitter()) else {
            return;
        };
        // One packet of a picture is a queue of its own on a thin line.
        let packet = PACKET_BITS / self.bps;
        let long = LONG_QUEUE.as_secs_f64() + jitter / 2.0 + packet;
        let hopeless = self.loss > HOPELESS_LOSS;
        let short = SHORT_QUEUE.as_secs_f64() + jitter / 4.0 + packet / 2.0;
        if queue >= short && !hopeless && self.way_is_longer(now, short, jitter) {
            return;
        }
        if queue > long || hopeless {
            self.shrink(now, queue);
        } else if queue < short {
            self.grow(now);
        } else {
            self.grown_at = Some(now);
        }
    }

    /// A phone that changes its cell or its network has another way from one packet to the next. That is no queue, and
    /// nothing that is sent less makes it shorter.
    fn way_is_longer(&mut self, now: Instant, late: f64, jitter: f64) -> bool {
        let over = self.longer_way.map_or(LONGER_WAY, |(at, took)| {
            let again = now.saturating_duration_since(at) < LONGER_WAY_AGAIN;
            if again {
                (took * 2).min(LONGER_WAY_AT_MOST)
            } else {
                LONGER_WAY
            }
        });
        let longer = self.arrivals.take_longer_way(over, late, jitter);
        if longer {
            self.longer_way = Some((now, over));
            self.long_since = None;
            // What failed, failed for that late arrival alone.
            self.failed = None;
            self.grown_at = Some(now);
        }
        longer
    }

    /// The line is full: back below what came through, so that the queue drains.
    fn shrink(&mut self, now: Instant, queue: f64) {
        self.grown_at = Some(now);
        // What was sent before the last cut is still in the queue.
        let settled = Duration::from_millis(300) + Duration::from_secs_f64(queue.clamp(0.0, 2.0));
        if self
            .cut_at
            .is_some_and(|at| now.saturating_duration_since(at) < settled)
        {
            return;
        }
        // A line that has just become thinner shows in the last moments only.
        let over = if queue > 0.2 { SHORT_RATE_OVER } else { RATE_OVER };
        let Some(came) = self.came_bps(over) else { return };
        let failed_again = self.failed.is_some_and(|(bps, _)| came < bps * 1.3);
        self.remember = if failed_again {
            (self.remember * 2).min(REMEMBER_AT_MOST)
        } else {
            REMEMBER
        };
        self.failed = Some((came, now));
        self.cut_at = Some(now);
        // What waits is gone within about a second; then the rate is what came through again.
        let share = (1.0 - queue).clamp(DRAIN_TO, BACK_TO);
        // Sound that restores itself is kept as long as there is hope: jitter looks like a queue for a moment.
        let since = *self.long_since.get_or_insert(now);
        let stays = now.saturating_duration_since(since) > SOUND_GIVES_WAY;
        let least = if stays { LEAST_BPS } else { SOUND_BPS };
        self.bps = (came.min(self.bps) * share).max(least);
    }

    fn grow(&mut self, now: Instant) {
        self.long_since = None;
        let last = self.grown_at.replace(now);
        let Some(since) = last.map(|at| now.saturating_duration_since(at)) else {
            return;
        };
        let mut limit = MOST_BPS;
        if let Some(came) = self.arrivals.bps(RATE_OVER) {
            let came = came / (1.0 - self.loss.min(0.3));
            limit = limit.min((came * TRIED + 10_000.0).max(HOPED_BPS).max(self.bps));
        }
        if let Some((bps, at)) = self.failed {
            if now.saturating_duration_since(at) < self.remember {
                self.bps = self.bps.max(bps * BACK_TO);
                limit = limit.min((bps * SAFE).max(self.bps));
            }
        }
        // Near a rate that failed the line is tried gently.
        let near = self.failed.is_some_and(|(bps, _)| self.bps > bps * 0.8);
        let growth = if near { GROWTH / 4.0 } else { GROWTH };
        let grown = self.bps * (1.0 + growth * since.as_secs_f64().min(0.5)) + 2_000.0 * since.as_secs_f64();
        self.bps = grown.min(limit);
    }

    /// What the line carries, in bit/s: what it gave out while it was busy, or else all that came lately; and what the
    /// radio lost behind the line.
    fn came_bps(&self, over: Duration) -> Option<f64> {
        let came = self
            .arrivals
            .bps_of_line(over)
            .or_else(|| self.arrivals.bps(over))?;
        Some(came / (1.0 - self.loss.min(0.3)))
    }
}

/// The number nearest to `newest` that ends with these 16 bits.
fn unwrap(newest: u64, low: u16) -> u64 {
    let base = newest & !0xffff | u64::from(low);
    let candidates = [base.checked_sub(0x1_0000), Some(base), base.checked_add(0x1_0000)];
    candidates
        .into_iter()
        .flatten()
        .min_by_key(|number| number.abs_diff(newest))
        .unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of `bps` with a queue, fed with packets of 500 bytes at the estimated rate, up to `most`.
    struct Line {
        estimator: Estimator,
        start: Instant,
        now: Duration,
        next: Duration,
        free: Duration,
        number: u64,
        reports: Vec<(Duration, Receipt)>,
        longest_queue: Duration,
        carried: usize,
        /// What the far side's clock is ahead.
        clock: Duration,
        way: Duration,
    }

    impl Line {
        fn new(first_bps: u64) -> Self {
            Self {
                estimator: Estimator::new(first_bps),
                start: Instant::now(),
                now: Duration::ZERO,
                next: Duration::ZERO,
                free: Duration::ZERO,
                number: 65_000,
                reports: Vec::new(),
                longest_queue: Duration::ZERO,
                carried: 0,
                clock: Duration::from_secs(3_600),
                way: Duration::from_millis(100),
            }
        }

        fn run(&mut self, seconds: u64, bps: f64, most: f64, loses: impl Fn(u64) -> bool) {
            (self.longest_queue, self.carried) = (Duration::ZERO, 0);
            let end = self.now + Duration::from_secs(seconds);
            while self.now < end {
                self.now += Duration::from_millis(5);
                while self.next <= self.now {
                    self.send(bps, &loses);
                    let rate = (self.estimator.bps() as f64).min(most);
                    self.next += Duration::from_secs_f64(528.0 * 8.0 / rate);
                }
                let (now, at) = (self.now, self.start + self.now);
                let due: Vec<Receipt> = self
                    .reports
                    .extract_if(.., |(when, _)| *when <= now)
                    .map(|(_, one)| one)
                    .collect();
                if !due.is_empty() {
                    self.estimator.take(at, &due);
                }
            }
        }

        fn send(&mut self, bps: f64, loses: &impl Fn(u64) -> bool) {
            self.number += 1;
            self.estimator
                .sent(self.start + self.next, self.number as u16, 500);
            let begins = self.free.max(self.next);
            self.longest_queue = self.longest_queue.max(begins - self.next);
            self.free = begins + Duration::from_secs_f64(528.0 * 8.0 / bps);
            let came = self.free + self.way + Duration::from_millis(self.number * 7 % 10);
            let lost = loses(self.number);
            self.carried += usize::from(!lost) * 528;
            let receipt = Receipt {
                number: self.number & 0xffff,
                came: (!lost).then(|| self.start + self.clock + came),
            };
            self.reports.push((came + Duration::from_millis(100), receipt));
        }
    }

    #[test]
    fn it_finds_what_a_line_carries_and_keeps_the_queue_short() {
        let mut line = Line::new(60_000);
        line.run(30, 250_000.0, 1e9, |_| false);
        line.run(30, 250_000.0, 1e9, |_| false);

        let used = line.carried as f64 * 8.0 / 30.0;
        assert!((190_000.0..=250_000.0).contains(&used), "{used}");
        assert!(
            line.longest_queue < Duration::from_millis(300),
            "{:?}",
            line.longest_queue
        );
    }

    #[test]
    fn a_line_that_gets_thinner_is_followed_within_seconds() {
        let mut line = Line::new(300_000);
        line.run(20, 400_000.0, 1e9, |_| false);
        line.run(8, 100_000.0, 1e9, |_| false);
        line.run(10, 100_000.0, 1e9, |_| false);

        assert!(line.estimator.bps() < 110_000, "{}", line.estimator.bps());
        assert!(
            line.longest_queue < Duration::from_millis(500),
            "{:?}",
            line.longest_queue
        );
    }

    #[test]
    fn a_way_that_becomes_longer_is_no_queue() {
        let mut line = Line::new(60_000);
        line.run(20, 10_000_000.0, 50_000.0, |_| false);
        line.way = Duration::from_millis(320);
        line.run(6, 10_000_000.0, 50_000.0, |_| false);

        assert!(line.estimator.bps() >= 45_000, "{}", line.estimator.bps());
    }

    #[test]
    fn a_line_that_is_full_all_the_time_is_not_taken_for_a_long_way() {
        let mut line = Line::new(300_000);
        line.run(20, 400_000.0, 1e9, |_| false);
        // Sound that goes on whatever is estimated fills it, but for a little.
        line.run(40, 29_000.0, 28_000.0, |_| false);
        // What it sends more at last shows at once that the line is full.
        line.run(30, 29_000.0, 1e9, |_| false);

        assert!(
            line.longest_queue < Duration::from_millis(2_500),
            "{:?}",
            line.longest_queue
        );
    }

    #[test]
    fn losses_of_the_radio_are_borne_and_a_hopeless_line_is_not() {
        let mut line = Line::new(100_000);
        line.run(40, 300_000.0, 1e9, |number| number * 37 % 10 == 0);
        assert!(line.estimator.bps() > 180_000, "{}", line.estimator.bps());

        line.run(10, 300_000.0, 1e9, |number| number * 37 % 10 < 5);
        assert!(line.estimator.bps() < 60_000, "{}", line.estimator.bps());
    }

    #[test]
    fn what_was_never_tried_is_not_promised() {
        let mut line = Line::new(60_000);
        line.run(60, 10_000_000.0, 50_000.0, |_| false);

        let promised = line.estimator.bps();
        assert!((60_000..=95_000).contains(&promised), "{promised}");
    }

    #[test]
    fn a_far_side_whose_clock_goes_round_is_estimated_on() {
        let round = Duration::from_secs(12 * 86_400);
        let mut line = Line::new(100_000);
        line.clock = round;
        line.run(20, 300_000.0, 1e9, |_| false);
        line.clock = Duration::ZERO;
        line.run(40, 300_000.0, 1e9, |_| false);

        assert!(line.estimator.bps() > 180_000, "{}", line.estimator.bps());
        // What came by the old clock is not kept until the call ends: 20 s at 71 packets a second are.
        assert!(
            line.estimator.arrivals.len() < 1_600,
            "{}",
            line.estimator.arrivals.len()
        );
    }

    #[test]
    fn silence_is_told() {
        let start = Instant::now();
        let mut estimator = Estimator::new(60_000);
        estimator.sent(start, 1, 100);

        assert_eq!(
            estimator.unanswered_for(start + Duration::from_secs(2)),
            Duration::from_secs(2)
        );
        estimator.take(start + Duration::from_secs(2), &[]);
        assert_eq!(
            estimator.unanswered_for(start + Duration::from_secs(3)),
            Duration::ZERO
        );
    }

    #[test]
    fn numbers_go_on_past_sixteen_bits() {
        assert_eq!(unwrap(65_535, 2), 65_538);
        assert_eq!(unwrap(65_540, 65_530), 65_530);
        assert_eq!(unwrap(0, 65_535), 65_535);
        assert_eq!(unwrap(200_000, 3_393), 200_001);
    }
}
