//! The thread that owns the engine, the sockets and the relay paths of a call.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::conduct::{Arrival, Coded, Conductor};
use super::mouth;
use super::report::{CallEvent, EndReason, RelayProtocol};
use super::senses::{self, HeardPacket, Seen};
use super::session::{Command, Shared};
use super::ways::{Goals, Ways};
use crate::devices;
use crate::engine::{self, LocalAddress};
use crate::turn::RelayPath;
use crate::{CallConfig, CallError};

/// Datagrams taken in one go before the loop looks at anything else.
const BATCH: usize = 64;
const MAX_DATAGRAM: usize = 2048;
/// Where nothing comes any more for this long, the relay may have forgotten this side: new ways are looked for, and again after
/// [`LOOK_AGAIN`], and more and more seldom.
const LOOK_AFTER: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_secs(8);
const LOOK_AGAIN_MOST: Duration = Duration::from_secs(64);
/// Ways of so many times are kept. What worked last is never given up for newer ones that have not: after an outage it is
/// all that the far side knows.
const GENERATIONS: usize = 3;

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
    config: Arc<CallConfig>,
    began: Instant,
    conductor: Conductor,
    /// The newest last.
    ways: Vec<Ways>,
    looking: JoinSet<Result<Ways, CallError>>,
    looked_at: Instant,
    look_again: Duration,
    /// The address that the call used last, while it was heard.
    worked: Option<SocketAddr>,
    /// The address that leads out, whenever it changes.
    routes: Option<mpsc::Receiver<IpAddr>>,
    ip: IpAddr,
    peers: Vec<IpAddr>,
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
        let (ip, routes) = match config.bind {
            Some(ip) => (ip, None),
            None => {
                let goals = Goals::of(&config).await;
                let ip = goals.route().await.unwrap_or(Ipv4Addr::LOCALHOST.into());
                (ip, Some(goals.watch(ip)))
            }
        };
        let ways = Ways::find(&config, ip, began).await?;
        let mut engine = engine::make(config.engine, began)?;
        for address in ways.addresses(config.relay_only) {
            engine.add_local(address)?;
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
        let relays = ways.relays.len();
        tracing::info!(relays, "A call is ready, with {relays} relayed addresses");
        Ok(Self {
            conductor: Conductor::new(engine, Arc::clone(&shared), began, config.code.clone()),
            config: Arc::new(config),
            began,
            ways: vec![ways],
            looking: JoinSet::new(),
            looked_at: began,
            look_again: LOOK_AGAIN,
            worked: None,
            routes,
            ip,
            peers: Vec::new(),
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
                    Some(Command::MoveTo(ip)) => self.move_to(ip),
                    Some(command) => self.obey(command),
                    // The holder is gone without a word: the far side is told all the same.
                    None => self.conductor.end(Instant::now(), EndReason::HungUp),
                },
                came = next_arrival(&mut self.ways, &mut buffer) => match came {
                    Came::Datagram(at, length, source) => self.receive_all(at, length, source, &mut buffer),
                    Came::FromRelay(at, relay, message) => self.take_from_relay(at, relay, message),
                },
                Some(ip) = next_route(&mut self.routes) => self.move_to(ip),
                Some(found) = self.looking.join_next() => self.take_ways(found.ok().and_then(Result::ok)),
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
        self.peers = candidate_addresses(sdp);
        let now = Instant::now();
        for relay in self.ways.iter_mut().flat_map(|ways| &mut ways.relays) {
            for peer in &self.peers {
                relay.permit(now, *peer);
            }
        }
    }

    /// The machine has another network: what leads out of it now is found, and used beside what there was.
    fn move_to(&mut self, ip: IpAddr) {
        tracing::info!("The call's machine has another network");
        self.ip = ip;
        self.looking.abort_all();
        self.look_for_ways(Instant::now());
    }

    fn look_for_ways(&mut self, now: Instant) {
        self.looked_at = now;
        let (config, ip, began) = (Arc::clone(&self.config), self.ip, self.began);
        self.looking
            .spawn(async move { Ways::find(&config, ip, began).await });
    }

    /// Uses new ways. The far side learns of them by what comes over them, and by the next description.
    fn take_ways(&mut self, found: Option<Ways>) {
        let Some(mut found) = found else { return };
        let now = Instant::now();
        for relay in &mut found.relays {
            for peer in &self.peers {
                relay.permit(now, *peer);
            }
        }
        for address in found.addresses(self.config.relay_only) {
            self.conductor.add_local(address);
        }
        self.ways.push(found);
        let known: Vec<_> = self.ways.iter().map(|ways| ways.addresses(false)).collect();
        if let Some(at) = to_give_up(&known, self.worked) {
            for relay in &mut self.ways.remove(at).relays {
                relay.give_back(now);
            }
        }
        self.shared.events.tell(CallEvent::Moved);
    }

    fn receive_all(&mut self, at: usize, length: usize, source: SocketAddr, buffer: &mut [u8]) {
        let now = Instant::now();
        let Some(Ways { own, .. }) = self.ways.get(at) else {
            return;
        };
        let mut came = (length, source);
        for _ in 0..BATCH {
            let bytes = buffer.get(..came.0).unwrap_or(&[]);
            self.conductor.receive(now, came.1, own.local, bytes);
            match own.socket.try_recv_from(buffer) {
                Ok(next) => came = next,
                Err(_) => break,
            }
        }
    }

    fn take_from_relay(&mut self, at: usize, relay: usize, message: Option<Vec<u8>>) {
        let Some(ways) = self.ways.get_mut(at) else { return };
        let Some(path) = ways.relays.get_mut(relay) else {
            return;
        };
        let now = Instant::now();
        let Some(message) = message else {
            tracing::warn!("A relay closed its connection");
            ways.relays.remove(relay);
            return;
        };
        let relayed = path.relayed();
        for (peer, bytes) in path.take(now, message) {
            self.conductor.receive(now, peer, relayed, &bytes);
        }
    }

    /// Everything that follows from an input: time, packets, what has come, relays.
    fn work(&mut self) {
        let now = Instant::now();
        self.conductor.work(now);
        self.hand_out(now);
        if now >= self.relay_due {
            self.relay_due = now + Duration::from_secs(1);
            for relay in self.ways.iter_mut().flat_map(|ways| &mut ways.relays) {
                self.relay_due = self.relay_due.min(relay.pump(now));
                relay.read_events();
            }
            self.conductor.publish_path(self.relay_in_use());
            let lost_for = self.conductor.lost_for(now);
            if lost_for.is_zero() {
                self.worked = self.conductor.local().or(self.worked);
                self.look_again = LOOK_AGAIN;
            }
            let looked = now.saturating_duration_since(self.looked_at);
            // Without a relay nobody has forgotten this side.
            let relays = !self.config.turn.is_empty();
            if relays && lost_for > LOOK_AFTER && looked > self.look_again && self.looking.is_empty() {
                self.look_again = (self.look_again * 2).min(LOOK_AGAIN_MOST);
                self.look_for_ways(now);
            }
        }
    }

    fn hand_out(&mut self, now: Instant) {
        while let Some(packet) = self.conductor.next_packet() {
            let kind = self.conductor.kind_of(&packet.bytes);
            for Ways { own, relays } in &mut self.ways {
                if own.local == packet.source {
                    own.marks.set(&own.socket, kind);
                    // A full socket buffer drops, as a network does.
                    let _ = own.socket.try_send_to(&packet.bytes, packet.destination);
                    break;
                }
                if let Some(relay) = relays.iter_mut().find(|relay| relay.relayed() == packet.source) {
                    relay.send(now, packet.destination, packet.bytes, kind);
                    break;
                }
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
        let mut relays = self.ways.iter().flat_map(|ways| &ways.relays);
        relays
            .find(|relay| relay.relayed() == local)
            .map(RelayPath::protocol)
    }

    async fn finish(&mut self) {
        let now = Instant::now();
        let reason = self.conductor.ended().unwrap_or(EndReason::Failed);
        self.hand_out(now);
        for relay in self.ways.iter_mut().flat_map(|ways| &mut ways.relays) {
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

/// Which ways are given up, oldest first, where there are too many: never the newest, and never those that worked last.
fn to_give_up(ways: &[Vec<LocalAddress>], worked: Option<SocketAddr>) -> Option<usize> {
    let older = ways.split_last().map_or(ways, |(_, older)| older);
    let in_use =
        |addresses: &Vec<LocalAddress>| addresses.iter().any(|address| Some(address.socket()) == worked);
    let found = older.iter().position(|addresses| !in_use(addresses));
    found.filter(|_| ways.len() > GENERATIONS)
}

/// Something that came in, and over which ways.
enum Came {
    Datagram(usize, usize, SocketAddr),
    FromRelay(usize, usize, Option<Vec<u8>>),
}

/// The next datagram of any socket, which lies in the buffer then, or message of any relay.
async fn next_arrival(ways: &mut [Ways], buffer: &mut [u8]) -> Came {
    std::future::poll_fn(|context| {
        for (at, Ways { own, relays }) in ways.iter_mut().enumerate() {
            let mut read = tokio::io::ReadBuf::new(buffer);
            // An error is of one datagram: that nobody took it at its goal.
            while let Poll::Ready(came) = own.socket.poll_recv_from(context, &mut read) {
                if let Ok(source) = came {
                    return Poll::Ready(Came::Datagram(at, read.filled().len(), source));
                }
            }
            for (number, relay) in relays.iter_mut().enumerate() {
                if let Poll::Ready(message) = relay.poll_inbox(context) {
                    return Poll::Ready(Came::FromRelay(at, number, message));
                }
            }
        }
        Poll::Pending
    })
    .await
}

/// The next change of the route; never, where the address is given.
async fn next_route(routes: &mut Option<mpsc::Receiver<IpAddr>>) -> Option<IpAddr> {
    match routes {
        Some(routes) => routes.recv().await,
        None => std::future::pending().await,
    }
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
    fn ways_that_worked_last_outlive_newer_ones_that_have_not() {
        let at = |port: u16| vec![LocalAddress::Host(([10, 0, 0, 1], port).into())];
        let ways = [at(1), at(2), at(3), at(4)];
        let worked = |port: u16| Some(([10, 0, 0, 1], port).into());

        assert_eq!(to_give_up(&ways, worked(1)), Some(1));
        assert_eq!(to_give_up(&ways, worked(4)), Some(0));
        assert_eq!(to_give_up(&ways, None), Some(0));
        assert_eq!(to_give_up(&ways[..3], worked(1)), None);
    }

    #[test]
    fn addresses_are_found_in_a_description() {
        let sdp = "v=0\r\na=candidate:1 1 udp 2113929471 10.1.2.3 10100 typ host\r\na=candidate:2 1 udp 1 fe80::1 9 typ relay\r\na=mid:0\r\na=candidate:bad\r\n";

        assert_eq!(
            candidate_addresses(sdp),
            ["10.1.2.3".parse::<IpAddr>().unwrap(), "fe80::1".parse().unwrap()]
        );
    }
}
