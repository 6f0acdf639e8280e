//! What hurts people where: the complaints that the body map offers for a part, likeliest first. A way in only: the person
//! chooses one of them, and may always choose "something else".

use hms_model::report::BodyPart;

/// Codes of complaints for a part of the body.
pub(crate) fn complaints_at(part: BodyPart) -> &'static [&'static str] {
    match part {
        BodyPart::Head => &[
            "headache",
            "fall",
            "crash",
            "dizzy",
            "cut",
            "animal_bite",
            "sting",
            "stroke",
        ],
        BodyPart::Face => &[
            "animal_bite",
            "cut",
            "fall",
            "tooth",
            "nose",
            "stroke",
            "allergy",
            "sting",
            "burn",
            "rash",
            "ear",
        ],
        BodyPart::Eye => &["eye", "chemical", "fall", "cut"],
        BodyPart::Neck => &["neck_pain", "throat", "crash", "fall", "sting", "rash"],
        BodyPart::Shoulder | BodyPart::UpperArm => &[
            "limb",
            "fall",
            "chest_pain",
            "animal_bite",
            "cut",
            "sting",
            "rash",
            "burn",
        ],
        BodyPart::Elbow | BodyPart::Forearm | BodyPart::Wrist => &[
            "limb",
            "fall",
            "animal_bite",
            "cut",
            "burn",
            "sting",
            "rash",
            "stroke",
        ],
        BodyPart::Hand => &[
            "animal_bite",
            "cut",
            "limb",
            "fall",
            "burn",
            "sting",
            "cold",
            "rash",
            "stroke",
        ],
        BodyPart::Chest => &[
            "chest_pain",
            "breathing",
            "palpitations",
            "cough",
            "fall",
            "crash",
            "women",
            "rash",
        ],
        BodyPart::Abdomen => &[
            "belly",
            "vomiting",
            "bowel",
            "urinary",
            "women",
            "pregnancy",
            "crash",
            "fall",
            "rash",
        ],
        BodyPart::UpperBack | BodyPart::LowerBack => &[
            "back_pain",
            "fall",
            "crash",
            "urinary",
            "chest_pain",
            "rash",
            "sting",
        ],
        BodyPart::Hip | BodyPart::Thigh => &[
            "limb",
            "fall",
            "animal_bite",
            "cut",
            "urinary",
            "bowel",
            "women",
            "rash",
            "sting",
        ],
        BodyPart::Knee | BodyPart::LowerLeg | BodyPart::Ankle => &[
            "limb",
            "fall",
            "animal_bite",
            "cut",
            "sting",
            "rash",
            "burn",
            "stroke",
        ],
        BodyPart::Foot => &[
            "limb",
            "fall",
            "cut",
            "animal_bite",
            "sting",
            "cold",
            "burn",
            "rash",
            "diabetes",
        ],
        BodyPart::WholeBody => &[
            "infection",
            "heat",
            "cold",
            "allergy",
            "tired",
            "rash",
            "fainting",
            "seizure",
            "chemical",
            "stress",
            "dizzy",
        ],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hms_triage::{Pack, SOMETHING_ELSE};

    use super::*;

    const PARTS: [BodyPart; 21] = [
        BodyPart::Head,
        BodyPart::Face,
        BodyPart::Eye,
        BodyPart::Neck,
        BodyPart::Shoulder,
        BodyPart::UpperArm,
        BodyPart::Elbow,
        BodyPart::Forearm,
        BodyPart::Wrist,
        BodyPart::Hand,
        BodyPart::Chest,
        BodyPart::Abdomen,
        BodyPart::UpperBack,
        BodyPart::LowerBack,
        BodyPart::Hip,
        BodyPart::Thigh,
        BodyPart::Knee,
        BodyPart::LowerLeg,
        BodyPart::Ankle,
        BodyPart::Foot,
        BodyPart::WholeBody,
    ];

    #[test]
    fn every_part_offers_complaints_and_every_complaint_but_a_few_is_somewhere() {
        let known: BTreeSet<&str> = Pack::embedded()
            .file()
            .complaints
            .iter()
            .map(|complaint| complaint.code.as_str())
            .collect();
        let mut shown = BTreeSet::new();
        for part in PARTS {
            let offered = complaints_at(part);
            assert!(offered.len() >= 4, "{part:?}");
            for code in offered {
                assert!(known.contains(code), "{code}");
                shown.insert(*code);
            }
        }
        let missing: Vec<&&str> = known.difference(&shown).collect();
        // Of the whole person, or of another person: they are in the list.
        assert_eq!(missing, [&"assault", &"child", &SOMETHING_ELSE]);
    }
}
