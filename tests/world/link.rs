//! What a bad link does to one exchange, drawn from a seed.

use hms_core::backoff::split_mix;

/// Dice that a seed repeats.
pub struct Dice(pub u64);

impl Dice {
    /// From 0 to `sides` - 1.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = split_mix(self.0);
        self.0 % sides.max(1)
    }

    /// A place in a text of this length, its end included.
    pub fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(length).unwrap_or(0) + 1)).unwrap_or(0)
    }
}

/// What happens to a request and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Nothing.
    Fair,
    /// The request never leaves.
    NoSignal,
    /// The server gets so many bytes of the request, and the answer is lost. More than there are begin at 0 again.
    RequestCut(usize),
    /// The client gets so many bytes of the answer; more than there are begin at 0 again.
    AnswerCut(usize),
    /// The server gets the request twice at the same moment; the client one answer.
    Twice,
    /// The answer is lost, and the network delivers the request once more, later.
    Later,
    /// Something between answers in the server's place.
    Imposter,
    /// Another request's answer comes in place of this one's.
    Stray,
    /// The server, or what stands before it, asks for patience: a status, and a wait in milliseconds.
    Busy(u16, i64),
    /// The line lasts for so many bytes up, and so many down.
    Window(usize, usize),
    /// The server gets so many bytes of the request and dies before it answers.
    ServerDies(usize),
}

impl Weather {
    /// Draws the weather of one exchange.
    pub fn draw(dice: &mut Dice) -> Self {
        match dice.roll(20) {
            0 | 1 => Self::NoSignal,
            2 | 3 => Self::RequestCut(dice.place(1 << 20)),
            4..=6 => Self::AnswerCut(dice.place(1 << 20)),
            7 => Self::Twice,
            8 => Self::Later,
            9 => Self::Imposter,
            10 => Self::Stray,
            11 => Self::Busy(
                [408, 425, 429, 429, 500, 502, 503, 504][dice.place(7)],
                [0, -5_000, 30_000, 900_000, i64::MAX / 2][dice.place(4)],
            ),
            12 => Self::ServerDies(dice.place(1 << 20)),
            _ => Self::Fair,
        }
    }
}
