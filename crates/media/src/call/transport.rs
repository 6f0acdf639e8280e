//! The thread that owns the engine, the sockets and the relay paths of a call.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use super::conduct::{Arrival, Coded, Conductor};
use super::mouth;
use super::report::{CallEvent, EndReason, RelayProtocol};
use super::senses::{self, HeardPacket, Seen};
use super::session::{Command, Shared};
use super::socket::{self, Marks};
use crate::devices;
use crate::engine::{self, LocalAddress};
use crate::turn::{RelayAddress, RelayPath};
use crate::{CallConfig, CallError};

/// How long the call waits for further relays after one has answered.
const RELAY_GRACE: Duration = Duration::from_secs(1);
/// Datagrams taken in one go before the loop looks at anything else.
const BATCH: usize = 64;
const MAX_DATAGRAM: usize = 2048;

/// Runs a call to its end. Tells through `ready` whether it could be started.
pub(super) fn run(
    config: CallConfig,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    ready: oneshot::Sender<Result<(), CallError>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(CallError::Start(error)));
            return;
        }
    };
    runtime.block_on(async {
        match Transport::open(config, Arc::clone(&shared)).await {
            Ok(mut transport) => {
                if ready.send(Ok(())).is_ok() {
                    transport.drive(commands).await;
                }
            }
            Err(error) => {
                // Whatever was started before the failure ends by itself.
                shared.controls.stop.store(true, Relaxed);
                let _ = ready.send(Err(error));
            }
        }
    });
}

struct Transport {
    conductor: Conductor,
    socket: UdpSocket,
    marks: Marks,
    local: SocketAddr,
    relays: Vec<RelayPath>,
    shared: Arc<Shared>,
    coded: mpsc::Receiver<Coded>,
    to_ear: SyncSender<HeardPacket>,
    to_eye: SyncSender<Seen>,
    threads: Vec<JoinHandle<()>>,
    relay_due: Instant,
}

impl Transport {
    async fn open(config: CallConfig, shared: Arc<Shared>) -> Result<Self, CallError> {
        let began = Instant::now();
        let ip = match config.bind {
            Some(ip) => ip,
            None => route_to(&config).await,
        };
        let socket = socket::open(ip, config.ports.clone())
            .await
            .map_err(CallError::OpenSocket)?;
        let local = socket.local_addr().map_err(CallError::OpenSocket)?;
        // A fresh socket does not know that it may write, and `try_send_to` would drop the first packets.
        socket.writable().await.map_err(CallError::OpenSocket)?;
        let relays = open_relays(&config, began).await?;
        if config.relay_only && relays.is_empty() {
            return Err(CallError::NoRelay);
        }
        let mut engine = engine::make(config.engine, began)?;
        if !config.relay_only {
            engine.add_local(LocalAddress::Host(local))?;
        }
        for relay in &relays {
            engine.add_local(LocalAddress::Relay(relay.relayed()))?;
        }

        // Sound: 2 s of packets. Pictures: dropping one costs a key frame, so there is room for a burst.
        let (to_ear, ear) = sync_channel(128);
        let (to_eye, eye) = sync_channel(64);
        let (out, coded) = mpsc::channel(32);
        let mut threads = Vec::new();
        let mut synthetic = false;
        let mut missing = Vec::new();
        let (speaker, no_speaker) = devices::open_speaker(&config.speaker);
        let microphone = devices::open_microphone(&config.audio)?;
        let (microphone, speaker) = devices::cleaned(&config.audio, microphone, speaker);
        if let Some(opened) = microphone {
            synthetic |= opened.synthetic;
            missing.extend(opened.missing);
            threads.push(mouth::speak(opened.source, Arc::clone(&shared), out.clone())?);
        }
        if let Some(opened) = devices::open_camera(&config.video)? {
            synthetic |= opened.synthetic;
            missing.extend(opened.missing);
            threads.push(mouth::show(opened.source, Arc::clone(&shared), out, began)?);
        }
        missing.extend(no_speaker);
        threads.push(senses::hear(ear, Arc::clone(&shared), speaker, began)?);
        threads.push(senses::see(eye, Arc::clone(&shared), began)?);
        for device in missing {
            shared.events.tell(CallEvent::StandIn(device));
        }
        shared.stats.send_modify(|stats| stats.synthetic = synthetic);
        tracing::info!(
            relays = relays.len(),
            "A call is ready, with {} relayed addresses",
            relays.len()
        );
        Ok(Self {
            conductor: Conductor::new(engine, Arc::clone(&shared), began, config.code),
            socket,
            marks: Marks::default(),
            local,
            relays,
            shared,
            coded,
            to_ear,
            to_eye,
            threads,
            relay_due: began,
        })
    }

    async fn drive(&mut self, mut commands: mpsc::Receiver<Command>) {
        let mut buffer = [0u8; MAX_DATAGRAM];
        let mut hung_up = None;
        while self.conductor.ended().is_none() {
            let due = self.conductor.deadline().min(self.relay_due);
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::HangUp(reply)) => {
                        hung_up = Some(reply);
                        self.conductor.end(Instant::now(), EndReason::HungUp);
                    }
                    Some(command) => self.obey(command),
                    // The holder is gone without a word: the far side is told all the same.
                    None => self.conductor.end(Instant::now(), EndReason::HungUp),
                },
                received = self.socket.recv_from(&mut buffer) => {
                    if let Ok((length, source)) = received {
                        self.receive(source, self.local, buffer.get(..length).unwrap_or(&[]));
                        self.receive_more(&mut buffer);
                    }
                }
                (relay, message) = next_message(&mut self.relays) => self.take_from_relay(relay, message),
                Some(coded) = self.coded.recv() => self.conductor.send(Instant::now(), coded),
                () = tokio::time::sleep_until(due.into()) => {}
            }
            self.work();
        }
        self.finish().await;
        if let Some(reply) = hung_up {
            let _ = reply.send(Ok(()));
        }
    }

    fn obey(&mut self, command: Command) {
        if let Command::AcceptOffer(sdp, _) | Command::AcceptAnswer(sdp, _) = &command {
            self.permit_peers(&sdp.clone());
        }
        self.conductor.obey(Instant::now(), command);
    }

    /// Lets the relays expect every address that the far side names, so that its first packet gets through.
    fn permit_peers(&mut self, sdp: &str) {
        let now = Instant::now();
        for peer in candidate_addresses(sdp) {
            for relay in &mut self.relays {
                relay.permit(now, peer);
            }
        }
    }

    fn receive(&mut self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        self.conductor.receive(Instant::now(), source, destination, bytes);
    }

    fn receive_more(&mut self, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            let Ok((length, source)) = self.socket.try_recv_from(buffer) else {
                break;
            };
            self.receive(source, self.local, buffer.get(..length).unwrap_or(&[]));
        }
    }

    fn take_from_relay(&mut self, at: usize, message: Option<Vec<u8>>) {
        let Some(relay) = self.relays.get_mut(at) else {
            return;
        };
        let Some(message) = message else {
            tracing::warn!("A relay closed its connection");
            self.relays.remove(at);
            return;
        };
        let relayed = relay.relayed();
        let received = relay.take(Instant::now(), message);
        for (peer, bytes) in received {
            self.receive(peer, relayed, &bytes);
        }
    }

    /// Everything that follows from an input: time, packets, what has come, relays.
    fn work(&mut self) {
        let now = Instant::now();
        self.conductor.work(now);
        self.hand_out(now);
        if now >= self.relay_due {
            self.relay_due = now + Duration::from_secs(1);
            for relay in &mut self.relays {
                self.relay_due = self.relay_due.min(relay.pump(now));
                relay.read_events();
            }
            self.conductor.publish_path(self.relay_in_use());
        }
    }

    fn hand_out(&mut self, now: Instant) {
        while let Some(packet) = self.conductor.next_packet() {
            let kind = self.conductor.kind_of(&packet.bytes);
            let relay = self
                .relays
                .iter_mut()
                .find(|relay| relay.relayed() == packet.source);
            match relay {
                Some(relay) => relay.send(now, packet.destination, packet.bytes, kind),
                // A full socket buffer drops, as a network does.
                None if packet.source == self.local => {
                    self.marks.set(&self.socket, kind);
                    let _ = self.socket.try_send_to(&packet.bytes, packet.destination);
                }
                None => {}
            }
        }
        while let Some(arrival) = self.conductor.next_arrival() {
            match arrival {
                // Full only if the ear stands still: a packet is worth less than the call's pace.
                Arrival::Sound(came, at, packet) => {
                    let _ = self.to_ear.try_send((came, at, packet));
                }
                Arrival::Picture(came, at, frame, contiguous) => {
                    let seen = Seen::Picture(came, at, frame, contiguous);
                    if self.to_eye.try_send(seen).is_err() {
                        self.shared.controls.want_key_frame.store(true, Relaxed);
                    }
                }
                // The next one is newer.
                Arrival::Still(came, file) => {
                    let _ = self.to_eye.try_send(Seen::Still(came, file));
                }
            }
        }
    }

    fn relay_in_use(&self) -> Option<RelayProtocol> {
        let local = self.conductor.local()?;
        let relay = self.relays.iter().find(|relay| relay.relayed() == local);
        relay.map(RelayPath::protocol)
    }

    async fn finish(&mut self) {
        let now = Instant::now();
        let reason = self.conductor.ended().unwrap_or(EndReason::Failed);
        self.hand_out(now);
        for relay in &mut self.relays {
            relay.give_back(now);
        }
        self.conductor.publish(now);
        self.conductor.publish_path(self.relay_in_use());
        self.shared.controls.stop.store(true, Relaxed);
        let threads = std::mem::take(&mut self.threads);
        // The sockets' tasks get the time to write out the goodbye meanwhile.
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // A thread that panicked has nothing left to give; the call is over either way.
                let _ = thread.join();
            }
        });
        let _ = joined.await;
        self.shared.events.tell(CallEvent::Ended(reason));
        tracing::info!(?reason, "A call is over");
    }
}

/// The next message of any relay; never, without one.
async fn next_message(relays: &mut [RelayPath]) -> (usize, Option<Vec<u8>>) {
    std::future::poll_fn(|context| {
        for (at, relay) in relays.iter_mut().enumerate() {
            if let Poll::Ready(message) = relay.poll_inbox(context) {
                return Poll::Ready((at, message));
            }
        }
        Poll::Pending
    })
    .await
}

/// Opens all relays at once; one that does not answer, or much later than another, is left out.
async fn open_relays(config: &CallConfig, began: Instant) -> Result<Vec<RelayPath>, CallError> {
    let mut opening = tokio::task::JoinSet::new();
    for (index, server) in config.turn.iter().enumerate() {
        if RelayAddress::parse(&server.url).is_none() {
            return Err(CallError::RelayAddress { index });
        }
        let (server, bind, ports) = (server.clone(), config.bind, config.ports.clone());
        opening.spawn(async move { (index, RelayPath::open(server, bind, ports, began).await) });
    }
    let mut opened = Vec::new();
    let mut patience = Duration::MAX;
    while let Ok(Some(done)) = tokio::time::timeout(patience, opening.join_next()).await {
        match done {
            Ok((index, Some(path))) => {
                opened.push((index, path));
                patience = RELAY_GRACE;
            }
            Ok((index, None)) => tracing::warn!(index, "A relay did not answer"),
            Err(_) => tracing::warn!("Opening a relay failed"),
        }
    }
    opened.sort_by_key(|(index, _)| *index);
    Ok(opened.into_iter().map(|(_, path)| path).collect())
}

/// The local address that leads to the first relay, or else to the world, or else this machine alone. Asks the
/// routing table; sends nothing.
async fn route_to(config: &CallConfig) -> IpAddr {
    let world = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let mut goals = Vec::new();
    if let Some(address) = config
        .turn
        .first()
        .and_then(|server| RelayAddress::parse(&server.url))
    {
        goals.extend(address.resolve().await);
    }
    goals.push(world);
    for goal in goals {
        let any: IpAddr = if goal.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            std::net::Ipv6Addr::UNSPECIFIED.into()
        };
        if let Ok(socket) = UdpSocket::bind((any, 0)).await {
            if socket.connect(goal).await.is_ok() {
                if let Ok(local) = socket.local_addr() {
                    return local.ip();
                }
            }
        }
    }
    Ipv4Addr::LOCALHOST.into()
}

/// The addresses in a description's candidate lines.
fn candidate_addresses(sdp: &str) -> Vec<IpAddr> {
    sdp.lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"))
        .filter_map(|candidate| candidate.split(' ').nth(4)?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_a_description() {
        let sdp = "v=0\r\na=candidate:1 1 udp 2113929471 10.1.2.3 10100 typ host\r\na=candidate:2 1 udp 1 fe80::1 9 typ relay\r\na=mid:0\r\na=candidate:bad\r\n";

        assert_eq!(
            candidate_addresses(sdp),
            ["10.1.2.3".parse::<IpAddr>().unwrap(), "fe80::1".parse().unwrap()]
        );
    }
}
