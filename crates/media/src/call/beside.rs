//! What goes beside sound and picture: words as they are typed, and stills in small parts, at an even pace.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hms_core::call::data::{cut, Joiner, StillKind, StillPart, STILL_PART};
use hms_core::call::typed::{Drafts, Edit, Typist};

use crate::engine::CallEngine;

/// A still may take this much of a line whose rate is hardly known, and no more of one that could carry more: a still
/// that is there a second sooner is not worth a word of sound.
const SLOWEST_BPS: u64 = 8_000;
const FASTEST_BPS: u64 = 60_000;
/// A person waits for a sharp one.
const FASTEST_SHARP_BPS: u64 = 400_000;
/// A part with the heads of all that carries it.
const PART_BITS: u64 = (STILL_PART as u64 + 7 + 100) * 8;

/// Letters of this long go together: 4 kbit/s with all heads while somebody types, and nobody waits longer to read them.
const TYPED_EVERY: Duration = Duration::from_millis(400);

/// Something whole that came from the far side.
pub(super) enum Came {
    /// A still, and when its first part came: it is at least so old.
    Still(Instant, Vec<u8>),
    /// A sharp picture, with the number of the wish that it answers.
    Sharp(u16, Vec<u8>),
    /// The far side's lines as they are typed now.
    Typed(Drafts),
}

#[derive(Default)]
pub(super) struct Beside {
    open: bool,
    still: VecDeque<Vec<u8>>,
    sharp: VecDeque<Vec<u8>>,
    stills: u16,
    joiner: Joiner,
    sharp_joiner: Joiner,
    /// When the first part of the still under way came.
    came: Option<Instant>,
    rate_bps: u64,
    sharp_bps: u64,
    due: Option<Instant>,
    typist: Typist,
    typed_due: Option<Instant>,
    drafts: Drafts,
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
            self.still = parts(StillKind::Quick, self.stills, picture);
        }
    }

    /// The camera is off: what has not left of a still does not leave.
    pub(super) fn drop_still(&mut self) {
        self.still.clear();
    }

    /// Sends a sharp picture that answers the wish of this number; one before it that is not through is given up.
    pub(super) fn send_sharp(&mut self, number: u16, picture: &[u8]) {
        self.sharp = parts(StillKind::Sharp, number, picture);
    }

    /// The line of this number as it is typed now.
    pub(super) fn write(&mut self, line: u32, text: &str) {
        self.typist.write(line, text);
    }

    /// Is a still on its way? While a sharp one is, no other is made: it shows more.
    pub(super) fn still_waits(&self) -> bool {
        !self.still.is_empty() || !self.sharp.is_empty()
    }

    /// What the line has left beside sound, in bit/s, and whether a picture moves there too.
    ///
    /// Gives what stills will use of it.
    pub(super) fn set_rate(&mut self, bps: u64, moves: bool) -> u64 {
        self.rate_bps = bps.clamp(SLOWEST_BPS, FASTEST_BPS);
        let share = if moves { bps / 2 } else { bps };
        self.sharp_bps = share.clamp(SLOWEST_BPS, FASTEST_SHARP_BPS);
        self.rate_bps
    }

    /// When the next part is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let part = self.due.filter(|_| self.still_waits());
        let letters = self.typed_due.filter(|_| self.typist.waits());
        part.into_iter().chain(letters).min().filter(|_| self.open)
    }

    /// Hands over what is due.
    pub(super) fn work(&mut self, now: Instant, engine: &mut dyn CallEngine) {
        if !self.open {
            return;
        }
        self.type_on(now, engine);
        if self.due.is_some_and(|due| now < due) {
            return;
        }
        // A still that is half through comes first: it is small, and its parts must follow each other.
        let (parts, rate_bps) = if self.still.is_empty() {
            (&mut self.sharp, self.sharp_bps)
        } else {
            (&mut self.still, self.rate_bps)
        };
        if let Some(part) = parts.front() {
            if engine.send_data(now, part) {
                parts.pop_front();
            }
            let pause = PART_BITS * 1_000 / rate_bps.max(SLOWEST_BPS);
            self.due = Some(now + Duration::from_millis(pause));
        }
    }

    /// Sends what was typed since the last time; the first letter after a pause goes at once.
    fn type_on(&mut self, now: Instant, engine: &mut dyn CallEngine) {
        if self.typed_due.is_some_and(|due| now < due) {
            return;
        }
        if let Some(edit) = self.typist.next_edit() {
            if engine.send_data(now, &edit.to_bytes()) {
                self.typist.sent(&edit);
            }
            self.typed_due = Some(now + TYPED_EVERY);
        }
    }

    /// Takes a message of the far side; gives what came with its last part.
    pub(super) fn take(&mut self, now: Instant, bytes: &[u8]) -> Option<Came> {
        if let Some(edit) = Edit::from_bytes(bytes) {
            self.drafts.take(&edit);
            return Some(Came::Typed(self.drafts.clone()));
        }
        let part = StillPart::from_bytes(bytes)?;
        let number = part.still;
        match part.kind {
            StillKind::Quick => {
                if part.part == 0 {
                    self.came = Some(now);
                }
                let still = self.joiner.take(part)?;
                Some(Came::Still(self.came.unwrap_or(now), still))
            }
            StillKind::Sharp => {
                let picture = self.sharp_joiner.take(part)?;
                Some(Came::Sharp(number, picture))
            }
        }
    }

    /// How much of a sharp picture has come, in hundredths, while one is on its way.
    pub(super) fn sharp_percent(&self) -> Option<u32> {
        self.sharp_joiner.percent()
    }
}

fn parts(kind: StillKind, number: u16, picture: &[u8]) -> VecDeque<Vec<u8>> {
    cut(kind, number, picture)
        .iter()
        .map(StillPart::to_bytes)
        .collect()
}
