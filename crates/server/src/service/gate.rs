//! A limit on what comes without sign-in.

use std::sync::Mutex;

/// Entries in a minute, over all senders: a district of 500 never comes near it.
const PER_MINUTE: usize = 600;
const MINUTE_MS: i64 = 60_000;

/// Counts what came in the current minute.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<(i64, usize)>,
}

impl Gate {
    /// Whether this many more may come now.
    #[must_use]
    pub fn admit(&self, entries: usize, now_ms: i64) -> bool {
        let Ok(mut state) = self.state.lock() else {
            return false;
        };
        let minute = now_ms.div_euclid(MINUTE_MS);
        if state.0 != minute {
            *state = (minute, 0);
        }
        // An empty request counts as well.
        state.1 = state.1.saturating_add(entries.max(1));
        state.1 <= PER_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_limit_waits_for_the_next_minute() {
        let gate = Gate::default();
        assert!(gate.admit(PER_MINUTE, 1_000));
        assert!(!gate.admit(1, 2_000));
        assert!(gate.admit(1, MINUTE_MS));
    }
}
