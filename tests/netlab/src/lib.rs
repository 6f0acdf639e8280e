//! Bad links for packets, by a seed: the rural road, the full cell, the tunnel. Pure: times come in as durations since the
//! link began, so the same link serves virtual time and real time.
//!
//! `tests/link` is another: it stands between TCP programs and deals in bytes. This one deals in packets and drops them.

mod dice;
mod plan;

pub use plan::{Loss, Plan, Way};

use dice::Dice;
use std::time::Duration;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It comes out at this time.
    Arrives(Duration),
    /// It does not.
    Lost(Why),
}

/// Why a packet is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The radio.
    Chance,
    /// The queue before the line was full.
    Queue,
    /// The link is down.
    Outage,
}

/// What has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Packets and bytes that were put on the link.
    pub packets: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Lost by chance.
    pub by_chance: u64,
    /// Lost because the queue was full.
    pub by_queue: u64,
    /// Lost because the link was down.
    pub by_outage: u64,
}

/// One direction of a link.
#[derive(Debug, Clone)]
pub struct PacketLink {
    way: Way,
    /// Loss by chance depends on the seed and the packet's number alone: dice of its own.
    fading: Dice,
    bad: bool,
    weather: Dice,
    free_at: Duration,
    last_out: Duration,
    passed: Passed,
}

impl PacketLink {
    /// A link as `way` has it.
    #[must_use]
    pub fn new(way: Way, seed: u64) -> Self {
        Self {
            way,
            fading: Dice::new(seed),
            bad: false,
            weather: Dice::new(!seed),
            free_at: Duration::ZERO,
            last_out: Duration::ZERO,
            passed: Passed::default(),
        }
    }

    /// From now on the link is as `way` has it. What waits in its queue stays there, but for an outage: that empties it.
    pub fn set(&mut self, way: Way) {
        if way.down {
            self.free_at = Duration::ZERO;
            self.last_out = Duration::ZERO;
        }
        self.way = way;
    }

    /// What has passed so far.
    #[must_use]
    pub fn passed(&self) -> Passed {
        self.passed
    }

    /// Puts a packet of `length` bytes on the link.
    pub fn offer(&mut self, now: Duration, length: usize) -> Fate {
        self.passed.packets += 1;
        self.passed.bytes += length as u64;
        let fades = self.fades();
        if self.way.down {
            self.passed.by_outage += 1;
            return Fate::Lost(Why::Outage);
        }
        let begins = self.free_at.max(now);
        if begins - now > self.way.queue {
            self.passed.by_queue += 1;
            return Fate::Lost(Why::Queue);
        }
        // What the radio loses has taken its time on the line all the same.
        self.free_at = begins + self.way.takes(length);
        if fades {
            self.passed.by_chance += 1;
            return Fate::Lost(Why::Chance);
        }
        let mut out = self.free_at + self.way.delay + self.way.jitter.mul_f64(self.weather.roll());
        if self.weather.roll() < self.way.reorder {
            return Fate::Arrives(out + self.way.delay.max(Duration::from_millis(30)));
        }
        out = out.max(self.last_out);
        self.last_out = out;
        Fate::Arrives(out)
    }

    fn fades(&mut self) -> bool {
        match self.way.loss {
            Loss::None => false,
            Loss::Random(share) => self.fading.roll() < share,
            Loss::Bursts { share, mean } => {
                let leave = 1.0 / mean.max(1.0);
                let enter = leave * share / (1.0 - share).max(1e-9);
                let roll = self.fading.roll();
                self.bad = if self.bad { roll >= leave } else { roll < enter };
                self.bad
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(10);

    fn run(way: Way, seed: u64, count: u32, length: usize) -> Vec<Fate> {
        let mut link = PacketLink::new(way, seed);
        (0..count).map(|n| link.offer(EVERY * n, length)).collect()
    }

    fn lost(fates: &[Fate], why: Why) -> usize {
        fates.iter().filter(|fate| **fate == Fate::Lost(why)).count()
    }

    #[test]
    fn a_thin_line_carries_what_it_can_and_drops_what_would_wait_too_long() {
        let way = Way {
            bits_per_s: Some(100_000),
            queue: Duration::from_millis(500),
            ..Way::default()
        };

        // 1,250 bytes every 10 ms are ten times too many.
        let fates = run(way, 1, 1_000, 1_250);

        let queue = lost(&fates, Why::Queue);
        assert!((890..=900).contains(&queue), "{queue}");
        assert_eq!(fates[0], Fate::Arrives(Duration::from_millis(100)));
        assert_eq!(fates[1], Fate::Arrives(Duration::from_millis(200)));
    }

    #[test]
    fn chance_loses_its_share_whatever_else_passes() {
        let way = |rate| Way {
            bits_per_s: rate,
            queue: Duration::from_secs(600),
            loss: Loss::Random(0.1),
            ..Way::default()
        };

        let free = run(way(None), 7, 20_000, 100);
        let thin = run(way(Some(10_000_000)), 7, 20_000, 1_000);

        let share = lost(&free, Why::Chance) as f64 / 20_000.0;
        assert!((0.09..0.11).contains(&share), "{share}");
        let pattern = |fates: &[Fate]| -> Vec<bool> {
            fates
                .iter()
                .map(|fate| *fate == Fate::Lost(Why::Chance))
                .collect()
        };
        assert_eq!(pattern(&free), pattern(&thin));
        assert_ne!(pattern(&free), pattern(&run(way(None), 8, 20_000, 100)));
    }

    #[test]
    fn bursts_have_their_share_and_their_length() {
        let way = Way {
            loss: Loss::Bursts {
                share: 0.2,
                mean: 4.0,
            },
            ..Way::default()
        };

        let gone: Vec<bool> = run(way, 3, 50_000, 100)
            .iter()
            .map(|fate| matches!(fate, Fate::Lost(_)))
            .collect();

        let share = gone.iter().filter(|gone| **gone).count() as f64 / 50_000.0;
        let runs = gone.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        let mean = share * 50_000.0 / runs as f64;
        assert!((0.18..0.22).contains(&share), "{share}");
        assert!((3.7..4.3).contains(&mean), "{mean}");
    }

    #[test]
    fn an_outage_loses_all_and_leaves_no_queue_behind() {
        let mut link = PacketLink::new(
            Way {
                bits_per_s: Some(100_000),
                ..Way::default()
            },
            1,
        );
        for _ in 0..4 {
            link.offer(Duration::ZERO, 1_250);
        }
        let up = link.way;
        link.set(Way { down: true, ..up });

        assert_eq!(link.offer(EVERY, 100), Fate::Lost(Why::Outage));
        link.set(up);
        assert_eq!(
            link.offer(EVERY * 2, 1_250),
            Fate::Arrives(EVERY * 2 + Duration::from_millis(100))
        );
        assert_eq!(link.passed().by_outage, 1);
    }

    #[test]
    fn jitter_does_not_reorder_and_reordering_does() {
        let arrivals = |reorder| -> Vec<Duration> {
            let way = Way {
                delay: Duration::from_millis(50),
                jitter: Duration::from_millis(40),
                reorder,
                ..Way::default()
            };
            run(way, 5, 500, 100)
                .into_iter()
                .filter_map(|fate| match fate {
                    Fate::Arrives(at) => Some(at),
                    Fate::Lost(_) => None,
                })
                .collect()
        };

        assert!(arrivals(0.0).is_sorted());
        assert!(!arrivals(0.1).is_sorted());
    }
}
