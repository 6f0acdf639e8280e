//! When a symptom check is looked back on: the person is asked how they are after the level's own time, nobody's answer
//! counts once as much time again has passed, and an old check is left alone.

use hms_model::time::Timestamp;

const DAY_MS: i64 = 24 * 3600 * 1000;
/// Older results are not asked about: whatever it was, it went another way.
const LOOK_BACK_MS: i64 = 7 * DAY_MS;
/// Results of a pack that was recalled are gone through again for so long.
const RECALL_BACK_MS: i64 = 14 * DAY_MS;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The person is asked how they are: the app rings, also where it is locked.
    Ask,
    /// Nobody answered, which counts as worse. Only an open app can write it down.
    Silence,
}

/// The clock of one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recheck {
    at: Timestamp,
    interval_ms: i64,
    asked: bool,
    silent: bool,
}

impl Recheck {
    /// The clock of a result given at `at`, to be asked about after `minutes`; `silent` where that nobody answered was
    /// written down already. `None` for one that is too old to be asked about.
    #[must_use]
    pub fn of(at: Timestamp, minutes: u32, silent: bool, now: Timestamp) -> Option<Self> {
        let clock = Self {
            at,
            interval_ms: i64::from(minutes) * 60_000,
            asked: false,
            silent,
        };
        Some(clock).filter(|_| now.since_ms(at) <= LOOK_BACK_MS)
    }

    /// When the result was given.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// When the person is asked.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        self.at.plus_ms(self.interval_ms)
    }

    /// From here on silence counts as worse.
    fn silent_at(&self) -> Timestamp {
        self.at.plus_ms(2 * self.interval_ms)
    }

    /// When something happens by itself; `None` once it did.
    #[must_use]
    pub fn deadline(&self, open: bool) -> Option<Timestamp> {
        match (self.asked, self.silent) {
            (false, _) => Some(self.due_at()),
            (true, false) => Some(self.silent_at()).filter(|_| open),
            (true, true) => None,
        }
    }

    /// What is due now, each once; asked again until `None`, since both may be.
    pub fn due(&mut self, now: Timestamp, open: bool) -> Option<Due> {
        if !self.asked && now >= self.due_at() {
            self.asked = true;
            return Some(Due::Ask);
        }
        if !self.silent && open && now >= self.silent_at() {
            self.silent = true;
            return Some(Due::Silence);
        }
        None
    }
}

/// Whether a result of a recalled pack is young enough to be gone through again.
#[must_use]
pub fn is_raised_at_recall(given: Timestamp, now: Timestamp) -> bool {
    now.since_ms(given) <= RECALL_BACK_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: Timestamp = Timestamp(1_000_000);
    const STEP: i64 = 15 * 60_000;

    fn clock() -> Recheck {
        Recheck::of(GIVEN, 15, false, GIVEN).unwrap()
    }

    /// All that is due at a moment, in order.
    fn due(clock: &mut Recheck, after_ms: i64, open: bool) -> Vec<Due> {
        std::iter::from_fn(|| clock.due(GIVEN.plus_ms(after_ms), open)).collect()
    }

    #[test]
    fn it_asks_once_after_the_levels_time_and_takes_silence_for_worse_after_as_much_again() {
        let mut clock = clock();
        assert_eq!(clock.deadline(true), Some(GIVEN.plus_ms(STEP)));
        assert_eq!(due(&mut clock, STEP - 1, true), []);
        assert_eq!(due(&mut clock, STEP, true), [Due::Ask]);
        assert_eq!(clock.deadline(true), Some(GIVEN.plus_ms(2 * STEP)));
        assert_eq!(due(&mut clock, 2 * STEP - 1, true), []);
        assert_eq!(due(&mut clock, 2 * STEP, true), [Due::Silence]);
        assert_eq!(clock.deadline(true), None);
        assert_eq!(due(&mut clock, 9 * STEP, true), []);
    }

    #[test]
    fn a_locked_app_asks_and_writes_silence_down_once_it_is_open() {
        let mut clock = clock();
        assert_eq!(due(&mut clock, 3 * STEP, false), [Due::Ask]);
        assert_eq!(
            clock.deadline(false),
            None,
            "it does not wake for what it cannot do"
        );
        assert_eq!(due(&mut clock, 4 * STEP, true), [Due::Silence]);
    }

    #[test]
    fn an_app_that_was_closed_all_the_time_asks_and_counts_at_once() {
        assert_eq!(due(&mut clock(), 5 * STEP, true), [Due::Ask, Due::Silence]);
    }

    #[test]
    fn silence_that_was_counted_before_a_restart_is_not_counted_again() {
        let mut clock = Recheck::of(GIVEN, 15, true, GIVEN).unwrap();
        assert_eq!(due(&mut clock, 5 * STEP, true), [Due::Ask]);
    }

    #[test]
    fn a_week_ends_the_asking_and_two_a_recall() {
        let week = GIVEN.plus_ms(LOOK_BACK_MS);
        assert!(Recheck::of(GIVEN, 1440, false, week).is_some());
        assert!(Recheck::of(GIVEN, 1440, false, week.plus_ms(1)).is_none());
        assert!(is_raised_at_recall(GIVEN, GIVEN.plus_ms(RECALL_BACK_MS)));
        assert!(!is_raised_at_recall(GIVEN, GIVEN.plus_ms(RECALL_BACK_MS + 1)));
        // A clock that was set back makes nothing old.
        assert!(Recheck::of(GIVEN, 15, false, Timestamp(0)).is_some());
    }
}
