//! What every [`CallEngine`] must do, in virtual time. Each engine's tests run it with one line.

use std::time::{Duration, Instant};

use super::{CallEngine, EngineEvent, EngineOutput, LocalAddress};

/// Two engines joined by nothing but function calls.
pub(super) struct Pair {
    now: Instant,
    sides: [Box<dyn CallEngine>; 2],
    heard: [Vec<u64>; 2],
    seen: [usize; 2],
    events: [Vec<&'static str>; 2],
    /// Datagrams of a handshake that are still to be lost, by sender.
    to_lose: [usize; 2],
    /// The longest datagram that was sent.
    longest: usize,
    next: u64,
}

/// Makes the engine of a side.
pub(super) type Make<'a> = &'a dyn Fn(Instant, usize) -> Box<dyn CallEngine>;

const ADDRESSES: [&str; 2] = ["10.0.0.1:4000", "10.0.0.2:4000"];
const V6_ADDRESSES: [&str; 2] = ["[fd00::1]:4000", "[fd00::2]:4000"];
/// Through tunnels and relays, nothing longer is sure to arrive.
const LONGEST: usize = 1_200;

impl Pair {
    fn described(make: Make<'_>, addresses: [&str; 2]) -> Self {
        Self::described_by(make, addresses, |_, sdp| sdp)
    }

    /// `on_the_way` may change the description of this side.
    fn described_by(
        make: Make<'_>,
        addresses: [&str; 2],
        on_the_way: impl Fn(usize, String) -> String,
    ) -> Self {
        let now = Instant::now();
        let mut sides = [make(now, 0), make(now, 1)];
        for (side, address) in sides.iter_mut().zip(addresses) {
            side.add_local(LocalAddress::Host(address.parse().unwrap()))
                .unwrap();
        }
        let offer = on_the_way(0, sides[0].offer(now).unwrap());
        let answer = on_the_way(1, sides[1].accept_offer(now, &offer).unwrap());
        sides[0].accept_answer(now, &answer).unwrap();
        Self {
            now,
            sides,
            heard: Default::default(),
            seen: Default::default(),
            events: Default::default(),
            to_lose: [0; 2],
            longest: 0,
            next: 0,
        }
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += Duration::from_millis(5);
            for at in 0..2 {
                self.sides[at].tick(self.now);
                while let Some(output) = self.sides[at].poll() {
                    self.take(at, output);
                }
            }
        }
    }

    fn take(&mut self, at: usize, output: EngineOutput) {
        match output {
            EngineOutput::Send(packet) => {
                self.longest = self.longest.max(packet.bytes.len());
                // RFC 7983: from 20 to 63 it is the handshake.
                if self.to_lose[at] > 0 && (20..64).contains(&packet.bytes[0]) {
                    self.to_lose[at] -= 1;
                    return;
                }
                self.sides[1 - at].receive(self.now, packet.source, packet.destination, &packet.bytes);
            }
            EngineOutput::Event(EngineEvent::Audio { at: time, .. }) => self.heard[at].push(time),
            EngineOutput::Event(EngineEvent::Video { .. }) => self.seen[at] += 1,
            EngineOutput::Event(EngineEvent::Connected) => self.events[at].push("connected"),
            EngineOutput::Event(EngineEvent::KeyFrameWanted) => self.events[at].push("key"),
            EngineOutput::Event(EngineEvent::Closed) => self.events[at].push("closed"),
            EngineOutput::Event(_) => {}
        }
    }

    /// A second of sound and pictures both ways; all of it arrives, in order. A picture has this many bytes.
    fn talk(&mut self, picture: usize) {
        self.heard = Default::default();
        self.seen = Default::default();
        let mut frame = vec![3; picture];
        frame[..6].copy_from_slice(&[0x10, 0, 0, 1, 2, 3]);
        for _ in 0..20 {
            for side in 0..2 {
                self.sides[side].send_audio(self.now, self.next * 2880, vec![7; 60]);
                self.sides[side].send_video(self.now, self.next * 5400, frame.clone());
            }
            self.next += 1;
            self.run(Duration::from_millis(60));
        }
        self.run(Duration::from_secs(1));
        for side in 0..2 {
            assert_eq!(self.heard[side].len(), 20, "sound on side {side}");
            assert!(self.heard[side].windows(2).all(|pair| pair[1] - pair[0] == 2880));
            // An engine may hold the last picture until it sees that nothing follows.
            assert!(
                self.seen[side] >= 19,
                "pictures on side {side}: {}",
                self.seen[side]
            );
        }
    }
}

/// Sound and picture go both ways in order, a key-frame request arrives, and a goodbye is heard.
///
/// `make` gets the side that it makes an engine for, so that two different engines can be joined.
pub(super) fn two_sides_talk(make: Make<'_>) -> Pair {
    let mut pair = Pair::described(make, ADDRESSES);
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.events, [["connected"], ["connected"]]);
    pair.talk(6);

    let now = pair.now;
    pair.sides[0].request_key_frame(now);
    pair.run(Duration::from_millis(300));
    assert!(pair.events[1].contains(&"key"));
    pair
}

/// No datagram is longer than what gets through everywhere, however large a picture or a message.
pub(super) fn datagrams_stay_short(make: Make<'_>) {
    let mut pair = two_sides_talk(make);
    for side in 0..2 {
        let now = pair.now;
        let _ = pair.sides[side].send_data(now, &[5; 1_000]);
    }
    pair.talk(20_000);
    assert!(pair.longest > 900, "{}: nothing long was sent", pair.longest);
    assert!(pair.longest <= LONGEST, "{}", pair.longest);
}

/// A handshake whose first datagrams are lost on both sides still comes about.
pub(super) fn a_handshake_survives_losses(make: Make<'_>) {
    let mut pair = Pair::described(make, ADDRESSES);
    pair.to_lose = [3, 2];
    pair.run(Duration::from_secs(20));
    assert_eq!(pair.to_lose, [0, 0], "the handshake was not lost");
    assert_eq!(pair.events, [["connected"], ["connected"]]);
    pair.talk(6);
}

/// A network without IPv4 carries a call.
pub(super) fn ipv6_alone_is_enough(make: Make<'_>) {
    let mut pair = Pair::described(make, V6_ADDRESSES);
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.events, [["connected"], ["connected"]]);
    pair.talk(6);
}

/// A side speaks only with the certificate whose fingerprint the description names: that is what a short code compares.
pub(super) fn another_fingerprint_is_refused(make: Make<'_>) {
    for changed in 0..2 {
        let mut pair = Pair::described_by(make, ADDRESSES, |side, sdp| {
            if side != changed {
                return sdp;
            }
            let lines = sdp
                .lines()
                .map(|line| match line.strip_prefix("a=fingerprint:sha-256 ") {
                    Some(print) => {
                        let first = if print.starts_with("00") { "11" } else { "00" };
                        format!("a=fingerprint:sha-256 {first}{}\r\n", print.get(2..).unwrap())
                    }
                    None => format!("{line}\r\n"),
                });
            lines.collect()
        });
        pair.run(Duration::from_secs(10));
        // Who was lied to does not connect; the other one's handshake may have ended before.
        assert!(!pair.events[1 - changed].contains(&"connected"), "{changed}");
        pair.sides[changed].send_audio(pair.now, 0, vec![7; 60]);
        pair.sides[1 - changed].send_audio(pair.now, 0, vec![7; 60]);
        pair.run(Duration::from_secs(1));
        assert!(
            pair.heard.iter().all(Vec::is_empty),
            "sound went to a stranger: {changed}"
        );
    }
}

/// New paths are looked for while the call goes on; also where both sides wanted to at once: the caller's offer holds.
pub(super) fn paths_are_found_anew(make: Make<'_>) {
    let mut pair = two_sides_talk(make);
    for both in [false, true] {
        let now = pair.now;
        let offer = pair.sides[0].restart_ice(now).unwrap();
        if both {
            pair.sides[1].restart_ice(now).unwrap();
        }
        let answer = pair.sides[1].accept_offer(now, &offer).unwrap();
        pair.run(Duration::from_millis(200));
        let now = pair.now;
        pair.sides[0].accept_answer(now, &answer).unwrap();
        pair.run(Duration::from_secs(2));
        pair.talk(6);
    }
}

/// The far side hears that the call is over.
pub(super) fn goodbye_is_heard(mut pair: Pair) {
    let now = pair.now;
    pair.sides[0].close(now);
    pair.run(Duration::from_secs(2));
    assert!(pair.events[1].contains(&"closed"));
}

/// Descriptions and packets that are nothing are refused and harm nothing.
pub(super) fn nonsense_is_refused(mut engine: Box<dyn CallEngine>, now: Instant) {
    assert!(engine.accept_offer(now, "hello").is_err());
    assert!(engine.accept_answer(now, "v=0\r\n").is_err());
    engine.receive(
        now,
        ADDRESSES[1].parse().unwrap(),
        ADDRESSES[0].parse().unwrap(),
        &[9; 50],
    );
}
