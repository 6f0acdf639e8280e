//! What the requests so far say about the link and about this phone's clock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use hms_model::time::Timestamp;
use hms_model::wire::sync::WireLink;

/// Requests that the loss figure looks back on.
const WINDOW: usize = 20;
/// A clock that is less wrong than this is right enough: `Date` counts whole seconds, and links are slow.
const CLOCK_TOLERANCE_MS: i64 = 120_000;

#[derive(Default)]
struct Seen {
    rtt_ms: Option<u32>,
    answered: VecDeque<bool>,
    skew_ms: Option<i64>,
}

/// Figures of the link, shared by all requests.
#[derive(Clone, Default)]
pub(crate) struct LinkWatch(Arc<Mutex<Seen>>);

impl LinkWatch {
    fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A request was answered after `rtt_ms`; `server` is the answer's `Date`, `phone` the phone's time then.
    pub(crate) fn answered(&self, rtt_ms: u32, server: Option<Timestamp>, phone: Timestamp) {
        self.with(|seen| {
            seen.rtt_ms = Some(rtt_ms);
            push(&mut seen.answered, true);
            if let Some(server) = server {
                seen.skew_ms = Some(server.since_ms(phone));
            }
        });
    }

    /// A request was not answered.
    pub(crate) fn lost(&self) {
        self.with(|seen| push(&mut seen.answered, false));
    }

    /// Round trip of the last request that was answered.
    pub(crate) fn rtt_ms(&self) -> Option<u32> {
        self.with(|seen| seen.rtt_ms)
    }

    /// Server time minus phone time, where this phone's clock is wrong by more than two minutes.
    pub(crate) fn clock_off_ms(&self) -> Option<i64> {
        self.with(|seen| seen.skew_ms.filter(|skew| skew.abs() > CLOCK_TOLERANCE_MS))
    }

    /// Takes over what an earlier run found out about the clock.
    pub(crate) fn set_skew(&self, skew_ms: Option<i64>) {
        self.with(|seen| seen.skew_ms = seen.skew_ms.or(skew_ms));
    }

    /// Server time minus phone time, as last seen.
    pub(crate) fn skew_ms(&self) -> Option<i64> {
        self.with(|seen| seen.skew_ms)
    }

    /// The figures that the server shows in the queue.
    pub(crate) fn wire(&self) -> Option<WireLink> {
        self.with(|seen| {
            let total = u32::try_from(seen.answered.len()).ok().filter(|n| *n > 0)?;
            let lost = u32::try_from(seen.answered.iter().filter(|ok| !**ok).count()).ok()?;
            Some(WireLink {
                rtt_ms: seen.rtt_ms?,
                loss_permille: lost * 1000 / total,
            })
        })
    }
}

fn push(window: &mut VecDeque<bool>, answered: bool) {
    if window.len() == WINDOW {
        window.pop_front();
    }
    window.push_back(answered);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_the_share_of_the_last_requests_and_small_skew_is_no_fault() {
        let link = LinkWatch::default();
        assert_eq!(link.wire(), None);

        link.answered(80, Some(Timestamp(61_000)), Timestamp(0));
        link.lost();

        assert_eq!(
            link.wire(),
            Some(WireLink {
                rtt_ms: 80,
                loss_permille: 500
            })
        );
        assert_eq!(link.clock_off_ms(), None);

        link.answered(80, Some(Timestamp(0)), Timestamp(315_360_000_000));
        assert_eq!(link.clock_off_ms(), Some(-315_360_000_000));
    }
}
