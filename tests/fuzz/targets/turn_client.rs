//! What a relay says to a client of ours, by UDP and by TCP: a genuine relay's words, changed, and any others.
#![no_main]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hms_core::call::framing::Framing;
use hms_fuzz::Choices;
use hms_media::door::{is_relay_address, LooseRelay};
use hms_media::RelayProtocol;
use turn_server_proto::api::{Transmit, TurnServerApi, TurnServerPollRet};
use turn_server_proto::server::TurnServer;
use turn_server_proto::types::stun::TransportType;
use turn_server_proto::types::transmit::TransmitBuild;
use turn_server_proto::types::Instant as RelayInstant;

const RELAYED: &str = "10.0.0.3:50000";

struct Stage {
    began: Instant,
    now: Instant,
    client: LooseRelay,
    server: TurnServer,
    transport: TransportType,
    us: SocketAddr,
    relay: SocketAddr,
    /// What the relay has said and the client has not heard.
    flight: Vec<Vec<u8>>,
    heard: usize,
}

impl Stage {
    fn time(&self) -> RelayInstant {
        RelayInstant::from_nanos((self.now - self.began).as_nanos() as i64)
    }

    /// The relay hears what the client says, and says what it has to.
    fn relay(&mut self) {
        let mut framing = Framing::default();
        for message in self.client.said() {
            framing.push(&message);
        }
        while let Ok(Some(message)) = framing.next_message() {
            let message = Transmit::new(message, self.transport, self.us, self.relay);
            let answer = self.server.recv(message, self.time());
            if let Some(answer) = answer
                .map(TransmitBuild::build)
                .filter(|answer| answer.to == self.us)
            {
                self.flight.push(answer.data);
            }
        }
        for _ in 0..20 {
            let next = self.server.poll(self.time());
            while let Some(message) = self.server.poll_transmit(self.time()) {
                if message.to == self.us {
                    self.flight.push(message.data);
                }
            }
            let TurnServerPollRet::AllocateSocket {
                transport,
                listen_addr,
                client_addr,
                allocation_transport,
                family,
            } = next
            else {
                return;
            };
            let given = Ok(RELAYED.parse().expect("an address"));
            let now = self.time();
            self.server.allocated_socket(
                transport,
                listen_addr,
                client_addr,
                allocation_transport,
                family,
                given,
                now,
            );
        }
    }

    fn hear(&mut self, bytes: Vec<u8>) {
        self.heard += self.client.take(self.now, bytes).len();
    }

    fn go_on(&mut self, by: Duration) {
        self.now += by;
        let due = self.client.pump(self.now);
        assert!(due > self.now, "it wants to be called again at once, for ever");
        self.relay();
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut input = Choices::of(input);
    let how = input.byte();
    if how & 2 != 0 {
        let _ = is_relay_address(&String::from_utf8_lossy(input.rest()));
        return;
    }
    let began = Instant::now();
    let [us, relay] = ["10.0.0.1:4000", "10.0.0.3:3478"].map(|at| at.parse().expect("an address"));
    let (protocol, transport) = match how & 1 {
        0 => (RelayProtocol::Udp, TransportType::Udp),
        _ => (RelayProtocol::Tcp, TransportType::Tcp),
    };
    let mut server = TurnServer::new(transport, relay, "realm".into());
    server.add_user("name".into(), "word".into());
    let mut stage = Stage {
        began,
        now: began,
        client: LooseRelay::new(protocol, us, relay, began),
        server,
        transport,
        us,
        relay,
        flight: Vec::new(),
        heard: 0,
    };
    let peer: SocketAddr = "10.0.0.2:4000".parse().expect("an address");
    // Half of the inputs begin with an allocation, a permission and a channel.
    if how & 4 != 0 {
        for _ in 0..60 {
            stage.go_on(Duration::from_millis(10));
            for message in std::mem::take(&mut stage.flight) {
                stage.hear(message);
            }
            if stage.client.relayed().is_some() {
                stage.client.send(stage.now, peer, vec![5; 30]);
            }
        }
        assert!(stage.client.relayed().is_some(), "no allocation");
    }
    for _ in 0..200 {
        if input.is_over() {
            break;
        }
        let act = input.byte();
        match act % 8 {
            0 => stage.go_on(Duration::from_millis(u64::from(input.short()))),
            1 => {
                for message in std::mem::take(&mut stage.flight) {
                    stage.hear(message);
                }
            }
            2 | 3 => {
                let at = usize::from(input.byte()) % stage.flight.len().max(1);
                if at < stage.flight.len() {
                    let mut message = stage.flight.remove(at);
                    input.change(&mut message);
                    stage.hear(message);
                }
            }
            4 => {
                let bytes = input.part().to_vec();
                stage.hear(bytes);
            }
            5 => {
                let port = input.short();
                let peer = (
                    if act & 8 == 0 {
                        [10, 0, 0, 2]
                    } else {
                        [10, 0, act, 2]
                    },
                    port,
                )
                    .into();
                stage.client.send(stage.now, peer, input.part().to_vec());
            }
            6 => {
                // A peer sends through the relay.
                let relayed = RELAYED.parse().expect("an address");
                let message = Transmit::new(input.part().to_vec(), TransportType::Udp, peer, relayed);
                let now = stage.time();
                if let Some(message) = stage.server.recv(message, now).map(TransmitBuild::build) {
                    stage.flight.push(message.data);
                }
            }
            _ if act & 64 != 0 => stage.client.give_back(stage.now),
            _ => stage.client.permit(stage.now, [10, 0, 0, input.byte()].into()),
        }
        stage.relay();
    }
});
