//! The call, for both sides.

use crate::report::Position;
use crate::wire::signal::{EndedWhy, SharpAnswer};
use serde::{Deserialize, Serialize};

/// The call as this window sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct VisitView {
    /// Where the call is.
    pub state: VisitState,
    /// Visit id.
    pub id: Option<String>,
    /// Task that it answers.
    pub task: Option<String>,
    /// Name of the other side.
    pub peer: Option<String>,
    /// Why it ended.
    pub ended: Option<EndedWhy>,
    /// Our microphone is off.
    pub muted: bool,
    /// Our camera is on.
    pub camera: bool,
    /// A synthetic camera and microphone stand in here; the screen says so.
    pub synthetic: bool,
    /// The person here wants sound alone, both ways.
    pub sound_only: bool,
    /// The other side's microphone is off.
    pub peer_muted: bool,
    /// The other side's camera is on.
    pub peer_camera: bool,
    /// A synthetic device stands in there.
    pub peer_synthetic: bool,
    /// The person there wants sound alone, both ways.
    pub peer_sound_only: bool,
    /// The other side's connection is lost.
    pub peer_away: bool,
    /// When ringing or the call began.
    pub since: Option<f64>,
    /// Round trip in milliseconds.
    pub rtt_ms: Option<u32>,
    /// Loss in thousandths.
    pub loss_permille: Option<u32>,
    /// Pictures received so far.
    pub frames: u32,
    /// Different frame numbers of the far side's synthetic camera.
    pub frame_numbers: u32,
    /// Number of the newest remote frame.
    pub last_frame: Option<u32>,
    /// `host` or `relay`.
    pub path: Option<String>,
    /// `udp`, `tcp` of the relay leg.
    pub relay_protocol: Option<String>,
    /// What quality does now: `good`, `picture_small`, `picture_paused`, `weak` (where no picture is wanted), `reconnecting`.
    pub quality: String,
    /// The person here asked for a sharp picture, and there is no answer yet.
    pub sharp_asked: bool,
    /// The other side's answer to that.
    pub sharp_answer: Option<SharpAnswer>,
    /// How much of it has come, in hundredths, while it is on its way.
    pub sharp_percent: Option<u32>,
    /// The newest sharp picture that came: an attachment, for as long as the call lasts.
    pub sharp_id: Option<String>,
    /// The other side asks for a sharp picture, and waits for an answer.
    pub sharp_wanted: bool,
    /// What the person here answered last.
    pub sharp_given: Option<SharpAnswer>,
    /// The person here wants to be called by telephone.
    pub call_me: bool,
    /// The person there wants to be called by telephone.
    pub peer_call_me: bool,
    /// The code that both people compare.
    pub code: VisitCode,
    /// Text lines, oldest first.
    pub texts: Vec<TextLineView>,
    /// What the other side is typing now and has not sent; on this screen alone, kept nowhere.
    pub peer_typing: Option<String>,
    /// The other side sees what is typed here, before it is sent.
    pub live_text: bool,
    /// Seconds of the note that is being spoken, while one is.
    pub note_seconds: Option<u32>,
    /// Spoken notes of this visit that are in the report.
    pub notes_kept: u32,
    /// Number to call instead.
    pub phone: Option<String>,
}

/// The code that two people read to each other, to hear that nobody sits between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum VisitCode {
    /// It is being made.
    #[default]
    Waiting,
    /// This call has none: the other side does not know how.
    None,
    /// Here it is.
    Digits {
        /// Six digits.
        digits: String,
    },
    /// The other side did not keep to what it had bound itself to: somebody may sit between.
    Failed,
}

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum VisitState {
    /// No call.
    None,
    /// Calling the other side; it is not ringing there: not connected.
    NotConnected,
    /// It rings there.
    RingingOut,
    /// It rings here.
    RingingIn,
    /// Answered; sound and picture are being set up.
    Connecting,
    /// In the call.
    InCall,
    /// Dropped; coming back by itself.
    Reconnecting,
    /// Over.
    Ended,
}

/// One line of text in a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct TextLineView {
    /// Written here.
    pub mine: bool,
    /// The other side shows it; true of the other side's own.
    pub arrived: bool,
    /// Words.
    pub text: String,
    /// When.
    pub at: f64,
}

/// What is asked when a visit opens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct IntakeView {
    /// Full name to compare.
    pub name: String,
    /// Birth date to compare.
    pub birth_date: Option<String>,
    /// Employee number to compare.
    pub employee_number: Option<String>,
    /// Position in the report.
    pub position: Option<Position>,
    /// Place as read out.
    pub place: String,
    /// Call-back number.
    pub callback: String,
    /// Who is with them.
    pub with: String,
    /// Consent was given.
    pub consent: bool,
    /// Interpreter: `none` or a language code.
    pub interpreter: String,
    /// Identifiers compared: `name`, `birth-date`, `employee-number`.
    pub identified_by: Vec<String>,
    /// Saved.
    pub saved: bool,
}
