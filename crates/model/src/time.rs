//! Moments. A moment is milliseconds since 1970 in UTC; what a person saw on the wall is kept beside it.

use chrono::{DateTime, Datelike, FixedOffset, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Serialize};

/// First and last millisecond of the years that FHIR can write.
const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 253_402_300_799_999;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment as a FHIR `instant` in UTC, to the millisecond. Out-of-range moments give the year-9999 end.
    #[must_use]
    pub fn to_instant(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The moment as chrono's type; out-of-range moments give the nearest that FHIR can write, years 1 to 9999.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.clamp(FIRST_MS, LAST_MS)).unwrap_or_default()
    }

    /// Reads a FHIR `instant` or full `dateTime`; `None` for partial dates and bad text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|t| Self(t.timestamp_millis()))
    }

    /// This moment plus `ms` milliseconds (may be negative), saturating.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`; negative if `earlier` is later.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The milliseconds as the number that the window shows (exact up to the year 285,000).
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "JavaScript has no other number; exact below 2^53"
    )]
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }
}

/// A moment with the wall-clock offset of the device that noted it, in minutes east of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The moment.
    pub at: Timestamp,
    /// Minutes east of UTC, -840 to 840.
    pub offset_minutes: i32,
}

impl Stamp {
    /// FHIR `dateTime` with the offset that the person's phone showed.
    #[must_use]
    pub fn to_datetime(self) -> String {
        FixedOffset::east_opt(self.offset_minutes * 60)
            .and_then(|zone| zone.timestamp_millis_opt(self.at.0).single())
            .filter(|t| (1..=9999).contains(&t.year()))
            .map_or_else(
                || self.at.to_instant(),
                |t| t.to_rfc3339_opts(SecondsFormat::Secs, false),
            )
    }

    /// Reads a FHIR `dateTime` with time and zone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let t = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self {
            at: Timestamp(t.timestamp_millis()),
            offset_minutes: t.offset().local_minus_utc() / 60,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_keeps_the_wall_clock_of_the_phone() {
        let stamp = Stamp::parse("2026-11-21T10:42:00-06:00").expect("valid");
        assert_eq!(stamp.to_datetime(), "2026-11-21T10:42:00-06:00");
        assert_eq!(stamp.at.to_instant(), "2026-11-21T16:42:00.000Z");
    }
}
