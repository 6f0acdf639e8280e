//! The links that calls are measured on.

use std::time::Duration;

/// How packets are lost by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Not at all.
    None,
    /// Each for itself, this share of them.
    Random(f64),
    /// In a row (Gilbert): this share of all, so many in a row on average.
    Bursts {
        /// Share of all packets, 0 to 1.
        share: f64,
        /// Packets in a row, at least 1.
        mean: f64,
    },
}

/// One direction of a link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// What it carries; `None` for more than anybody sends.
    pub bits_per_s: Option<u64>,
    /// One way.
    pub delay: Duration,
    /// Added to the delay, evenly from nothing to this; never reorders.
    pub jitter: Duration,
    /// A packet that would wait longer for the line is dropped.
    pub queue: Duration,
    /// Lost by chance.
    pub loss: Loss,
    /// Share of packets that come so late that others overtake them.
    pub reorder: f64,
    /// Nothing passes.
    pub down: bool,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            bits_per_s: None,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            queue: Duration::from_millis(500),
            loss: Loss::None,
            reorder: 0.0,
            down: false,
        }
    }
}

impl Way {
    /// How long the line takes for so many bytes.
    #[must_use]
    pub fn takes(&self, bytes: usize) -> Duration {
        match self.bits_per_s {
            Some(rate) => Duration::from_secs_f64(bytes as f64 * 8.0 / rate.max(1) as f64),
            None => Duration::ZERO,
        }
    }

    fn of(kbit_s: u64, round_trip_ms: u64, jitter_ms: u64, loss: Loss) -> Self {
        Self {
            bits_per_s: Some(kbit_s * 1_000),
            delay: Duration::from_millis(round_trip_ms / 2),
            jitter: Duration::from_millis(jitter_ms),
            loss,
            ..Self::default()
        }
    }
}

/// A link and what happens to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its name: `clean`, `a` …
    pub name: &'static str,
    /// From the first side to the second, and back.
    pub ways: [Way; 2],
    /// When a direction (0 or 1) becomes another, in order.
    pub steps: Vec<(Duration, usize, Way)>,
}

impl Plan {
    /// The names of the cells that calls are measured on.
    pub const NAMES: [&'static str; 5] = ["clean", "a", "b", "c", "d"];

    /// A cell by its name; `None` if there is none of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let both = |name, way| Self {
            name,
            ways: [way, way],
            steps: Vec::new(),
        };
        Some(match name {
            "clean" => both("clean", Way::of(20_000, 20, 2, Loss::None)),
            "a" => both("a", Way::of(250, 100, 10, Loss::Random(0.02))),
            "b" => both("b", Way::of(100, 600, 20, Loss::Random(0.1))),
            "c" => both(
                "c",
                Way::of(
                    60,
                    800,
                    30,
                    Loss::Bursts {
                        share: 0.2,
                        mean: 4.0,
                    },
                ),
            ),
            "d" => both("d", Way::of(500, 80, 5, Loss::None)).with_outage(20, 15),
            _ => return None,
        })
    }

    /// The same, with both directions down for a while.
    #[must_use]
    pub fn with_outage(mut self, from_s: u64, for_s: u64) -> Self {
        for (at, down) in [(from_s, true), (from_s + for_s, false)] {
            for direction in 0..2 {
                let way = Way {
                    down,
                    ..self.ways[direction]
                };
                self.steps.push((Duration::from_secs(at), direction, way));
            }
        }
        self.steps.sort_by_key(|(at, ..)| *at);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_its_name() {
        for name in Plan::NAMES {
            assert_eq!(Plan::named(name).map(|plan| plan.name), Some(name));
        }
        assert_eq!(Plan::named("z"), None);
    }

    #[test]
    fn an_outage_begins_and_ends_in_both_directions() {
        let plan = Plan::named("d").expect("a cell");
        let told: Vec<_> = plan
            .steps
            .iter()
            .map(|(at, direction, way)| (at.as_secs(), *direction, way.down))
            .collect();

        assert_eq!(
            told,
            [(20, 0, true), (20, 1, true), (35, 0, false), (35, 1, false)]
        );
    }
}
