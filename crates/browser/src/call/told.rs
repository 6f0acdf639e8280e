//! What the page is told to do, and what came for it.

use hms_core::call::visit::VisitEffect;
use hms_model::wire::signal::{Frame, ToServer, WireTurn};
use serde::Serialize;

/// All that followed from one question.
#[derive(Default, Serialize)]
pub(super) struct Told {
    /// For the WebSocket, in order.
    pub(super) frames: Vec<Frame<ToServer>>,
    /// For the engine, in order.
    pub(super) effects: Vec<Effect>,
    /// For the channel beside, in base64.
    pub(super) data: Vec<String>,
    /// Pictures that are whole.
    pub(super) pictures: Vec<Came>,
    /// Something of the queue or the charts changed at the server.
    pub(super) changed: bool,
}

/// A still picture of the far side.
#[derive(Serialize)]
pub(super) struct Came {
    pub(super) sharp: bool,
    /// A sharp one's wish.
    pub(super) number: u16,
    /// WebP, in base64.
    pub(super) bytes: String,
}

/// What only the page can do.
#[derive(Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Effect {
    StartOffer { turn: Vec<WireTurn> },
    StartAnswer { turn: Vec<WireTurn>, offer: String },
    TakeAnswer { sdp: String },
    TakeOffer { sdp: String },
    Restart,
    Mute { on: bool },
    Camera { on: bool },
    Stop,
    Ring { on: bool },
}

impl Effect {
    /// None of what is done without the page.
    pub(super) fn of(effect: VisitEffect) -> Option<Self> {
        Some(match effect {
            VisitEffect::StartOffer { turn } => Self::StartOffer { turn },
            VisitEffect::StartAnswer { turn, offer } => Self::StartAnswer { turn, offer },
            VisitEffect::TakeAnswer(sdp) => Self::TakeAnswer { sdp },
            VisitEffect::TakeOffer(sdp) => Self::TakeOffer { sdp },
            VisitEffect::Restart => Self::Restart,
            VisitEffect::SetMuted(on) => Self::Mute { on },
            VisitEffect::SetCamera(on) => Self::Camera { on },
            VisitEffect::StopEngine => Self::Stop,
            VisitEffect::Ring(on) => Self::Ring { on },
            VisitEffect::Send(_) | VisitEffect::ShowTyping { .. } | VisitEffect::TryPicture => return None,
        })
    }
}
