//! When a sync runs: one at a time, at once for a person's words and the server's hints, and always re-armed.

use crate::backoff::{split_mix, wait_ms};
use crate::outbox::Failure;
use hms_model::time::Timestamp;

/// Without any sign, the server is asked this often while the app is open.
pub const EVERY_MS: i64 = 5 * 60 * 1000;
/// A sync that has not ended after this is given up: it may hang on a dead connection for ever.
pub const LONGEST_MS: i64 = 3 * 60 * 1000;
/// The longest that a server may ask to wait: what is asked by mistake must not hold words back for hours.
pub const PATIENCE_MS: i64 = 10 * 60 * 1000;
/// Changes in one exchange at first: a thin link gets its first receipts soon.
pub const BATCH: usize = 50;
/// Changes in one exchange at most. Where many wait, each exchange that went well is followed by a larger one: of 1,000
/// reports over a link of 300 ms, half of the time went into waiting for the answers to 40 small ones.
pub const BATCH_AT_MOST: usize = 1_600;

/// What the driver is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncInput {
    /// The app has opened this profile's store and an account is signed in.
    Opened,
    /// The store was closed or the account signed out.
    Closed,
    /// There is a way to the network.
    NetworkUp,
    /// There is none.
    NetworkDown,
    /// The server says that something changed.
    Hint,
    /// Something was queued.
    Saved,
    /// The person asked.
    Asked,
    /// Sign-in is done: what waited for it goes on.
    SignedIn,
    /// The running sync ended.
    Ended(SyncEnd),
    /// A moment of [`SyncDriver::timeout`] has come.
    Tick,
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncEnd {
    /// Well. `next_due` is when a queued change is due by itself.
    Done {
        /// See [`SyncEnd::Done`]; a moment in the past is now.
        next_due: Option<Timestamp>,
    },
    /// The exchange failed. `retry_after_ms` is what the server asked for.
    Failed {
        /// What it means.
        failure: Failure,
        /// Milliseconds, if the server named them; huge and negative ones are bounded.
        retry_after_ms: Option<i64>,
    },
}

/// What the driver wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncEffect {
    /// Run one exchange with at most so many changes, and report [`SyncInput::Ended`].
    Start {
        /// Changes at most.
        max_ops: usize,
    },
    /// Give the running exchange up; it is not awaited any more.
    Abort,
    /// Nothing goes on before the person signs in.
    AskSignIn,
}

/// The driver. Its seed spreads waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncDriver {
    open: bool,
    network: bool,
    running_since: Option<Timestamp>,
    /// Asked for while one was running: another follows at once.
    again: bool,
    needs_sign_in: bool,
    failures: u32,
    next: Option<Timestamp>,
    /// Until when the server asked to be left alone. A person, and a hint of the server's own, go before it.
    patience: Option<Timestamp>,
    batch: usize,
    seed: u64,
}

impl SyncDriver {
    /// A driver of a closed profile. The network counts as there until the system says otherwise: a try costs
    /// little, and a wrong "no network" would hold a report back.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            open: false,
            network: true,
            running_since: None,
            again: false,
            needs_sign_in: false,
            failures: 0,
            next: None,
            patience: None,
            batch: BATCH,
            seed,
        }
    }

    /// True while an exchange runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running_since.is_some()
    }

    /// True while everything waits for a sign-in.
    #[must_use]
    pub fn needs_sign_in(&self) -> bool {
        self.needs_sign_in
    }

    /// When the next exchange starts by itself; `None` while one runs or none can.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        if self.running_since.is_none() && self.may_start() {
            self.next
        } else {
            None
        }
    }

    /// Handles an input and gives what is to be done, in order.
    pub fn handle(&mut self, now: Timestamp, input: SyncInput) -> Vec<SyncEffect> {
        let mut effects = Vec::new();
        match input {
            SyncInput::Opened => {
                self.open = true;
                self.patience = None;
                self.needs_sign_in = false;
                self.want(now);
            }
            SyncInput::Closed => {
                self.open = false;
                self.next = None;
                self.again = false;
                if self.running_since.take().is_some() {
                    effects.push(SyncEffect::Abort);
                }
            }
            SyncInput::NetworkUp => {
                self.network = true;
                self.failures = 0;
                // That the server answers again is no word that it has room again.
                let until = self.patience.map_or(now, |until| until.max(now));
                self.want(until);
            }
            SyncInput::NetworkDown => self.network = false,
            SyncInput::SignedIn => {
                self.needs_sign_in = false;
                self.failures = 0;
                self.patience = None;
                self.want(now);
            }
            SyncInput::Asked => {
                // A person who asks knows more than a system that says "no network".
                self.network = true;
                self.failures = 0;
                self.patience = None;
                self.want(now);
            }
            SyncInput::Saved => self.want_within_backoff(now),
            SyncInput::Hint => self.want(now),
            SyncInput::Ended(end) => self.ended(now, end, &mut effects),
            SyncInput::Tick => (),
        }
        self.give_up(now, &mut effects);
        self.start(now, &mut effects);
        effects
    }

    /// When [`SyncInput::Tick`] is wanted next.
    #[must_use]
    pub fn timeout(&self) -> Option<Timestamp> {
        match self.running_since {
            Some(since) => Some(since.plus_ms(LONGEST_MS)),
            None => self.next_at(),
        }
    }

    fn may_start(&self) -> bool {
        self.open && self.network && !self.needs_sign_in
    }

    fn want(&mut self, at: Timestamp) {
        if self.running_since.is_some() {
            self.again = true;
        } else {
            self.next = Some(at);
        }
    }

    /// A save while the server is failing does not start a storm: the wait that runs holds.
    fn want_within_backoff(&mut self, now: Timestamp) {
        let waits = self.failures > 0 || self.patience.is_some_and(|until| until > now);
        if self.running_since.is_some() || !waits || self.next.is_none() {
            self.want(now);
        }
    }

    fn ended(&mut self, now: Timestamp, end: SyncEnd, effects: &mut Vec<SyncEffect>) {
        // The end of an exchange that was given up says nothing about the one that runs.
        if self.running_since.take().is_none() {
            return;
        }
        match end {
            SyncEnd::Done { next_due } => {
                self.failures = 0;
                self.patience = None;
                // Larger again step by step: what spoils a batch may still be in the next one.
                let more = next_due.is_some_and(|due| due <= now);
                self.batch = match self.batch {
                    small @ ..BATCH => (small * 2).min(BATCH),
                    whole if more => (whole * 4).min(BATCH_AT_MOST),
                    _ => BATCH,
                };
                let soon = next_due.map(|due| due.max(now)).unwrap_or(now.plus_ms(EVERY_MS));
                self.next = Some(if self.again {
                    now
                } else {
                    soon.min(now.plus_ms(EVERY_MS))
                });
            }
            SyncEnd::Failed {
                failure: Failure::AuthNeeded,
                ..
            } => {
                self.needs_sign_in = true;
                self.next = Some(now);
                effects.push(SyncEffect::AskSignIn);
            }
            SyncEnd::Failed {
                failure,
                retry_after_ms,
            } => {
                // Something in the batch makes the server refuse all of it: halved at once, until that one stands alone.
                if failure == Failure::Rejected && self.batch > 1 {
                    self.batch = (self.batch / 2).min(BATCH);
                    self.next = Some(now);
                    self.again = false;
                    return;
                }
                // A link that breaks gets smaller ones again.
                self.batch = self.batch.min(BATCH);
                self.back_off(now, retry_after_ms);
            }
        }
        self.again = false;
    }

    fn back_off(&mut self, now: Timestamp, retry_after_ms: Option<i64>) {
        self.failures = self.failures.saturating_add(1);
        self.seed = split_mix(self.seed);
        let own = wait_ms(self.failures, self.seed);
        let asked = retry_after_ms.map(|ms| ms.clamp(0, PATIENCE_MS));
        self.patience = asked.map(|ms| now.plus_ms(ms));
        self.next = Some(now.plus_ms(own.max(asked.unwrap_or(0))));
    }

    fn give_up(&mut self, now: Timestamp, effects: &mut Vec<SyncEffect>) {
        if self
            .running_since
            .is_some_and(|since| now >= since.plus_ms(LONGEST_MS))
        {
            self.running_since = None;
            self.again = false;
            self.back_off(now, None);
            effects.push(SyncEffect::Abort);
        }
        // A clock set back must not push the next exchange years away.
        if let Some(next) = &mut self.next {
            *next = (*next).min(now.plus_ms(crate::backoff::LONGEST_MS));
        }
        if let Some(until) = &mut self.patience {
            *until = (*until).min(now.plus_ms(PATIENCE_MS));
        }
        if let Some(since) = &mut self.running_since {
            *since = (*since).min(now);
        }
    }

    fn start(&mut self, now: Timestamp, effects: &mut Vec<SyncEffect>) {
        if self.running_since.is_none() && self.may_start() && self.next.is_some_and(|at| at <= now) {
            self.running_since = Some(now);
            self.next = None;
            effects.push(SyncEffect::Start { max_ops: self.batch });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: SyncInput = SyncInput::Ended(SyncEnd::Done { next_due: None });

    fn failed(failure: Failure) -> SyncInput {
        SyncInput::Ended(SyncEnd::Failed {
            failure,
            retry_after_ms: None,
        })
    }

    fn open() -> SyncDriver {
        let mut driver = SyncDriver::new(7);
        assert_eq!(
            driver.handle(Timestamp(0), SyncInput::Opened),
            [SyncEffect::Start { max_ops: BATCH }]
        );
        driver
    }

    #[test]
    fn one_sync_at_a_time_and_another_for_what_came_meanwhile() {
        let mut driver = open();
        for input in [
            SyncInput::Saved,
            SyncInput::Hint,
            SyncInput::Asked,
            SyncInput::NetworkUp,
        ] {
            assert_eq!(driver.handle(Timestamp(10), input), []);
        }
        assert_eq!(
            driver.handle(Timestamp(20), DONE),
            [SyncEffect::Start { max_ops: BATCH }]
        );
        assert_eq!(driver.handle(Timestamp(30), DONE), []);
        assert_eq!(driver.timeout(), Some(Timestamp(30 + EVERY_MS)));
    }

    #[test]
    fn a_save_waits_while_the_server_fails_but_a_person_does_not() {
        let mut driver = open();
        driver.handle(Timestamp(10), failed(Failure::Transient));
        assert_eq!(driver.handle(Timestamp(11), SyncInput::Saved), []);
        assert_eq!(
            driver.handle(Timestamp(12), SyncInput::Asked),
            [SyncEffect::Start { max_ops: BATCH }]
        );
    }

    fn asked_to_wait(driver: &mut SyncDriver, now: i64, retry_after_ms: i64) -> i64 {
        let end = SyncEnd::Failed {
            failure: Failure::Transient,
            retry_after_ms: Some(retry_after_ms),
        };
        driver.handle(Timestamp(now), SyncInput::Ended(end));
        driver.timeout().expect("armed").since_ms(Timestamp(now))
    }

    #[test]
    fn the_server_is_left_alone_as_long_as_it_asks_within_reason() {
        for (asked, least, most) in [
            (120_000, 120_000, 120_000),
            (0, 1, 2_000),
            (-5, 1, 2_000),
            (i64::MAX, PATIENCE_MS, PATIENCE_MS),
        ] {
            let wait = asked_to_wait(&mut open(), 10, asked);
            assert!((least..=most).contains(&wait), "{asked}: {wait}");
        }
    }

    #[test]
    fn while_the_server_asks_for_patience_only_a_person_and_the_server_itself_go_before() {
        for (input, starts) in [
            (SyncInput::NetworkUp, false),
            (SyncInput::Saved, false),
            (SyncInput::Tick, false),
            (SyncInput::Asked, true),
            (SyncInput::SignedIn, true),
            (SyncInput::Hint, true),
        ] {
            let mut driver = open();
            asked_to_wait(&mut driver, 10, 60_000);
            // The link was looked at and is there: what is saved then waits all the same.
            driver.handle(Timestamp(11), SyncInput::NetworkUp);

            let effects = driver.handle(Timestamp(12), input);

            assert_eq!(!effects.is_empty(), starts, "{input:?}");
        }
        let mut driver = open();
        asked_to_wait(&mut driver, 10, 60_000);
        let later = driver.handle(Timestamp(60_010), SyncInput::NetworkUp);
        assert_eq!(later, [SyncEffect::Start { max_ops: BATCH }]);
    }

    #[test]
    fn a_clock_set_back_does_not_make_the_wait_longer() {
        let mut driver = open();
        let now = 365 * 24 * 3_600_000;
        asked_to_wait(&mut driver, now, 300_000);

        driver.handle(Timestamp(5), SyncInput::NetworkUp);

        assert!(driver
            .timeout()
            .is_some_and(|at| at <= Timestamp(5 + crate::backoff::LONGEST_MS)));
    }

    #[test]
    fn sign_in_is_asked_for_once_and_then_it_goes_on() {
        let mut driver = open();
        assert_eq!(
            driver.handle(Timestamp(10), failed(Failure::AuthNeeded)),
            [SyncEffect::AskSignIn]
        );
        assert_eq!(driver.handle(Timestamp(11), SyncInput::Saved), []);
        assert_eq!(driver.timeout(), None);
        assert_eq!(
            driver.handle(Timestamp(12), SyncInput::SignedIn),
            [SyncEffect::Start { max_ops: BATCH }]
        );
    }

    #[test]
    fn a_sync_that_hangs_is_given_up_and_its_late_end_is_ignored() {
        let mut driver = open();
        assert_eq!(
            driver.handle(Timestamp(LONGEST_MS), SyncInput::Tick),
            [SyncEffect::Abort]
        );
        let next = driver.timeout().expect("re-armed");
        assert_eq!(driver.handle(Timestamp(LONGEST_MS + 1), DONE), []);
        assert_eq!(
            driver.handle(next, SyncInput::Tick),
            [SyncEffect::Start { max_ops: BATCH }]
        );
    }

    #[test]
    fn a_refused_batch_is_halved_until_one_change_stands_alone() {
        let mut driver = open();
        let mut sizes = Vec::new();
        while let [SyncEffect::Start { max_ops }] =
            driver.handle(Timestamp(0), failed(Failure::Rejected)).as_slice()
        {
            sizes.push(*max_ops);
        }
        assert_eq!(sizes, [25, 12, 6, 3, 1]);
        assert!(
            driver.timeout().is_some_and(|at| at > Timestamp(0)),
            "alone it waits"
        );
    }

    #[test]
    fn a_long_queue_goes_in_ever_larger_batches_until_it_is_empty_or_the_link_breaks() {
        let mut driver = open();
        let size = |effects: Vec<SyncEffect>| match effects.as_slice() {
            [SyncEffect::Start { max_ops }] => *max_ops,
            other => panic!("{other:?}"),
        };
        let more = SyncInput::Ended(SyncEnd::Done {
            next_due: Some(Timestamp(0)),
        });
        let sizes: Vec<usize> = (0..3).map(|_| size(driver.handle(Timestamp(5), more))).collect();
        assert_eq!(sizes, [200, 800, 1_600]);

        driver.handle(Timestamp(5), failed(Failure::Transient));
        let at = driver.timeout().expect("tried again");
        assert_eq!(size(driver.handle(at, SyncInput::Tick)), BATCH);
        assert_eq!(size(driver.handle(at, more)), 200);
        driver.handle(at, DONE);
        assert_eq!(
            size(driver.handle(at, SyncInput::Saved)),
            BATCH,
            "the next queue begins small"
        );
    }

    #[test]
    fn whatever_happens_an_open_driver_with_a_network_is_always_armed() {
        for seed in 0..2_000 {
            let mut driver = SyncDriver::new(seed);
            let (mut dice, mut now) = (seed, 1_000_000_i64);
            let (mut network, mut signed_in, mut started) = (true, true, 0_i32);
            driver.handle(Timestamp(now), SyncInput::Opened);
            let mut running = true;
            for _ in 0..60 {
                dice = split_mix(dice);
                now += i64::try_from(dice % 100_000).expect("small") - 20_000;
                let input = match dice >> 32 & 15 {
                    0 => SyncInput::NetworkUp,
                    1 => SyncInput::NetworkDown,
                    2 => SyncInput::Hint,
                    3 | 4 => SyncInput::Saved,
                    5 => SyncInput::Asked,
                    6 => SyncInput::SignedIn,
                    7 | 8 => DONE,
                    9 => failed(Failure::AuthNeeded),
                    10 => failed(Failure::Transient),
                    11 => failed(Failure::Rejected),
                    _ => SyncInput::Tick,
                };
                match input {
                    SyncInput::NetworkUp | SyncInput::Asked => network = true,
                    SyncInput::NetworkDown => network = false,
                    SyncInput::SignedIn => signed_in = true,
                    _ => (),
                }
                let was_running = running;
                for effect in driver.handle(Timestamp(now), input) {
                    match effect {
                        SyncEffect::Start { .. } => {
                            started += 1;
                            running = true;
                        }
                        SyncEffect::Abort => running = false,
                        SyncEffect::AskSignIn => signed_in = false,
                    }
                }
                if matches!(input, SyncInput::Ended(_)) && was_running && !driver.is_running() {
                    running = false;
                }
                assert_eq!(running, driver.is_running(), "seed {seed}");
                let armed = driver.timeout().is_some();
                assert_eq!(
                    armed,
                    driver.is_running() || (network && signed_in),
                    "seed {seed}"
                );
                let soonest = Timestamp(now + crate::backoff::LONGEST_MS + 60_000);
                assert!(driver.timeout().is_none_or(|at| at <= soonest), "seed {seed}");
            }
            assert!(started >= 0);
        }
    }
}
