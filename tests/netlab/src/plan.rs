//! Named links: what both directions do, and what changes when.

use std::time::Duration;

use crate::chance::mix;
use crate::{Loss, PacketLink, Way};

/// A link and what happens to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its short name.
    pub name: &'static str,
    /// There and back, at the beginning.
    pub ways: [Way; 2],
    /// Changes by time since the link began, in order.
    pub steps: Vec<(Duration, Step)>,
}

/// A change. All but [`Step::Ways`] is to both directions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// All of it, each direction its own.
    Ways([Way; 2]),
    /// Another rate in bit/s.
    Rate(Option<u64>),
    /// Another loss.
    Loss(Loss),
    /// Down, or up again.
    Down(bool),
    /// The router before the first side forgets its ports and gives others. Nothing changes for a [`PacketLink`]: who carries
    /// packets with addresses asks [`Plan::port_changes_at`].
    Ports,
}

impl Step {
    /// The ways after this change.
    #[must_use]
    pub fn after(self, ways: [Way; 2]) -> [Way; 2] {
        match self {
            Self::Ways(ways) => ways,
            Self::Rate(bits_per_s) => ways.map(|way| Way { bits_per_s, ..way }),
            Self::Loss(loss) => ways.map(|way| Way { loss, ..way }),
            Self::Down(down) => ways.map(|way| Way { down, ..way }),
            Self::Ports => ways,
        }
    }
}

impl Plan {
    /// The names that [`Plan::named`] knows.
    pub const NAMES: [&'static str; 9] = ["clean", "a", "b", "c", "d", "e", "f", "step", "shuffled"];

    /// A link by its name: `clean`; `a` to `d` thin, late, lossy and cut off for 15 s; `e` too thin for live sound;
    /// `f` behind a router that forgets its ports twice; `step` with a rate that falls and rises again; `shuffled` out of order and twice.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let seconds = Duration::from_secs;
        let (name, way, steps) = match name {
            "clean" => ("clean", way(20_000, 10, 0, Loss::None), vec![]),
            "a" => ("a", way(250, 50, 10, Loss::Random(0.02)), vec![]),
            "b" => ("b", way(100, 300, 20, Loss::Random(0.10)), vec![]),
            "c" => {
                let loss = Loss::Bursts {
                    share: 0.2,
                    mean: 4.0,
                };
                ("c", way(60, 400, 30, loss), vec![])
            }
            "d" => {
                let steps = vec![(seconds(20), Step::Down(true)), (seconds(35), Step::Down(false))];
                ("d", way(500, 40, 5, Loss::None), steps)
            }
            "e" => ("e", way(12, 300, 20, Loss::Random(0.05)), vec![]),
            "f" => {
                let steps = vec![(seconds(15), Step::Ports), (seconds(30), Step::Ports)];
                ("f", way(500, 40, 5, Loss::None), steps)
            }
            "step" => {
                let steps = vec![
                    (seconds(15), Step::Rate(Some(100_000))),
                    (seconds(30), Step::Rate(Some(1_000_000))),
                ];
                ("step", way(1_000, 40, 5, Loss::Random(0.005)), steps)
            }
            "shuffled" => {
                let way = Way {
                    reorder: 0.05,
                    duplicate: 0.02,
                    ..way(1_000, 50, 10, Loss::Random(0.01))
                };
                ("shuffled", way, vec![])
            }
            _ => return None,
        };
        Some(Self {
            name,
            ways: [way; 2],
            steps,
        })
    }

    /// The two directions at the beginning. Each has its own chance, both from this seed.
    #[must_use]
    pub fn links(&self, seed: u64) -> [PacketLink; 2] {
        [
            PacketLink::new(self.ways[0], mix(seed)),
            PacketLink::new(self.ways[1], mix(!seed)),
        ]
    }

    /// What both directions do at this time since the link began.
    #[must_use]
    pub fn ways_at(&self, time: Duration) -> [Way; 2] {
        self.steps
            .iter()
            .take_while(|(at, _)| *at <= time)
            .fold(self.ways, |ways, (_, step)| step.after(ways))
    }

    /// How often the first side's router has changed its ports by this time since the link began.
    #[must_use]
    pub fn port_changes_at(&self, time: Duration) -> u16 {
        let passed = self.steps.iter().take_while(|(at, _)| *at <= time);
        passed
            .filter(|(_, step)| *step == Step::Ports)
            .fold(0, |times, _| times + 1)
    }
}

fn way(kbit_per_s: u64, delay_ms: u64, jitter_ms: u64, loss: Loss) -> Way {
    Way {
        bits_per_s: Some(kbit_per_s * 1000),
        delay: Duration::from_millis(delay_ms),
        jitter: Duration::from_millis(jitter_ms),
        loss,
        ..Way::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fate;

    #[test]
    fn names_are_known() {
        for name in Plan::NAMES {
            assert_eq!(Plan::named(name).map(|plan| plan.name), Some(name));
        }
        assert_eq!(Plan::named("z"), None);
    }

    #[test]
    fn the_link_is_down_from_20_to_35_s() {
        let plan = Plan::named("d").expect("it is named");
        for (second, down) in [
            (0, false),
            (19, false),
            (20, true),
            (34, true),
            (35, false),
            (99, false),
        ] {
            let ways = plan.ways_at(Duration::from_secs(second));
            assert_eq!(ways.map(|way| way.down), [down; 2], "{second}");
        }
    }

    #[test]
    fn ports_change_twice() {
        let plan = Plan::named("f").expect("it is named");
        let times = [0, 14, 15, 29, 30].map(|second| plan.port_changes_at(Duration::from_secs(second)));
        assert_eq!(times, [0, 0, 1, 1, 2]);
    }

    #[test]
    fn directions_have_their_own_chance() {
        let plan = Plan::named("c").expect("it is named");
        let fates = plan.links(1).map(|mut link| {
            (0..200)
                .map(|n| matches!(link.offer(Duration::from_millis(60 * n), 100), Fate::Arrives(_)))
                .collect::<Vec<_>>()
        });
        assert_ne!(fates[0], fates[1]);
    }
}
