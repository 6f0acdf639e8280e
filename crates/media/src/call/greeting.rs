//! The round trip of a call's first path check, read off the packets: before any report has come, it is the only thing
//! that is known of a link, and it is known whichever engine made the check.

use std::time::{Duration, Instant};

/// STUN's binding request and its success response (RFC 8489).
const REQUEST: [u8; 2] = [0x00, 0x01];
const RESPONSE: [u8; 2] = [0x01, 0x01];
/// Requests remembered: a check is sent again a few times, to a few addresses.
const KEPT: usize = 32;

type Transaction = [u8; 12];

#[derive(Default)]
pub(super) struct Greeting {
    asked: Vec<(Transaction, Instant)>,
    round_trip: Option<Duration>,
}

impl Greeting {
    /// A packet goes out.
    pub(super) fn sent(&mut self, now: Instant, bytes: &[u8]) {
        if self.round_trip.is_some() || self.asked.len() >= KEPT {
            return;
        }
        if let Some(transaction) = transaction(bytes, REQUEST) {
            if !self.asked.iter().any(|(known, _)| *known == transaction) {
                self.asked.push((transaction, now));
            }
        }
    }

    /// A packet has come.
    pub(super) fn heard(&mut self, now: Instant, bytes: &[u8]) {
        if self.round_trip.is_some() {
            return;
        }
        let Some(transaction) = transaction(bytes, RESPONSE) else {
            return;
        };
        let asked = self.asked.iter().find(|(known, _)| *known == transaction);
        self.round_trip = asked.map(|(_, at)| now.saturating_duration_since(*at));
    }

    /// The first round trip, once it is known.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}

fn transaction(bytes: &[u8], kind: [u8; 2]) -> Option<Transaction> {
    if bytes.get(..2)? != kind {
        return None;
    }
    bytes.get(8..20)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_check_tells_the_round_trip() {
        let start = Instant::now();
        let mut greeting = Greeting::default();
        let packet = |kind: [u8; 2], number: u8| [&kind[..], &[0; 6], &[number; 12]].concat();

        greeting.sent(start, &packet(REQUEST, 1));
        greeting.sent(start + Duration::from_millis(50), &packet(REQUEST, 2));
        greeting.heard(start + Duration::from_millis(90), &packet(RESPONSE, 9));
        greeting.heard(start + Duration::from_millis(91), &[1, 1]);
        assert_eq!(greeting.round_trip(), None);
        greeting.heard(start + Duration::from_millis(170), &packet(RESPONSE, 2));

        assert_eq!(greeting.round_trip(), Some(Duration::from_millis(120)));
    }
}
