//! The signalling hub: sessions, presence and visits. Decides only; [`super::run`] does what it says.
//!
//! Drain [`Hub::poll_effect`] after every [`Hub::handle`]; call [`Hub::handle`] with [`Input::Tick`] at
//! [`Hub::poll_timeout`].

use super::channel::{Arrival, Channel};
use super::turn::TurnIssuer;
use super::visit::{Party, Visit};
use hms_model::time::Timestamp;
use hms_model::wire::signal::{EndedWhy, Frame, ToClient, ToServer, WireTurn};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// One connection: a WebSocket, or one long poll.
pub type ConnId = u64;

/// How long a session can be resumed after its connection ended: longer than a visit waits.
pub const SESSION_KEEP_MS: i64 = 6 * 60_000;
/// How long a client that polls may be between two polls and still count as connected.
pub const POLL_GAP_MS: i64 = 10_000;
/// A connection on which nothing is heard for this long is given up; clients send their link every 15 s.
pub const SILENCE_MS: i64 = 40_000;

/// The kind of connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket: it is there until it closes.
    Socket,
    /// A long poll: it ends with each answer, and comes again.
    Poll,
}

/// The beginning of a connection.
#[derive(Debug, Clone)]
pub struct Greeting {
    /// The connection.
    pub conn: ConnId,
    /// Its kind.
    pub transport: Transport,
    /// Account and device.
    pub party: Party,
    /// Session to go on with.
    pub resume: Option<String>,
    /// Id for a new session.
    pub fresh: String,
    /// Number of the hello.
    pub seq: u64,
    /// What the client has received of the session.
    pub ack: u64,
}

/// What happens to the hub.
#[derive(Debug, Clone)]
pub enum Input {
    /// A connection opened with its hello.
    Hello(Greeting),
    /// A frame came in.
    Frame {
        /// On this connection.
        conn: ConnId,
        /// The frame.
        frame: Frame<ToServer>,
    },
    /// A connection ended.
    Closed {
        /// Which.
        conn: ConnId,
    },
    /// The Encounter of a call exists, and this is who is called.
    CallReady {
        /// Visit.
        visit: String,
        /// Account to ring; `None` where the patient has none.
        callee: Option<String>,
        /// Name and role of the caller.
        from: String,
    },
    /// The call may not be made.
    CallRefused {
        /// Visit.
        visit: String,
        /// Why: a code of [`ToClient::Refused`].
        code: &'static str,
    },
    /// Something in an account's scope changed.
    Changed {
        /// Account.
        user: String,
        /// Resource types.
        types: BTreeSet<String>,
    },
    /// An account or device lost its access.
    Revoked {
        /// Account and device.
        party: Party,
    },
    /// Time has passed.
    Tick,
}

/// What is to be recorded of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitEvent {
    /// No device of the person is connected: a call-back Task.
    Unreachable,
    /// Answered: the Encounter runs.
    Accepted,
    /// Ended: the Encounter is finished or cancelled; after no answer a call-back Task.
    Ended(EndedWhy),
}

/// What the hub wants done.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Send a frame.
    Send {
        /// To this connection.
        conn: ConnId,
        /// The frame.
        frame: Frame<ToClient>,
    },
    /// Close a connection.
    Close {
        /// Which.
        conn: ConnId,
    },
    /// Check a call and make its Encounter, then answer [`Input::CallReady`] or [`Input::CallRefused`].
    Prepare {
        /// Visit.
        visit: String,
        /// Task.
        task: String,
        /// Caller.
        caller: Party,
    },
    /// Record a step of a visit.
    Record {
        /// Visit.
        visit: String,
        /// Step.
        event: VisitEvent,
    },
    /// Let the bearer of this credential use the relay.
    Relay {
        /// The credential as it was handed out.
        turn: WireTurn,
    },
    /// An account became connected or not, or told its link.
    Presence {
        /// Account.
        user: String,
        /// Whether any device of it is connected.
        connected: bool,
        /// Round trip in ms and loss in thousandths, where it told them now.
        link: Option<(u32, u32)>,
    },
}

/// Why [`Hub::poll_timeout`] wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeReason {
    /// A connection was silent for too long.
    Silence,
    /// A poll did not come again.
    PollGap,
    /// A session can no longer be resumed.
    SessionOver,
    /// A visit rang or waited for long enough.
    VisitDeadline,
}

pub(super) struct Session {
    pub(super) party: Party,
    pub(super) transport: Transport,
    pub(super) conn: Option<ConnId>,
    /// Whether others see this device as connected; a poll's gap does not change it.
    pub(super) connected: bool,
    pub(super) heard: Timestamp,
    pub(super) channel: Channel,
    /// Types of changes to hint at, once the last hint is acknowledged.
    pub(super) hint: BTreeSet<String>,
}

/// The hub.
pub struct Hub {
    pub(super) turn: TurnIssuer,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) by_conn: HashMap<ConnId, String>,
    pub(super) visits: BTreeMap<String, Visit>,
    pub(super) effects: VecDeque<Effect>,
}

impl Hub {
    /// A hub that hands out credentials of this relay.
    #[must_use]
    pub fn new(turn: TurnIssuer) -> Self {
        Self {
            turn,
            sessions: BTreeMap::new(),
            by_conn: HashMap::new(),
            visits: BTreeMap::new(),
            effects: VecDeque::new(),
        }
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to call again with [`Input::Tick`], and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Timestamp, WakeReason)> {
        let sessions = self.sessions.values().map(Session::deadline);
        let visits = self
            .visits
            .values()
            .filter_map(|v| Some((v.deadline()?, WakeReason::VisitDeadline)));
        sessions.chain(visits).min_by_key(|(at, _)| *at)
    }

    /// Whether any device of an account is connected.
    #[must_use]
    pub fn is_connected(&self, user: &str) -> bool {
        self.sessions
            .values()
            .any(|s| s.connected && s.party.user == user)
    }

    /// Takes one thing that happened into account.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Hello(greeting) => self.hello(now, greeting),
            Input::Frame { conn, frame } => self.frame(now, conn, frame),
            Input::Closed { conn } => self.closed(now, conn),
            Input::CallReady { visit, callee, from } => self.call_ready(now, &visit, callee, from),
            Input::CallRefused { visit, code } => self.call_refused(&visit, code),
            Input::Changed { user, types } => self.changed(&user, &types),
            Input::Revoked { party } => self.revoked(now, &party),
            Input::Tick => self.tick(now),
        }
        self.acknowledge();
    }

    fn hello(&mut self, now: Timestamp, greeting: Greeting) {
        let Greeting {
            conn,
            transport,
            mut party,
            resume,
            fresh,
            seq,
            ack,
        } = greeting;
        let resumed = resume.filter(|id| self.sessions.get(id).is_some_and(|s| s.party.is(&party)));
        if let Some(session) = resumed.as_ref().and_then(|id| self.sessions.get(id)) {
            party = session.party.clone();
        }
        let id = match &resumed {
            Some(id) => id.clone(),
            None => {
                self.replace_old_session(&party);
                fresh
            }
        };
        let session = self.sessions.entry(id.clone()).or_insert_with(|| Session {
            party: party.clone(),
            transport,
            conn: None,
            connected: false,
            heard: now,
            channel: Channel::default(),
            hint: BTreeSet::new(),
        });
        let old = session.conn.replace(conn);
        session.transport = transport;
        session.heard = now;
        session.channel.acknowledged(ack);
        session.channel.greeted(seq);
        let again = session.channel.again();
        self.by_conn.insert(conn, id.clone());
        if let Some(old) = old.filter(|old| *old != conn) {
            self.by_conn.remove(&old);
            self.effects.push_back(Effect::Close { conn: old });
        }
        self.effects
            .extend(again.into_iter().map(|frame| Effect::Send { conn, frame }));
        // A poll that goes on is not greeted each time: it knows its session.
        if transport == Transport::Socket || resumed.is_none() {
            self.send(
                &id,
                ToClient::Welcome {
                    session: id.clone(),
                    resumed: resumed.is_some(),
                    // Credentials come with a call, for that call.
                    turn: Vec::new(),
                },
            );
        }
        self.set_connected(now, &id, true);
        self.flush_hint(&id);
    }

    /// A device has one session: the one before ends without a goodbye, and the visit goes on in the new one.
    fn replace_old_session(&mut self, party: &Party) {
        let old: Vec<String> = self
            .sessions
            .iter()
            .filter(|(_, s)| s.party == *party)
            .map(|(id, _)| id.clone())
            .collect();
        for id in old {
            if let Some(conn) = self.sessions.remove(&id).and_then(|s| s.conn) {
                self.by_conn.remove(&conn);
                self.effects.push_back(Effect::Close { conn });
            }
        }
    }

    fn frame(&mut self, now: Timestamp, conn: ConnId, frame: Frame<ToServer>) {
        let Some(id) = self.by_conn.get(&conn).cloned() else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.heard = now;
        let arrival = session.channel.arrived(&frame);
        let party = session.party.clone();
        self.flush_hint(&id);
        match (arrival, frame.message) {
            (Arrival::Next, Some(message)) => self.message(now, &id, &party, message),
            (Arrival::Next | Arrival::Repeat | Arrival::Gap, _) => {}
        }
    }

    fn message(&mut self, now: Timestamp, session: &str, party: &Party, message: ToServer) {
        match message {
            ToServer::Hello { .. } => {}
            ToServer::Link {
                rtt_ms,
                loss_permille,
            } => {
                let link = Some((rtt_ms, loss_permille));
                self.effects.push_back(Effect::Presence {
                    user: party.user.clone(),
                    connected: true,
                    link,
                });
            }
            ToServer::Call { visit, task } => self.call(session, party, visit, task),
            ToServer::Accept { visit } => self.accept(now, session, party, &visit),
            ToServer::Decline { visit } => self.decline(session, party, &visit),
            ToServer::Leave { visit, lost } => self.leave(session, party, &visit, lost),
            ToServer::Sdp { visit, kind, sdp } => {
                let message = ToClient::Sdp {
                    visit: visit.clone(),
                    kind,
                    sdp,
                };
                self.relay(session, party, &visit, "sdp", message);
            }
            ToServer::Media { visit, media } => {
                let message = ToClient::Media {
                    visit: visit.clone(),
                    media,
                };
                self.relay(session, party, &visit, "media", message);
            }
            ToServer::Text { visit, number, text } => {
                let message = ToClient::Text {
                    visit: visit.clone(),
                    number,
                    text,
                };
                self.relay(session, party, &visit, "text", message);
            }
        }
    }

    fn closed(&mut self, now: Timestamp, conn: ConnId) {
        let Some(id) = self.by_conn.remove(&conn) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.conn = None;
        session.heard = now;
        if session.transport == Transport::Socket {
            self.set_connected(now, &id, false);
        }
    }

    fn revoked(&mut self, now: Timestamp, party: &Party) {
        let ids: Vec<String> = self
            .sessions
            .iter()
            .filter(|(_, s)| s.party == *party)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.drop_session(now, &id);
        }
    }

    /// Ends a session for good, with its connection.
    pub(super) fn drop_session(&mut self, now: Timestamp, id: &str) {
        self.set_connected(now, id, false);
        if let Some(conn) = self.sessions.remove(id).and_then(|s| s.conn) {
            self.by_conn.remove(&conn);
            self.effects.push_back(Effect::Close { conn });
        }
    }

    fn set_connected(&mut self, now: Timestamp, id: &str, connected: bool) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let party = session.party.clone();
        let news = session.connected != connected;
        session.connected = connected;
        if news {
            let any = self.is_connected(&party.user);
            self.effects.push_back(Effect::Presence {
                user: party.user.clone(),
                connected: any,
                link: None,
            });
        }
        self.presence_of_visits(now, &party, connected);
        if connected && news {
            self.ring_newcomer(id, &party);
        }
    }

    fn changed(&mut self, user: &str, types: &BTreeSet<String>) {
        let ids: Vec<String> = self
            .sessions
            .iter()
            .filter(|(_, s)| s.party.user == user)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            if let Some(session) = self.sessions.get_mut(&id) {
                session.hint.extend(types.iter().cloned());
            }
            self.flush_hint(&id);
        }
    }

    /// At most one hint waits for its acknowledgement; later ones are added up meanwhile, and kept for a
    /// session that is away.
    fn flush_hint(&mut self, id: &str) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let waits = session.channel.waits(|m| matches!(m, ToClient::Changed { .. }));
        if session.hint.is_empty() || session.conn.is_none() || waits {
            return;
        }
        let types = std::mem::take(&mut session.hint).into_iter().collect();
        self.send(id, ToClient::Changed { types });
    }

    /// Relay credentials for an account in a visit; the relay learns them before their bearer does.
    pub(super) fn issue(&mut self, user: &str, visit: &str, now: Timestamp) -> Vec<WireTurn> {
        let turns = self.turn.issue(user, visit, now);
        self.effects
            .extend(turns.first().map(|turn| Effect::Relay { turn: turn.clone() }));
        turns
    }

    /// Queues a message on a session, and sends it where a connection is there. A session whose client
    /// stopped acknowledging ends.
    pub(super) fn send(&mut self, id: &str, message: ToClient) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        match session.channel.push(message) {
            Ok(frame) => {
                if let Some(conn) = session.conn {
                    self.effects.push_back(Effect::Send { conn, frame });
                }
            }
            Err(super::channel::Full) => {
                let at = session.heard;
                self.drop_session(at, id);
            }
        }
    }

    /// Sends to the session of one party.
    pub(super) fn send_to(&mut self, party: &Party, message: ToClient) {
        let id = self
            .sessions
            .iter()
            .find(|(_, s)| s.party == *party)
            .map(|(id, _)| id.clone());
        if let Some(id) = id {
            self.send(&id, message);
        }
    }

    /// Sends to every session of an account, connected or resumable.
    pub(super) fn send_to_user(&mut self, user: &str, message: &ToClient) {
        let ids: Vec<String> = self
            .sessions
            .iter()
            .filter(|(_, s)| s.party.user == user)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.send(&id, message.clone());
        }
    }

    fn acknowledge(&mut self) {
        for session in self.sessions.values_mut() {
            let Some(conn) = session.conn else { continue };
            if let Some(frame) = session.channel.acknowledgement() {
                self.effects.push_back(Effect::Send { conn, frame });
            }
        }
    }

    fn tick(&mut self, now: Timestamp) {
        let due: Vec<(String, WakeReason)> = self
            .sessions
            .iter()
            .map(|(id, s)| (id.clone(), s.deadline()))
            .filter(|(_, (at, _))| *at <= now)
            .map(|(id, (_, why))| (id, why))
            .collect();
        for (id, why) in due {
            match why {
                WakeReason::Silence => {
                    let conn = self.sessions.get(&id).and_then(|s| s.conn);
                    if let Some(conn) = conn {
                        self.effects.push_back(Effect::Close { conn });
                        self.closed(now, conn);
                    }
                }
                WakeReason::PollGap => self.set_connected(now, &id, false),
                WakeReason::SessionOver => self.drop_session(now, &id),
                WakeReason::VisitDeadline => {}
            }
        }
        self.tick_visits(now);
    }
}

impl Session {
    fn deadline(&self) -> (Timestamp, WakeReason) {
        match (self.conn, self.transport, self.connected) {
            (Some(_), _, _) => (self.heard.plus_ms(SILENCE_MS), WakeReason::Silence),
            (None, Transport::Poll, true) => (self.heard.plus_ms(POLL_GAP_MS), WakeReason::PollGap),
            (None, _, _) => (self.heard.plus_ms(SESSION_KEEP_MS), WakeReason::SessionOver),
        }
    }
}
