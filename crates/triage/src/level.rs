//! How urgent a result is, and where it is looked after: two axes that never mix.

use serde::{Deserialize, Serialize};

/// The urgency of a result, as a chain: each word outranks the ones before it.
///
/// The order of the variants is the order of the chain, and every comparison in the engine relies on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Home care is enough, with safety-net advice.
    SelfCare,
    /// A clinician within days.
    Days,
    /// A clinician within 24 hours.
    #[serde(rename = "hours_24")]
    Hours24,
    /// A nurse or clinician today.
    Today,
    /// The emergency department now; somebody else drives.
    EdNow,
    /// Call 911 now.
    #[serde(rename = "call_911")]
    Call911,
}

impl Urgency {
    /// Every urgency, lowest first.
    pub const ALL: [Urgency; 6] = [
        Urgency::SelfCare,
        Urgency::Days,
        Urgency::Hours24,
        Urgency::Today,
        Urgency::EdNow,
        Urgency::Call911,
    ];

    /// The top of the chain: nothing can raise a result above it.
    pub const TOP: Urgency = Urgency::Call911;

    /// One step up the chain; the top stays the top.
    #[must_use]
    pub fn raised(self) -> Urgency {
        match self {
            Urgency::SelfCare => Urgency::Days,
            Urgency::Days => Urgency::Hours24,
            Urgency::Hours24 => Urgency::Today,
            Urgency::Today => Urgency::EdNow,
            Urgency::EdNow | Urgency::Call911 => Urgency::Call911,
        }
    }

    /// The code used in packs, on the wire and in the interview protocol.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Urgency::SelfCare => "self_care",
            Urgency::Days => "days",
            Urgency::Hours24 => "hours_24",
            Urgency::Today => "today",
            Urgency::EdNow => "ed_now",
            Urgency::Call911 => "call_911",
        }
    }

    /// The level shown to the rest of the system: a projection of urgency alone.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Urgency::SelfCare => Level::SelfCare,
            Urgency::Days => Level::Routine,
            Urgency::Hours24 => Level::Clinic24h,
            Urgency::Today => Level::UrgentVideo,
            Urgency::EdNow | Urgency::Call911 => Level::Emergency,
        }
    }

    /// Minutes after which the person is asked again how they are.
    #[must_use]
    pub fn recheck_minutes(self) -> u32 {
        match self {
            Urgency::EdNow | Urgency::Call911 => 15,
            Urgency::Today => 120,
            Urgency::SelfCare | Urgency::Days | Urgency::Hours24 => 1_440,
        }
    }
}

/// The level that queues, notices and records use: urgency projected onto five words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Home care.
    SelfCare,
    /// A clinician within days.
    Routine,
    /// A clinic within 24 hours.
    #[serde(rename = "clinic_24h")]
    Clinic24h,
    /// A video visit today.
    UrgentVideo,
    /// 911 or the emergency department.
    Emergency,
}

impl Level {
    /// The code used on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Level::SelfCare => "self_care",
            Level::Routine => "routine",
            Level::Clinic24h => "clinic_24h",
            Level::UrgentVideo => "urgent_video",
            Level::Emergency => "emergency",
        }
    }
}

/// What the body needs from a place, as the rules say; the venue follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Hands that clean, close or dress a wound.
    WoundCare,
    /// An X-ray.
    Xray,
    /// A tetanus or rabies shot.
    Vaccine,
    /// Eyes and hands on the person: a picture on a screen is not enough.
    Examination,
}

/// Where the result is looked after. Told beside the urgency; never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Venue {
    /// At home.
    Home,
    /// By video or phone.
    Video,
    /// A clinic or urgent care, in person.
    InPerson,
    /// The emergency department; somebody else drives.
    EmergencyDepartment,
    /// An ambulance comes.
    Ambulance,
}

impl Venue {
    /// The venue that an urgency and the needs of the fired rules call for.
    #[must_use]
    pub fn of(urgency: Urgency, needs: &[Need]) -> Venue {
        match urgency {
            Urgency::Call911 => Venue::Ambulance,
            Urgency::EdNow => Venue::EmergencyDepartment,
            Urgency::SelfCare => Venue::Home,
            Urgency::Days | Urgency::Hours24 | Urgency::Today if needs.is_empty() => Venue::Video,
            Urgency::Days | Urgency::Hours24 | Urgency::Today => Venue::InPerson,
        }
    }

    /// The code used on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Venue::Home => "home",
            Venue::Video => "video",
            Venue::InPerson => "in_person",
            Venue::EmergencyDepartment => "emergency_department",
            Venue::Ambulance => "ambulance",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_and_its_projection_never_go_down() {
        for pair in Urgency::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
            assert!(pair[0] < pair[0].raised() && pair[0].raised() <= pair[1].raised());
            assert!(pair[0].level() <= pair[1].level());
            assert!(Venue::of(pair[0], &[]) <= Venue::of(pair[1], &[]));
            assert!(pair[0].recheck_minutes() >= pair[1].recheck_minutes());
        }
    }

    #[test]
    fn codes_on_the_wire_are_the_documented_words() {
        for urgency in Urgency::ALL {
            let json = serde_json::to_value(urgency).unwrap();
            assert_eq!(json, urgency.code());
            assert_eq!(
                serde_json::to_value(urgency.level()).unwrap(),
                urgency.level().code()
            );
        }
    }
}
