//! The thread that owns the engine, the sockets and the relay paths of a call.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use super::mouth::{self, Coded};
use super::report::{CallEvent, EndReason, PathKind};
use super::senses::{self, HeardPacket, SeenFrame};
use super::session::{Command, Shared};
use crate::devices;
use crate::engine::{self, CallEngine, EngineEvent, EngineOutput, LocalAddress, PathFigures};
use crate::ladder::Ladder;
use crate::turn::{RelayAddress, RelayPath};
use crate::{CallConfig, CallError};

/// How often the figures are renewed and the ladder looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Silence of the far side after which the call counts as lost. Sound flows at least every 60 ms.
const LOST_AFTER: Duration = Duration::from_secs(3);
/// Silence that makes the engine's own doubt believed.
const DOUBT_AFTER: Duration = Duration::from_secs(1);
/// Key frames are asked for and given no faster than this, or than 1.2 round trips.
const KEY_FRAME_EVERY: Duration = Duration::from_millis(300);
/// How long the call waits for further relays after one has answered.
const RELAY_GRACE: Duration = Duration::from_secs(1);
/// What sound and its packets need before the picture gets anything.
const SOUND_SHARE_BPS: u64 = 45_000;
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
    engine: Box<dyn CallEngine>,
    socket: UdpSocket,
    local: SocketAddr,
    relays: Vec<RelayPath>,
    shared: Arc<Shared>,
    coded: mpsc::Receiver<Coded>,
    to_ear: SyncSender<HeardPacket>,
    to_eye: SyncSender<SeenFrame>,
    threads: Vec<JoinHandle<()>>,
    ladder: Ladder,
    began: Instant,
    connected_at: Option<Instant>,
    path_works: bool,
    heard_at: Instant,
    figures: PathFigures,
    estimate_bps: Option<u64>,
    loss: f32,
    key_asked_at: Option<Instant>,
    key_given_at: Option<Instant>,
    relay_due: Instant,
    look_due: Instant,
    ended: Option<EndReason>,
}

impl Transport {
    async fn open(config: CallConfig, shared: Arc<Shared>) -> Result<Self, CallError> {
        let began = Instant::now();
        let ip = match config.bind {
            Some(ip) => ip,
            None => route_to(&config).await,
        };
        let socket = UdpSocket::bind((ip, 0)).await.map_err(CallError::OpenSocket)?;
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
        if let Some(opened) = devices::open_microphone(&config.audio)? {
            synthetic |= opened.synthetic;
            missing.extend(opened.missing);
            threads.push(mouth::speak(opened.source, Arc::clone(&shared), out.clone())?);
        }
        if let Some(opened) = devices::open_camera(&config.video)? {
            synthetic |= opened.synthetic;
            missing.extend(opened.missing);
            threads.push(mouth::show(opened.source, Arc::clone(&shared), out, began)?);
        }
        let (speaker, no_speaker) = devices::open_speaker(&config.speaker);
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
            engine,
            socket,
            local,
            relays,
            shared,
            coded,
            to_ear,
            to_eye,
            threads,
            ladder: Ladder::new(),
            began,
            connected_at: None,
            path_works: false,
            heard_at: began,
            figures: PathFigures::default(),
            estimate_bps: None,
            loss: 0.0,
            key_asked_at: None,
            key_given_at: None,
            relay_due: began,
            look_due: began,
            ended: None,
        })
    }

    async fn drive(&mut self, mut commands: mpsc::Receiver<Command>) {
        let mut buffer = [0u8; MAX_DATAGRAM];
        let mut hung_up = None;
        while self.ended.is_none() {
            let due = self.engine.deadline().min(self.relay_due).min(self.look_due);
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::HangUp(reply)) => {
                        hung_up = Some(reply);
                        self.ended = Some(EndReason::HungUp);
                    }
                    Some(command) => self.obey(command),
                    // The holder is gone without a word: the far side is told all the same.
                    None => self.ended = Some(EndReason::HungUp),
                },
                received = self.socket.recv_from(&mut buffer) => {
                    if let Ok((length, source)) = received {
                        self.receive(source, self.local, buffer.get(..length).unwrap_or(&[]));
                        self.receive_more(&mut buffer);
                    }
                }
                (relay, message) = next_message(&mut self.relays) => self.take_from_relay(relay, message),
                Some(coded) = self.coded.recv() => self.send_coded(coded),
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
        let now = Instant::now();
        match command {
            Command::Offer(reply) => {
                let _ = reply.send(self.engine.offer(now).map_err(CallError::from));
            }
            Command::AcceptOffer(sdp, reply) => {
                self.permit_peers(&sdp);
                let _ = reply.send(self.engine.accept_offer(now, &sdp).map_err(CallError::from));
            }
            Command::AcceptAnswer(sdp, reply) => {
                self.permit_peers(&sdp);
                let _ = reply.send(self.engine.accept_answer(now, &sdp).map_err(CallError::from));
            }
            Command::RestartIce(reply) => {
                let _ = reply.send(self.engine.restart_ice(now).map_err(CallError::from));
            }
            Command::HangUp(_) => {}
        }
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
        let now = Instant::now();
        self.heard_at = now;
        self.engine.receive(now, source, destination, bytes);
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

    fn send_coded(&mut self, coded: Coded) {
        let now = Instant::now();
        match coded {
            Coded::Audio { at, packet } => self.engine.send_audio(now, at, packet),
            Coded::Video { at, frame } => self.engine.send_video(now, at, frame),
        }
    }

    /// Everything that follows from an input: time, outputs, key frames, relays, figures.
    fn work(&mut self) {
        let now = Instant::now();
        if now >= self.engine.deadline() {
            self.engine.tick(now);
        }
        self.ask_for_key_frame(now);
        self.flush(now);
        if now >= self.relay_due {
            self.relay_due = now + Duration::from_secs(1);
            for relay in &mut self.relays {
                self.relay_due = self.relay_due.min(relay.pump(now));
                relay.read_events();
            }
        }
        if now >= self.look_due {
            self.look_due = now + LOOK_EVERY;
            self.look(now);
        }
    }

    fn flush(&mut self, now: Instant) {
        while let Some(output) = self.engine.poll() {
            match output {
                EngineOutput::Send(packet) => {
                    let relay = self
                        .relays
                        .iter_mut()
                        .find(|relay| relay.relayed() == packet.source);
                    match relay {
                        Some(relay) => relay.send(now, packet.destination, packet.bytes),
                        // A full socket buffer drops, as a network does.
                        None if packet.source == self.local => {
                            let _ = self.socket.try_send_to(&packet.bytes, packet.destination);
                        }
                        None => {}
                    }
                }
                EngineOutput::Event(event) => self.take(now, event),
            }
        }
    }

    fn take(&mut self, now: Instant, event: EngineEvent) {
        match event {
            EngineEvent::Connected => {
                self.connected_at = Some(now);
                self.path_works = true;
                self.heard_at = now;
                self.shared.controls.sending.store(true, Relaxed);
                self.shared.events.tell(CallEvent::Connected);
            }
            // The engine may doubt a path that still delivers; silence is what a person notices.
            EngineEvent::PathLost if self.silent_for(now, DOUBT_AFTER) => self.lost(),
            EngineEvent::PathLost | EngineEvent::PathBack => {}
            EngineEvent::Audio { at, packet } => {
                // Full only if the ear stands still: a packet is worth less than the call's pace.
                let _ = self.to_ear.try_send((now, at, packet));
            }
            EngineEvent::Video { frame, contiguous } => {
                if self.to_eye.try_send((frame, contiguous)).is_err() {
                    self.shared.controls.want_key_frame.store(true, Relaxed);
                }
            }
            EngineEvent::KeyFrameWanted => {
                if self
                    .key_given_at
                    .is_none_or(|at| now.saturating_duration_since(at) >= self.key_pace())
                {
                    self.key_given_at = Some(now);
                    self.shared.controls.key_frame.store(true, Relaxed);
                }
            }
            EngineEvent::Estimate(bps) => self.estimate_bps = Some(bps),
            EngineEvent::Path(figures) => self.figures = figures,
            // Reports come once a second or slower: smooth them, so that one bad second does not decide.
            EngineEvent::Loss(loss) => self.loss = 0.6 * self.loss + 0.4 * loss,
            EngineEvent::Closed => self.ended = self.ended.or(Some(EndReason::FarSide)),
        }
    }

    fn ask_for_key_frame(&mut self, now: Instant) {
        let wanted = self.shared.controls.want_key_frame.load(Relaxed);
        let allowed = self
            .key_asked_at
            .is_none_or(|at| now.saturating_duration_since(at) >= self.key_pace());
        if wanted && allowed {
            self.shared.controls.want_key_frame.store(false, Relaxed);
            self.key_asked_at = Some(now);
            self.engine.request_key_frame(now);
        }
    }

    fn key_pace(&self) -> Duration {
        KEY_FRAME_EVERY.max(self.figures.rtt.unwrap_or_default().mul_f32(1.2))
    }

    fn silent_for(&self, now: Instant, span: Duration) -> bool {
        now.saturating_duration_since(self.heard_at) > span
    }

    fn lost(&mut self) {
        if self.path_works {
            self.path_works = false;
            self.ladder.cut();
            self.shared.events.tell(CallEvent::Lost);
        }
    }

    fn look(&mut self, now: Instant) {
        if self.connected_at.is_some() {
            if self.silent_for(now, LOST_AFTER) {
                self.lost();
            } else if !self.path_works {
                self.path_works = true;
                self.shared.events.tell(CallEvent::Recovered);
            }
        }
        if let (Some(estimate), true) = (self.estimate_bps, self.path_works) {
            self.ladder.look(now, estimate, self.loss);
        }
        let controls = &self.shared.controls;
        let rung = self.ladder.rung(controls.ceiling());
        if rung != controls.rung() {
            controls.set_rung(rung);
            self.shared.events.tell(CallEvent::Rung(rung));
        }
        let for_picture = self.ladder.usable_bps().saturating_sub(SOUND_SHARE_BPS);
        let video_bps = u64::from(rung.settings().video_bps).min(for_picture.max(10_000));
        controls.video_bps.store(video_bps as u32, Relaxed);
        let wish = controls.ceiling().settings().video_bps;
        self.engine.set_wish(now, u64::from(wish) + SOUND_SHARE_BPS);
        self.publish(now);
    }

    fn publish(&self, now: Instant) {
        let counters = &self.shared.counters;
        let heard = *counters.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |from: Instant, to: Instant| to.saturating_duration_since(from).as_millis() as u64;
        let relay = self
            .relays
            .iter()
            .find(|relay| Some(relay.relayed()) == self.figures.local);
        let connected_ms = self.connected_at.map(|at| since(self.began, at));
        let first_frame = counters.first_frame_ms.load(Relaxed);
        self.shared.stats.send_modify(|stats| {
            stats.connected_ms = connected_ms;
            stats.first_frame_ms = connected_ms
                .filter(|_| first_frame > 0)
                .map(|connected| first_frame.saturating_sub(connected));
            stats.connected = self.path_works;
            stats.rtt_ms = self.figures.rtt.map(|rtt| rtt.as_secs_f64() * 1000.0);
            stats.loss = f64::from(self.loss);
            stats.estimate_bps = self.estimate_bps;
            stats.frames_decoded = counters.frames_decoded.load(Relaxed);
            stats.distinct_remote_frames = counters.distinct_frames.load(Relaxed);
            stats.frames_sent = counters.frames_sent.load(Relaxed);
            stats.longest_freeze_ms = counters.longest_freeze_ms.load(Relaxed);
            stats.audio_packets = heard.packets;
            stats.audio_concealed_ppm = (heard.concealed * 1_000_000)
                .checked_div(heard.samples)
                .unwrap_or(0);
            stats.audio_recovered_samples = heard.restored;
            stats.audio_samples = heard.samples;
            stats.jitter_buffer_ms = heard.delay_ms;
            stats.bytes_in = self.figures.bytes_in;
            stats.bytes_out = self.figures.bytes_out;
            stats.path = self.figures.local.map(|_| match relay {
                Some(_) => PathKind::Relay,
                None => PathKind::Direct,
            });
            stats.relay = relay.map(RelayPath::protocol);
            stats.rung = Some(self.shared.controls.rung());
            stats.muted = self.shared.controls.muted.load(Relaxed);
            stats.camera_on = self.shared.controls.camera_on.load(Relaxed);
            stats.uptime_ms = since(self.began, now);
        });
    }

    async fn finish(&mut self) {
        let reason = self.ended.unwrap_or(EndReason::Failed);
        let now = Instant::now();
        if reason == EndReason::HungUp {
            self.engine.close(now);
            self.flush(now);
        }
        for relay in &mut self.relays {
            relay.give_back(now);
        }
        self.path_works = false;
        self.publish(now);
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
        let (server, bind) = (server.clone(), config.bind);
        opening.spawn(async move { (index, RelayPath::open(server, bind, began).await) });
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
