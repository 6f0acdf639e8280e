//! What the page asks of its call.

use hms_core::call::quality::Link;
use hms_core::call::visit::VisitInput;
use hms_model::time::Timestamp;
use hms_model::view::VisitView;
use hms_model::wire::signal::{Frame, SdpKind, ToClient, WirePolled};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// The page begins, with an id of its own.
    Hello { device: String },
    /// A WebSocket opened.
    Connected,
    /// It closed.
    Disconnected,
    /// A frame of it.
    Frame { now: Timestamp, frame: Frame<ToClient> },
    /// The body of the next long poll is wanted.
    PollBody,
    /// A long poll was answered.
    Polled { now: Timestamp, answer: WirePolled },
    /// How the page is linked to the server.
    Linked { rtt_ms: u32, loss_permille: u32 },
    /// Something of the visit.
    Visit { now: Timestamp, what: What },
    /// A new transport begins; its secret number for the short code, 16 bytes in base64.
    Transport { nonce: String },
    /// The engine took the far side's description.
    Heard { kind: SdpKind, sdp: String },
    /// The channel beside sound and picture is open.
    Channel { now: Timestamp },
    /// A message of it, in base64.
    Data { now: Timestamp, bytes: String },
    /// The engine's figures.
    Look {
        now: Timestamp,
        link: Link,
        figures: Figures,
    },
    /// Nothing but the view.
    Show,
}

/// What a person or the engine does.
#[derive(Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum What {
    Call {
        visit: String,
        task: String,
        peer: String,
    },
    Accept,
    Decline,
    Leave,
    Mute {
        on: bool,
    },
    Camera {
        on: bool,
    },
    SoundOnly {
        on: bool,
    },
    TryPicture,
    AskSharp,
    CallMe,
    Text {
        text: String,
    },
    Typing {
        text: String,
    },
    OfferReady {
        sdp: String,
    },
    AnswerReady {
        sdp: String,
    },
    MediaUp,
    MediaLost,
    Moved,
    EngineFailed,
    StandIn,
    Timer,
}

impl What {
    /// As the machine takes it.
    pub(super) fn into_input(self) -> VisitInput {
        match self {
            Self::Call { visit, task, peer } => VisitInput::Call { visit, task, peer },
            Self::Accept => VisitInput::Accept,
            Self::Decline => VisitInput::Decline,
            Self::Leave => VisitInput::Leave,
            Self::Mute { on } => VisitInput::Mute(on),
            Self::Camera { on } => VisitInput::Camera(on),
            Self::SoundOnly { on } => VisitInput::SoundOnly(on),
            Self::TryPicture => VisitInput::TryPicture,
            Self::AskSharp => VisitInput::AskSharp,
            Self::CallMe => VisitInput::CallMe,
            Self::Text { text } => VisitInput::Text(text),
            Self::Typing { text } => VisitInput::Typing(text),
            Self::OfferReady { sdp } => VisitInput::OfferReady(sdp),
            Self::AnswerReady { sdp } => VisitInput::AnswerReady(sdp),
            Self::MediaUp => VisitInput::MediaUp,
            Self::MediaLost => VisitInput::MediaLost,
            Self::Moved => VisitInput::Moved,
            Self::EngineFailed => VisitInput::EngineFailed,
            Self::StandIn => VisitInput::StandIn,
            Self::Timer => VisitInput::Timer,
        }
    }
}

/// What the engine counts, for the view alone.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Figures {
    rtt_ms: Option<u32>,
    loss_permille: Option<u32>,
    frames: u32,
    /// `host` or `relay`.
    path: Option<String>,
    relay_protocol: Option<String>,
}

impl Figures {
    /// Puts them into the view.
    pub(super) fn fill(&self, view: &mut VisitView) {
        view.rtt_ms = self.rtt_ms;
        view.loss_permille = self.loss_permille;
        view.frames = self.frames;
        view.path.clone_from(&self.path);
        view.relay_protocol.clone_from(&self.relay_protocol);
    }
}
