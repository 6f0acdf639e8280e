//! One direction of a link.

use std::time::Duration;

use crate::chance::{draw, Draw};

/// How much later than its turn a packet comes that others may pass.
const HELD_BACK: Duration = Duration::from_millis(40);

/// What one direction does to packets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// Rate in bit/s; none is without bound.
    pub bits_per_s: Option<u64>,
    /// One way, without the wait for the line.
    pub delay: Duration,
    /// Each packet comes up to this much earlier or later than `delay`, evenly. Never out of order.
    pub jitter: Duration,
    /// A packet that would wait longer than this for the line is dropped.
    pub queue: Duration,
    /// What is lost by chance.
    pub loss: Loss,
    /// Nothing passes and nobody is told. What was on its way arrives.
    pub down: bool,
    /// Share (0..1) of packets that come 40 ms late and let others pass.
    pub reorder: f64,
    /// Share (0..1) of packets that come twice.
    pub duplicate: f64,
}

/// Loss by chance. Shares are of packets, 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Nothing is lost.
    None,
    /// Each packet alone.
    Random(f64),
    /// In runs (Gilbert's model): all packets of the bad state are lost.
    Bursts {
        /// Of all packets in the long run.
        share: f64,
        /// Mean length of a run in packets, 1 or more.
        mean: f64,
    },
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives at this time since the link began.
    Arrives(Duration),
    /// It never does.
    Lost(Why),
}

/// Why a packet is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// By chance, on the air.
    Chance,
    /// The queue was full.
    Queue,
    /// The direction was down.
    Outage,
}

impl Default for Way {
    /// As if there were no link: no bound, no delay, no loss, and a queue of 500 ms for when a rate is set.
    fn default() -> Self {
        Self {
            bits_per_s: None,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            queue: Duration::from_millis(500),
            loss: Loss::None,
            down: false,
            reorder: 0.0,
            duplicate: 0.0,
        }
    }
}

/// One direction. Times are since the link began; nothing reads a clock.
#[derive(Debug, Clone)]
pub struct PacketLink {
    way: Way,
    seed: u64,
    /// The number of the next packet.
    next: u64,
    /// In a run of losses. Unknown until the first packet of a way with runs.
    bad: Option<bool>,
    /// When the line has sent all that it took.
    free: Duration,
    /// When the last packet in order arrives.
    last: Duration,
    copy: Option<Duration>,
}

impl PacketLink {
    /// A direction that begins at time zero. Give each direction a seed of its own ([`crate::Plan::links`] does).
    #[must_use]
    pub fn new(way: Way, seed: u64) -> Self {
        Self {
            way,
            seed,
            next: 0,
            bad: None,
            free: Duration::ZERO,
            last: Duration::ZERO,
            copy: None,
        }
    }

    /// Another rate, delay, loss, or an outage, from the next packet on. What the line already took leaves and
    /// arrives as told.
    pub fn set(&mut self, way: Way) {
        if !matches!(way.loss, Loss::Bursts { .. }) {
            self.bad = None;
        }
        self.way = way;
    }

    /// What it does now.
    #[must_use]
    pub fn way(&self) -> Way {
        self.way
    }

    /// Gives the next packet to the link, with its `length` in bytes from the IP header on. `now` never goes back.
    ///
    /// Whether it is lost by chance depends on the seed and on how many were offered before, not on time, length or
    /// queue. What is lost by chance has taken the line's time: it is lost on the air.
    pub fn offer(&mut self, now: Duration, length: usize) -> Fate {
        let packet = self.next;
        self.next += 1;
        self.copy = None;
        let chance = self.lost_by_chance(packet);
        if self.way.down {
            return Fate::Lost(Why::Outage);
        }
        let room = self.free.saturating_sub(now) <= self.way.queue;
        if room {
            self.free = self.free.max(now) + self.time_on_line(length);
        }
        match (chance, room) {
            (true, _) => Fate::Lost(Why::Chance),
            (false, false) => Fate::Lost(Why::Queue),
            (false, true) => Fate::Arrives(self.arrival(packet)),
        }
    }

    /// When the packet of the last [`PacketLink::offer`] arrives a second time, if it does.
    #[must_use]
    pub fn copy(&self) -> Option<Duration> {
        self.copy
    }

    /// Packets offered so far.
    #[must_use]
    pub fn offered(&self) -> u64 {
        self.next
    }

    fn lost_by_chance(&mut self, packet: u64) -> bool {
        let number = draw(self.seed, packet, Draw::Loss);
        match self.way.loss {
            Loss::None => false,
            Loss::Random(share) => number < share,
            Loss::Bursts { share, .. } if share >= 1.0 => true,
            Loss::Bursts { share, mean } => {
                let leave = 1.0 / mean.max(1.0);
                let enter = leave * share / (1.0 - share);
                let bad = match self.bad {
                    // As likely as at any later time.
                    None => draw(self.seed, packet, Draw::Start) < share,
                    Some(true) => number >= leave,
                    Some(false) => number < enter,
                };
                self.bad = Some(bad);
                bad
            }
        }
    }

    fn time_on_line(&self, length: usize) -> Duration {
        match self.way.bits_per_s {
            None => Duration::ZERO,
            // At no rate at all nothing would ever leave: the queue then fills with the first packet.
            Some(rate) => {
                let nanos = length as u128 * 8 * 1_000_000_000 / u128::from(rate.max(1));
                Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4))
            }
        }
    }

    fn arrival(&mut self, packet: u64) -> Duration {
        let way = self.way;
        let swing = 2.0 * draw(self.seed, packet, Draw::Jitter) - 1.0;
        let shift = way.jitter.mul_f64(swing.abs());
        let delay = if swing < 0.0 {
            way.delay.saturating_sub(shift)
        } else {
            way.delay + shift
        };
        let turn = (self.free + delay).max(self.last);
        let arrival = if draw(self.seed, packet, Draw::Reorder) < way.reorder {
            turn + HELD_BACK
        } else {
            self.last = turn;
            turn
        };
        if draw(self.seed, packet, Draw::Duplicate) < way.duplicate {
            self.copy = Some(arrival);
        }
        arrival
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// The fates of packets of 125 bytes (1000 bits), one each so many milliseconds.
    fn fates(way: Way, seed: u64, count: u64, every: u64) -> Vec<Fate> {
        let mut link = PacketLink::new(way, seed);
        (0..count).map(|n| link.offer(ms(n * every), 125)).collect()
    }

    fn share(fates: &[Fate], why: Why) -> f64 {
        fates.iter().filter(|&&fate| fate == Fate::Lost(why)).count() as f64 / fates.len() as f64
    }

    #[test]
    fn the_rate_is_kept() {
        // Offered 1 Mbit/s, carried 250 kbit/s with a queue without bound.
        let way = Way {
            bits_per_s: Some(250_000),
            queue: Duration::MAX,
            ..Way::default()
        };
        let fates = fates(way, 1, 1000, 1);
        assert_eq!(fates[0], Fate::Arrives(ms(4)));
        assert_eq!(fates[999], Fate::Arrives(ms(4000)));
    }

    #[test]
    fn the_queue_drops_what_would_wait_too_long() {
        let way = Way {
            bits_per_s: Some(250_000),
            delay: ms(30),
            ..Way::default()
        };
        let fates = fates(way, 1, 4000, 1);
        // Three of four cannot pass; the first 500 ms of work fit in the queue.
        assert!((share(&fates, Why::Queue) - 0.75).abs() < 0.05);
        for (n, fate) in fates.iter().enumerate() {
            if let Fate::Arrives(at) = fate {
                assert!(*at <= ms(n as u64 + 500 + 4 + 30), "{n} at {at:?}");
            }
        }
        assert!(matches!(fates[0], Fate::Arrives(at) if at == ms(34)));
    }

    #[test]
    fn random_loss_has_its_share() {
        let way = Way {
            loss: Loss::Random(0.1),
            ..Way::default()
        };
        let fates = fates(way, 7, 100_000, 20);
        assert!((share(&fates, Why::Chance) - 0.1).abs() < 0.005);
    }

    #[test]
    fn bursts_have_their_share_and_length() {
        let way = Way {
            loss: Loss::Bursts {
                share: 0.2,
                mean: 4.0,
            },
            ..Way::default()
        };
        let fates = fates(way, 7, 100_000, 20);
        assert!((share(&fates, Why::Chance) - 0.2).abs() < 0.01);
        let runs: Vec<usize> = fates
            .split(|fate| matches!(fate, Fate::Arrives(_)))
            .map(<[Fate]>::len)
            .filter(|&length| length > 0)
            .collect();
        let mean = runs.iter().sum::<usize>() as f64 / runs.len() as f64;
        assert!((mean - 4.0).abs() < 0.2, "{mean}");
    }

    #[test]
    fn chance_depends_on_seed_and_number_only() {
        let slow = Way {
            bits_per_s: Some(100_000),
            delay: ms(300),
            jitter: ms(20),
            loss: Loss::Bursts {
                share: 0.2,
                mean: 4.0,
            },
            ..Way::default()
        };
        let fast = Way {
            bits_per_s: None,
            reorder: 0.1,
            ..slow
        };
        let lost = |fates: Vec<Fate>| -> Vec<bool> {
            fates
                .into_iter()
                .map(|fate| fate == Fate::Lost(Why::Chance))
                .collect()
        };
        let one = lost(fates(slow, 11, 5000, 5));
        assert_eq!(one, lost(fates(slow, 11, 5000, 5)));
        assert_eq!(one, lost(fates(fast, 11, 5000, 1)));
        assert_ne!(one, lost(fates(slow, 12, 5000, 5)));
    }

    #[test]
    fn an_outage_loses_all_and_moves_no_chance() {
        let way = Way {
            loss: Loss::Bursts {
                share: 0.3,
                mean: 4.0,
            },
            ..Way::default()
        };
        let without = fates(way, 3, 300, 10);
        let mut link = PacketLink::new(way, 3);
        let with: Vec<Fate> = (0..300)
            .map(|n| {
                link.set(Way {
                    down: (100..200).contains(&n),
                    ..way
                });
                link.offer(ms(n * 10), 125)
            })
            .collect();
        assert_eq!(without[..100], with[..100]);
        assert!(with[100..200].iter().all(|&fate| fate == Fate::Lost(Why::Outage)));
        assert_eq!(without[200..], with[200..]);
    }

    #[test]
    fn jitter_keeps_order_and_its_bounds() {
        let way = Way {
            delay: ms(50),
            jitter: ms(10),
            ..Way::default()
        };
        let arrivals: Vec<Duration> = fates(way, 5, 5000, 2)
            .into_iter()
            .filter_map(|fate| match fate {
                Fate::Arrives(at) => Some(at),
                Fate::Lost(_) => None,
            })
            .collect();
        assert!(arrivals.is_sorted());
        let delays: Vec<Duration> = (0..).zip(&arrivals).map(|(n, &at)| at - ms(2 * n)).collect();
        assert!(delays.iter().all(|&delay| (ms(40)..=ms(60)).contains(&delay)));
        assert!(delays.iter().any(|&delay| delay < ms(47)) && delays.iter().any(|&delay| delay > ms(58)));
    }

    #[test]
    fn some_are_passed_and_some_come_twice() {
        let way = Way {
            delay: ms(50),
            reorder: 0.1,
            duplicate: 0.1,
            ..Way::default()
        };
        let mut link = PacketLink::new(way, 5);
        let (mut late, mut twice) = (0, 0);
        for n in 0..1000 {
            let fate = link.offer(ms(n * 10), 125);
            late += u32::from(fate == Fate::Arrives(ms(n * 10 + 90)));
            twice += u32::from(link.copy().is_some());
        }
        assert!(
            (70..130).contains(&late) && (70..130).contains(&twice),
            "{late} {twice}"
        );
    }
}
