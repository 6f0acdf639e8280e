//! PINs and passphrases: which are refused, and what wrong ones cost.

use hms_model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Wrong tries without a delay.
pub const FREE_TRIES: u32 = 5;
/// Wrong tries after which only an online sign-in opens.
pub const MOST_TRIES: u32 = 10;

/// Why a PIN or passphrase is refused when it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPin {
    /// Under six digits; or, without a keychain, under ten characters and six words.
    #[error("too short")]
    TooShort,
    /// Digits in a row, or a pattern that repeats.
    #[error("too simple")]
    TooSimple,
}

/// Checks a new PIN. With a keychain six digits do, because the file cannot be opened without the keychain's part.
/// Without one the words alone protect the file, so they must be long.
///
/// # Errors
/// Why it is refused.
pub fn check_pin(pin: &str, keychain: bool) -> Result<(), WeakPin> {
    let length = pin.chars().count();
    let words = pin
        .split_whitespace()
        .filter(|word| word.chars().count() >= 3)
        .count();
    let long_enough = if keychain {
        length >= 6
    } else {
        length >= 10 || words >= 6
    };
    if !long_enough {
        return Err(WeakPin::TooShort);
    }
    let marks: Vec<char> = pin.chars().collect();
    if runs_on(&marks) || repeats(&marks) {
        return Err(WeakPin::TooSimple);
    }
    Ok(())
}

/// Every character is one more, or one less, than the one before: 123456, 987654, abcdef. 9 is followed by 0.
fn runs_on(marks: &[char]) -> bool {
    let step = |pair: &[char]| match pair {
        ['9', '0'] => 1,
        ['0', '9'] => -1,
        [a, b] => i64::from(u32::from(*b)) - i64::from(u32::from(*a)),
        _ => 0,
    };
    let mut steps = marks.windows(2).map(step);
    let first = steps.next().unwrap_or(0);
    matches!(first, 1 | -1) && steps.all(|step| step == first)
}

/// A pattern of up to three characters over and over (111111, 121212, 123123), or pairs (112233).
fn repeats(marks: &[char]) -> bool {
    let period = (1..=3).any(|period| marks.iter().zip(marks.iter().skip(period)).all(|(a, b)| a == b));
    let pairs = marks.chunks(2).all(|pair| matches!(pair, [a, b] if a == b));
    let firsts: Vec<char> = marks.iter().copied().step_by(2).collect();
    period || (pairs && (runs_on(&firsts) || repeats_once(&firsts)))
}

fn repeats_once(marks: &[char]) -> bool {
    marks.iter().zip(marks.iter().skip(1)).all(|(a, b)| a == b)
}

/// Wrong tries so far. Kept in a file, and counted there before a PIN is tried, so that ending the app gives none back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PinTries {
    /// Wrong tries since the last right one.
    pub failed: u32,
    /// When the last one was.
    pub last: Timestamp,
}

impl PinTries {
    /// Tries left before the next delay.
    #[must_use]
    pub fn left(self) -> u32 {
        FREE_TRIES.saturating_sub(self.failed)
    }

    /// Only an online sign-in opens now.
    #[must_use]
    pub fn sign_in_needed(self) -> bool {
        self.failed >= MOST_TRIES
    }

    /// When the next try is allowed; `None` where it is now. A clock set back makes the wait begin again.
    #[must_use]
    pub fn wait_until(self, now: Timestamp) -> Option<Timestamp> {
        const DELAYS_S: [i64; 5] = [30, 60, 5 * 60, 15 * 60, 60 * 60];
        let over = self.failed.checked_sub(FREE_TRIES)?;
        let seconds = DELAYS_S
            .get(usize::try_from(over).unwrap_or(usize::MAX))
            .copied()
            .unwrap_or(60 * 60);
        let until = self.last.min(now).plus_ms(seconds * 1000);
        (now < until).then_some(until)
    }

    /// Counts a try as wrong, before it is made.
    #[must_use]
    pub fn counted(self, now: Timestamp) -> Self {
        Self {
            failed: self.failed.saturating_add(1),
            last: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pin: &str, keychain: bool, expected: Result<(), WeakPin>) {
        assert_eq!(check_pin(pin, keychain), expected, "{pin}");
    }

    #[test]
    fn simple_pins_are_refused() {
        for pin in [
            "111111", "123456", "654321", "345678", "901234", "121212", "123123", "112233", "778899",
            "abcdef",
        ] {
            check(pin, true, Err(WeakPin::TooSimple));
        }
        for pin in ["", "12345", "éàüöß"] {
            check(pin, true, Err(WeakPin::TooShort));
        }
        for pin in ["284619", "135792", "7391046"] {
            check(pin, true, Ok(()));
        }
    }

    #[test]
    fn without_a_keychain_a_passphrase_takes_the_pins_place() {
        check("284619", false, Err(WeakPin::TooShort));
        check("route 7 mailbox", false, Ok(()));
        check("1234567890", false, Err(WeakPin::TooSimple));
        check("aaaaaaaaaaaa", false, Err(WeakPin::TooSimple));
    }

    #[test]
    fn the_wait_grows_after_five_tries_and_ends_at_ten() {
        let mut tries = PinTries::default();
        let now = Timestamp(1_000_000);
        for left in (0..5).rev() {
            tries = tries.counted(now);
            assert_eq!(tries.left(), left);
        }
        assert_eq!(tries.wait_until(now), Some(now.plus_ms(30_000)));
        assert_eq!(tries.wait_until(now.plus_ms(30_000)), None);
        let mut last = 0;
        for _ in 5..9 {
            let wait = tries.wait_until(now).expect("waits").since_ms(now);
            assert!(wait > last);
            last = wait;
            tries = tries.counted(now);
        }
        assert!(!tries.sign_in_needed());
        assert!(tries.counted(now).sign_in_needed());
    }

    #[test]
    fn setting_the_clock_back_does_not_shorten_the_wait() {
        let tries = PinTries {
            failed: 5,
            last: Timestamp(1_000_000),
        };
        assert_eq!(tries.wait_until(Timestamp(0)), Some(Timestamp(30_000)));
    }
}
