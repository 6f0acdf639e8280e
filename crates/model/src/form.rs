//! What the window sends. Each is parsed into the domain before anything is done with it.

use crate::duty::{Limit, WorkStatus};
use crate::report::{HurtPlace, Position, SafeNow, WhatHappened};
use serde::{Deserialize, Serialize};

/// One step of the report, kept at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum ReportStepForm {
    /// "Are you safe now?"
    Safe {
        /// Answer.
        value: SafeNow,
    },
    /// "What happened?"
    What {
        /// Answer.
        value: WhatHappened,
    },
    /// "Where does it hurt?" replaces the list.
    Where {
        /// Answer.
        value: Vec<HurtPlace>,
    },
    /// When it happened.
    When {
        /// Milliseconds since 1970, UTC.
        at: f64,
    },
    /// Where it happened.
    Place {
        /// Position, where the phone gave one.
        position: Option<Position>,
        /// Words.
        text: Option<String>,
    },
    /// Witness; `None` clears.
    Witness {
        /// Words.
        text: Option<String>,
    },
    /// Own words; `None` clears.
    Note {
        /// Words.
        text: Option<String>,
    },
    /// Name of the hurt colleague; `None` means it is for me.
    Colleague {
        /// Name.
        name: Option<String>,
    },
}

/// An answer of the symptom checker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum AnswerForm {
    /// One code.
    Choice(String),
    /// Codes; none of these is an empty list.
    Multi(Vec<String>),
    /// Yes or no.
    Boolean(bool),
    /// A number in the question's unit.
    Number(f64),
    /// What a meter shows, with its unit.
    Reading(ReadingForm),
    /// "Not sure."
    Unknown,
}

/// A reading of a meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReadingForm {
    /// The number that it shows.
    pub value: f64,
    /// UCUM code of its unit.
    pub unit: String,
}

/// How a person is at a re-check of a symptom check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum HowNowForm {
    /// Better.
    Better,
    /// No better and no worse.
    Same,
    /// Worse.
    Worse,
}

/// Which of two versions holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum KeepForm {
    /// The one of this device.
    Mine,
    /// The one of the server.
    Theirs,
}

/// The opening of a visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct IntakeForm {
    /// `name`, `birth-date`, `employee-number`: at least two.
    pub identified_by: Vec<String>,
    /// Where the carrier is now.
    pub place: String,
    /// Call-back number.
    pub callback: String,
    /// Who is with them.
    pub with: String,
    /// Consent.
    pub consent: bool,
    /// `none` or a language code.
    pub interpreter: String,
}

/// Fit-for-duty advice or decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DutyForm {
    /// Status.
    pub status: WorkStatus,
    /// Limits.
    pub limits: Vec<Limit>,
    /// `YYYY-MM-DD`.
    pub from: String,
    /// `YYYY-MM-DD`.
    pub until: Option<String>,
}

/// Follow-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct FollowUpForm {
    /// Milliseconds since 1970, UTC.
    pub start: f64,
    /// 5 to 120.
    pub minutes: u32,
    /// By video.
    pub by_video: bool,
}

/// Settings of this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PreferencesForm {
    /// `en` or `es`.
    pub language: String,
    /// `auto`, `light`, `dark` or `sun`.
    pub theme: String,
}
