//! What a carrier sees.

use crate::duty::{Limit, WorkStatus};
use crate::report::{HurtPlace, Missing, Position, SafeNow, WhatHappened};
use serde::{Deserialize, Serialize};

/// State of an entry on its way, derived from outbox rows and receipts, never from a flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SendState {
    /// Not finished. Saved on this phone.
    Draft,
    /// Waiting to send.
    Queued {
        /// Last try.
        tried_at: Option<f64>,
        /// Next try by itself.
        next_at: Option<f64>,
        /// Sealed to the server's key (no sign-in yet); claimed at sign-in.
        sealed: bool,
        /// Large, on a link that costs money: it goes over a free one, or when the person says so.
        waits_for_free_link: bool,
    },
    /// Being sent.
    Sending {
        /// Which of the entries.
        number: u32,
        /// Of how many.
        of: u32,
    },
    /// The server has it.
    Sent {
        /// Receipt number.
        number: String,
        /// When the server had it.
        at: f64,
    },
    /// Somebody read it.
    Seen {
        /// Receipt number.
        number: String,
        /// Role of the reader.
        by_role: String,
        /// Name of the reader.
        by_name: String,
        /// When.
        at: f64,
    },
    /// The server refused it; one thing is needed.
    Attention {
        /// Which question.
        question: String,
    },
    /// Two versions.
    Conflict,
}

/// A form being filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DraftView {
    /// Form.
    pub id: String,
    /// Name of the hurt colleague, where it is for one.
    pub colleague: Option<String>,
    /// Step 1.
    pub safe: Option<SafeNow>,
    /// Step 2.
    pub what: Option<WhatHappened>,
    /// Step 3.
    pub places: Vec<HurtPlace>,
    /// Step 4.
    pub happened_at: f64,
    /// Minutes east of UTC on the phone.
    pub offset_minutes: i32,
    /// Step 4.
    pub position: Option<Position>,
    /// Step 4.
    pub place_text: Option<String>,
    /// Offered on the check screen.
    pub witness: Option<String>,
    /// Offered on the check screen.
    pub note: Option<String>,
    /// Photos and recordings.
    pub attachments: Vec<AttachmentView>,
    /// What still misses.
    pub missing: Vec<Missing>,
    /// Last change, saved.
    pub saved_at: f64,
    /// True where only the sealed journal holds it (locked phone): it can be finished, not reopened later.
    pub sealed_only: bool,
}

/// A photo or recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AttachmentView {
    /// Id.
    pub id: String,
    /// Media type.
    pub content_type: String,
    /// Bytes after re-encoding.
    pub size: u32,
    /// On its way?
    pub send: SendState,
}

/// A sent or waiting report: the carrier's own time-stamped copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReportView {
    /// Id.
    pub id: String,
    /// Name of the hurt colleague, where it was for one.
    pub colleague: Option<String>,
    /// Safe?
    pub safe: SafeNow,
    /// What.
    pub what: WhatHappened,
    /// Where on the body.
    pub places: Vec<HurtPlace>,
    /// When it happened.
    pub happened_at: f64,
    /// When it was finished, by the phone.
    pub authored_at: f64,
    /// Estimate of the true time, where the phone's clock was wrong.
    pub true_time: Option<f64>,
    /// Place.
    pub position: Option<Position>,
    /// Place in words.
    pub place_text: Option<String>,
    /// Witness.
    pub witness: Option<String>,
    /// Own words.
    pub note: Option<String>,
    /// Photos and recordings.
    pub attachments: Vec<AttachmentView>,
    /// On its way?
    pub send: SendState,
    /// What was added after sending, oldest first.
    pub additions: Vec<AdditionView>,
    /// Symptom checks of this report, newest first.
    pub checks: Vec<CheckView>,
    /// Who read it, newest first.
    pub readers: Vec<ReaderView>,
}

/// Something added after sending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AdditionView {
    /// `correction`, `addition` or `worse`.
    pub kind: String,
    /// Words.
    pub text: Option<String>,
    /// When.
    pub at: f64,
    /// On its way?
    pub send: SendState,
}

/// A finished symptom check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CheckView {
    /// Id.
    pub id: String,
    /// Urgency on the chain.
    pub urgency: String,
    /// Reasons as shown.
    pub reasons: Vec<String>,
    /// Advice as shown.
    pub advice: Vec<String>,
    /// When.
    pub at: f64,
}

/// Somebody read the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReaderView {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// When.
    pub at: f64,
}

/// One entry of "Waiting to send".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct OutboxItemView {
    /// Id of the report, check or photo.
    pub id: String,
    /// `report`, `addition`, `check`, `photo`, `task`, `note`, …
    pub kind: String,
    /// What happened, for reports.
    pub what: Option<WhatHappened>,
    /// When it was made.
    pub made_at: f64,
    /// Where it is.
    pub send: SendState,
}

/// A file that was written for a computer with a network to take in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct HandOverView {
    /// Where it is.
    pub path: String,
    /// Entries in it.
    pub entries: u32,
}

/// What became of the entries of a file from another phone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct TakenInView {
    /// The server has them now.
    pub taken: u32,
    /// The server had them already.
    pub known: u32,
    /// The server does not take them: of another server, or damaged.
    pub refused: u32,
}

/// Question or result of a symptom check under way. Words come from the pack, in the person's language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct TriageView {
    /// Check.
    pub id: String,
    /// The next question, or `None` at the end.
    pub question: Option<QuestionView>,
    /// The result, at the end.
    pub outcome: Option<OutcomeView>,
    /// Questions answered.
    pub answered: u32,
    /// At most this many more.
    pub at_most: u32,
    /// `signed`, `draft`, or `recalled` where clinicians took the pack back and no other is here.
    pub pack_status: String,
}

/// A question of the symptom checker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct QuestionView {
    /// Id.
    pub id: String,
    /// Words.
    pub text: String,
    /// `choice`, `multi`, `boolean` or `number`.
    pub kind: String,
    /// Options of a choice or multi.
    pub options: Vec<OptionView>,
    /// Unit of a number.
    pub unit: Option<String>,
    /// Units that a meter may show, the question's own first; empty where there is one way alone to say the number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "bindings", specta(optional))]
    pub units: Vec<UnitView>,
    /// Why it is asked.
    pub why: Option<String>,
    /// An earlier answer, when going back: codes, "true"/"false", or digits.
    pub answer: Vec<String>,
}

/// A unit of a measured number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct UnitView {
    /// UCUM code.
    pub code: String,
    /// Sign on the meter.
    pub sign: String,
    /// Lowest plausible reading.
    pub min: f64,
    /// Highest plausible reading.
    pub max: f64,
}

/// One option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct OptionView {
    /// Code.
    pub code: String,
    /// Words.
    pub text: String,
}

/// Result of a symptom check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct OutcomeView {
    /// Projected level.
    pub level: String,
    /// Urgency on the chain.
    pub urgency: String,
    /// Venue.
    pub venue: String,
    /// Headline: what to do, in words of the pack.
    pub action: String,
    /// Why.
    pub reasons: Vec<String>,
    /// What to do.
    pub advice: Vec<String>,
    /// When to get help sooner.
    pub safety_net: Vec<String>,
    /// Ask again after so many minutes.
    pub recheck_minutes: Option<u32>,
    /// Call 911 now.
    pub call_911: bool,
}

/// Summary after a visit, readable offline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SummaryView {
    /// Report that it answers, if known.
    pub report_number: Option<String>,
    /// Visit.
    pub visit_at: Option<f64>,
    /// Clinician.
    pub clinician: Option<String>,
    /// Signed note.
    pub note: Option<String>,
    /// Advice of the clinician.
    pub advice: Option<DutyView>,
    /// Decision of the manager, or `None` while it waits.
    pub decision: Option<DutyView>,
    /// Follow-up.
    pub follow_up: Option<AppointmentView>,
    /// Imaging order.
    pub imaging: Option<ImagingView>,
}

/// Status, limits and dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DutyView {
    /// Status.
    pub status: WorkStatus,
    /// Limits.
    pub limits: Vec<Limit>,
    /// First day, `YYYY-MM-DD`.
    pub from: String,
    /// Last day, `YYYY-MM-DD`.
    pub until: Option<String>,
}

/// A follow-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AppointmentView {
    /// Start.
    pub start: f64,
    /// Minutes.
    pub minutes: u32,
    /// By video?
    pub by_video: bool,
    /// With whom.
    pub with: String,
}

/// An imaging order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ImagingView {
    /// Site.
    pub site: String,
    /// Address.
    pub address: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Kilometres from the carrier's position, where known.
    pub distance_km: Option<f64>,
    /// Ordered at.
    pub at: f64,
}
