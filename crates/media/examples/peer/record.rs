//! What was heard, as a file whose time is the wall's time since the connection.

use std::time::Instant;

use hms_media::devices::wav;

const RATE: f64 = 48_000.0;
/// A gap this long between what is there and the clock is silence, not a late block.
const GAP: usize = 4_800;

/// Collects blocks of sound.
pub struct Recorder {
    on: bool,
    began: Option<Instant>,
    samples: Vec<i16>,
}

impl Recorder {
    pub fn new(on: bool) -> Self {
        Self {
            on,
            began: None,
            samples: Vec::new(),
        }
    }

    /// Time zero is now.
    pub fn begin(&mut self) {
        self.began.get_or_insert_with(Instant::now);
    }

    /// Takes the block that is played now, 48 kHz mono.
    pub fn take(&mut self, block: &[i16]) {
        let Some(began) = self.began.filter(|_| self.on) else {
            return;
        };
        let due = (began.elapsed().as_secs_f64() * RATE) as usize;
        if self.samples.len() + block.len() + GAP < due {
            self.samples.resize(due - block.len(), 0);
        }
        self.samples.extend_from_slice(block);
    }

    /// The file.
    pub fn wav(&self) -> Vec<u8> {
        wav::to_bytes(&self.samples)
    }
}
