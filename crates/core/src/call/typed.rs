//! Words while they are typed, over the call's own channel: for those who do not hear, who would else wait for each line.
//!
//! The sender tells how the line changed, as small as that is; the receiver keeps the line on the screen and nowhere else.
//! What counts is the finished line, which comes over the signalling with its number and takes the place of this one.

use std::collections::BTreeMap;

/// First byte of the message.
pub const TYPED: u8 = 5;
/// A line longer than this, in bytes, is not shown while it is typed; a finished one cannot be longer either.
pub const LINE_AT_MOST: usize = 2_000;
/// Bytes of words in one message: with all heads a tenth of a second of a line of 24 kbit/s.
const PIECE: usize = 160;
/// Lines that are shown before they have arrived: more mean that the signalling is away.
const LINES_AT_MOST: usize = 4;

/// A change of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Number of the line, counted as finished ones are: from 1.
    pub line: u32,
    /// After so many characters (Unicode scalar values) …
    pub at: u16,
    /// … so many go away …
    pub cut: u16,
    /// … and this comes in their place.
    pub text: String,
}

impl Edit {
    /// The change as it travels.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![TYPED];
        bytes.extend(self.line.to_be_bytes());
        bytes.extend(self.at.to_be_bytes());
        bytes.extend(self.cut.to_be_bytes());
        bytes.extend(self.text.as_bytes());
        bytes
    }

    /// Reads a message; `None` where it is none of these.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [TYPED, a, b, c, d, e, f, g, h, rest @ ..] = bytes else {
            return None;
        };
        let text = std::str::from_utf8(rest).ok()?;
        (rest.len() <= LINE_AT_MOST).then(|| Self {
            line: u32::from_be_bytes([*a, *b, *c, *d]),
            at: u16::from_be_bytes([*e, *f]),
            cut: u16::from_be_bytes([*g, *h]),
            text: text.to_owned(),
        })
    }

    /// The line with this change; `None` where the change does not fit it.
    fn applied(&self, line: &str) -> Option<String> {
        let (from, to) = (usize::from(self.at), usize::from(self.at) + usize::from(self.cut));
        if to > line.chars().count() {
            return None;
        }
        let before = line.chars().take(from);
        let after = line.chars().skip(to);
        let between = self.text.chars().map(shown);
        let changed: String = before.chain(between).chain(after).collect();
        (changed.len() <= LINE_AT_MOST).then_some(changed)
    }
}

/// A line is one line, whatever was pasted, or somebody's own program puts into it.
fn shown(c: char) -> char {
    if c.is_control() {
        ' '
    } else {
        c
    }
}

/// The side that types: what the far side has of the line, and what it is to have.
#[derive(Debug, Clone, Default)]
pub struct Typist {
    line: u32,
    wanted: String,
    sent: String,
}

impl Typist {
    /// The line as it is now. One with another number begins from nothing.
    pub fn write(&mut self, line: u32, text: &str) {
        if line != self.line {
            self.line = line;
            self.sent.clear();
        }
        self.wanted.clear();
        if text.len() <= LINE_AT_MOST {
            self.wanted.extend(text.chars().map(shown));
        }
    }

    /// Is there something that the far side does not have?
    #[must_use]
    pub fn waits(&self) -> bool {
        self.wanted != self.sent
    }

    /// The next change for the far side; [`Typist::sent`] when it has gone out.
    #[must_use]
    pub fn next_edit(&self) -> Option<Edit> {
        if !self.waits() {
            return None;
        }
        let (old, new): (Vec<char>, Vec<char>) = (self.sent.chars().collect(), self.wanted.chars().collect());
        let same = |(a, b): &(&char, &char)| a == b;
        let head = old.iter().zip(&new).take_while(same).count();
        let shorter = old.len().min(new.len());
        let tail = old.iter().rev().zip(new.iter().rev()).take(shorter - head);
        let tail = tail.take_while(same).count();
        let mut text = String::new();
        for c in new.iter().take(new.len() - tail).skip(head) {
            if text.len() + c.len_utf8() > PIECE {
                break;
            }
            text.push(*c);
        }
        Some(Edit {
            line: self.line,
            at: u16::try_from(head).ok()?,
            cut: u16::try_from(old.len() - tail - head).ok()?,
            text,
        })
    }

    /// A change has gone out.
    pub fn sent(&mut self, edit: &Edit) {
        if edit.line == self.line {
            if let Some(sent) = edit.applied(&self.sent) {
                self.sent = sent;
            }
        }
    }
}

/// The other side's lines that are being typed, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drafts(BTreeMap<u32, String>);

impl Drafts {
    /// Takes a change. A line that a change does not fit is dropped: its finished words come all the same.
    pub fn take(&mut self, edit: &Edit) {
        let line = self.0.remove(&edit.line).unwrap_or_default();
        if let Some(line) = edit.applied(&line).filter(|line| !line.is_empty()) {
            self.0.insert(edit.line, line);
        }
        if self.0.len() > LINES_AT_MOST {
            self.0.pop_first();
        }
    }

    /// What is typed behind the finished line of this number; `None` where that is nothing.
    #[must_use]
    pub fn after(&self, finished: u32) -> Option<String> {
        let lines: Vec<&str> = self
            .0
            .iter()
            .filter(|(line, _)| **line > finished)
            .map(|(_, text)| text.as_str())
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::split_mix;

    /// Sends all that waits, over bytes; gives how many of them.
    fn send(typist: &mut Typist, drafts: &mut Drafts) -> usize {
        let mut bytes = 0;
        while let Some(edit) = typist.next_edit() {
            let message = edit.to_bytes();
            bytes += message.len();
            assert!(message.len() <= 9 + PIECE, "{message:?}");
            drafts.take(&Edit::from_bytes(&message).expect("a change"));
            typist.sent(&edit);
        }
        bytes
    }

    #[test]
    fn a_letter_costs_ten_bytes_wherever_it_is_typed() {
        let (mut typist, mut drafts) = (Typist::default(), Drafts::default());
        typist.write(1, "two\nlines");
        send(&mut typist, &mut drafts);
        assert_eq!(drafts.after(0).as_deref(), Some("two lines"));
        typist.write(1, "");
        send(&mut typist, &mut drafts);
        for (text, bytes) in [
            ("H", 10),
            ("He", 10),
            ("Hle", 10),
            ("Hlle", 10),
            ("Hle", 9),
            ("", 9),
        ] {
            typist.write(1, text);
            assert_eq!(send(&mut typist, &mut drafts), bytes, "{text}");
            assert_eq!(drafts.after(0).unwrap_or_default(), text);
        }
        assert_eq!(typist.next_edit(), None);
    }

    #[test]
    fn the_far_side_has_what_is_typed_after_each_change_whatever_it_is() {
        let letters: Vec<char> = "aá ñ漢🐕b".chars().collect();
        for seed in 0..200 {
            let mut dice = seed;
            let mut next = |n: usize| {
                dice = split_mix(dice);
                (dice % n as u64) as usize
            };
            let (mut typist, mut drafts) = (Typist::default(), Drafts::default());
            let mut text: Vec<char> = Vec::new();
            for _ in 0..60 {
                let (at, cut) = (next(text.len() + 1), next(4));
                let to = (at + cut).min(text.len());
                let new: Vec<char> = (0..next(120)).map(|_| letters[next(letters.len())]).collect();
                text.splice(at..to, new);
                text.truncate(400);
                let whole: String = text.iter().collect();
                typist.write(1, &whole);
                send(&mut typist, &mut drafts);
                assert_eq!(drafts.after(0).unwrap_or_default(), whole, "seed {seed}");
            }
        }
    }

    #[test]
    fn a_finished_line_takes_the_place_of_its_typed_one() {
        let (mut typist, mut drafts) = (Typist::default(), Drafts::default());
        typist.write(1, "the red dog");
        send(&mut typist, &mut drafts);
        typist.write(2, "it bit");
        send(&mut typist, &mut drafts);

        assert_eq!(drafts.after(0).as_deref(), Some("the red dog\nit bit"));
        assert_eq!(drafts.after(1).as_deref(), Some("it bit"));
        assert_eq!(drafts.after(2), None);
    }

    #[test]
    fn what_does_not_fit_or_is_too_much_is_dropped() {
        let edit = |line, at, cut, text: &str| Edit {
            line,
            at,
            cut,
            text: text.into(),
        };
        let mut drafts = Drafts::default();
        drafts.take(&edit(1, 0, 0, "abc"));
        drafts.take(&edit(1, 3, 1, "d"));
        assert_eq!(drafts.after(0), None);
        drafts.take(&edit(1, 0, 0, "two\nlines\u{7}"));
        assert_eq!(drafts.after(0).as_deref(), Some("two lines "));
        for _ in 0..20 {
            drafts.take(&edit(9, 0, 0, &"x".repeat(160)));
            assert!(drafts.after(8).unwrap_or_default().len() <= LINE_AT_MOST);
        }
        for line in 10..30 {
            drafts.take(&edit(line, 0, 0, "y"));
        }
        assert_eq!(drafts.after(0).unwrap_or_default().lines().count(), LINES_AT_MOST);
        for bad in [
            &[][..],
            &[5, 0, 0, 0, 1, 0, 0, 0],
            &[5, 0, 0, 0, 1, 0, 0, 0, 0, 0xff],
            &[2; 12],
        ] {
            assert_eq!(Edit::from_bytes(bad), None, "{bad:?}");
        }
        let mut typist = Typist::default();
        typist.write(1, &"x".repeat(LINE_AT_MOST + 1));
        assert_eq!(typist.next_edit(), None, "too long to be shown while typed");
    }
}
