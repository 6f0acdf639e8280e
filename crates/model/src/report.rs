//! The injury report: what a carrier tells in eight taps.

use crate::ids::{DraftId, PatientId, ReportId};
use crate::time::{Stamp, Timestamp};
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "bindings", derive(specta::Type))]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $code)] $variant),+ }

        impl $name {
            /// Every value, in the order shown to people.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The code stored and sent.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }

            /// Reads a code.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        }
    };
}
pub(crate) use codes;

codes! {
    /// Whether the person can stay where they are.
    SafeNow {
        /// Out of danger.
        Safe = "safe",
        /// Still in danger; the 911 card is shown first.
        NotSafe = "not_safe",
    }
}

codes! {
    /// What happened, in the carriers' own terms.
    WhatHappened {
        /// Dog or other animal.
        Animal = "animal",
        /// Slip, trip or fall.
        Fall = "fall",
        /// Lifting, pushing, strain.
        Lifting = "lifting",
        /// Vehicle crash.
        Vehicle = "vehicle",
        /// Too hot.
        Heat = "heat",
        /// Too cold.
        Cold = "cold",
        /// Cut, crush or puncture.
        Cut = "cut",
        /// Sting, snake, spider, tick.
        Sting = "sting",
        /// Chemical, powder, fumes.
        Chemical = "chemical",
        /// Threat, assault, robbery.
        Assault = "assault",
        /// Anything else.
        Other = "other",
    }
}

codes! {
    /// A part of the body on the map and in its list twin.
    BodyPart {
        /// Head.
        Head = "head",
        /// Face.
        Face = "face",
        /// Eye.
        Eye = "eye",
        /// Neck.
        Neck = "neck",
        /// Shoulder.
        Shoulder = "shoulder",
        /// Upper arm.
        UpperArm = "upper_arm",
        /// Elbow.
        Elbow = "elbow",
        /// Forearm.
        Forearm = "forearm",
        /// Wrist.
        Wrist = "wrist",
        /// Hand or fingers.
        Hand = "hand",
        /// Chest.
        Chest = "chest",
        /// Belly.
        Abdomen = "abdomen",
        /// Upper back.
        UpperBack = "upper_back",
        /// Lower back.
        LowerBack = "lower_back",
        /// Hip or groin.
        Hip = "hip",
        /// Thigh.
        Thigh = "thigh",
        /// Knee.
        Knee = "knee",
        /// Lower leg.
        LowerLeg = "lower_leg",
        /// Ankle.
        Ankle = "ankle",
        /// Foot or toes.
        Foot = "foot",
        /// All over, or inside.
        WholeBody = "whole_body",
    }
}

codes! {
    /// Side of the body, as the hurt person sees it.
    Side {
        /// Left.
        Left = "left",
        /// Right.
        Right = "right",
        /// Both sides.
        Both = "both",
        /// The part has no side.
        Middle = "middle",
    }
}

/// One hurt place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct HurtPlace {
    /// Which part.
    pub part: BodyPart,
    /// Which side.
    pub side: Side,
}

/// Where on the map, in degrees (WGS 84), with the radius in metres that the phone claims.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Position {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// Metres; `None` where the phone does not say.
    pub accuracy_m: Option<f64>,
}

impl Position {
    /// Distance in kilometres along the great circle (haversine, mean radius 6,371 km).
    #[must_use]
    pub fn distance_km(&self, other: &Position) -> f64 {
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_lat = ((b - a) / 2.0).sin();
        let half_lon = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let h = half_lat * half_lat + a.cos() * b.cos() * half_lon * half_lon;
        2.0 * 6371.0 * h.sqrt().min(1.0).asin()
    }
}

/// Who wrote the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reporter {
    /// The hurt person.
    Myself,
    /// A colleague, who saw it or was told.
    Colleague {
        /// The hurt person's name as typed, where their record is not on this device.
        hurt_name: String,
    },
}

/// A finished injury report.
#[derive(Debug, Clone, PartialEq)]
pub struct InjuryReport {
    /// Made on the device.
    pub id: ReportId,
    /// The hurt person; `None` until a report made without sign-in is claimed.
    pub patient: Option<PatientId>,
    /// Who wrote it.
    pub reporter: Reporter,
    /// Out of danger?
    pub safe: SafeNow,
    /// What happened.
    pub what: WhatHappened,
    /// Where it hurts; at least one.
    pub places: Vec<HurtPlace>,
    /// When it happened, by the phone's clock.
    pub happened: Stamp,
    /// Where it happened.
    pub position: Option<Position>,
    /// Place in words: route, address, last scan.
    pub place_text: Option<String>,
    /// Witness, as typed or said.
    pub witness: Option<String>,
    /// Own words.
    pub note: Option<String>,
    /// When the person finished the report, by the phone's clock.
    pub authored: Stamp,
    /// Best estimate of the true time where the phone's clock is known to be wrong.
    pub true_time: Option<Timestamp>,
    /// Language the person used: `en` or `es`.
    pub language: String,
}

/// What has been answered so far. Every step is kept as entered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportDraft {
    /// The form.
    pub id: DraftId,
    /// The report that it becomes.
    pub report: ReportId,
    /// For whom: the name typed where it is for a colleague.
    pub colleague: Option<String>,
    /// Step 1.
    pub safe: Option<SafeNow>,
    /// Step 2.
    pub what: Option<WhatHappened>,
    /// Step 3.
    pub places: Vec<HurtPlace>,
    /// Step 4, filled from the phone.
    pub happened: Stamp,
    /// Step 4.
    pub position: Option<Position>,
    /// Step 4.
    pub place_text: Option<String>,
    /// Offered on the check screen.
    pub witness: Option<String>,
    /// Offered on the check screen.
    pub note: Option<String>,
    /// When the form was opened.
    pub started: Stamp,
    /// Language of the person.
    pub language: String,
}

/// What still misses before a report can be sent, in the order of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// "Are you safe now?" has no answer.
    Safe,
    /// "What happened?" has no answer.
    What,
    /// No place on the body is marked.
    Where,
}

impl ReportDraft {
    /// What misses; empty when the report can be sent.
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if self.safe.is_none() {
            missing.push(Missing::Safe);
        }
        if self.what.is_none() {
            missing.push(Missing::What);
        }
        if self.places.is_empty() {
            missing.push(Missing::Where);
        }
        missing
    }

    /// The finished report.
    ///
    /// # Errors
    /// What still misses.
    pub fn finish(
        &self,
        patient: Option<PatientId>,
        authored: Stamp,
        true_time: Option<Timestamp>,
    ) -> Result<InjuryReport, Vec<Missing>> {
        let (Some(safe), Some(what), false) = (self.safe, self.what, self.places.is_empty()) else {
            return Err(self.missing());
        };
        Ok(InjuryReport {
            id: self.report.clone(),
            patient,
            reporter: match &self.colleague {
                Some(name) => Reporter::Colleague {
                    hurt_name: name.clone(),
                },
                None => Reporter::Myself,
            },
            safe,
            what,
            places: self.places.clone(),
            happened: self.happened,
            position: self.position,
            place_text: self.place_text.clone(),
            witness: self.witness.clone(),
            note: self.note.clone(),
            authored,
            true_time,
            language: self.language.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back_and_nothing_else_does() {
        for part in BodyPart::ALL {
            assert_eq!(BodyPart::parse(part.code()), Some(*part));
        }
        assert_eq!(WhatHappened::parse("Animal"), None);
    }

    #[test]
    fn a_degree_of_latitude_is_about_111_km() {
        let a = Position {
            latitude: 44.0,
            longitude: -93.0,
            accuracy_m: None,
        };
        let b = Position {
            latitude: 45.0,
            longitude: -93.0,
            accuracy_m: None,
        };
        assert!((a.distance_km(&b) - 111.2).abs() < 0.1);
    }
}
