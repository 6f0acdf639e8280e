//! What travels beside sound and picture, over the call's own reliable channel: still pictures.
//!
//! Each message is one byte for its kind and its body, so that a page in a browser reads it with a few lines. The channel
//! keeps order and loses nothing; a still is cut into small parts all the same, so that sound never waits behind one.

/// A still's bytes in one message: 40 ms of a line of 100 kbit/s.
pub const STILL_PART: usize = 480;
/// A still longer than this is refused: 640x480 in good quality takes a quarter of it.
pub const STILL_AT_MOST: usize = 256 * 1024;

/// Messages of other kinds are left to later versions.
const STILL: u8 = 2;

/// A part of a still picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillPart {
    /// Which still; counts up and wraps.
    pub still: u16,
    /// Which part of it, from 0.
    pub part: u16,
    /// How many parts it has, at least 1.
    pub of: u16,
    /// Bytes of the picture.
    pub bytes: Vec<u8>,
}

impl StillPart {
    /// The part as it travels.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![STILL];
        for number in [self.still, self.part, self.of] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(&self.bytes);
        bytes
    }

    /// Reads a message; `None` where it is none that this version knows, or too long.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [STILL, a, b, c, d, e, f, rest @ ..] = bytes else {
            return None;
        };
        let (part, of) = (u16::from_be_bytes([*c, *d]), u16::from_be_bytes([*e, *f]));
        (part < of && rest.len() <= STILL_AT_MOST).then(|| Self {
            still: u16::from_be_bytes([*a, *b]),
            part,
            of,
            bytes: rest.to_vec(),
        })
    }
}

/// Cuts a still into the parts that travel; none if it is too long.
#[must_use]
pub fn cut(still: u16, picture: &[u8]) -> Vec<StillPart> {
    if picture.len() > STILL_AT_MOST {
        return Vec::new();
    }
    let parts = picture.chunks(STILL_PART);
    let of = u16::try_from(parts.len()).unwrap_or(u16::MAX);
    parts
        .zip(0..of)
        .map(|(bytes, part)| StillPart {
            still,
            part,
            of,
            bytes: bytes.to_vec(),
        })
        .collect()
}

/// Puts parts together again.
#[derive(Debug, Clone, Default)]
pub struct Joiner {
    still: u16,
    next: u16,
    bytes: Vec<u8>,
}

impl Joiner {
    /// Takes a part; gives the picture with its last one. A still that another began before it was whole is dropped,
    /// and so is one with a part too few.
    pub fn take(&mut self, part: StillPart) -> Option<Vec<u8>> {
        if part.part == 0 {
            self.still = part.still;
            self.next = 0;
            self.bytes.clear();
        }
        let fits = part.still == self.still
            && part.part == self.next
            && self.bytes.len() + part.bytes.len() <= STILL_AT_MOST;
        if !fits {
            self.next = u16::MAX;
            self.bytes = Vec::new();
            return None;
        }
        self.bytes.extend(part.bytes);
        self.next += 1;
        (self.next == part.of).then(|| std::mem::take(&mut self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_read() {
        let part = StillPart {
            still: 7,
            part: 1,
            of: 2,
            bytes: vec![1, 2, 3],
        };

        assert_eq!(StillPart::from_bytes(&part.to_bytes()), Some(part));
    }

    #[test]
    fn what_is_nothing_is_refused() {
        for bytes in [&[][..], &[9, 9], &[STILL, 0, 1, 0, 2, 0, 2, 5], &[STILL, 0]] {
            assert_eq!(StillPart::from_bytes(bytes), None, "{bytes:?}");
        }
    }

    fn join(joiner: &mut Joiner, parts: impl IntoIterator<Item = StillPart>) -> Vec<Vec<u8>> {
        parts.into_iter().filter_map(|part| joiner.take(part)).collect()
    }

    #[test]
    fn a_still_comes_together_and_a_broken_one_does_not() {
        let picture: Vec<u8> = (0..2_000_u32).map(|i| i as u8).collect();
        let mut joiner = Joiner::default();

        assert_eq!(
            join(&mut joiner, cut(1, &picture)),
            std::slice::from_ref(&picture)
        );
        let mut gap = cut(2, &picture);
        gap.remove(2);
        assert!(join(&mut joiner, gap).is_empty());
        let begun = cut(3, &picture).into_iter().take(2);
        let whole = cut(4, &picture);
        assert_eq!(join(&mut joiner, begun.chain(whole)), [picture]);
        assert!(cut(5, &vec![0; STILL_AT_MOST + 1]).is_empty());
    }
}
