//! Where packets go while the far side is reached at another address than the one in use.
//!
//! A router that gives a phone another port leaves the phone nothing to notice: its own checks are answered, by the new port.
//! The other side hears them from there, and goes on sending to the old one until its checks of that have failed, which takes
//! many seconds, or for good where the far side is the one that chooses. So what was heard and answered lately is preferred to
//! what is silent: only an address that has answered a check of ours (its number is secret) is ever sent to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::engine::Datagram;

/// A way that was not heard for so long is silent: sound comes every 60 ms.
const SILENT: Duration = Duration::from_millis(600);
/// An answer to a check is a consent to be sent to for so long (RFC 7675).
const CONSENT: Duration = Duration::from_secs(30);
/// Checks that wait for their answers, and ways that are remembered.
const CHECKS: usize = 128;
const WAYS: usize = 32;

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    local: SocketAddr,
    remote: SocketAddr,
}

#[derive(Debug)]
struct Known {
    way: Way,
    heard: Instant,
    answered: Option<Instant>,
}

type CheckId = [u8; 12];

/// What was heard, and what was answered.
#[derive(Debug, Default)]
pub(super) struct Detour {
    checks: VecDeque<(CheckId, Way)>,
    known: VecDeque<Known>,
}

impl Detour {
    /// Sees what goes out; gives it another goal where its own is silent and another answers.
    pub(super) fn redirect(&mut self, now: Instant, packet: &mut Datagram) {
        let way = Way {
            local: packet.source,
            remote: packet.destination,
        };
        if let Some((kind, id)) = stun(&packet.bytes) {
            // Checks are of one way, and answers go back where they were asked.
            if kind == REQUEST {
                self.checks.push_back((id, way));
                if self.checks.len() > CHECKS {
                    self.checks.pop_front();
                }
            }
            return;
        }
        if let Some(other) = self.better(now, way) {
            packet.source = other.local;
            packet.destination = other.remote;
        }
    }

    /// Notes what came.
    pub(super) fn heard(&mut self, now: Instant, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        let way = Way {
            local: destination,
            remote: source,
        };
        let answers = stun(bytes).is_some_and(|(kind, id)| {
            let asked = self.checks.iter().position(|check| *check == (id, way));
            kind == SUCCESS && asked.and_then(|at| self.checks.remove(at)).is_some()
        });
        if let Some(known) = self.known.iter_mut().find(|known| known.way == way) {
            known.heard = now;
            known.answered = if answers { Some(now) } else { known.answered };
            return;
        }
        self.known.push_back(Known {
            way,
            heard: now,
            answered: answers.then_some(now),
        });
        if self.known.len() > WAYS {
            self.known.pop_front();
        }
    }

    /// The way that was heard last of those that answer, where this one has fallen silent.
    fn better(&self, now: Instant, way: Way) -> Option<Way> {
        let since = |at: Instant| now.saturating_duration_since(at);
        let known = self.known.iter().find(|known| known.way == way)?;
        if since(known.heard) < SILENT {
            return None;
        }
        let others = self.known.iter().filter(|other| {
            let consents = other.answered.is_some_and(|at| since(at) < CONSENT);
            consents && since(other.heard) < SILENT
        });
        others.max_by_key(|other| other.heard).map(|other| other.way)
    }
}

const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Kind and number of a STUN message; `None` for anything else.
fn stun(bytes: &[u8]) -> Option<(u16, CheckId)> {
    let (head, rest) = bytes.split_at_checked(8)?;
    let id = rest.get(..12)?.try_into().ok()?;
    let kind = u16::from_be_bytes([*head.first()?, *head.get(1)?]);
    (kind < 0x4000 && head.get(4..8)? == COOKIE).then_some((kind, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        ([10, 0, 0, 1], port).into()
    }

    fn check(kind: u16, id: u8) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &[0, 0], &COOKIE, &[id; 12]].concat()
    }

    fn packet(to: u16, bytes: Vec<u8>) -> Datagram {
        Datagram {
            source: at(1),
            destination: at(to),
            bytes,
        }
    }

    /// A side that heard sound from port 2, then nothing there for two seconds.
    fn silent(start: Instant) -> Detour {
        let mut detour = Detour::default();
        detour.heard(start, at(2), at(1), &[0x80; 40]);
        detour
    }

    fn goal(detour: &mut Detour, now: Instant) -> SocketAddr {
        let mut sound = packet(2, vec![0x80; 40]);
        detour.redirect(now, &mut sound);
        sound.destination
    }

    #[test]
    fn what_answers_is_sent_to_where_the_way_in_use_is_silent() {
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        let mut detour = silent(start);
        detour.redirect(later, &mut packet(3, check(REQUEST, 7)));
        detour.heard(later, at(3), at(1), &check(SUCCESS, 7));

        assert_eq!(goal(&mut detour, later), at(3));
        // Its own voice is back: nothing is to be mended.
        detour.heard(later, at(2), at(1), &[0x80; 40]);
        assert_eq!(goal(&mut detour, later), at(2));
    }

    #[test]
    fn nobody_draws_packets_to_himself_by_sending_some() {
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        let mut detour = silent(start);
        detour.redirect(later, &mut packet(3, check(REQUEST, 7)));
        // Sound, an answer to nothing, and an answer from where nobody was asked.
        detour.heard(later, at(4), at(1), &[0x80; 40]);
        detour.heard(later, at(4), at(1), &check(SUCCESS, 9));
        detour.heard(later, at(4), at(1), &check(SUCCESS, 7));

        assert_eq!(goal(&mut detour, later), at(2));
    }

    #[test]
    fn an_old_answer_is_no_consent_and_a_check_goes_where_it_is_meant_to() {
        let start = Instant::now();
        let later = start + Duration::from_secs(40);
        let mut detour = silent(start);
        detour.redirect(start, &mut packet(3, check(REQUEST, 7)));
        detour.heard(start, at(3), at(1), &check(SUCCESS, 7));
        detour.heard(later, at(3), at(1), &[0x80; 40]);
        assert_eq!(goal(&mut detour, later), at(2));

        detour.redirect(later, &mut packet(3, check(REQUEST, 8)));
        detour.heard(later, at(3), at(1), &check(SUCCESS, 8));
        let mut asked = packet(2, check(REQUEST, 9));
        detour.redirect(later, &mut asked);
        assert_eq!(asked.destination, at(2));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut detour = Detour::default();
        for port in 0..5_000 {
            detour.heard(now, at(port), at(1), &[0x80; 40]);
            detour.redirect(now, &mut packet(port, check(REQUEST, 1)));
        }

        assert!(detour.known.len() <= WAYS && detour.checks.len() <= CHECKS);
    }
}
