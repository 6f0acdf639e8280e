//! Answers as they are kept: plain data that can be stored, sent and replayed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::trend::Course;

/// A decimal number in thousandths, so that no decision ever rests on a float.
///
/// In JSON it is a plain number; digits past the third are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Milli(pub i64);

impl Milli {
    /// A whole number.
    #[must_use]
    pub fn whole(n: i32) -> Milli {
        Milli(i64::from(n) * 1_000)
    }

    /// Reads `38`, `38.5` or `-0.25`. None for anything else, an exponent or a fourth decimal included.
    #[must_use]
    pub fn parse(text: &str) -> Option<Milli> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let fraction = fraction.trim_end_matches('0');
        if !plain(whole) || whole.len() > 9 || fraction.len() > 3 || !(fraction.is_empty() || plain(fraction))
        {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let fraction: i64 = format!("{fraction:0<3}").parse().ok()?;
        Some(Milli(sign * (whole * 1_000 + fraction)))
    }
}

impl std::fmt::Display for Milli {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, fraction) = (self.0.unsigned_abs() / 1_000, self.0.unsigned_abs() % 1_000);
        let sign = if self.0 < 0 { "-" } else { "" };
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        write!(
            f,
            "{sign}{whole}.{}",
            format!("{fraction:03}").trim_end_matches('0')
        )
    }
}

impl Serialize for Milli {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1_000 == 0 {
            return s.serialize_i64(self.0 / 1_000);
        }
        // Three decimals of a nine-digit number survive the trip through a double unchanged.
        #[expect(clippy::cast_precision_loss, reason = "bounded by parse to 12 digits")]
        s.serialize_f64(self.0 as f64 / 1_000.0)
    }
}

impl<'de> Deserialize<'de> for Milli {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(d)?;
        Milli::parse(&number.to_string())
            .ok_or_else(|| serde::de::Error::custom("not a plain decimal number"))
    }
}

/// What a person answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// Yes or no.
    Flag(bool),
    /// A number in the question's unit.
    Number(Milli),
    /// Codes of a list; empty is "none of these".
    Codes(Vec<String>),
    /// One code; [`Answer::UNKNOWN`] is "not sure" or skipped.
    Code(String),
}

impl Answer {
    /// The code that says "not sure".
    pub const UNKNOWN: &'static str = "unknown";

    /// "Not sure", or skipped.
    #[must_use]
    pub fn unknown() -> Answer {
        Answer::Code(Answer::UNKNOWN.to_owned())
    }

    /// Whether this is "not sure".
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Answer::Code(code) if code == Answer::UNKNOWN)
    }
}

/// Everything a result follows from, apart from the pack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Hash of the pack these were given to; a replay needs the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// Answers by question id.
    #[serde(default)]
    pub given: BTreeMap<String, Answer>,
    /// Findings that a danger phrase raised. The phrase itself is not kept.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub raised: BTreeSet<String>,
    /// Questions answered from what was known of the person, not asked.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub known: BTreeSet<String>,
    /// The course over time: contacts in 72 hours, and the re-check before.
    #[serde(default, skip_serializing_if = "Course::is_plain")]
    pub course: Course,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_written_exactly() {
        for (text, milli) in [
            ("38", 38_000),
            ("38.5", 38_500),
            ("100.4", 100_400),
            ("-0.25", -250),
            ("7.0", 7_000),
        ] {
            assert_eq!(Milli::parse(text), Some(Milli(milli)), "{text}");
            let back: Milli = serde_json::from_str(&serde_json::to_string(&Milli(milli)).unwrap()).unwrap();
            assert_eq!(back, Milli(milli));
        }
        for text in ["", "-", "1e3", "1.2345", ".5", "nan", "9999999999"] {
            assert_eq!(Milli::parse(text), None, "{text}");
        }
    }

    #[test]
    fn answers_are_plain_json() {
        let json = r#"{"given":{"a":true,"b":38.5,"c":["x"],"d":"unknown","e":[]}}"#;
        let answers: Answers = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&answers).unwrap(), json);
        assert!(answers.given["d"].is_unknown());
    }
}
