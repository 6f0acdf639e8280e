//! TURN's messages on a TCP stream (RFC 8656, 12.5 and RFC 8489, 6.2.2), for the client and for the relay.
//!
//! On a stream, channel data is padded to four bytes. `turn-types` 0.7.3 neither writes nor expects the padding
//! (and guesses at messages that come in pieces), so it is given whole messages without it, one at a time.

/// Longer than any message that a client of ours sends; a longer one ends the connection.
const MAX_MESSAGE: usize = 16 * 1024;

/// The stream is not TURN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream is not TURN")]
pub struct NotTurn;

/// Bytes that have come and are not yet a message.
#[derive(Debug, Default)]
pub struct Framing(Vec<u8>);

impl Framing {
    /// Takes bytes as they come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole message, without its padding; `None` until more bytes come.
    ///
    /// # Errors
    /// [`NotTurn`] where the stream is something else.
    pub fn next_message(&mut self) -> Result<Option<Vec<u8>>, NotTurn> {
        let &[first, _, high, low, ..] = self.0.as_slice() else {
            return Ok(None);
        };
        let body = usize::from(u16::from_be_bytes([high, low]));
        let length = match first >> 6 {
            0 => 20 + body,
            1 => 4 + body,
            _ => return Err(NotTurn),
        };
        let padded = length.next_multiple_of(4);
        if padded > MAX_MESSAGE {
            return Err(NotTurn);
        }
        if self.0.len() < padded {
            return Ok(None);
        }
        let rest = self.0.split_off(padded);
        let mut message = std::mem::replace(&mut self.0, rest);
        message.truncate(length);
        Ok(Some(message))
    }
}

/// A message as a stream carries it.
#[must_use]
pub fn padded(mut message: Vec<u8>) -> Vec<u8> {
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_wherever_the_stream_is_split() {
        let mut stream = vec![0, 1, 0, 4];
        stream.extend([7; 20]);
        stream.extend([0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0]);
        stream.extend([0x40, 1, 0, 0]);

        for size in 1..stream.len() {
            let mut framing = Framing::default();
            let mut lengths = Vec::new();
            for part in stream.chunks(size) {
                framing.push(part);
                while let Some(message) = framing.next_message().unwrap() {
                    lengths.push(message.len());
                }
            }
            assert_eq!(lengths, [24, 9, 4], "split every {size}");
        }
    }

    #[test]
    fn what_is_padded_is_cut_back() {
        let message = vec![0x40, 0, 0, 5, 1, 2, 3, 4, 5];
        let mut framing = Framing::default();

        framing.push(&padded(message.clone()));
        framing.push(&padded(message.clone()));

        assert_eq!(framing.next_message(), Ok(Some(message.clone())));
        assert_eq!(framing.next_message(), Ok(Some(message)));
        assert_eq!(framing.next_message(), Ok(None));
    }

    #[test]
    fn something_else_is_refused() {
        let mut framing = Framing::default();
        framing.push(b"\xffET / HTTP/1.1");

        assert_eq!(framing.next_message(), Err(NotTurn));
    }
}
