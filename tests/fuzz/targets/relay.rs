//! The relay of the server: clients by UDP and TCP, one with a name that is let in, peers, and anyone else.
#![no_main]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hms_core::call::framing::Framing;
use hms_fuzz::Choices;
use hms_media::door::LooseRelay as Client;
use hms_media::RelayProtocol;
use hms_server::relay::door::{peer_allowed, LooseRelay, Packet, MAX_ALLOCATIONS};

const LISTEN: &str = "10.0.0.3:3478";
const CLIENTS: [&str; 2] = ["10.0.0.1:4000", "10.0.0.2:4000"];

struct Stage {
    began: Instant,
    now: Instant,
    relay: LooseRelay,
    addresses: [SocketAddr; 2],
    clients: [Client; 2],
    framings: [Framing; 2],
    /// What the clients have said and the relay has not heard: whose, and the words.
    flight: Vec<(usize, Vec<u8>)>,
    given: Vec<SocketAddr>,
}

impl Stage {
    fn new() -> Self {
        let began = Instant::now();
        let listen = LISTEN.parse().expect("an address");
        let addresses = CLIENTS.map(|client| client.parse().expect("an address"));
        let mut relay = LooseRelay::new(listen, &[("name", "word")]);
        relay.connect(addresses[1]);
        Self {
            began,
            now: began,
            relay,
            addresses,
            clients: [
                Client::new(RelayProtocol::Udp, addresses[0], listen, began),
                Client::new(RelayProtocol::Tcp, addresses[1], listen, began),
            ],
            framings: Default::default(),
            flight: Vec::new(),
            given: Vec::new(),
        }
    }

    /// What was said on both sides goes on its way; what the relay sent arrives at once.
    fn pass(&mut self) {
        for packet in self.relay.sent() {
            self.judge(&packet);
            if packet.to == self.addresses[0] && packet.from == LISTEN.parse().expect("an address") {
                self.clients[0].take(self.now, packet.bytes);
            } else if packet.to == self.addresses[1] {
                let mut framing = Framing::default();
                framing.push(&packet.bytes);
                if let Ok(Some(message)) = framing.next_message() {
                    self.clients[1].take(self.now, message);
                }
            }
        }
        for (at, client) in self.clients.iter_mut().enumerate() {
            if let Some(relayed) = client.relayed().filter(|relayed| !self.given.contains(relayed)) {
                self.given.push(relayed);
            }
            for words in client.said() {
                self.framings[at].push(&words);
            }
            while let Ok(Some(message)) = self.framings[at].next_message() {
                self.flight.push((at, message));
            }
        }
        let open = self
            .relay
            .counters()
            .iter()
            .filter(|counters| counters.open)
            .count();
        assert!(open <= MAX_ALLOCATIONS);
    }

    /// Nothing leaves an address that the relay gave for a place where callers are not.
    fn judge(&self, packet: &Packet) {
        let listen: SocketAddr = LISTEN.parse().expect("an address");
        if packet.from == listen {
            return;
        }
        assert!(peer_allowed(packet.to), "sent to {}", packet.to);
        let counters = self.relay.counters();
        let own = packet.to.ip() == listen.ip();
        let other = counters.iter().any(|counters| counters.relayed == packet.to);
        assert!(!own || other, "sent to this machine, {}", packet.to);
    }

    fn hear(&mut self, who: usize, message: Vec<u8>) {
        match who {
            0 => self.relay.datagram(self.addresses[0], message),
            _ => self.relay.message(self.addresses[1], message),
        }
        self.pass();
    }

    fn deliver(&mut self) {
        for (who, message) in std::mem::take(&mut self.flight) {
            self.hear(who, message);
        }
    }

    fn go_on(&mut self, by: Duration) {
        self.now += by;
        self.relay.go_on(by);
        for client in &mut self.clients {
            client.pump(self.now);
        }
        self.pass();
    }
}

/// An address near those in use, or any.
fn address(stage: &Stage, input: &mut Choices<'_>) -> SocketAddr {
    match input.byte() % 4 {
        0 => ([10, 0, 0, 9], 5000).into(),
        1 => stage
            .given
            .first()
            .copied()
            .unwrap_or(([10, 0, 0, 3], 50_000).into()),
        2 => ([10, 0, 0, 9], input.short()).into(),
        _ => (input.long().to_be_bytes(), input.short()).into(),
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut input = Choices::of(input);
    let mut stage = Stage::new();
    // Most inputs begin with an allocation, a permission and a channel of each client.
    if input.byte() & 3 != 0 {
        for _ in 0..40 {
            stage.go_on(Duration::from_millis(10));
            stage.deliver();
            for client in &mut stage.clients {
                if client.relayed().is_some() {
                    client.send(stage.now, ([10, 0, 0, 9], 5000).into(), vec![5; 30]);
                }
            }
        }
        assert_eq!(stage.given.len(), 2, "no allocation");
    }
    for _ in 0..200 {
        if input.is_over() || stage.now - stage.began > Duration::from_secs(100_000) {
            break;
        }
        let act = input.byte();
        let who = usize::from(act >> 7);
        match act % 9 {
            0 => stage.go_on(Duration::from_millis(u64::from(input.short()) << (act >> 4 & 7))),
            1 => stage.deliver(),
            2 | 3 => {
                let at = usize::from(input.byte()) % stage.flight.len().max(1);
                if at < stage.flight.len() {
                    let (who, mut message) = stage.flight.remove(at);
                    input.change(&mut message);
                    stage.hear(who, message);
                }
            }
            4 => stage.hear(who, input.part().to_vec()),
            5 => {
                let peer = address(&stage, &mut input);
                stage.clients[who].send(stage.now, peer, input.part().to_vec());
                stage.pass();
            }
            6 => {
                let relayed = stage.given.get(who).copied();
                let relayed = relayed.unwrap_or(([10, 0, 0, 3], 50_000).into());
                let peer = address(&stage, &mut input);
                stage.relay.from_peer(relayed, peer, input.part().to_vec());
                stage.pass();
            }
            7 => {
                let from = address(&stage, &mut input);
                stage.relay.datagram(from, input.part().to_vec());
                stage.pass();
            }
            _ if act & 64 != 0 => {
                stage.relay.disconnect(stage.addresses[1]);
                stage.relay.connect(stage.addresses[1]);
                stage.pass();
            }
            _ => {
                stage.clients[who].give_back(stage.now);
                stage.pass();
            }
        }
    }
});
