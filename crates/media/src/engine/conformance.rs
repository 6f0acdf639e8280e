//! What every [`CallEngine`] must do, in virtual time. Each engine's tests run it with one line.

use std::time::{Duration, Instant};

use super::{CallEngine, EngineEvent, EngineOutput, LocalAddress};

/// Two engines joined by nothing but function calls.
pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) sides: [Box<dyn CallEngine>; 2],
    pub(super) heard: [Vec<u64>; 2],
    pub(super) seen: [usize; 2],
    pub(super) events: [Vec<&'static str>; 2],
}

const ADDRESSES: [&str; 2] = ["10.0.0.1:4000", "10.0.0.2:4000"];

impl Pair {
    fn connected(make: &dyn Fn(Instant, usize) -> Box<dyn CallEngine>) -> Self {
        let now = Instant::now();
        let mut sides = [make(now, 0), make(now, 1)];
        for (side, address) in sides.iter_mut().zip(ADDRESSES) {
            side.add_local(LocalAddress::Host(address.parse().unwrap()))
                .unwrap();
        }
        let offer = sides[0].offer(now).unwrap();
        let answer = sides[1].accept_offer(now, &offer).unwrap();
        sides[0].accept_answer(now, &answer).unwrap();
        let mut pair = Self {
            now,
            sides,
            heard: Default::default(),
            seen: Default::default(),
            events: Default::default(),
        };
        pair.run(Duration::from_secs(3));
        pair
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
}

/// Sound and picture go both ways in order, a key-frame request arrives, and a goodbye is heard.
///
/// `make` gets the side that it makes an engine for, so that two different engines can be joined.
pub(super) fn two_sides_talk(make: &dyn Fn(Instant, usize) -> Box<dyn CallEngine>) -> Pair {
    let mut pair = Pair::connected(make);
    assert_eq!(pair.events, [["connected"], ["connected"]]);

    for number in 0..20u64 {
        for side in 0..2 {
            let now = pair.now;
            pair.sides[side].send_audio(now, number * 2880, vec![7; 60]);
            pair.sides[side].send_video(now, number * 5400, vec![0x10, 0, 0, 1, 2, 3]);
        }
        pair.run(Duration::from_millis(60));
    }
    pair.run(Duration::from_secs(1));
    let now = pair.now;
    pair.sides[0].request_key_frame(now);
    pair.run(Duration::from_millis(300));

    for side in 0..2 {
        assert_eq!(pair.heard[side].len(), 20, "sound on side {side}");
        assert!(pair.heard[side].windows(2).all(|pair| pair[1] - pair[0] == 2880));
        // An engine may hold the last picture until it sees that nothing follows.
        assert!(
            pair.seen[side] >= 19,
            "pictures on side {side}: {}",
            pair.seen[side]
        );
    }
    assert!(pair.events[1].contains(&"key"));
    pair
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
