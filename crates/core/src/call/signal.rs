//! The client's end of the signalling session: numbers, acknowledgements, and what is sent again after a cut.
//!
//! One session runs over any number of connections, WebSocket and long poll alike. The hello that opens a
//! connection has no number, because it comes before messages that are sent again.

use hms_model::wire::signal::{Frame, ToClient, ToServer, WirePoll, WirePolled};
use std::collections::VecDeque;

/// Messages that wait for their acknowledgement at most; more mean that the server is long gone.
pub const KEEP_AT_MOST: usize = 200;

/// The session.
#[derive(Debug, Clone, Default)]
pub struct SignalSession {
    device: String,
    session: Option<String>,
    live: bool,
    sent: u64,
    kept: VecDeque<(u64, ToServer)>,
    received: u64,
    told: u64,
    out: VecDeque<Frame<ToServer>>,
}

impl SignalSession {
    /// A session of this device, not connected.
    #[must_use]
    pub fn new(device: &str) -> Self {
        Self {
            device: device.to_owned(),
            ..Self::default()
        }
    }

    /// True once the server has welcomed the connection.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// A WebSocket opened: its first frame is the hello. Nothing else goes out before the welcome, because only
    /// that says how messages are numbered.
    pub fn connected(&mut self) {
        self.live = false;
        self.out.clear();
        let hello = ToServer::Hello {
            device: self.device.clone(),
            session: self.session.clone(),
        };
        self.out.push_back(Frame {
            seq: 0,
            ack: self.received,
            message: Some(hello),
        });
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.live = false;
        self.out.clear();
    }

    /// Sends a message, now or when the session is live again. The link's state is only worth something now.
    ///
    /// Nothing that has a number is taken back: the other side waits for each number in turn, and a gap would hold up
    /// everything after it.
    pub fn send(&mut self, message: ToServer) {
        if !self.live && matches!(message, ToServer::Link { .. }) {
            return;
        }
        if self.kept.len() >= KEEP_AT_MOST {
            self.kept.pop_front();
        }
        self.sent += 1;
        self.kept.push_back((self.sent, message.clone()));
        if self.live {
            self.told = self.received;
            self.out.push_back(Frame {
                seq: self.sent,
                ack: self.received,
                message: Some(message),
            });
        }
    }

    /// Takes an arriving frame. Gives its message the first time that it arrives, in order; `None` for a
    /// repetition, a bare acknowledgement, or one that came before its turn (it will be sent again).
    pub fn arrived(&mut self, frame: Frame<ToClient>) -> Option<ToClient> {
        if let Some(ToClient::Welcome { session, .. }) = &frame.message {
            self.welcomed(session.clone(), &frame);
            return frame.message;
        }
        self.acknowledged(frame.ack);
        let message = frame.message?;
        // After the last number there is no next.
        if Some(frame.seq) != self.received.checked_add(1) {
            return None;
        }
        self.received = frame.seq;
        Some(message)
    }

    /// The next frame for the WebSocket.
    pub fn poll_frame(&mut self) -> Option<Frame<ToServer>> {
        if let Some(frame) = self.out.pop_front() {
            return Some(frame);
        }
        if self.live && self.told < self.received {
            self.told = self.received;
            return Some(Frame {
                seq: 0,
                ack: self.received,
                message: None,
            });
        }
        None
    }

    /// The body of the next long poll: everything that is not acknowledged goes along each time.
    pub fn poll_body(&mut self) -> WirePoll {
        self.out.clear();
        self.told = self.received;
        let ack = self.received;
        let mut frames: Vec<Frame<ToServer>> = Vec::with_capacity(self.kept.len() + 1);
        match &self.session {
            None => {
                let hello = ToServer::Hello {
                    device: self.device.clone(),
                    session: None,
                };
                frames.push(Frame {
                    seq: 0,
                    ack,
                    message: Some(hello),
                });
            }
            Some(_) if self.kept.is_empty() => frames.push(Frame {
                seq: 0,
                ack,
                message: None,
            }),
            Some(_) => {
                let again = self.kept.iter().map(|(seq, message)| (*seq, message.clone()));
                frames.extend(again.map(|(seq, message)| Frame {
                    seq,
                    ack,
                    message: Some(message),
                }));
            }
        }
        WirePoll {
            session: self.session.clone(),
            frames,
        }
    }

    /// The answer of a long poll. Gives the new messages in order.
    pub fn polled(&mut self, answer: WirePolled) -> Vec<ToClient> {
        if self.session.as_deref() != Some(answer.session.as_str()) {
            // The server no longer knows the session that we asked for.
            self.start_over(answer.session.clone());
        }
        self.live = true;
        let messages = answer
            .frames
            .into_iter()
            .filter_map(|frame| self.arrived(frame))
            .collect();
        // What is kept goes along with the next poll; there is no connection to send it on.
        self.out.clear();
        messages
    }

    fn welcomed(&mut self, session: String, frame: &Frame<ToClient>) {
        if self.session.as_ref() == Some(&session) {
            self.acknowledged(frame.ack);
        } else {
            self.start_over(session);
        }
        self.received = self.received.max(frame.seq);
        self.live = true;
        self.out.clear();
        self.told = self.received;
        let ack = self.received;
        let again = self.kept.iter().map(|(seq, message)| (*seq, message.clone()));
        self.out.extend(again.map(|(seq, message)| Frame {
            seq,
            ack,
            message: Some(message),
        }));
    }

    /// A new session counts from 1 on both sides; what was not acknowledged is sent in it.
    fn start_over(&mut self, session: String) {
        self.session = Some(session);
        self.received = 0;
        self.told = 0;
        self.sent = 0;
        self.kept
            .retain(|(_, message)| !matches!(message, ToServer::Link { .. }));
        for (seq, _) in &mut self.kept {
            self.sent += 1;
            *seq = self.sent;
        }
    }

    fn acknowledged(&mut self, upto: u64) {
        while self.kept.front().is_some_and(|(seq, _)| *seq <= upto) {
            self.kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::split_mix;

    /// The server's side of the same protocol, as small as it can be.
    #[derive(Default)]
    struct Server {
        number: u64,
        known: Option<String>,
        got: Vec<String>,
        received: u64,
        sent: u64,
        kept: VecDeque<(u64, ToClient)>,
    }

    impl Server {
        fn push(&mut self, message: ToClient) -> Frame<ToClient> {
            self.sent += 1;
            self.kept.push_back((self.sent, message.clone()));
            Frame {
                seq: self.sent,
                ack: self.received,
                message: Some(message),
            }
        }

        fn arrived(&mut self, frame: Frame<ToServer>) -> Vec<Frame<ToClient>> {
            while self.kept.front().is_some_and(|(seq, _)| *seq <= frame.ack) {
                self.kept.pop_front();
            }
            match frame.message {
                Some(ToServer::Hello { session, .. }) => {
                    let resumed = session.is_some() && session == self.known;
                    if !resumed {
                        self.number += 1;
                        let got = std::mem::take(&mut self.got);
                        *self = Self {
                            number: self.number,
                            got,
                            ..Self::default()
                        };
                        self.known = Some(format!("s{}", self.number));
                    }
                    let ack = self.received;
                    let mut out: Vec<_> = self
                        .kept
                        .iter()
                        .map(|(seq, m)| Frame {
                            seq: *seq,
                            ack,
                            message: Some(m.clone()),
                        })
                        .collect();
                    let session = self.known.clone().unwrap_or_default();
                    out.push(self.push(ToClient::Welcome {
                        session,
                        resumed,
                        turn: vec![],
                    }));
                    out
                }
                Some(ToServer::Text { text, .. }) if frame.seq == self.received + 1 => {
                    self.received = frame.seq;
                    self.got.push(text.clone());
                    vec![self.push(ToClient::Text {
                        number: 0,
                        visit: "v".into(),
                        text,
                    })]
                }
                _ => vec![],
            }
        }
    }

    #[test]
    fn every_text_arrives_once_and_in_order_whatever_is_cut() {
        for seed in 0..400 {
            let (mut dice, mut session, mut server) = (seed, SignalSession::new("d"), Server::default());
            let mut next = |n: u64| {
                dice = split_mix(dice);
                dice % n
            };
            let (mut echoed, mut written) = (Vec::new(), 0);
            let mut up = false;
            for step in 0..300 {
                if !up {
                    session.connected();
                    up = true;
                }
                if step < 200 && next(3) == 0 {
                    session.send(ToServer::Text {
                        number: 0,
                        visit: "v".into(),
                        text: written.to_string(),
                    });
                    written += 1;
                }
                while let Some(frame) = session.poll_frame() {
                    // Cut before the server has it, or before its answer is here.
                    if step < 280 && next(12) == 0 {
                        up = false;
                    }
                    let answers = if up { server.arrived(frame) } else { vec![] };
                    for answer in answers {
                        if step < 280 && next(12) == 0 {
                            up = false;
                        }
                        if up {
                            if let Some(ToClient::Text { text, .. }) = session.arrived(answer) {
                                echoed.push(text);
                            }
                        }
                    }
                    if !up {
                        session.disconnected();
                        break;
                    }
                }
            }
            let expected: Vec<String> = (0..written).map(|n| n.to_string()).collect();
            assert_eq!(server.got, expected, "seed {seed}");
            assert_eq!(echoed, expected, "seed {seed}");
        }
    }

    #[test]
    fn a_session_that_the_server_forgot_starts_over_with_what_was_unsent() {
        let mut session = SignalSession::new("d");
        session.connected();
        let hello = session.poll_frame().expect("hello");
        assert_eq!(
            hello.message,
            Some(ToServer::Hello {
                device: "d".into(),
                session: None
            })
        );
        let welcome = |id: &str, resumed| {
            Some(ToClient::Welcome {
                session: id.into(),
                resumed,
                turn: vec![],
            })
        };
        session.arrived(Frame {
            seq: 1,
            ack: 0,
            message: welcome("a", false),
        });
        session.send(ToServer::Accept { visit: "v".into() });
        session.disconnected();

        session.connected();
        session.arrived(Frame {
            seq: 1,
            ack: 0,
            message: welcome("b", false),
        });

        session.poll_frame().expect("accept again");
        assert_eq!(session.kept, [(1, ToServer::Accept { visit: "v".into() })]);
        assert_eq!(session.session.as_deref(), Some("b"));
    }

    #[test]
    fn the_long_poll_carries_the_same_session_on() {
        let mut session = SignalSession::new("d");
        session.send(ToServer::Accept { visit: "v".into() });
        let body = session.poll_body();
        assert_eq!((body.session, body.frames.len()), (None, 1));

        let welcome = ToClient::Welcome {
            session: "a".into(),
            resumed: false,
            turn: vec![],
        };
        let frames = vec![Frame {
            seq: 1,
            ack: 0,
            message: Some(welcome),
        }];
        session.polled(WirePolled {
            session: "a".into(),
            frames,
        });

        let body = session.poll_body();
        assert_eq!(body.session.as_deref(), Some("a"));
        let accept = Frame {
            seq: 1,
            ack: 1,
            message: Some(ToServer::Accept { visit: "v".into() }),
        };
        assert_eq!(body.frames, [accept]);
        session.polled(WirePolled {
            session: "a".into(),
            frames: vec![Frame {
                seq: 0,
                ack: 1,
                message: None,
            }],
        });
        assert_eq!(
            session.poll_body().frames,
            [Frame {
                seq: 0,
                ack: 1,
                message: None
            }]
        );
    }

    #[test]
    fn a_welcome_with_the_last_number_leaves_no_next_one() {
        let mut session = SignalSession::new("phone");
        session.connected();
        session.arrived(Frame {
            seq: u64::MAX,
            ack: 0,
            message: Some(ToClient::Welcome {
                session: "s1".into(),
                resumed: false,
                turn: vec![],
            }),
        });

        let text = ToClient::Text {
            visit: "v".into(),
            number: 0,
            text: "zero is no number".into(),
        };
        let frame = Frame {
            seq: 0,
            ack: 0,
            message: Some(text),
        };

        assert_eq!(session.arrived(frame), None);
    }

    #[test]
    fn what_is_told_while_away_leaves_no_gap_in_the_numbers() {
        let mut session = SignalSession::new("phone");
        session.polled(WirePolled {
            session: "s1".into(),
            frames: Vec::new(),
        });
        session.disconnected();
        let media = |muted| ToServer::Media {
            visit: "v".into(),
            media: hms_model::wire::signal::WireMedia {
                muted,
                ..Default::default()
            },
        };
        session.send(media(true));
        session.send(media(false));
        session.send(ToServer::Text {
            number: 0,
            visit: "v".into(),
            text: "after".into(),
        });

        let numbers: Vec<u64> = session.poll_body().frames.iter().map(|f| f.seq).collect();

        assert_eq!(numbers, [1, 2, 3], "the other side waits for each in turn");
    }
}
