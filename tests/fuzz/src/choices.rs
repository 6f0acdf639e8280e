//! An input read from its front as numbers and bytes; at its end, zeros.

/// What is left of an input.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// All of an input.
    pub fn of(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// Whether nothing is left.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.number(1) as u8
    }

    /// Two bytes.
    pub fn short(&mut self) -> u16 {
        self.number(2) as u16
    }

    /// Four bytes.
    pub fn long(&mut self) -> u32 {
        self.number(4) as u32
    }

    /// A number of this many bytes, at most eight.
    pub fn number(&mut self, bytes: usize) -> u64 {
        self.take(bytes)
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    }

    /// Bytes whose number comes first: one byte, or two after 255.
    pub fn part(&mut self) -> &'a [u8] {
        let length = match self.byte() {
            255 => usize::from(self.short()),
            short => usize::from(short),
        };
        self.take(length)
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Changes bytes as chosen: some are turned over or replaced, or the end is cut off or goes on.
    pub fn change(&mut self, bytes: &mut Vec<u8>) {
        let what = self.byte();
        for _ in 0..what & 7 {
            let (place, value) = (usize::from(self.short()), self.byte());
            let place = place % bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(place) {
                *byte = if what & 8 == 0 { value } else { *byte ^ value };
            }
        }
        match what >> 4 & 3 {
            1 => bytes.truncate(usize::from(self.short()) % (bytes.len() + 1)),
            2 => bytes.extend_from_slice(self.part()),
            3 => {
                let place = usize::from(self.short()) % (bytes.len() + 1);
                let part = self.part();
                bytes.splice(place..place, part.iter().copied());
            }
            _ => {}
        }
    }
}
