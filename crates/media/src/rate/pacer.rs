//! Sends sound at once and pictures evenly: a picture of eight packets that left in one go would stand before the next
//! word for half a second on a thin link.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::wire::Kind;
use crate::engine::Datagram;

/// Picture that waits longer than this is more than the link takes: the camera skips until it is gone.
const FULL: Duration = Duration::from_millis(150);
/// Waiting packets at most; the oldest goes first. The far side asks for a key frame where it misses one.
const KEPT: usize = 512;
/// Small debts are not worth a wake-up.
const GRAIN: Duration = Duration::from_millis(2);

/// The pacer.
pub(crate) struct Pacer {
    waiting: VecDeque<Datagram>,
    bytes: usize,
    rate_bps: u64,
    next: Option<Instant>,
    held: bool,
}

impl Pacer {
    pub(crate) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            rate_bps: 1_000_000,
            next: None,
            held: false,
        }
    }

    /// What pictures may take of the line, in bit/s.
    pub(crate) fn set_rate(&mut self, bps: u64) {
        self.rate_bps = bps.max(8_000);
    }

    /// Holds pictures back, or lets them go: nobody knows whether the link takes anything at all.
    pub(crate) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Takes a packet; gives it back where it may go at once.
    pub(crate) fn take(&mut self, packet: Datagram, kind: Kind) -> Option<Datagram> {
        if kind != Kind::Picture {
            return Some(packet);
        }
        self.bytes += packet.bytes.len();
        self.waiting.push_back(packet);
        if self.waiting.len() > KEPT {
            self.drop_first();
        }
        None
    }

    /// The next picture packet whose time has come.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Datagram> {
        if self.held || self.next.is_some_and(|next| now + GRAIN < next) {
            return None;
        }
        let packet = self.drop_first()?;
        let takes = Duration::from_secs_f64(packet.bytes.len() as f64 * 8.0 / self.rate_bps as f64);
        // Time in which nothing waited is not saved up.
        let from = self
            .next
            .map_or(now, |next| next.max(now.checked_sub(GRAIN).unwrap_or(now)));
        self.next = Some(from + takes);
        Some(packet)
    }

    /// When the next one is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.next.filter(|_| !self.held && !self.waiting.is_empty())
    }

    /// Does more wait than should?
    pub(crate) fn is_full(&self) -> bool {
        self.held || self.bytes as f64 * 8.0 / self.rate_bps as f64 > FULL.as_secs_f64()
    }

    fn drop_first(&mut self) -> Option<Datagram> {
        let packet = self.waiting.pop_front()?;
        self.bytes -= packet.bytes.len();
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(length: usize) -> Datagram {
        Datagram {
            source: "10.0.0.1:1".parse().unwrap(),
            destination: "10.0.0.2:1".parse().unwrap(),
            bytes: vec![0; length],
        }
    }

    #[test]
    fn sound_goes_at_once_and_a_picture_is_spread() {
        let start = Instant::now();
        let mut pacer = Pacer::new();
        pacer.set_rate(80_000);
        for _ in 0..5 {
            assert!(pacer.take(packet(1_000), Kind::Picture).is_none());
        }
        assert!(pacer.take(packet(100), Kind::Sound).is_some());
        assert!(pacer.is_full());

        let mut sent = Vec::new();
        for ms in 0..600 {
            while pacer.next(start + Duration::from_millis(ms)).is_some() {
                sent.push(ms);
            }
        }

        assert_eq!(sent.len(), 5);
        assert_eq!(sent[0], 0);
        assert!((396..=402).contains(&sent[4]), "{sent:?}");
        assert!(!pacer.is_full() && pacer.due().is_none());
    }

    #[test]
    fn what_is_held_waits_and_idle_time_is_not_saved_up() {
        let start = Instant::now();
        let mut pacer = Pacer::new();
        pacer.set_rate(80_000);
        pacer.take(packet(1_000), Kind::Picture);
        pacer.hold(true);
        assert!(pacer.next(start).is_none() && pacer.is_full());
        pacer.hold(false);
        assert!(pacer.next(start).is_some());

        let later = start + Duration::from_secs(5);
        for _ in 0..3 {
            pacer.take(packet(1_000), Kind::Picture);
        }
        assert!(pacer.next(later).is_some());
        assert!(pacer.next(later).is_none());
    }
}
