//! A router before the first side that gives each of its UDP ports another one, and now and then other ones than before: what it
//! knew of the old ones is forgotten, as by a router that was restarted or a phone that moved to another cell.

use std::collections::HashMap;
use std::ops::Range;

const UDP: u8 = 17;

/// Ports of the first side, as the second one sees them.
#[derive(Default)]
pub(super) struct Nat {
    /// How often all was forgotten. Not yet: ports are seen as they are, and all of them let in.
    times: u16,
    inside: HashMap<u16, u16>,
}

impl Nat {
    /// The ports that are seen from now on, by how often they were changed.
    pub(super) fn changed(&mut self, times: u16) {
        if self.times != times {
            self.times = times;
            self.inside.clear();
        }
    }

    /// A packet of the first side, on its way out.
    pub(super) fn out(&mut self, packet: &mut [u8]) {
        if self.times == 0 {
            return;
        }
        if let Some((ports, sum)) = udp(packet) {
            let own = read(packet, ports.start);
            // Ports from 1,024 on stay there: only the middle bits change.
            let seen = own ^ (self.times << 4);
            self.inside.insert(seen, own);
            replace(packet, ports.start, sum, seen);
        }
    }

    /// A packet for the first side; whether it goes on: nobody knows a port that has sent nothing since the last change.
    pub(super) fn back(&self, packet: &mut [u8]) -> bool {
        if self.times == 0 {
            return true;
        }
        let Some((ports, sum)) = udp(packet) else {
            return true;
        };
        let goal = ports.start + 2;
        let own = self.inside.get(&read(packet, goal)).copied();
        if let Some(own) = own {
            replace(packet, goal, sum, own);
        }
        own.is_some()
    }
}

/// Where the ports and the sum of a whole UDP datagram are. A later piece of a longer one has none.
fn udp(packet: &[u8]) -> Option<(Range<usize>, usize)> {
    let begin = match packet.first()? >> 4 {
        4 if *packet.get(9)? == UDP && packet.get(6)? & 0x1f == 0 && *packet.get(7)? == 0 => {
            usize::from(packet.first()? & 0xf) * 4
        }
        6 if *packet.get(6)? == UDP => 40,
        _ => return None,
    };
    (packet.len() >= begin + 8).then_some((begin..begin + 4, begin + 6))
}

fn read(packet: &[u8], at: usize) -> u16 {
    let byte = |at| packet.get(at).copied().unwrap_or_default();
    u16::from_be_bytes([byte(at), byte(at + 1)])
}

fn write(packet: &mut [u8], at: usize, value: u16) {
    for (place, byte) in packet.iter_mut().skip(at).zip(value.to_be_bytes()) {
        *place = byte;
    }
}

/// Writes another port, and the sum that goes with it (RFC 1624, equation 3). A sum of zero says that there is none.
fn replace(packet: &mut [u8], at: usize, sum_at: usize, port: u16) {
    let (old, sum) = (read(packet, at), read(packet, sum_at));
    write(packet, at, port);
    if sum == 0 {
        return;
    }
    let mut folded = u32::from(!sum) + u32::from(!old) + u32::from(port);
    while folded > 0xffff {
        folded = (folded & 0xffff) + (folded >> 16);
    }
    let sum = !(folded as u16);
    write(packet, sum_at, if sum == 0 { 0xffff } else { sum });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A datagram between two ports, its sum over the ports and the payload alone: enough to see that it still holds.
    fn datagram(from: u16, to: u16) -> Vec<u8> {
        let mut packet = vec![0; 28];
        packet[0] = 0x45;
        packet[9] = UDP;
        packet.extend([7, 9]);
        write(&mut packet, 20, from);
        write(&mut packet, 22, to);
        let sum = !folded(&packet);
        write(&mut packet, 26, sum);
        packet
    }

    fn folded(packet: &[u8]) -> u16 {
        let mut sum: u32 = packet[20..]
            .chunks(2)
            .map(|two| u32::from(u16::from_be_bytes([two[0], two[1]])))
            .sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn ports_are_others_after_a_change_and_the_sum_holds() {
        let mut nat = Nat::default();
        let mut before = datagram(40_000, 50_000);
        nat.out(&mut before);
        assert_eq!(read(&before, 20), 40_000);

        nat.changed(1);
        let mut late = datagram(50_000, 40_000);
        assert!(!nat.back(&mut late), "the old port is forgotten");
        let mut after = datagram(40_000, 50_000);
        nat.out(&mut after);
        let seen = read(&after, 20);
        assert_ne!(seen, 40_000);
        assert_eq!(folded(&after), 0xffff);

        let mut answer = datagram(50_000, seen);
        assert!(nat.back(&mut answer));
        assert_eq!((read(&answer, 22), folded(&answer)), (40_000, 0xffff));
    }

    #[test]
    fn what_is_no_whole_datagram_is_left_alone() {
        let mut nat = Nat::default();
        nat.changed(3);
        for mut other in [vec![], vec![0x45; 10], vec![0x60; 39]] {
            let same = other.clone();
            nat.out(&mut other);
            assert!(nat.back(&mut other));
            assert_eq!(other, same);
        }
    }
}
