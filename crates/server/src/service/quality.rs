//! How visits went, by the kind of their paths: medians, and what 95 of 100 did not exceed. No visit is named.

use std::fmt::Write;

use hms_core::call::record::percentile;
use hms_model::wire::quality::{QualityPath, WireQuality};

/// Fewer than this tell little of a kind of path.
const ENOUGH: usize = 20;

const PATHS: [(QualityPath, &str); 4] = [
    (QualityPath::Host, "direct"),
    (QualityPath::RelayUdp, "relay, UDP"),
    (QualityPath::RelayTcp, "relay, TCP"),
    (QualityPath::None, "no path"),
];

type Figure = fn(&WireQuality) -> Option<u32>;

const FIGURES: [(&str, Figure); 15] = [
    ("ready, ms", |q| q.ready_ms),
    ("connected, ms", |q| q.connected_ms),
    ("first picture, ms", |q| q.first_frame_ms),
    ("lasted, s", |q| Some(q.lasted_s)),
    ("round trip, ms", |q| q.rtt_median_ms),
    ("round trip p95, ms", |q| q.rtt_p95_ms),
    ("loss, 1/1000", |q| q.loss_median_permille),
    ("loss p95, 1/1000", |q| q.loss_p95_permille),
    ("sound made up, 1/1000", |q| Some(q.concealed_ppm / 1_000)),
    ("longest gap, ms", |q| Some(q.longest_gap_ms)),
    ("longest freeze, ms", |q| Some(q.longest_freeze_ms)),
    ("buffer p95, ms", |q| q.buffer_p95_ms),
    ("drops", |q| Some(q.drops)),
    ("away, ms, if dropped", |q| (q.drops > 0).then_some(q.recovery_ms)),
    ("without moving picture, 1/1000", |q| without_picture(q)),
];

/// Share of the time on the three lowest rungs, in thousandths.
fn without_picture(q: &WireQuality) -> Option<u32> {
    let all: u64 = q.rung_s.iter().map(|s| u64::from(*s)).sum();
    let low: u64 = q.rung_s.iter().take(3).map(|s| u64::from(*s)).sum();
    u32::try_from((low * 1000).checked_div(all)?).ok()
}

/// The table that an operator reads.
#[must_use]
pub fn table_of(told: &[WireQuality], days: u16) -> String {
    let mut text = format!(
        "{} sides of visits told how it went, in {days} days.\n",
        told.len()
    );
    for (path, name) in PATHS {
        let of: Vec<&WireQuality> = told.iter().filter(|q| q.path == path).collect();
        if of.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{name}: {} sides", of.len());
        if of.len() < ENOUGH {
            text += "So few tell little.\n";
        }
        let _ = writeln!(text, "{:<32}{:>10}{:>10}{:>8}", "", "median", "p95", "of");
        for (what, figure) in FIGURES {
            let mut values: Vec<u32> = of.iter().filter_map(|q| figure(q)).collect();
            if let (Some(median), Some(p95)) = (percentile(&mut values, 50), percentile(&mut values, 95)) {
                let _ = writeln!(text, "{what:<32}{median:>10}{p95:>10}{:>8}", values.len());
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use hms_model::wire::quality::{QualityEngine, QualitySide};

    fn side(path: QualityPath, number: u32) -> WireQuality {
        let connected = path != QualityPath::None;
        WireQuality {
            side: QualitySide::Caller,
            joined_at: 1_795_000_000_000,
            rang_ms: 1,
            ready_ms: Some(100),
            connected_ms: connected.then_some(number * 10),
            first_frame_ms: None,
            lasted_s: 100,
            rung_s: [0, 25, 0, 0, 0, 0, 75],
            concealed_ppm: 5_000,
            longest_gap_ms: 60,
            longest_freeze_ms: 0,
            buffer_p95_ms: None,
            rtt_median_ms: Some(40),
            rtt_p95_ms: Some(90),
            loss_median_permille: Some(0),
            loss_p95_permille: Some(7),
            path,
            engine: QualityEngine::Str0m,
            drops: u32::from(number == 7),
            recovery_ms: 4_321,
            bytes_in: 1,
            bytes_out: 1,
        }
    }

    fn row(text: &str, name: &str) -> Vec<String> {
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name} in {text}"));
        let numbers = line.trim_start_matches(name).split_whitespace();
        numbers.map(str::to_owned).collect()
    }

    #[test]
    fn medians_and_tails_stand_by_the_kind_of_path() {
        let mut told: Vec<WireQuality> = (1..=40).map(|n| side(QualityPath::RelayTcp, n)).collect();
        told.push(side(QualityPath::None, 1));
        let text = table_of(&told, 28);

        assert!(
            text.starts_with("41 sides of visits told how it went, in 28 days."),
            "{text}"
        );
        assert!(
            text.contains("relay, TCP: 40 sides\n  ") && !text.contains("direct"),
            "{text}"
        );
        assert!(text.contains("no path: 1 sides\nSo few tell little."), "{text}");
        assert_eq!(row(&text, "connected, ms"), ["200", "380", "40"]);
        assert_eq!(row(&text, "away, ms, if dropped"), ["4321", "4321", "1"]);
        assert_eq!(row(&text, "without moving picture, 1/1000"), ["250", "250", "40"]);
        assert!(!text.contains("first picture"), "nobody saw one: {text}");
    }
}
