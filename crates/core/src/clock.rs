//! Whether this phone's clock is right, judged by the server's, and the best estimate of the true time.
//!
//! Clocks decide nothing clinical. The estimate is kept beside what the person's phone showed.

use hms_model::time::Timestamp;

/// Off by more than this, the person is told: two minutes.
pub const WRONG_MS: i64 = 2 * 60 * 1000;
/// Steps of the phone's clock up to this are taken for drift, not for a change by hand.
const STEP_MS: i64 = 2_000;

/// This phone's two clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneClock {
    /// What the phone shows. May be changed by hand at any time.
    pub wall: Timestamp,
    /// Milliseconds since some start of the device or program. Never changed by hand; means nothing after a restart.
    pub steady_ms: i64,
}

/// What is known of the phone's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockCheck {
    seen: Option<Seen>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    /// True time when `at` was read.
    truth: Timestamp,
    at: PhoneClock,
}

impl ClockCheck {
    /// The server said its time; the answer took `round_trip_ms`. Half of it is taken for the way back. An answer
    /// slower than ten seconds says too little and is left out.
    pub fn observe(&mut self, server: Timestamp, at: PhoneClock, round_trip_ms: i64) {
        if (0..=10_000).contains(&round_trip_ms) {
            self.seen = Some(Seen {
                truth: server.plus_ms(round_trip_ms / 2),
                at,
            });
        }
    }

    /// The true time, if the server has told it since the program began.
    #[must_use]
    pub fn true_time(&self, now: PhoneClock) -> Option<Timestamp> {
        let seen = self.seen?;
        Some(
            seen.truth
                .plus_ms(now.steady_ms.saturating_sub(seen.at.steady_ms)),
        )
    }

    /// Server minus phone in milliseconds, where the phone is wrong by over two minutes.
    #[must_use]
    pub fn off_ms(&self, now: PhoneClock) -> Option<i64> {
        let off = self.true_time(now)?.since_ms(now.wall);
        (off.abs() > WRONG_MS).then_some(off)
    }

    /// The estimate to keep with an entry: only where the phone's clock is wrong.
    #[must_use]
    pub fn estimate(&self, now: PhoneClock) -> Option<Timestamp> {
        self.off_ms(now).and_then(|_| self.true_time(now))
    }

    /// True where the phone's clock was changed by hand since the server last told the time.
    #[must_use]
    pub fn was_set(&self, now: PhoneClock) -> bool {
        self.seen.is_some_and(|seen| {
            let shown = now.wall.since_ms(seen.at.wall);
            let passed = now.steady_ms.saturating_sub(seen.at.steady_ms);
            shown.saturating_sub(passed).abs() > STEP_MS
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: Timestamp = Timestamp(1_800_000_000_000);

    fn phone(wall: Timestamp, steady_ms: i64) -> PhoneClock {
        PhoneClock { wall, steady_ms }
    }

    #[test]
    fn two_minutes_are_let_pass_and_ten_years_are_not() {
        let mut clock = ClockCheck::default();
        clock.observe(TRUTH, phone(TRUTH.plus_ms(119_000), 0), 400);
        assert_eq!(clock.off_ms(phone(TRUTH.plus_ms(119_000), 0)), None);

        const TEN_YEARS: i64 = 10 * 365 * 24 * 3_600_000;
        clock.observe(TRUTH, phone(TRUTH.plus_ms(-TEN_YEARS), 0), 400);
        assert_eq!(
            clock.off_ms(phone(TRUTH.plus_ms(-TEN_YEARS), 0)),
            Some(TEN_YEARS + 200)
        );
    }

    #[test]
    fn the_true_time_goes_on_when_somebody_sets_the_clock() {
        let mut clock = ClockCheck::default();
        clock.observe(TRUTH, phone(TRUTH, 5_000), 0);

        let later = phone(TRUTH.plus_ms(86_400_000), 65_000);

        assert!(clock.was_set(later));
        assert_eq!(clock.estimate(later), Some(TRUTH.plus_ms(60_000)));
    }

    #[test]
    fn nothing_is_said_before_the_server_told_the_time() {
        let clock = ClockCheck::default();
        assert_eq!(clock.off_ms(phone(Timestamp(0), 0)), None);
        assert_eq!(clock.estimate(phone(Timestamp(0), 0)), None);
    }
}
