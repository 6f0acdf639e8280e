//! Whole calls over seeded bad links in virtual time: the conductor, the codecs and the jitter buffer as they are, with
//! no socket, no thread and no clock. A call of a minute takes seconds, and the same seed gives the same call.
//!
//! `HMS_REHEARSE="b c" HMS_REHEARSE_SEEDS=5 cargo test --release -p hms-media rehearse -- --ignored --nocapture` prints figures.

mod course;
mod side;
mod table;

use std::time::{Duration, Instant};

use hms_netlab::{Fate, PacketLink, Plan};

use crate::engine::Datagram;
use crate::EngineChoice;
use side::Side;

/// The step of virtual time: packets come and go with this accuracy.
const STEP: Duration = Duration::from_millis(5);

struct Flying {
    arrives: Duration,
    packet: Datagram,
}

/// Two sides and the link between them.
struct Rehearsal {
    start: Instant,
    now: Duration,
    plan: Plan,
    links: [PacketLink; 2],
    flying: [Vec<Flying>; 2],
    sides: [Side; 2],
    /// By how much the second side's clock runs fast.
    drift: f64,
}

impl Rehearsal {
    fn new(plan: Plan, seed: u64, engine: EngineChoice) -> Self {
        let start = Instant::now();
        let links = plan.links(seed);
        let mut sides = [Side::new(0, start, engine), Side::new(1, start, engine)];
        let offer = sides[0].offer(start);
        let answer = sides[1].answer(start, &offer);
        sides[0].take_answer(start, &answer);
        Self {
            start,
            now: Duration::ZERO,
            plan,
            links,
            flying: [Vec::new(), Vec::new()],
            sides,
            drift: 0.0,
        }
    }

    /// The time by a side's own clock, since the start.
    fn clock(&self, side: usize) -> Duration {
        if side == 0 {
            self.now
        } else {
            self.now.mul_f64(1.0 + self.drift)
        }
    }

    /// Lets time pass until `end` after the start.
    fn run_until(&mut self, end: Duration) {
        while self.now < end {
            self.now += STEP;
            for (link, way) in self.links.iter_mut().zip(self.plan.ways_at(self.now)) {
                if link.way() != way {
                    link.set(way);
                }
            }
            let clocks = [self.clock(0), self.clock(1)];
            for from in 0..2 {
                self.deliver(from, self.start + clocks[1 - from]);
            }
            for (side, at) in self.sides.iter_mut().zip(clocks) {
                side.step(self.start + at, at);
            }
            for from in 0..2 {
                self.put_on(from);
            }
            if let (Some(side), 0) = (watched(), self.now.as_millis() % 1000) {
                self.tell(side);
            }
        }
    }

    /// A line of what one side sends now and the other gets of it.
    fn tell(&self, side: usize) {
        let (stats, far) = (self.sides[side].stats(), self.sides[1 - side].stats());
        let second = Duration::from_secs(1);
        let shown = self.sides[1 - side].diary.pictures.iter().rev();
        let shown = shown.take_while(|at| **at + second > self.now).count();
        println!(
            "{:>3} s: estimate {:?}, round trip {:.0?} ms, loss {:.3}, {:?}; there {shown} pictures, sound {} ms behind",
            self.now.as_secs(),
            stats.estimate_bps,
            stats.rtt_ms,
            stats.loss,
            stats.rung,
            far.jitter_buffer_ms
        );
    }

    fn deliver(&mut self, from: usize, now: Instant) {
        let due = self.now;
        let mut come: Vec<Flying> = self.flying[from]
            .extract_if(.., |flying| flying.arrives <= due)
            .collect();
        come.sort_by_key(|flying| flying.arrives);
        for mut flying in come {
            if from == 1 && !self.let_in(&mut flying.packet) {
                continue;
            }
            self.sides[1 - from].receive(now, &flying.packet);
        }
    }

    /// The router before the first side lets in what comes to the port that is seen now.
    fn let_in(&self, packet: &mut Datagram) -> bool {
        let own = side::address(0);
        let known = packet.destination.port() == self.seen(own.port());
        packet.destination = own;
        known
    }

    /// A port of the first side, as its router shows it now.
    fn seen(&self, port: u16) -> u16 {
        port ^ (self.plan.port_changes_at(self.now) << 4)
    }

    fn put_on(&mut self, from: usize) {
        while let Some(mut packet) = self.sides[from].next_packet() {
            if from == 0 {
                packet.source.set_port(self.seen(packet.source.port()));
            }
            // Heads of UDP and IP take the line, too.
            if let Fate::Arrives(arrives) = self.links[from].offer(self.now, packet.bytes.len() + 28) {
                self.flying[from].push(Flying { arrives, packet });
            }
        }
    }
}

/// `HMS_REHEARSE_TIME=0` (or 1) tells each second what this side sends.
fn watched() -> Option<usize> {
    std::env::var("HMS_REHEARSE_TIME").ok()?.parse().ok()
}
