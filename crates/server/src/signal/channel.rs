//! One direction pair of a signalling session: numbers, acknowledgements, and what must be sent again.

use hms_model::wire::signal::{Frame, ToClient, ToServer};
use std::collections::VecDeque;

/// Messages that may wait for their acknowledgement. A client that leaves more unanswered has to start
/// a new session; what it missed comes with its next sync.
pub const KEEP_AT_MOST: usize = 256;

/// The client no longer answers: its session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// What an arriving frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The next message.
    Next,
    /// One that came before, or no message at all.
    Repeat,
    /// A later one than the next: the client will send the missing ones again, and this one after them.
    Gap,
}

/// Numbers and unacknowledged messages of a session, server side.
#[derive(Debug, Default)]
pub struct Channel {
    sent: u64,
    unacknowledged: VecDeque<(u64, ToClient)>,
    received: u64,
    told: u64,
    /// Number of a hello that came before messages that are sent again after it.
    hello: Option<u64>,
}

impl Channel {
    /// Numbers a message and keeps it until it is acknowledged.
    ///
    /// # Errors
    /// [`Full`] where the client has left too many unanswered.
    pub fn push(&mut self, message: ToClient) -> Result<Frame<ToClient>, Full> {
        if self.unacknowledged.len() >= KEEP_AT_MOST {
            return Err(Full);
        }
        self.sent += 1;
        self.unacknowledged.push_back((self.sent, message.clone()));
        self.told = self.received;
        Ok(Frame {
            seq: self.sent,
            ack: self.received,
            message: Some(message),
        })
    }

    /// Everything that is not acknowledged, to be sent on a new connection.
    pub fn again(&mut self) -> Vec<Frame<ToClient>> {
        self.told = self.received;
        let ack = self.received;
        self.unacknowledged
            .iter()
            .map(|(seq, message)| Frame {
                seq: *seq,
                ack,
                message: Some(message.clone()),
            })
            .collect()
    }

    /// A frame that only acknowledges, where something is not acknowledged yet.
    pub fn acknowledgement(&mut self) -> Option<Frame<ToClient>> {
        (self.told < self.received).then(|| {
            self.told = self.received;
            Frame {
                seq: 0,
                ack: self.received,
                message: None,
            }
        })
    }

    /// Forgets what the client has.
    pub fn acknowledged(&mut self, upto: u64) {
        while self.unacknowledged.front().is_some_and(|(seq, _)| *seq <= upto) {
            self.unacknowledged.pop_front();
        }
    }

    /// Whether a message of this kind waits for its acknowledgement.
    pub fn waits(&self, kind: impl Fn(&ToClient) -> bool) -> bool {
        self.unacknowledged.iter().any(|(_, message)| kind(message))
    }

    /// Takes an arriving frame into account.
    pub fn arrived(&mut self, frame: &Frame<ToServer>) -> Arrival {
        self.acknowledged(frame.ack);
        if frame.message.is_none() || frame.seq <= self.received {
            return Arrival::Repeat;
        }
        if frame.seq != self.received + 1 {
            return Arrival::Gap;
        }
        self.received = frame.seq;
        self.pass_hello();
        Arrival::Next
    }

    /// A hello opens each connection, ahead of what is sent again; its number, if it has one, is counted
    /// when its turn comes.
    pub fn greeted(&mut self, seq: u64) {
        self.hello = (seq > self.received).then_some(seq);
        self.pass_hello();
    }

    fn pass_hello(&mut self) {
        if self.hello == Some(self.received + 1) {
            self.received += 1;
            self.hello = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(seq: u64, ack: u64) -> Frame<ToServer> {
        Frame {
            seq,
            ack,
            message: Some(ToServer::Accept { visit: "v".into() }),
        }
    }

    fn peer() -> ToClient {
        ToClient::Peer {
            visit: "v".into(),
            connected: true,
        }
    }

    #[test]
    fn a_repeated_message_is_known_and_a_later_one_waits_for_the_missing_one() {
        let mut channel = Channel::default();

        assert_eq!(channel.arrived(&accept(1, 0)), Arrival::Next);
        assert_eq!(channel.arrived(&accept(1, 0)), Arrival::Repeat);
        assert_eq!(channel.arrived(&accept(3, 0)), Arrival::Gap);
        assert_eq!(channel.arrived(&accept(2, 0)), Arrival::Next);
        assert_eq!(channel.arrived(&accept(3, 0)), Arrival::Next);
        assert_eq!(channel.acknowledgement().map(|f| f.ack), Some(3));
        assert_eq!(channel.acknowledgement(), None);
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_with_its_number() {
        let mut channel = Channel::default();
        for _ in 0..3 {
            channel.push(peer()).expect("room");
        }
        channel.acknowledged(1);

        assert_eq!(channel.again().iter().map(|f| f.seq).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn a_numbered_hello_before_repeated_messages_leaves_no_hole() {
        let mut channel = Channel::default();
        channel.greeted(1);
        channel.arrived(&accept(2, 0));

        channel.greeted(4);
        assert_eq!(channel.arrived(&accept(3, 0)), Arrival::Next);
        assert_eq!(channel.arrived(&accept(5, 0)), Arrival::Next);
    }

    #[test]
    fn a_silent_client_does_not_fill_the_memory() {
        let mut channel = Channel::default();
        for _ in 0..KEEP_AT_MOST {
            channel.push(peer()).expect("room");
        }
        assert_eq!(channel.push(peer()), Err(Full));
    }
}
