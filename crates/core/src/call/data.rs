//! What travels beside sound and picture, over the call's own reliable channel: still pictures, and sharp ones.
//!
//! Each message is one byte for its kind and its body, so that a page in a browser reads it with a few lines. The channel
//! keeps order and loses nothing; a still is cut into small parts all the same, so that sound never waits behind one.

/// A still's bytes in one message: 40 ms of a line of 100 kbit/s.
pub const STILL_PART: usize = 480;
/// A still longer than this is refused: 640x480 in good quality takes a quarter of it.
pub const STILL_AT_MOST: usize = 256 * 1024;

/// What a still is for. Messages of other kinds are left to later versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StillKind {
    /// Stands in for the moving picture.
    Quick,
    /// A person was asked for it, and gave it: at the camera's full size.
    Sharp,
}

impl StillKind {
    const fn code(self) -> u8 {
        match self {
            Self::Quick => 2,
            Self::Sharp => 3,
        }
    }

    const fn of(code: u8) -> Option<Self> {
        match code {
            2 => Some(Self::Quick),
            3 => Some(Self::Sharp),
            _ => None,
        }
    }
}

/// A part of a still picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillPart {
    /// What it is for.
    pub kind: StillKind,
    /// Which still of its kind; counts up and wraps. A sharp one has the number of the wish that it answers.
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
        let mut bytes = vec![self.kind.code()];
        for number in [self.still, self.part, self.of] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(&self.bytes);
        bytes
    }

    /// Reads a message; `None` where it is none that this version knows, or too long.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [kind, a, b, c, d, e, f, rest @ ..] = bytes else {
            return None;
        };
        let kind = StillKind::of(*kind)?;
        let (part, of) = (u16::from_be_bytes([*c, *d]), u16::from_be_bytes([*e, *f]));
        (part < of && rest.len() <= STILL_AT_MOST).then(|| Self {
            kind,
            still: u16::from_be_bytes([*a, *b]),
            part,
            of,
            bytes: rest.to_vec(),
        })
    }
}

/// Cuts a still into the parts that travel; none if it is too long.
#[must_use]
pub fn cut(kind: StillKind, still: u16, picture: &[u8]) -> Vec<StillPart> {
    if picture.len() > STILL_AT_MOST {
        return Vec::new();
    }
    let parts = picture.chunks(STILL_PART);
    let of = u16::try_from(parts.len()).unwrap_or(u16::MAX);
    parts
        .zip(0..of)
        .map(|(bytes, part)| StillPart {
            kind,
            still,
            part,
            of,
            bytes: bytes.to_vec(),
        })
        .collect()
}

/// Puts parts of one kind together again.
#[derive(Debug, Clone, Default)]
pub struct Joiner {
    still: u16,
    next: u16,
    of: u16,
    bytes: Vec<u8>,
}

impl Joiner {
    /// Takes a part; gives the picture with its last one. A still that another began before it was whole is dropped,
    /// and so is one with a part too few.
    pub fn take(&mut self, part: StillPart) -> Option<Vec<u8>> {
        if part.part == 0 {
            self.still = part.still;
            self.next = 0;
            self.of = part.of;
            self.bytes.clear();
        }
        let fits = part.still == self.still
            && part.part == self.next
            && part.of == self.of
            && self.bytes.len() + part.bytes.len() <= STILL_AT_MOST;
        if !fits {
            self.next = u16::MAX;
            self.of = 0;
            self.bytes = Vec::new();
            return None;
        }
        self.bytes.extend(part.bytes);
        self.next += 1;
        (self.next == part.of).then(|| {
            self.of = 0;
            std::mem::take(&mut self.bytes)
        })
    }

    /// How much of the still under way has come, in hundredths; `None` while none is.
    #[must_use]
    pub fn percent(&self) -> Option<u32> {
        (self.of > 0).then(|| u32::from(self.next) * 100 / u32::from(self.of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_read() {
        let part = StillPart {
            kind: StillKind::Sharp,
            still: 7,
            part: 1,
            of: 2,
            bytes: vec![1, 2, 3],
        };

        assert_eq!(StillPart::from_bytes(&part.to_bytes()), Some(part));
    }

    #[test]
    fn what_is_nothing_is_refused() {
        for bytes in [&[][..], &[9, 9], &[2, 0, 1, 0, 2, 0, 2, 5], &[3, 0]] {
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
            join(&mut joiner, cut(StillKind::Quick, 1, &picture)),
            std::slice::from_ref(&picture)
        );
        let mut gap = cut(StillKind::Quick, 2, &picture);
        gap.remove(2);
        assert!(join(&mut joiner, gap).is_empty());
        assert_eq!(joiner.percent(), None);
        joiner.take(cut(StillKind::Quick, 6, &picture).remove(0));
        assert_eq!(joiner.percent(), Some(20));
        let begun = cut(StillKind::Quick, 3, &picture).into_iter().take(2);
        let whole = cut(StillKind::Quick, 4, &picture);
        assert_eq!(join(&mut joiner, begun.chain(whole)), [picture]);
        assert!(cut(StillKind::Quick, 5, &vec![0; STILL_AT_MOST + 1]).is_empty());
    }
}
