//! FHIR dates: partial dates, moments with a zone, and the milliseconds they cover.

/// What a FHIR date, dateTime or instant says, checked against the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    time: Option<Clock>,
    /// Minutes east of UTC.
    zone: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clock {
    hour: i64,
    minute: i64,
    second: Option<i64>,
    /// Milliseconds; `None` without a fraction.
    milli: Option<i64>,
}

impl Stamp {
    /// A time of day needs a zone, except in a query.
    pub(crate) fn time_without_zone(self) -> bool {
        self.time
            .is_some_and(|time| time.second.is_none() || self.zone.is_none())
    }

    /// Whether it is precise to the second, with a zone.
    pub(crate) fn is_instant(self) -> bool {
        self.zone.is_some() && self.time.is_some_and(|time| time.second.is_some())
    }

    /// First and last millisecond, Unix time. A date without zone is read as UTC.
    fn range(self) -> (i64, i64) {
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let start_day = days_from_civil(self.year, month, day);
        let Some(time) = self.time else {
            let end_day = match (self.month, self.day) {
                (_, Some(_)) => start_day + 1,
                (Some(12), None) | (None, None) => days_from_civil(self.year + 1, 1, 1),
                (Some(month), None) => days_from_civil(self.year, month + 1, 1),
            };
            return (start_day * DAY_MS, end_day * DAY_MS - 1);
        };
        let minutes = time.hour * 60 + time.minute - self.zone.unwrap_or(0);
        let start = start_day * DAY_MS + minutes * 60_000 + time.second.unwrap_or(0) * 1000;
        match (time.second, time.milli) {
            (None, _) => (start, start + 59_999),
            (Some(_), None) => (start, start + 999),
            (Some(_), Some(milli)) => (start + milli, start + milli),
        }
    }
}

const DAY_MS: i64 = 86_400_000;

/// The first and last millisecond (Unix time, UTC) that a FHIR date, dateTime or instant covers.
///
/// `2024-02` covers the month. A moment without zone (allowed in queries: `2024-02-01T10:00`) is
/// read as UTC. `None` for anything that is not a date of the calendar.
pub fn parse_date_range(text: &str) -> Option<(i64, i64)> {
    parse(text).map(Stamp::range)
}

/// Reads a date, dateTime or instant; more lenient than each of them alone.
pub(crate) fn parse(text: &str) -> Option<Stamp> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts
        .next()
        .map(|part| digits(part, 2))
        .map_or(Some(None), |m| m.map(Some))?;
    let day = parts
        .next()
        .map(|part| digits(part, 2))
        .map_or(Some(None), |d| d.map(Some))?;
    let in_calendar = year >= 1
        && month.is_none_or(|month| (1..=12).contains(&month))
        && day.is_none_or(|day| day >= 1 && day <= days_in_month(year, month.unwrap_or(0)));
    if parts.next().is_some() || !in_calendar {
        return None;
    }
    let Some(time) = time else {
        return Some(Stamp {
            year,
            month,
            day,
            time: None,
            zone: None,
        });
    };
    day?;
    let (clock, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => (time.get(..at)?, Some(zone_minutes(time.get(at..)?)?)),
        None => (time, None),
    };
    Some(Stamp {
        year,
        month,
        day,
        time: Some(parse_clock(clock)?),
        zone,
    })
}

/// Whether a text is a FHIR time of day: `10:30:00`, without zone.
pub(crate) fn is_time(text: &str) -> bool {
    parse_clock(text).is_some_and(|clock| clock.second.is_some())
}

fn parse_clock(text: &str) -> Option<Clock> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut parts = whole.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts
        .next()
        .map(|part| digits(part, 2))
        .map_or(Some(None), |s| s.map(Some))?;
    // 60 is a leap second.
    let good = hour <= 23 && minute <= 59 && second.is_none_or(|second| second <= 60);
    if !good || parts.next().is_some() || (fraction.is_some() && second.is_none()) {
        return None;
    }
    let milli = match fraction {
        Some(fraction) => Some(millis(fraction)?),
        None => None,
    };
    Some(Clock {
        hour,
        minute,
        second,
        milli,
    })
}

/// A fraction of a second, cut to milliseconds.
fn millis(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut milli = 0;
    for at in 0..3 {
        milli = milli * 10 + i64::from(fraction.as_bytes().get(at).map_or(0, |byte| byte - b'0'));
    }
    Some(milli)
}

fn zone_minutes(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('+') { 1 } else { -1 };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let good = minutes <= 59 && (hours <= 13 || (hours == 14 && minutes == 0));
    good.then_some(sign * (hours * 60 + minutes))
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    let good = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| {
        text.bytes()
            .fold(0, |number, byte| number * 10 + i64::from(byte - b'0'))
    })
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1 January 1970 in the proleptic Gregorian calendar.
///
/// Counts from 1 March, so that the leap day is the last of its year, in eras of 400 years.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(i64, i64)>) {
        assert_eq!(parse_date_range(text), expected, "{text}");
    }

    #[test]
    fn a_partial_date_covers_its_whole_period() {
        check("1970", Some((0, 365 * DAY_MS - 1)));
        check("1970-01", Some((0, 31 * DAY_MS - 1)));
        check("1970-12", Some((334 * DAY_MS, 365 * DAY_MS - 1)));
        check("1970-01-02", Some((DAY_MS, 2 * DAY_MS - 1)));
        check("2024-02-29", Some((1_709_164_800_000, 1_709_251_199_999)));
        check("1969-12-31", Some((-DAY_MS, -1)));
    }

    #[test]
    fn a_moment_covers_its_precision() {
        check("1970-01-01T00:00:01Z", Some((1000, 1999)));
        check("1970-01-01T00:00:01.5Z", Some((1500, 1500)));
        check("1970-01-01T00:00:01.123456Z", Some((1123, 1123)));
        check("1970-01-01T01:00", Some((3_600_000, 3_659_999)));
        check("1970-01-01T01:00:00+01:00", Some((0, 999)));
        check("1969-12-31T19:00:00-05:00", Some((0, 999)));
    }

    #[test]
    fn what_is_not_in_the_calendar_is_refused() {
        for text in [
            "",
            "70",
            "0000",
            "2023-13",
            "2023-00",
            "2023-02-29",
            "1900-02-29",
            "2023-2-1",
            "2023-01-01-01",
            "2023-01T10:00:00Z",
            "2023-01-01T",
            "2023-01-01T24:00:00Z",
            "2023-01-01T10:60:00Z",
            "2023-01-01T10",
            "2023-01-01T10:00:00+14:30",
            "2023-01-01T10:00:00+1:00",
            "2023-01-01T10:00:00.Z",
            "2023-01-01 10:00",
            "２０２３",
        ] {
            check(text, None);
        }
    }
}
