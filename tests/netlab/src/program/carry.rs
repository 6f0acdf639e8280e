//! Carries packets in real time: one thread a direction reads what is sent, and writes it when its time has come.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hms_netlab::{Fate, PacketLink, Plan, Way};
use serde_json::{json, Value};

use super::nat::Nat;
use super::stats::Counters;
use super::sys;

/// Longest wait: how soon the end is seen.
const IDLE: Duration = Duration::from_millis(100);

/// The link in use, and what it has done.
pub(super) struct Lab {
    plan: Plan,
    seed: u64,
    links: [PacketLink; 2],
    counters: [Counters; 2],
    nat: Nat,
    began: Instant,
    forced_down: bool,
}

impl Lab {
    pub(super) fn new(plan: Plan, seed: u64) -> Self {
        Self {
            links: plan.links(seed),
            plan,
            seed,
            counters: Default::default(),
            nat: Nat::default(),
            began: Instant::now(),
            forced_down: false,
        }
    }

    pub(super) fn force_down(&mut self, down: bool) {
        self.forced_down = down;
    }

    /// When the packet arrives, if it does; twice if it is doubled.
    fn offer(&mut self, way: usize, now: Instant, length: usize) -> [Option<Instant>; 2] {
        let time = now.saturating_duration_since(self.began);
        let ways = self.plan.ways_at(time);
        let (Some(link), Some(counters), Some(&now_way)) =
            (self.links.get_mut(way), self.counters.get_mut(way), ways.get(way))
        else {
            return [None; 2];
        };
        link.set(Way {
            down: now_way.down || self.forced_down,
            ..now_way
        });
        let fate = link.offer(time, length);
        counters.count(fate, time, length);
        let began = self.began;
        match fate {
            Fate::Arrives(at) => [Some(at), link.copy()].map(|at| at.map(|at| began + at)),
            Fate::Lost(_) => [None; 2],
        }
    }

    /// Lets the first side's router at a packet; whether it goes on.
    fn route(&mut self, way: usize, now: Instant, packet: &mut [u8]) -> bool {
        let time = now.saturating_duration_since(self.began);
        self.nat.changed(self.plan.port_changes_at(time));
        if way == 0 {
            self.nat.out(packet);
            return true;
        }
        self.nat.back(packet)
    }

    fn came(&mut self, way: usize, late: Duration) {
        if let Some(counters) = self.counters.get_mut(way) {
            counters.came(late);
        }
    }

    pub(super) fn report(&self) -> Value {
        json!({
            "plan": self.plan.name,
            "seed": self.seed,
            "time_s": self.began.elapsed().as_secs_f64(),
            "ways": self.counters.each_ref().map(Counters::report),
        })
    }
}

/// Carries one direction until the end.
pub(super) fn carry(way: usize, from: &File, to: &File, lab: &Mutex<Lab>, stop: &AtomicBool) {
    sys::be_punctual();
    let (mut from_tun, mut to_tun) = (from, to);
    // By time, then in the order in which they came.
    let mut under_way: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>> = BinaryHeap::new();
    let mut number = 0;
    let mut buffer = vec![0; 65536];
    let lock = || lab.lock().unwrap_or_else(PoisonError::into_inner);
    while !stop.load(Relaxed) {
        let wait = under_way.peek().map_or(IDLE, |Reverse((due, _, _))| {
            due.saturating_duration_since(Instant::now()).min(IDLE)
        });
        if !wait.is_zero() {
            sys::wait_readable(from, wait);
        }
        // An error is an empty device: the wait above comes next.
        while let Ok(length @ 1..) = from_tun.read(&mut buffer) {
            let packet = buffer.get(..length).unwrap_or_default();
            if !is_for(packet, 2 - way as u8) {
                continue;
            }
            let (now, mut packet) = (Instant::now(), packet.to_vec());
            let mut lab = lock();
            // The router stands on the first side: before the line there, and after it on the way back.
            if way == 0 {
                lab.route(way, now, &mut packet);
            }
            for due in lab.offer(way, now, length).into_iter().flatten() {
                under_way.push(Reverse((due, number, packet.clone())));
                number += 1;
            }
        }
        while let Some(Reverse((due, ..))) = under_way.peek() {
            let late = Instant::now().checked_duration_since(*due);
            let (Some(late), Some(Reverse((_, _, mut packet)))) = (late, late.and_then(|_| under_way.pop()))
            else {
                break;
            };
            let mut lab = lock();
            lab.came(way, late);
            if way == 0 || lab.route(way, Instant::now(), &mut packet) {
                drop(lab);
                // A packet that the far machine does not take is lost there, as on a real one.
                let _ = to_tun.write(&packet);
            }
        }
    }
}

/// Is it for the other side? What a program sends to the world (names to look up, news to ask for) has nowhere to go and must
/// not take the line's time.
fn is_for(packet: &[u8], side: u8) -> bool {
    let goal = match packet.first().map(|first| first >> 4) {
        Some(4) => packet.get(16..20),
        Some(6) => packet.get(24..40),
        _ => None,
    };
    match goal {
        Some(&[10, 77, 0, last]) => last == side,
        Some(&[0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]) => last == side,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_for_the_other_side_is_carried() {
        let mut packet = [0; 60];
        packet[0] = 0x45;
        packet[16..20].copy_from_slice(&[10, 77, 0, 2]);
        assert!(is_for(&packet, 2) && !is_for(&packet, 1));
        packet[16] = 8;
        assert!(!is_for(&packet, 2));
        packet[0] = 0x60;
        packet[24..40].copy_from_slice(&std::net::Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1).octets());
        assert!(is_for(&packet, 1) && !is_for(&packet, 2));
        assert!(!is_for(&packet[..30], 1) && !is_for(&[], 1));
    }
}
