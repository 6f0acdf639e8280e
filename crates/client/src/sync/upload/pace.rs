//! How much of a photo goes at a time, and how long to wait after a cut.

use std::time::Duration;

use hms_core::backoff::{split_mix, wait_ms};

use crate::net::Fault;

/// At first.
pub(crate) const START: usize = 64 * 1024;
const LEAST: usize = 16 * 1024;
/// In memory at once; a request of this size still ends in time on a link that took the one before quickly.
const MOST: usize = 256 * 1024;
/// A link that takes a piece faster than this gets larger ones.
const QUICK: Duration = Duration::from_secs(5);
/// One that takes longer gets smaller ones: a request that takes a minute is given up.
const SLOW: Duration = Duration::from_secs(12);
/// Tries in a row without a byte that come one after the other; then waits double.
const QUICK_TRIES: u32 = 12;
/// Of these, so many at once: most cuts are short, and a try on a dead line costs nothing.
const SOON: u32 = 10;
/// Tries in a row without a byte; then the next exchange brings it up again.
const TRIES: u32 = 18;

/// Size of the pieces and waits between tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pace {
    piece: usize,
    in_vain: u32,
    seed: u64,
}

impl Pace {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            piece: START,
            in_vain: 0,
            seed,
        }
    }

    /// Bytes of the next piece.
    pub(crate) fn piece(&self) -> usize {
        self.piece
    }

    /// A whole piece went.
    pub(crate) fn went(&mut self, bytes: usize, took: Duration) {
        self.in_vain = 0;
        if took > SLOW {
            self.piece = (self.piece / 2).max(LEAST);
        } else if bytes >= self.piece && took < QUICK {
            self.piece = (self.piece * 2).min(MOST);
        }
    }

    /// Bytes came over before a cut.
    pub(crate) fn moved(&mut self) {
        self.in_vain = 0;
    }

    /// A try failed. How long to wait; `None` where it is not for this link to go on now.
    pub(crate) fn failed(&mut self, fault: Fault) -> Option<Duration> {
        let busy = match fault {
            Fault::Cut | Fault::Unreachable => false,
            Fault::Slow => {
                self.piece /= 2;
                false
            }
            // It is there and has trouble: everybody who waits for it would come at once.
            Fault::Server(_) => true,
            Fault::NotOurServer
            | Fault::Proxy
            | Fault::NotTrusted
            | Fault::SignInNeeded
            | Fault::Refused(_)
            | Fault::Unreadable => return None,
        };
        // A cut says nothing of how quick the link is, and costs what was on its way, not the piece: the server keeps
        // what came of it.
        self.piece = self.piece.max(LEAST);
        self.in_vain += 1;
        self.seed = split_mix(self.seed);
        if self.in_vain > TRIES {
            return None;
        }
        let quick = if busy { 0 } else { QUICK_TRIES };
        let wait = match self.in_vain {
            // 50 ms and then 150 for two seconds, as much again by chance, and then about a second.
            n if n <= quick => {
                let full: i64 = match n {
                    1 => 50,
                    2..=SOON => 150,
                    _ => 700,
                };
                full + i64::try_from(self.seed % full.unsigned_abs()).unwrap_or(0)
            }
            n => wait_ms(n - quick, self.seed),
        };
        Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_on_a_quick_link_and_get_smaller_where_one_takes_long() {
        let mut pace = Pace::new(7);
        let quick = Duration::from_millis(200);
        for expected in [128, 256, 256] {
            pace.went(pace.piece(), quick);
            assert_eq!(pace.piece(), expected * 1024);
        }
        // The end of a file says nothing of the link, and a cut nothing of how quick it is.
        pace.went(10, quick);
        pace.failed(Fault::Cut);
        assert_eq!(pace.piece(), 4 * START);
        // 256 KiB over 128 kbit/s, and no answer at all.
        pace.went(4 * START, Duration::from_millis(16_400));
        assert_eq!(pace.piece(), 2 * START);
        pace.went(2 * START, Duration::from_millis(8_200));
        assert_eq!(pace.piece(), 2 * START);
        for _ in 0..9 {
            pace.failed(Fault::Slow);
        }
        assert_eq!(pace.piece(), LEAST);
    }

    #[test]
    fn a_link_that_comes_back_is_found_within_a_second_and_a_dead_one_is_left_alone() {
        let mut pace = Pace::new(7);
        let waits: Vec<Duration> = std::iter::from_fn(|| pace.failed(Fault::Unreachable)).collect();
        assert_eq!(waits.len(), TRIES as usize);
        assert!(waits[..SOON as usize]
            .iter()
            .all(|wait| *wait <= Duration::from_millis(300)));
        assert!(waits[..QUICK_TRIES as usize]
            .iter()
            .all(|wait| *wait <= Duration::from_millis(1_400)));
        assert!(waits[17] >= Duration::from_secs(30));

        pace.moved();
        assert!(pace.failed(Fault::Cut) <= Some(Duration::from_millis(100)));
        pace.moved();
        assert!(pace.failed(Fault::Server(507)) >= Some(Duration::from_secs(1)));
        assert_eq!(pace.failed(Fault::SignInNeeded), None);
    }
}
