//! Two versions of one record, as a person is shown them to say which holds.

use crate::report::{HurtPlace, Position, SafeNow, WhatHappened};
use serde::{Deserialize, Serialize};

/// A record that two people, or two devices, changed in ways that cannot be merged: a person settles it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ConflictView {
    /// `Type/id` of the record.
    pub id: String,
    /// What it is: as in "Waiting to send".
    pub kind: String,
    /// When it was found.
    pub found_at: f64,
    /// Elements that differ.
    pub elements: Vec<String>,
    /// The version of this device; `None` where it was deleted here.
    pub mine: Option<VersionView>,
    /// The version of the server; `None` where it was deleted there.
    pub theirs: Option<VersionView>,
}

/// One of two versions: what a person can tell them apart by. What a record of its kind does not have is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct VersionView {
    /// When it was written last.
    pub changed_at: Option<f64>,
    /// FHIR code of its status.
    pub status: Option<String>,
    /// When it begins: an appointment, a visit.
    pub starts_at: Option<f64>,
    /// Words: of a note, or of what was added to a report.
    pub words: Option<String>,
    /// What an injury report says.
    pub said: Option<SaidView>,
}

/// What was answered in an injury report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SaidView {
    /// Name of the hurt colleague, where it is for one.
    pub colleague: Option<String>,
    /// Safe?
    pub safe: SafeNow,
    /// What.
    pub what: WhatHappened,
    /// Where on the body.
    pub places: Vec<HurtPlace>,
    /// When it happened.
    pub happened_at: f64,
    /// Place.
    pub position: Option<Position>,
    /// Place in words.
    pub place_text: Option<String>,
    /// Witness.
    pub witness: Option<String>,
    /// Own words.
    pub note: Option<String>,
}
