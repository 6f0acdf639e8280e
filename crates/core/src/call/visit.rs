//! The course of a visit: it rings, is answered, carries sound and picture, heals after a cut, and ends.
//!
//! The caller makes every offer, also after a cut: two offers at once would cross.

use hms_model::time::Timestamp;
use hms_model::view::{TextLineView, VisitState, VisitView};
use hms_model::wire::signal::{EndedWhy, SdpKind, ToClient, ToServer, WireTurn};
use std::collections::VecDeque;

/// The telephone is offered after this long without an answer, or without sound and picture.
pub const PHONE_MS: i64 = 30_000;
/// The server ends a call that nobody answers after 45 s; this side stops waiting a little later, should the server
/// be gone.
pub const NO_ANSWER_MS: i64 = 50_000;
/// A cut that lasts longer than this is looked after by a new offer; shorter ones heal by themselves.
pub const RESTART_MS: i64 = 5_000;
/// And again so often.
pub const RESTART_AGAIN_MS: i64 = 8_000;
/// After this long away the visit is over.
pub const LOST_MS: i64 = 5 * 60_000;

/// Which side this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Calls, and makes the offers.
    Caller,
    /// Is called.
    Called,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitInput {
    /// The clinician calls. `visit` is a new UUID.
    Call {
        /// Visit.
        visit: String,
        /// Task that it answers.
        task: String,
        /// Name of the other side.
        peer: String,
    },
    /// A message of the server.
    Signal(ToClient),
    /// The person answers.
    Accept,
    /// The person declines.
    Decline,
    /// The person leaves, or gives the call up.
    Leave,
    /// The person mutes or opens the microphone.
    Mute(bool),
    /// The person switches the camera.
    Camera(bool),
    /// The person writes.
    Text(String),
    /// The engine made an offer.
    OfferReady(String),
    /// The engine made an answer.
    AnswerReady(String),
    /// Sound and picture flow, at first or again.
    MediaUp,
    /// Nothing comes from the far side.
    MediaLost,
    /// The engine failed and is gone.
    EngineFailed,
    /// A synthetic device stands in on this side.
    StandIn,
    /// The moment of [`VisitMachine::poll_timeout`] has come.
    Timer,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitEffect {
    /// Send a message to the server.
    Send(ToServer),
    /// Start the engine and make an offer; then [`VisitInput::OfferReady`].
    StartOffer {
        /// Relay.
        turn: Vec<WireTurn>,
    },
    /// Start the engine on the other side's offer; then [`VisitInput::AnswerReady`].
    StartAnswer {
        /// Relay.
        turn: Vec<WireTurn>,
        /// The offer.
        offer: String,
    },
    /// Give the other side's answer to the running engine.
    TakeAnswer(String),
    /// Give the other side's further offer to the running engine; then [`VisitInput::AnswerReady`].
    TakeOffer(String),
    /// Find new paths; then [`VisitInput::OfferReady`].
    Restart,
    /// Mute or open.
    SetMuted(bool),
    /// Switch the camera.
    SetCamera(bool),
    /// Stop the engine.
    StopEngine,
    /// Start or stop the sound of a telephone.
    Ring(bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    None,
    RingingOut {
        since: Timestamp,
        reached: bool,
    },
    RingingIn {
        since: Timestamp,
    },
    Connecting {
        since: Timestamp,
        restart_at: Timestamp,
        turn: Vec<WireTurn>,
    },
    InCall {
        since: Timestamp,
    },
    Reconnecting {
        began: Timestamp,
        lost: Timestamp,
        restart_at: Timestamp,
    },
    Ended {
        why: EndedWhy,
    },
}

/// The machine. One visit at a time; a second ring is declined.
#[derive(Debug, Clone)]
pub struct VisitMachine {
    stage: Stage,
    side: Side,
    id: String,
    task: String,
    peer: String,
    engine: bool,
    muted: bool,
    camera: bool,
    synthetic: bool,
    peer_media: (bool, bool, bool),
    peer_away: bool,
    refused: Option<String>,
    phone: bool,
    texts: Vec<TextLineView>,
    effects: VecDeque<VisitEffect>,
}

impl Default for VisitMachine {
    fn default() -> Self {
        Self {
            stage: Stage::None,
            side: Side::Caller,
            id: String::new(),
            task: String::new(),
            peer: String::new(),
            engine: false,
            muted: false,
            camera: true,
            synthetic: false,
            peer_media: (false, true, false),
            peer_away: false,
            refused: None,
            phone: false,
            texts: Vec::new(),
            effects: VecDeque::new(),
        }
    }
}

impl VisitMachine {
    /// Takes an input in. Drain [`VisitMachine::poll_effect`] afterwards.
    pub fn handle(&mut self, now: Timestamp, input: VisitInput) {
        match input {
            VisitInput::Call { visit, task, peer } => self.call(now, visit, task, peer),
            VisitInput::Signal(message) => self.signal(now, message),
            VisitInput::Accept => self.accept(now),
            VisitInput::Decline => self.decline(),
            VisitInput::Leave => self.leave(),
            VisitInput::Mute(muted) => {
                self.muted = muted;
                self.effects.push_back(VisitEffect::SetMuted(muted));
                self.tell_media();
            }
            VisitInput::Camera(camera) => {
                self.camera = camera;
                self.effects.push_back(VisitEffect::SetCamera(camera));
                self.tell_media();
            }
            VisitInput::Text(text) => self.write(now, text),
            VisitInput::OfferReady(sdp) => self.describe(SdpKind::Offer, sdp),
            VisitInput::AnswerReady(sdp) => self.describe(SdpKind::Answer, sdp),
            VisitInput::MediaUp => self.media_up(now),
            VisitInput::MediaLost => self.media_lost(now),
            VisitInput::EngineFailed => self.engine_failed(now),
            VisitInput::StandIn => {
                self.synthetic = true;
                self.tell_media();
            }
            VisitInput::Timer => (),
        }
        self.timers(now);
    }

    /// The next thing to do, until there is none.
    pub fn poll_effect(&mut self) -> Option<VisitEffect> {
        self.effects.pop_front()
    }

    /// When [`VisitInput::Timer`] is wanted.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let phone = |since: Timestamp| (!self.phone).then(|| since.plus_ms(PHONE_MS));
        let caller = |at: Timestamp| (self.side == Side::Caller).then_some(at);
        match &self.stage {
            Stage::None | Stage::Ended { .. } | Stage::InCall { .. } => None,
            Stage::RingingOut { since, .. } | Stage::RingingIn { since } => phone(*since)
                .into_iter()
                .chain([since.plus_ms(NO_ANSWER_MS)])
                .min(),
            Stage::Connecting {
                since, restart_at, ..
            } => {
                let times = [phone(*since), caller(*restart_at), Some(since.plus_ms(LOST_MS))];
                times.into_iter().flatten().min()
            }
            Stage::Reconnecting { lost, restart_at, .. } => {
                let times = [phone(*lost), caller(*restart_at), Some(lost.plus_ms(LOST_MS))];
                times.into_iter().flatten().min()
            }
        }
    }

    /// True from the first ring to the end: the app does not lock itself.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !matches!(self.stage, Stage::None | Stage::Ended { .. })
    }

    /// Id of the visit, while there is one or the last one's end is shown.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        (self.stage != Stage::None).then_some(self.id.as_str())
    }

    /// Which side this is.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// Code of the server where it refused the last call.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// What the window shows. Figures of the engine are left empty for the client to fill in; so is `phone`'s
    /// number: it is to be shown where [`VisitMachine::offers_phone`].
    #[must_use]
    pub fn view(&self) -> VisitView {
        let (state, since) = match &self.stage {
            Stage::None => (VisitState::None, None),
            Stage::RingingOut { since, reached: true } => (VisitState::RingingOut, Some(*since)),
            Stage::RingingOut {
                since,
                reached: false,
            } => (VisitState::NotConnected, Some(*since)),
            Stage::RingingIn { since } => (VisitState::RingingIn, Some(*since)),
            Stage::Connecting { since, .. } => (VisitState::Connecting, Some(*since)),
            Stage::InCall { since } => (VisitState::InCall, Some(*since)),
            Stage::Reconnecting { began, .. } => (VisitState::Reconnecting, Some(*began)),
            Stage::Ended { .. } => (VisitState::Ended, None),
        };
        let shown = self.stage != Stage::None;
        let (peer_muted, peer_camera, peer_synthetic) = self.peer_media;
        VisitView {
            state,
            id: shown.then(|| self.id.clone()),
            task: shown.then(|| self.task.clone()),
            peer: shown.then(|| self.peer.clone()),
            ended: match &self.stage {
                Stage::Ended { why } => Some(*why),
                _ => None,
            },
            muted: self.muted,
            camera: self.camera,
            synthetic: self.synthetic,
            peer_muted,
            peer_camera,
            peer_synthetic,
            peer_away: self.peer_away,
            since: since.map(Timestamp::as_f64),
            rtt_ms: None,
            loss_permille: None,
            frames: 0,
            frame_numbers: 0,
            last_frame: None,
            path: None,
            relay_protocol: None,
            quality: match state {
                VisitState::Reconnecting => "reconnecting".to_owned(),
                _ => "good".to_owned(),
            },
            texts: self.texts.clone(),
            phone: None,
        }
    }

    /// True where the telephone is to be offered: 30 s without an answer, or without sound and picture.
    #[must_use]
    pub fn offers_phone(&self) -> bool {
        let not_connected = matches!(self.stage, Stage::RingingOut { reached: false, .. });
        self.is_active() && (self.phone || not_connected)
    }

    fn call(&mut self, now: Timestamp, visit: String, task: String, peer: String) {
        if self.is_active() {
            return;
        }
        self.begin(Side::Caller, visit.clone(), task.clone(), peer);
        self.stage = Stage::RingingOut {
            since: now,
            reached: true,
        };
        self.effects
            .push_back(VisitEffect::Send(ToServer::Call { visit, task }));
    }

    /// A new visit; what the person chose for the microphone and camera begins anew.
    fn begin(&mut self, side: Side, id: String, task: String, peer: String) {
        let effects = std::mem::take(&mut self.effects);
        *self = Self {
            side,
            id,
            task,
            peer,
            effects,
            ..Self::default()
        };
    }

    fn signal(&mut self, now: Timestamp, message: ToClient) {
        match message {
            ToClient::Ring { visit, from, task } => self.rung(now, visit, from, task),
            ToClient::Ringing { visit, connected } if visit == self.id => {
                if let Stage::RingingOut { reached, .. } = &mut self.stage {
                    *reached = connected;
                }
            }
            ToClient::Accepted { visit, turn } if visit == self.id => self.accepted(now, turn),
            ToClient::Sdp { visit, kind, sdp } if visit == self.id => self.described(kind, sdp),
            ToClient::Media {
                visit,
                muted,
                camera,
                synthetic,
            } if visit == self.id => {
                self.peer_media = (muted, camera, synthetic);
            }
            ToClient::Text { visit, text } if visit == self.id && self.is_active() => {
                self.texts.push(TextLineView {
                    mine: false,
                    text,
                    at: now.as_f64(),
                });
            }
            ToClient::Peer { visit, connected } if visit == self.id => {
                self.peer_away = !connected;
                // Back on another network: the old paths may be dead without anybody having noticed yet.
                if let (true, Stage::Reconnecting { restart_at, .. }) = (connected, &mut self.stage) {
                    *restart_at = now;
                }
            }
            ToClient::Ended { visit, why } if visit == self.id => self.end(why),
            ToClient::Refused { what, code } if what == "call" && self.side == Side::Caller => {
                if matches!(self.stage, Stage::RingingOut { .. }) {
                    self.refused = Some(code);
                    self.end(EndedWhy::Cancelled);
                }
            }
            ToClient::Refused { what, code } if what == "accept" => {
                if self.side == Side::Called && matches!(self.stage, Stage::Connecting { .. }) {
                    self.refused = Some(code);
                    self.end(EndedWhy::Left);
                }
            }
            // A welcome, a hint to sync, or something about another visit.
            ToClient::Welcome { .. }
            | ToClient::Changed { .. }
            | ToClient::Ringing { .. }
            | ToClient::Accepted { .. }
            | ToClient::Sdp { .. }
            | ToClient::Media { .. }
            | ToClient::Text { .. }
            | ToClient::Peer { .. }
            | ToClient::Ended { .. }
            | ToClient::Refused { .. } => (),
        }
    }

    fn rung(&mut self, now: Timestamp, visit: String, from: String, task: String) {
        if self.is_active() {
            if visit != self.id {
                self.effects
                    .push_back(VisitEffect::Send(ToServer::Decline { visit }));
            }
            return;
        }
        self.begin(Side::Called, visit, task, from);
        self.stage = Stage::RingingIn { since: now };
        self.effects.push_back(VisitEffect::Ring(true));
    }

    fn accept(&mut self, now: Timestamp) {
        if matches!(self.stage, Stage::RingingIn { .. }) {
            self.effects.push_back(VisitEffect::Ring(false));
            self.effects.push_back(VisitEffect::Send(ToServer::Accept {
                visit: self.id.clone(),
            }));
            self.connecting(now, Vec::new());
        }
    }

    fn accepted(&mut self, now: Timestamp, turn: Vec<WireTurn>) {
        match (self.side, &mut self.stage) {
            (Side::Caller, Stage::RingingOut { .. }) => {
                self.connecting(now, turn.clone());
                self.engine = true;
                self.effects.push_back(VisitEffect::StartOffer { turn });
            }
            (Side::Called, Stage::Connecting { turn: kept, .. }) => *kept = turn,
            _ => (),
        }
    }

    fn connecting(&mut self, now: Timestamp, turn: Vec<WireTurn>) {
        self.phone = false;
        let restart_at = now.plus_ms(2 * RESTART_AGAIN_MS);
        self.stage = Stage::Connecting {
            since: now,
            restart_at,
            turn,
        };
    }

    fn describe(&mut self, kind: SdpKind, sdp: String) {
        if self.is_active() {
            let visit = self.id.clone();
            self.effects
                .push_back(VisitEffect::Send(ToServer::Sdp { visit, kind, sdp }));
            if matches!(self.stage, Stage::Connecting { .. }) {
                self.tell_media();
            }
        }
    }

    fn described(&mut self, kind: SdpKind, sdp: String) {
        if !self.is_active() {
            return;
        }
        let turn = match &self.stage {
            Stage::Connecting { turn, .. } => turn.clone(),
            _ => Vec::new(),
        };
        let effect = match (kind, self.side, self.engine) {
            (SdpKind::Answer, Side::Caller, true) => VisitEffect::TakeAnswer(sdp),
            (SdpKind::Offer, Side::Called, true) => VisitEffect::TakeOffer(sdp),
            (SdpKind::Offer, Side::Called, false) => {
                self.engine = true;
                VisitEffect::StartAnswer { turn, offer: sdp }
            }
            // An answer to nobody's offer, or an offer of the side that makes none.
            (SdpKind::Answer, _, _) | (SdpKind::Offer, Side::Caller, _) => return,
        };
        self.effects.push_back(effect);
    }

    fn media_up(&mut self, now: Timestamp) {
        let began = match &self.stage {
            Stage::Connecting { .. } => now,
            Stage::Reconnecting { began, .. } => *began,
            _ => return,
        };
        self.phone = false;
        self.stage = Stage::InCall { since: began };
        self.tell_media();
    }

    fn media_lost(&mut self, now: Timestamp) {
        if let Stage::InCall { since } = self.stage {
            self.stage = Stage::Reconnecting {
                began: since,
                lost: now,
                restart_at: now.plus_ms(RESTART_MS),
            };
        }
    }

    fn engine_failed(&mut self, now: Timestamp) {
        self.media_lost(now);
        if self.is_active() {
            // Nothing can be carried without an engine; the telephone can.
            self.phone = true;
        }
    }

    fn write(&mut self, now: Timestamp, text: String) {
        if self.is_active() && !text.trim().is_empty() {
            let visit = self.id.clone();
            self.texts.push(TextLineView {
                mine: true,
                text: text.clone(),
                at: now.as_f64(),
            });
            self.effects
                .push_back(VisitEffect::Send(ToServer::Text { visit, text }));
        }
    }

    fn tell_media(&mut self) {
        if matches!(
            self.stage,
            Stage::Connecting { .. } | Stage::InCall { .. } | Stage::Reconnecting { .. }
        ) {
            self.effects.push_back(VisitEffect::Send(ToServer::Media {
                visit: self.id.clone(),
                muted: self.muted,
                camera: self.camera,
                synthetic: self.synthetic,
            }));
        }
    }

    fn decline(&mut self) {
        if matches!(self.stage, Stage::RingingIn { .. }) {
            self.effects.push_back(VisitEffect::Send(ToServer::Decline {
                visit: self.id.clone(),
            }));
            self.end(EndedWhy::Declined);
        }
    }

    fn leave(&mut self) {
        let visit = self.id.clone();
        match &self.stage {
            Stage::None | Stage::Ended { .. } => (),
            Stage::RingingIn { .. } => self.decline(),
            Stage::RingingOut { .. } => {
                self.effects
                    .push_back(VisitEffect::Send(ToServer::Decline { visit }));
                self.end(EndedWhy::Cancelled);
            }
            Stage::Connecting { .. } | Stage::InCall { .. } | Stage::Reconnecting { .. } => {
                self.effects
                    .push_back(VisitEffect::Send(ToServer::Leave { visit }));
                self.end(EndedWhy::Left);
            }
        }
    }

    fn end(&mut self, why: EndedWhy) {
        if !self.is_active() {
            return;
        }
        if matches!(self.stage, Stage::RingingIn { .. }) {
            self.effects.push_back(VisitEffect::Ring(false));
        }
        if std::mem::take(&mut self.engine) {
            self.effects.push_back(VisitEffect::StopEngine);
        }
        self.peer_away = false;
        self.stage = Stage::Ended { why };
    }

    fn timers(&mut self, now: Timestamp) {
        let offer = self.side == Side::Caller && self.engine;
        let mut over = None;
        match &mut self.stage {
            Stage::None | Stage::Ended { .. } | Stage::InCall { .. } => (),
            Stage::RingingOut { since, .. } | Stage::RingingIn { since } => {
                let waited = now.since_ms(*since);
                self.phone |= waited >= PHONE_MS;
                over = (waited >= NO_ANSWER_MS).then_some(EndedWhy::NoAnswer);
            }
            Stage::Connecting {
                since, restart_at, ..
            } => {
                let waited = now.since_ms(*since);
                self.phone |= waited >= PHONE_MS;
                over = (waited >= LOST_MS).then_some(EndedWhy::Lost);
                restart(&mut self.effects, restart_at, now, offer);
            }
            Stage::Reconnecting { lost, restart_at, .. } => {
                let waited = now.since_ms(*lost);
                self.phone |= waited >= PHONE_MS;
                over = (waited >= LOST_MS).then_some(EndedWhy::Lost);
                restart(&mut self.effects, restart_at, now, offer);
            }
        }
        if let Some(why) = over {
            let visit = self.id.clone();
            let message = match why {
                EndedWhy::Lost => ToServer::Leave { visit },
                _ => ToServer::Decline { visit },
            };
            // The server ends an unanswered call itself, and makes the call-back; only a caller says so once more.
            if self.side == Side::Caller || why == EndedWhy::Lost {
                self.effects.push_back(VisitEffect::Send(message));
            }
            self.end(why);
        }
    }
}

fn restart(effects: &mut VecDeque<VisitEffect>, restart_at: &mut Timestamp, now: Timestamp, offer: bool) {
    if now >= *restart_at {
        *restart_at = now.plus_ms(RESTART_AGAIN_MS);
        if offer {
            effects.push_back(VisitEffect::Restart);
        }
    }
}

#[cfg(test)]
#[path = "visit_tests.rs"]
mod tests;
