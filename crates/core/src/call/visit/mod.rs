//! The course of a visit: it rings, is answered, carries sound and picture, heals after a cut, and ends.
//!
//! The caller makes every offer, also after a cut: two offers at once would cross.

mod course;
mod show;
mod signals;
mod timers;

use crate::call::typed::Drafts;
use hms_model::time::Timestamp;
use hms_model::view::TextLineView;
use hms_model::wire::signal::{EndedWhy, SdpKind, SharpAnswer, ToClient, ToServer, WireMedia, WireTurn};
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
/// The server ends a visit whose side is away after five minutes, and puts the person on the call-back list; this side
/// ends it a little later, should the server be gone too.
pub const LOST_MS: i64 = 6 * 60_000;

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
    /// The person wants sound alone, both ways, or no longer.
    SoundOnly(bool),
    /// The person wants to see more than the link seems to carry.
    TryPicture,
    /// The person wants a sharp picture of the other side.
    AskSharp,
    /// The person answers the other side's wish for one.
    AnswerSharp(SharpAnswer),
    /// The person wants to be called by telephone.
    CallMe,
    /// The person writes.
    Text(String),
    /// The person types: the line as it is now, not sent yet.
    Typing(String),
    /// The lines that the other side is typing.
    PeerTyping(Drafts),
    /// The engine made an offer.
    OfferReady(String),
    /// The engine made an answer.
    AnswerReady(String),
    /// Sound and picture flow, at first or again.
    MediaUp,
    /// Nothing comes from the far side.
    MediaLost,
    /// This side has come to another network, or has found other ways.
    Moved,
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
    /// Send a picture, or none.
    SetCamera(bool),
    /// Send a picture for a while, whatever the ladder thinks of the link.
    TryPicture,
    /// Show the other side the line of this number as it is typed now.
    ShowTyping {
        /// Number that it will have when it is sent.
        line: u32,
        /// Words so far.
        text: String,
    },
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
    media: WireMedia,
    peer_media: WireMedia,
    peer_away: bool,
    refused: Option<String>,
    phone: bool,
    texts: Vec<TextLineView>,
    drafts: Drafts,
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
            media: WireMedia::default(),
            peer_media: WireMedia::default(),
            peer_away: false,
            refused: None,
            phone: false,
            texts: Vec::new(),
            drafts: Drafts::default(),
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
                self.media.muted = muted;
                self.effects.push_back(VisitEffect::SetMuted(muted));
                self.tell_media();
            }
            VisitInput::Camera(camera) => {
                self.media.camera = camera;
                self.show_or_not();
                self.tell_media();
            }
            VisitInput::SoundOnly(only) => self.sound_only(only),
            VisitInput::TryPicture => self.try_picture(),
            VisitInput::AskSharp => self.ask_sharp(),
            VisitInput::AnswerSharp(answer) => self.answer_sharp(answer),
            VisitInput::CallMe => self.call_me(),
            VisitInput::Text(text) => self.write(now, text),
            VisitInput::Typing(text) => self.typing(text),
            VisitInput::PeerTyping(drafts) if self.is_active() => self.drafts = drafts,
            VisitInput::PeerTyping(_) => (),
            VisitInput::OfferReady(sdp) => self.describe(SdpKind::Offer, sdp),
            VisitInput::AnswerReady(sdp) => self.describe(SdpKind::Answer, sdp),
            VisitInput::MediaUp => self.media_up(now),
            VisitInput::MediaLost => self.media_lost(now),
            VisitInput::Moved => self.moved(),
            VisitInput::EngineFailed => self.engine_failed(now),
            VisitInput::StandIn => {
                self.media.synthetic = true;
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
}

#[cfg(test)]
mod tests;
