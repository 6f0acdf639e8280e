//! Edges of clocks and calendars: hours that come twice or not at all, leap seconds, the ends of 32 bits and of the year
//! 9999. A moment and the offset that a phone showed are enough for all of them.

use hms_model::time::{Stamp, Timestamp};

fn instant(text: &str) -> Timestamp {
    Timestamp::parse(text).expect(text)
}

#[test]
fn half_past_one_comes_twice_and_stays_two_moments_in_their_order() {
    // 2026-11-01 in Chicago: at 02:00 the clock goes back to 01:00.
    let first = Stamp {
        at: instant("2026-11-01T06:30:00Z"),
        offset_minutes: -300,
    };
    let second = Stamp {
        at: instant("2026-11-01T07:30:00Z"),
        offset_minutes: -360,
    };
    assert_eq!(first.to_datetime(), "2026-11-01T01:30:00-05:00");
    assert_eq!(second.to_datetime(), "2026-11-01T01:30:00-06:00");

    let read = [first, second].map(|stamp| Stamp::parse(&stamp.to_datetime()).expect("reads"));

    assert_eq!(read, [first, second]);
    assert_eq!(read[1].at.since_ms(read[0].at), 3_600_000);
}

#[test]
fn the_hour_that_does_not_exist_is_a_moment_like_any_other() {
    // 2026-03-08 in Chicago: 02:00 to 03:00 is passed over. A phone that had not noticed writes the old offset.
    let unaware = Stamp::parse("2026-03-08T02:30:00-06:00").expect("reads");
    let aware = Stamp::parse("2026-03-08T03:30:00-05:00").expect("reads");

    assert_eq!(unaware.at, aware.at);
    assert_eq!(unaware.to_datetime(), "2026-03-08T02:30:00-06:00");
}

#[test]
fn a_leap_second_is_read_and_never_runs_backwards() {
    let before = instant("2016-12-31T23:59:59Z");
    let leap = instant("2016-12-31T23:59:60Z");
    let after = instant("2017-01-01T00:00:00Z");

    assert!(before < leap && leap <= after);
    assert_eq!(Timestamp::parse(&leap.to_instant()), Some(leap));
}

#[test]
fn seconds_beyond_32_bits_are_only_numbers() {
    for (text, seconds) in [
        ("2038-01-19T03:14:07Z", i64::from(i32::MAX)),
        ("2038-01-19T03:14:08Z", i64::from(i32::MAX) + 1),
        ("2106-02-07T06:28:16Z", i64::from(u32::MAX) + 1),
        ("1901-12-13T20:45:51Z", i64::from(i32::MIN) - 1),
        ("1969-12-31T23:59:59Z", -1),
    ] {
        let at = instant(text);
        assert_eq!(at.0, seconds * 1000, "{text}");
        assert_eq!(Timestamp::parse(&at.to_instant()), Some(at), "{text}");
    }
}

#[test]
fn a_clock_of_any_nonsense_writes_a_date_that_every_server_reads() {
    for at in [
        i64::MIN,
        -62_135_596_800_001,
        253_402_300_800_000,
        1 << 53,
        i64::MAX,
    ] {
        for offset_minutes in [-840, 0, 840] {
            let stamp = Stamp {
                at: Timestamp(at),
                offset_minutes,
            };
            for text in [stamp.at.to_instant(), stamp.to_datetime()] {
                let year: i32 = text[..4].parse().unwrap_or_else(|_| panic!("{at}: {text}"));
                assert!((1..=9999).contains(&year), "{at}: {text}");
                assert!(Timestamp::parse(&text).is_some(), "{at}: {text}");
                assert!(hms_fhir::parse_date_range(&text).is_some(), "{at}: {text}");
            }
        }
    }
}

#[test]
fn what_a_search_compares_goes_on_over_leap_seconds_and_2038() {
    let range = |text: &str| hms_fhir::parse_date_range(text).expect(text);

    assert_eq!(range("2016-12-31T23:59:60Z").0, range("2017-01-01T00:00:00Z").0);
    assert_eq!(range("2038-01-19T03:14:08Z").0, (i64::from(i32::MAX) + 1) * 1000);
    assert!(range("2026-11-01T01:30:00-05:00").1 < range("2026-11-01T01:30:00-06:00").0);
}
