//! One direction of a link: when what is put on it comes out, and what has come out so far.

use super::plan::{Cut, Direction, Plan, Way};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What TCP waits beyond the round trip before it sends a packet again that nothing followed.
const RESEND: Duration = Duration::from_millis(200);
/// A router's queue: a datagram that would wait longer is dropped.
const QUEUE: Duration = Duration::from_millis(500);

/// What has passed in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Bytes that were put on the link.
    pub sent: u64,
    /// Bytes that came out at its end.
    pub arrived: u64,
    /// Packets of TCP that were lost, and sent again.
    pub resent: u64,
    /// Datagrams that came out, counting those that came twice once more.
    pub datagrams: u64,
    /// Datagrams that were lost.
    pub lost: u64,
}

/// One direction, all connections together.
#[derive(Debug)]
pub(super) struct Lane(Mutex<Inside>);

#[derive(Debug)]
struct Inside {
    way: Way,
    round_trip: Duration,
    dice: u64,
    /// When the line is free again.
    free_at: Option<Instant>,
    cuts: VecDeque<Cut>,
    passed: Passed,
}

/// Where a connection stands: its bytes come out in order, whatever happened to one of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// When the last byte so far comes out.
    arrives: Option<Instant>,
    /// When it was put on the line.
    sent: Option<Instant>,
}

impl Lane {
    pub fn new(plan: &Plan, direction: Direction) -> Self {
        let (way, salt) = match direction {
            Direction::Up => (plan.up, 1),
            Direction::Down => (plan.down, 2),
        };
        let cuts = plan.cuts.iter().filter(|cut| cut.way == direction);
        Self(Mutex::new(Inside {
            way,
            round_trip: plan.round_trip(),
            dice: split_mix(plan.seed ^ salt),
            free_at: None,
            cuts: cuts.copied().collect(),
            passed: Passed::default(),
        }))
    }

    /// From now on the direction is as this plan has it; what has passed and what is still to be cut stays.
    pub fn set(&self, way: Way, round_trip: Duration) {
        let mut inside = self.inside();
        inside.way = way;
        inside.round_trip = round_trip;
    }

    pub fn passed(&self) -> Passed {
        self.inside().passed
    }

    /// What waited for the line is gone and does not keep it busy.
    pub fn clear(&self) {
        self.inside().free_at = None;
    }

    /// The bytes that are best put on the line at once: a packet where packets are lost or wait, else more.
    pub fn packet(&self) -> usize {
        let way = self.inside().way;
        if way.loss > 0.0 || way.kbit_s.is_some() {
            1400
        } else {
            64 * 1024
        }
    }

    /// When the line takes the next bytes.
    pub fn free_at(&self) -> Option<Instant> {
        self.inside().free_at
    }

    /// Puts bytes of a connection on the line; gives when they come out.
    pub fn stream(&self, place: &mut Place, now: Instant, length: usize) -> Instant {
        let mut inside = self.inside();
        let inside = &mut *inside;
        let way = inside.way;
        inside.passed.sent += length as u64;
        let takes = way.takes(length);
        let mut sent = inside.free_at.map_or(now, |free| free.max(now)) + takes;
        let busy = place
            .sent
            .is_some_and(|last| sent <= last + inside.round_trip + takes);
        let mut late = Duration::ZERO;
        let mut wait = inside.round_trip + if busy { Duration::ZERO } else { RESEND };
        while inside.roll() < way.loss {
            // Sent again, it takes the line's time once more.
            inside.passed.resent += 1;
            sent += takes;
            late += wait;
            wait *= 2;
        }
        inside.free_at = Some(sent);
        let jitter = inside.jitter();
        let arrives = sent + way.delay() + jitter + late;
        let arrives = place.arrives.map_or(arrives, |before| arrives.max(before));
        *place = Place {
            arrives: Some(arrives),
            sent: Some(sent),
        };
        arrives
    }

    /// Puts a datagram on the line; gives when it comes out, each time that it does.
    pub fn datagram(&self, now: Instant, length: usize) -> Vec<Instant> {
        let mut inside = self.inside();
        let inside = &mut *inside;
        let way = inside.way;
        inside.passed.sent += length as u64;
        let free = inside.free_at.map_or(now, |free| free.max(now));
        if inside.roll() < way.loss || free > now + QUEUE {
            inside.passed.lost += 1;
            return Vec::new();
        }
        let sent = free + way.takes(length);
        inside.free_at = Some(sent);
        let mut out = Vec::new();
        let times = if inside.roll() < way.duplicate { 2 } else { 1 };
        for _ in 0..times {
            let mut arrives = sent + way.delay() + inside.jitter();
            if inside.roll() < way.reorder {
                // Late enough that those behind it come first.
                arrives += way.delay().max(Duration::from_millis(30));
            }
            out.push(arrives);
        }
        out
    }

    /// Bytes come out: how many of them do, and the break that follows.
    pub fn arrive(&self, length: usize) -> (usize, Option<Cut>) {
        let mut inside = self.inside();
        let before = inside.passed.arrived;
        let (length, cut) = match inside.cuts.front().copied() {
            Some(cut) if before + length as u64 >= cut.at_byte => {
                inside.cuts.pop_front();
                let left = cut.at_byte.saturating_sub(before);
                (usize::try_from(left).unwrap_or(length), Some(cut))
            }
            _ => (length, None),
        };
        inside.passed.arrived += length as u64;
        (length, cut)
    }

    /// A datagram comes out.
    pub fn arrive_datagram(&self, length: usize) {
        let mut inside = self.inside();
        inside.passed.arrived += length as u64;
        inside.passed.datagrams += 1;
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One step of SplitMix64: spreads a seed evenly. Written out here, so that the link needs nothing else of the house.
fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Inside {
    /// From 0 to less than 1.
    fn roll(&mut self) -> f64 {
        self.dice = split_mix(self.dice);
        (self.dice >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn jitter(&mut self) -> Duration {
        if self.way.jitter_ms > 0.0 {
            Duration::from_secs_f64(self.roll() * self.way.jitter_ms / 1000.0)
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thin(loss: f64) -> Lane {
        let mut plan = Plan::named("rural").expect("a preset");
        plan.up.kbit_s = Some(1000.0);
        plan.up.loss = loss;
        Lane::new(&plan, Direction::Up)
    }

    #[test]
    fn a_thin_line_carries_no_more_than_it_can() {
        let (lane, begun) = (thin(0.0), Instant::now());
        let (mut one, mut other) = (Place::default(), Place::default());

        let first = lane.stream(&mut one, begun, 12_500) - begun;
        let second = lane.stream(&mut other, begun, 12_500) - begun;

        assert_eq!(first, Duration::from_millis(250));
        assert_eq!(second, Duration::from_millis(350));
    }

    #[test]
    fn a_lost_packet_holds_up_its_connection_and_is_the_same_with_the_same_seed() {
        let begun = Instant::now();
        let run = || {
            let (lane, mut place) = (thin(0.2), Place::default());
            let times: Vec<Instant> = (0..200).map(|_| lane.stream(&mut place, begun, 1400)).collect();
            (times, lane.passed().resent)
        };

        let (times, resent) = run();

        assert_eq!(run(), (times.clone(), resent));
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!((20..90).contains(&resent), "{resent}");
    }

    #[test]
    fn datagrams_are_lost_doubled_and_overtaken() {
        let mut plan = Plan::default();
        (plan.down.loss, plan.down.duplicate, plan.down.reorder) = (0.1, 0.1, 0.1);
        plan.down.delay_ms = 10.0;
        let (lane, begun) = (Lane::new(&plan, Direction::Down), Instant::now());

        let out: Vec<Vec<Instant>> = (0..1000).map(|_| lane.datagram(begun, 100)).collect();

        let with = |count: usize| out.iter().filter(|times| times.len() == count).count();
        let late = out
            .iter()
            .flatten()
            .filter(|at| **at > begun + Duration::from_millis(30));
        assert!((50..200).contains(&with(0)), "{}", with(0));
        assert!((50..200).contains(&with(2)), "{}", with(2));
        assert!((50..200).contains(&late.count()));
    }

    #[test]
    fn a_cut_lets_so_many_bytes_through_and_not_one_more() {
        let cut = Cut {
            way: Direction::Up,
            at_byte: 150,
            for_ms: 10,
        };
        let plan = Plan {
            cuts: vec![cut],
            ..Plan::default()
        };
        let lane = Lane::new(&plan, Direction::Up);

        assert_eq!(lane.arrive(100), (100, None));
        assert_eq!(lane.arrive(100), (50, Some(cut)));
        assert_eq!(lane.arrive(100), (100, None));
        assert_eq!(lane.passed().arrived, 250);
    }
}
