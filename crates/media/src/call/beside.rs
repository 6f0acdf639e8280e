//! What goes beside sound and picture: stills in small parts, at an even pace.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hms_core::call::data::{cut, Joiner, StillPart, STILL_PART};

use crate::engine::CallEngine;

/// A still may take this much of a line whose rate is hardly known, and no more of one that could carry more: a still
/// that is there a second sooner is not worth a word of sound.
const SLOWEST_BPS: u64 = 8_000;
const FASTEST_BPS: u64 = 60_000;
/// A part with the heads of all that carries it.
const PART_BITS: u64 = (STILL_PART as u64 + 7 + 100) * 8;

#[derive(Default)]
pub(super) struct Beside {
    open: bool,
    still: VecDeque<Vec<u8>>,
    stills: u16,
    joiner: Joiner,
    /// When the first part of the still under way came.
    came: Option<Instant>,
    rate_bps: u64,
    due: Option<Instant>,
}

impl Beside {
    /// The channel is open.
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// Sends a still, unless one is still on its way: the next one will be newer.
    pub(super) fn send_still(&mut self, picture: &[u8]) {
        if self.still.is_empty() {
            self.stills = self.stills.wrapping_add(1);
            self.still = cut(self.stills, picture)
                .iter()
                .map(StillPart::to_bytes)
                .collect();
        }
    }

    /// Is a still on its way?
    pub(super) fn still_waits(&self) -> bool {
        !self.still.is_empty()
    }

    /// What the line has left beside sound, in bit/s.
    ///
    /// Gives what stills will use of it.
    pub(super) fn set_rate(&mut self, bps: u64) -> u64 {
        self.rate_bps = bps.clamp(SLOWEST_BPS, FASTEST_BPS);
        self.rate_bps
    }

    /// When the next part is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.open && self.still_waits())
    }

    /// Hands over what is due.
    pub(super) fn work(&mut self, now: Instant, engine: &mut dyn CallEngine) {
        if !self.open || self.due.is_some_and(|due| now < due) {
            return;
        }
        if let Some(part) = self.still.front() {
            if engine.send_data(now, part) {
                self.still.pop_front();
            }
            let pause = PART_BITS * 1_000 / self.rate_bps.max(SLOWEST_BPS);
            self.due = Some(now + Duration::from_millis(pause));
        }
    }

    /// Takes a message of the far side; gives a still with its last part, and when its first one came: it is at least
    /// so old.
    pub(super) fn take(&mut self, now: Instant, bytes: &[u8]) -> Option<(Instant, Vec<u8>)> {
        let part = StillPart::from_bytes(bytes)?;
        if part.part == 0 {
            self.came = Some(now);
        }
        let still = self.joiner.take(part)?;
        Some((self.came.unwrap_or(now), still))
    }
}
