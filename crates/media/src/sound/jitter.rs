//! An adaptive jitter buffer: which packet is played when, and what is done where one is missing.
//!
//! Pure: the time is an argument, in milliseconds. Delays are measured against the fastest packet of the last
//! seconds, so no clock of the far side is needed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::BLOCK;

/// Samples in a millisecond.
const PER_MS: u64 = 48;
/// Packets over which the spread of delays is looked at: 18 s of 60 ms packets.
const WINDOW: usize = 300;
/// So many tell what a link is like: 9 s.
const KNOWN: usize = 150;
/// The least delay that is aimed at.
const MIN_TARGET_MS: u64 = 20;
/// The most delay that is aimed at: beyond it, talk turns into taking turns.
const MAX_TARGET_MS: u64 = 340;
/// The share of packets that is to be there in time, in thousandths: as itself, or restored from a later one.
const IN_TIME_PERMILLE: usize = 990;
/// A packet that is missing longer than this is an outage, which no delay could bridge.
const OUTAGE_MS: u64 = 1_000;
/// A packet whose time lies this far from the newest one begins a new time.
const NEW_TIME_MS: u64 = 60_000;
/// A delay this far above the target is cut by dropping sound, not by squeezing it.
const DROP_ABOVE_MS: u64 = 300;
/// Silence of the network after which the buffer starts afresh.
const FRESH_START_MS: u64 = 1000;
/// A hole longer than this is jumped over.
const MAX_HOLE: u64 = 2 * 48_000;
/// Packets held at most: 15 s. More is dropped, oldest first.
const MAX_HELD: usize = 256;

/// What came of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It will be played.
    Kept,
    /// Its time is over.
    Late,
    /// It was there already.
    Duplicate,
}

/// What to play next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing was ever heard, or not for a while: silence, which counts as nothing.
    Rest,
    /// Decode this packet.
    Play(Arc<[u8]>),
    /// The sound from `gap` samples before `later` is missing: restore `samples` of it.
    Restore {
        /// Samples from the missing place to the beginning of `later`.
        gap: usize,
        /// Samples to restore.
        samples: usize,
        /// The packet that may hold redundancy.
        later: Arc<[u8]>,
    },
    /// Nothing is there: make up this many samples.
    Conceal(usize),
}

struct Waiting {
    packet: Arc<[u8]>,
    samples: usize,
}

/// The buffer.
#[derive(Default)]
pub struct JitterBuffer {
    waiting: BTreeMap<u64, Waiting>,
    /// The sample that the next step begins with; `None` before the start.
    next: Option<u64>,
    /// Media time in ms, and when it could be played, less that, in ms: for a packet that came its arrival, for one that
    /// is missing the arrival of the first later one that restores it. By media time.
    delays: VecDeque<(i64, i64)>,
    /// When a packet that will be played last came.
    last_packet_ms: u64,
    /// What is aimed at before enough packets have come to know better, in ms.
    first_target_ms: u64,
}

impl JitterBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a packet of `samples` that begins at sample `at`, and restores up to `reach` samples before it.
    pub fn insert(
        &mut self,
        now_ms: u64,
        at: u64,
        samples: usize,
        reach: usize,
        packet: Arc<[u8]>,
    ) -> Arrival {
        if self.waiting.contains_key(&at) {
            return Arrival::Duplicate;
        }
        self.learn(now_ms, at, samples, reach);
        if self.next.is_some_and(|next| at < next) {
            return Arrival::Late;
        }
        // Late ones do not count: where a far side's time has jumped back, all are late until this starts afresh.
        self.last_packet_ms = now_ms;
        self.waiting.insert(at, Waiting { packet, samples });
        if self.waiting.len() > MAX_HELD {
            self.waiting.pop_first();
        }
        Arrival::Kept
    }

    /// Does sound lie unheard between the newest packet and one that begins at `at`?
    pub fn has_gap_before(&self, at: u64) -> bool {
        let newest = self.delays.back().map(|(newest, _)| *newest);
        // The longest packets are 60 ms.
        newest.is_some_and(|newest| (at / PER_MS) as i64 > newest + 60)
    }

    /// A late packet still tells about the link, and one that makes up for others tells when those could be played.
    fn learn(&mut self, now_ms: u64, at: u64, samples: usize, reach: usize) {
        let (now, at) = (now_ms as i64, (at / PER_MS) as i64);
        let length = (samples as u64 / PER_MS).max(1) as i64;
        let newest = self.delays.back().map(|(newest, _)| *newest);
        if newest.is_some_and(|newest| at.abs_diff(newest) > NEW_TIME_MS) {
            // The far side's time has jumped: what was learnt by the old one means nothing.
            self.delays.clear();
        }
        let newest = self.delays.back().map(|(newest, _)| *newest);
        match newest {
            Some(newest) if at <= newest => {
                // Overtaken. It could have been restored before, but itself it sounds better.
                if let Some((_, delay)) = self.delays.iter_mut().find(|(media, _)| *media == at) {
                    *delay = now - at;
                }
                return;
            }
            Some(newest) if (at - newest) as u64 <= OUTAGE_MS => {
                let mut missing = newest + length;
                while missing < at {
                    if at - missing <= (reach as u64 / PER_MS) as i64 {
                        self.delays.push_back((missing, now - missing));
                    }
                    missing += length;
                }
            }
            Some(_) | None => {}
        }
        self.delays.push_back((at, now - at));
        while self.delays.len() > WINDOW {
            self.delays.pop_front();
        }
    }

    fn fastest(&self) -> Option<i64> {
        self.delays.iter().map(|(_, delay)| *delay).min()
    }

    /// What to aim at, in ms, before enough packets have come to know better: a link far away seldom loses nothing.
    pub fn expect(&mut self, target_ms: u64) {
        self.first_target_ms = target_ms.min(MAX_TARGET_MS);
    }

    /// The next step, with `ahead` samples decoded and not yet played.
    pub fn step(&mut self, now_ms: u64, ahead: usize) -> Step {
        let Some(next) = self.next else {
            return self.start(now_ms);
        };
        while self.waiting.first_key_value().is_some_and(|(at, _)| *at < next) {
            self.waiting.pop_first();
        }
        if self.delay_ms(now_ms, ahead) > self.target_ms() + DROP_ABOVE_MS && self.waiting.len() > 1 {
            self.waiting.pop_first();
            return self.jump();
        }
        let Some((at, first)) = self.waiting.first_key_value().map(|(at, w)| (*at, w)) else {
            if now_ms.saturating_sub(self.last_packet_ms) > FRESH_START_MS {
                self.next = None;
                self.delays.clear();
            }
            return Step::Conceal(BLOCK);
        };
        let gap = at - next;
        if gap == 0 {
            return self.jump();
        }
        let too_late = self.delay_ms(now_ms, ahead) > MAX_TARGET_MS + DROP_ABOVE_MS;
        if gap > MAX_HOLE || too_late {
            return self.jump();
        }
        // Opus decodes in steps of 2.5 ms; a hole that is not a multiple of them is jumped at its end.
        let samples = gap.min(BLOCK as u64) / 120 * 120;
        if samples == 0 {
            return self.jump();
        }
        self.next = Some(next + samples);
        Step::Restore {
            gap: gap as usize,
            samples: samples as usize,
            later: Arc::clone(&first.packet),
        }
    }

    /// The delay that the buffer adds now, in ms, with `ahead` samples decoded and not yet played.
    pub fn delay_ms(&self, now_ms: u64, ahead: usize) -> u64 {
        let (Some(next), Some(fastest)) = (self.next, self.fastest()) else {
            return 0;
        };
        let playing = next.saturating_sub(ahead as u64) / PER_MS;
        (now_ms as i64 - fastest - playing as i64).max(0) as u64
    }

    /// The delay that the buffer aims at, in ms.
    pub fn target_ms(&self) -> u64 {
        let Some(fastest) = self.fastest() else {
            return MIN_TARGET_MS;
        };
        let mut spread: Vec<i64> = self.delays.iter().map(|(_, delay)| delay - fastest).collect();
        spread.sort_unstable();
        let enough = (spread.len() * IN_TIME_PERMILLE / 1000).min(spread.len().saturating_sub(1));
        let wait = spread.get(enough).copied().unwrap_or(0).max(0) as u64;
        let at_first = if self.delays.len() < KNOWN {
            self.first_target_ms
        } else {
            0
        };
        (MIN_TARGET_MS + wait).max(at_first).min(MAX_TARGET_MS)
    }

    fn start(&mut self, now_ms: u64) -> Step {
        let Some((at, _)) = self.waiting.first_key_value() else {
            return Step::Rest;
        };
        let fastest = self.fastest().unwrap_or(0);
        let age = now_ms as i64 - fastest - (at / PER_MS) as i64;
        if age < self.target_ms() as i64 {
            return Step::Rest;
        }
        self.jump()
    }

    /// Plays the first packet that waits, whatever is before it.
    fn jump(&mut self) -> Step {
        match self.waiting.pop_first() {
            Some((at, first)) => {
                // The far side chooses the time, also the last one.
                self.next = Some(at.saturating_add(first.samples as u64));
                Step::Play(first.packet)
            }
            None => Step::Conceal(BLOCK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: usize = 2880;

    /// Feeds packets at given times and asks for 20 ms every 20 ms, as a player does.
    struct Bench {
        buffer: JitterBuffer,
        arrivals: Vec<(u64, u64)>,
        ahead: usize,
        played: Vec<u64>,
        restored: usize,
        concealed: usize,
        arrival_kinds: Vec<Arrival>,
    }

    impl Bench {
        /// `arrivals`: (time in ms, packet number); packet n begins at n * 60 ms.
        fn run(arrivals: &[(u64, u64)], until_ms: u64) -> Self {
            let mut bench = Self {
                buffer: JitterBuffer::new(),
                arrivals: arrivals.to_vec(),
                ahead: 0,
                played: Vec::new(),
                restored: 0,
                concealed: 0,
                arrival_kinds: Vec::new(),
            };
            bench.arrivals.sort_unstable();
            for now in (0..until_ms).step_by(20) {
                bench.tick(now);
            }
            bench
        }

        fn tick(&mut self, now: u64) {
            while self.arrivals.first().is_some_and(|(at, _)| *at <= now) {
                let (at, number) = self.arrivals.remove(0);
                let packet: Arc<[u8]> = number.to_be_bytes().as_slice().into();
                let kind = self
                    .buffer
                    .insert(at, number * SAMPLES as u64, SAMPLES, 48_000, packet);
                self.arrival_kinds.push(kind);
            }
            while self.ahead < BLOCK {
                match self.buffer.step(now, self.ahead) {
                    Step::Rest => return,
                    Step::Play(packet) => {
                        self.played
                            .push(u64::from_be_bytes(packet.as_ref().try_into().unwrap()));
                        self.ahead += SAMPLES;
                        // A player stretches by a period of the voice while the delay is short of the target.
                        let delay = self.buffer.delay_ms(now, self.ahead);
                        self.ahead += if delay + 10 < self.buffer.target_ms() {
                            400
                        } else {
                            0
                        };
                    }
                    Step::Restore { samples, .. } => {
                        self.restored += samples;
                        self.ahead += samples;
                    }
                    Step::Conceal(samples) => {
                        self.concealed += samples;
                        self.ahead += samples;
                    }
                }
            }
            self.ahead -= BLOCK;
        }
    }

    fn steady(count: u64) -> Vec<(u64, u64)> {
        (0..count).map(|n| (n * 60, n)).collect()
    }

    #[test]
    fn a_steady_stream_is_played_whole_with_little_delay() {
        let bench = Bench::run(&steady(50), 2900);

        assert_eq!(bench.played, (0..48).collect::<Vec<_>>());
        assert_eq!(bench.concealed + bench.restored, 0);
        assert!(bench.buffer.delay_ms(2900, bench.ahead) <= 60);
    }

    #[test]
    fn swapped_packets_are_played_in_order() {
        let mut arrivals = steady(40);
        for n in (10..30).step_by(4) {
            arrivals[n].0 += 70;
        }
        let bench = Bench::run(&arrivals, 2300);

        assert!(bench.played.windows(2).all(|pair| pair[0] < pair[1]));
        // The first late one may be missed; then the buffer has learnt.
        assert!(bench.played.len() >= 35, "{:?}", bench.played);
    }

    #[test]
    fn a_packet_that_comes_twice_is_played_once() {
        let mut arrivals = steady(20);
        arrivals.extend((0..20).map(|n| (n * 60 + 5, n)));
        let bench = Bench::run(&arrivals, 1100);

        assert_eq!(bench.played, (0..18).collect::<Vec<_>>());
        assert!(
            bench.arrival_kinds.contains(&Arrival::Duplicate) || bench.arrival_kinds.contains(&Arrival::Late)
        );
    }

    #[test]
    fn lost_packets_are_restored_from_later_ones_after_the_first() {
        let arrivals: Vec<_> = steady(100).into_iter().filter(|(_, n)| n % 10 != 5).collect();
        let bench = Bench::run(&arrivals, 5900);

        assert!(bench.played.windows(2).all(|pair| pair[0] < pair[1]));
        // Ten packets are lost: all are asked to be restored, and only the first is waited for.
        assert!(bench.restored >= 9 * SAMPLES, "restored {}", bench.restored);
        assert!(bench.concealed <= 2 * SAMPLES, "concealed {}", bench.concealed);
    }

    #[test]
    fn a_packet_after_its_time_is_late() {
        let mut arrivals = steady(30);
        arrivals[10].0 = 1500;
        let bench = Bench::run(&arrivals, 1900);

        assert_eq!(
            bench
                .arrival_kinds
                .iter()
                .filter(|kind| **kind == Arrival::Late)
                .count(),
            1
        );
        assert!(!bench.played.contains(&10));
    }

    #[test]
    fn after_an_outage_sound_is_fresh_at_once() {
        let mut arrivals = steady(20);
        arrivals.extend((0..30).map(|n| (14_000 + n * 60, n + 230)));
        let mut bench = Bench::run(&arrivals, 14_300);

        assert!(bench.played.contains(&230));
        assert!(bench.played.iter().max() >= Some(&232));
        for now in (14_300..15_600).step_by(20) {
            bench.tick(now);
        }
        assert!(bench.buffer.delay_ms(15_600, bench.ahead) < 150);
    }

    #[test]
    fn a_queue_that_empties_at_once_does_not_leave_the_call_seconds_behind() {
        // Three seconds of packets are held up in the network and come together.
        let mut arrivals = steady(20);
        arrivals.extend((20..70).map(|n| (4200, n)));
        arrivals.extend((70..140).map(|n| (n * 60, n)));
        let bench = Bench::run(&arrivals, 8300);

        let delay = bench.buffer.delay_ms(8300, bench.ahead);
        assert!(delay <= MAX_TARGET_MS + DROP_ABOVE_MS, "delay {delay}");
        assert!(bench.played.contains(&125), "{:?}", bench.played);
    }

    #[test]
    fn a_far_side_that_names_the_end_of_time_and_comes_back_is_heard_again() {
        let mut bench = Bench::run(&steady(20), 1200);
        let strange: Arc<[u8]> = 999u64.to_be_bytes().as_slice().into();
        bench.buffer.insert(1200, u64::MAX, SAMPLES, 0, strange);
        bench.arrivals = (21..80).map(|n| (n * 60, n)).collect();
        for now in (1200..4600).step_by(20) {
            bench.tick(now);
        }

        assert!(bench.played.contains(&999));
        assert!(bench.played.contains(&70), "{:?}", bench.played);
    }

    #[test]
    fn jitter_raises_the_target_and_calm_lowers_it() {
        let mut buffer = JitterBuffer::new();
        let packet: Arc<[u8]> = [0u8].as_slice().into();
        for n in 0..100u64 {
            let wobble = if n % 3 == 0 { 120 } else { 0 };
            buffer.insert(
                n * 60 + wobble,
                n * SAMPLES as u64,
                SAMPLES,
                48_000,
                Arc::clone(&packet),
            );
        }
        let rough = buffer.target_ms();
        for n in 100..600u64 {
            buffer.insert(n * 60, n * SAMPLES as u64, SAMPLES, 48_000, Arc::clone(&packet));
        }

        assert!((120..=200).contains(&rough), "{rough}");
        assert_eq!(buffer.target_ms(), MIN_TARGET_MS);
    }
}
