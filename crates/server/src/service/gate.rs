//! A limit on what comes without sign-in.

use std::collections::HashMap;
use std::sync::Mutex;

/// Entries in a minute, over all senders: a district of 500 never comes near it.
const PER_MINUTE: usize = 600;
/// Of those, from one address: nobody shuts the way alone, and a district behind one address has room.
const OF_ONE: usize = 150;
const MINUTE_MS: i64 = 60_000;

/// Counts what came in the current minute.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<Minute>,
}

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    all: usize,
    /// No more senders than entries.
    of: HashMap<String, usize>,
}

impl Gate {
    /// Whether this many more may come now from an address.
    #[must_use]
    pub fn admit(&self, from: &str, entries: usize, now_ms: i64) -> bool {
        let Ok(mut minute) = self.state.lock() else {
            return false;
        };
        let number = now_ms.div_euclid(MINUTE_MS);
        if minute.number != number {
            *minute = Minute {
                number,
                ..Minute::default()
            };
        }
        // An empty request counts as well.
        let more = entries.max(1);
        let of_one = minute.of.get(from).copied().unwrap_or_default() + more;
        if of_one > OF_ONE || minute.all + more > PER_MINUTE {
            return false;
        }
        minute.all += more;
        minute.of.insert(from.to_owned(), of_one);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_limit_waits_for_the_next_minute() {
        let gate = Gate::default();
        for sender in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] {
            assert!(gate.admit(sender, OF_ONE, 1_000), "{sender}");
        }
        assert!(!gate.admit("192.0.2.5", 1, 2_000));
        assert!(gate.admit("192.0.2.5", 1, MINUTE_MS));
    }

    #[test]
    fn one_sender_does_not_shut_out_the_others() {
        let gate = Gate::default();
        assert!(gate.admit("192.0.2.1", OF_ONE - 50, 1_000));
        for _ in 0..100 {
            assert!(!gate.admit("192.0.2.1", 51, 1_000));
        }
        assert!(gate.admit("192.0.2.1", 50, 1_000));
        assert!(!gate.admit("192.0.2.1", 0, 1_000));
        assert!(gate.admit("192.0.2.2", 50, 1_000));
        assert!(gate.admit("unknown", 50, 1_000));
    }
}
