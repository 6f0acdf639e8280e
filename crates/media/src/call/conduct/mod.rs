//! What a call does with what it learns: paths, key frames, the ladder, stills, figures. Sans-IO: time and datagrams come
//! in as arguments, so the same code runs over sockets and over simulated links in virtual time.

mod climb;
mod detour;
mod figures;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_core::call::code::{CodeSeed, ShortCode};
use hms_core::call::describe::{mark, says, READS, RESTORES};
use hms_core::call::quality::{Ladder, Rung};
use hms_model::wire::signal::SdpKind;

use super::beside::{Beside, Came};
use super::greeting::Greeting;
use super::report::{CallEvent, EndReason};
use super::session::{Command, Shared};
use crate::engine::{CallEngine, Datagram, EngineEvent, EngineOutput, LocalAddress, PathFigures};
use crate::rate::{Estimator, Kind, Pacer, Wire};
use crate::{CallError, EngineError};
use detour::Detour;

/// How often the figures are renewed and the ladder looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Silence of the far side after which the call counts as lost. Sound flows at least every 60 ms.
const LOST_AFTER: Duration = Duration::from_secs(3);
/// Silence that makes the engine's own doubt believed.
const DOUBT_AFTER: Duration = Duration::from_secs(1);
/// Key frames are asked for and given no faster than this, or than 1.2 round trips.
const KEY_FRAME_EVERY: Duration = Duration::from_millis(300);
/// On a link that is far away sound begins with room for two lost packets.
const FIRST_DELAY_MS: u32 = 145;

/// Something coded, for the engine.
pub(super) enum Coded {
    /// Sound that begins at a sample (48 kHz).
    Audio { at: u64, packet: Vec<u8> },
    /// A picture shown at a time (90 kHz).
    Video { at: u64, frame: Vec<u8> },
    /// A still picture (WebP), for the reliable channel.
    Still(Vec<u8>),
}

/// What has come for the ear and the eye.
pub(super) enum Arrival {
    /// A packet of sound: when it came, where it begins, what is in it.
    Sound(Instant, u64, Arc<[u8]>),
    /// A coded picture: when it came, its time (90 kHz), and whether it follows the one before.
    Picture(Instant, u64, Arc<[u8]>, bool),
    /// A still picture (WebP), and when its first bytes came.
    Still(Instant, Vec<u8>),
}

/// The call between the sockets and the codecs.
pub(super) struct Conductor {
    engine: Box<dyn CallEngine>,
    shared: Arc<Shared>,
    arrivals: VecDeque<Arrival>,
    packets: VecDeque<Datagram>,
    wire: Wire,
    pacer: Pacer,
    detour: Detour,
    estimator: Option<Estimator>,
    greeting: Greeting,
    beside: Beside,
    code: ShortCode,
    ladder: Option<Ladder>,
    began: Instant,
    connected_at: Option<Instant>,
    path_works: bool,
    heard_at: Instant,
    figures: PathFigures,
    loss: f32,
    loss_at: Option<Instant>,
    back_at: Option<Instant>,
    reports: u32,
    key_asked_at: Option<Instant>,
    key_given_at: Option<Instant>,
    look_due: Instant,
    ended: Option<EndReason>,
}

impl Conductor {
    pub(super) fn new(
        engine: Box<dyn CallEngine>,
        shared: Arc<Shared>,
        began: Instant,
        seed: Option<CodeSeed>,
    ) -> Self {
        let code = ShortCode::new(seed);
        shared.code.send_replace(code.state().clone());
        Self {
            code,
            engine,
            shared,
            arrivals: VecDeque::new(),
            packets: VecDeque::new(),
            wire: Wire::default(),
            pacer: Pacer::new(),
            detour: Detour::default(),
            estimator: None,
            greeting: Greeting::default(),
            beside: Beside::default(),
            ladder: None,
            began,
            connected_at: None,
            path_works: false,
            heard_at: began,
            figures: PathFigures::default(),
            loss: 0.0,
            loss_at: None,
            back_at: None,
            reports: 0,
            key_asked_at: None,
            key_given_at: None,
            look_due: began,
            ended: None,
        }
    }

    /// Does what the holder asks of the engine. [`Command::MoveTo`] and [`Command::HangUp`] are the driver's.
    pub(super) fn obey(&mut self, now: Instant, command: Command) {
        match command {
            Command::Offer(reply) => {
                let offer = self.engine.offer(now);
                let _ = reply.send(self.described(SdpKind::Offer, offer));
            }
            Command::AcceptOffer(sdp, reply) => {
                let answer = self.engine.accept_offer(now, &sdp);
                self.know(&sdp);
                if answer.is_ok() {
                    self.code.hear(SdpKind::Offer, &sdp);
                }
                let _ = reply.send(self.described(SdpKind::Answer, answer));
            }
            Command::AcceptAnswer(sdp, reply) => {
                let accepted = self.engine.accept_answer(now, &sdp);
                self.know(&sdp);
                if accepted.is_ok() {
                    self.code.hear(SdpKind::Answer, &sdp);
                    self.publish_code();
                }
                let _ = reply.send(accepted.map_err(CallError::from));
            }
            Command::RestartIce(reply) => {
                let offer = self.engine.restart_ice(now);
                let _ = reply.send(self.described(SdpKind::Offer, offer));
            }
            Command::Typed(line, text) => self.beside.write(line, &text),
            Command::Sharp(number, picture) => self.beside.send_sharp(number, &picture),
            Command::MoveTo(_) | Command::HangUp(_) => {}
        }
    }

    /// A description that the engine has made, with what else the far side is to know.
    fn described(&mut self, kind: SdpKind, sdp: Result<String, EngineError>) -> Result<String, CallError> {
        let sdp = sdp?;
        let line = self.code.describe(kind, &sdp);
        self.publish_code();
        let lines: Vec<&str> = [RESTORES, READS].into_iter().chain(line.as_deref()).collect();
        Ok(mark(&sdp, &lines))
    }

    fn publish_code(&self) {
        self.shared.code.send_if_modified(|shown| {
            *shown != *self.code.state() && {
                shown.clone_from(self.code.state());
                true
            }
        });
    }

    /// Tells this side's number of the short code, once: the channel keeps it until it has arrived.
    fn tell_code(&mut self, now: Instant) {
        if !self.shared.controls.beside_open.load(Relaxed) {
            return;
        }
        if let Some(message) = self.code.to_tell() {
            if self.engine.send_data(now, &message) {
                self.code.told();
                self.publish_code();
            }
        }
    }

    /// Learns from the far side's description what its packets look like and what it can do with ours.
    fn know(&mut self, sdp: &str) {
        self.wire.learn(sdp);
        let restores = says(sdp, RESTORES);
        self.shared.controls.far_restores.store(restores, Relaxed);
        self.shared.controls.far_reads.store(says(sdp, READS), Relaxed);
        // A browser plays Opus and leaves its deep redundancy alone: it gets each packet twice.
        self.engine.set_doubled(!restores);
    }

    pub(super) fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &[u8],
    ) {
        if self.connected_at.is_some() && self.silent_for(now, DOUBT_AFTER) {
            // A cut, however short: the far side's picture lacks what was sent into it.
            self.back_at = Some(now);
            self.shared.controls.key_frame.store(true, Relaxed);
        }
        self.heard_at = now;
        self.detour.heard(now, source, destination, bytes);
        self.greeting.heard(now, bytes);
        self.engine.receive(now, source, destination, bytes);
    }

    pub(super) fn send(&mut self, now: Instant, coded: Coded) {
        match coded {
            Coded::Audio { at, packet } => self.engine.send_audio(now, at, packet),
            Coded::Video { at, frame } => self.engine.send_video(now, at, frame),
            Coded::Still(picture) => {
                self.beside.send_still(&picture);
                self.shared.controls.still_waits.store(true, Relaxed);
            }
        }
    }

    /// Everything that follows from an input: time, outputs, key frames, stills, figures.
    pub(super) fn work(&mut self, now: Instant) {
        if now >= self.engine.deadline() {
            self.engine.tick(now);
        }
        self.ask_for_key_frame(now);
        if !self.shared.controls.camera_on.load(Relaxed) {
            self.beside.drop_still();
        }
        self.tell_code(now);
        self.beside.work(now, self.engine.as_mut());
        self.shared
            .controls
            .still_waits
            .store(self.beside.still_waits(), Relaxed);
        self.flush(now);
        if now >= self.look_due {
            self.look_due = now + LOOK_EVERY;
            self.look(now);
            self.flush(now);
        }
    }

    /// When [`Conductor::work`] is due at the latest.
    pub(super) fn deadline(&self) -> Instant {
        let due = self.engine.deadline().min(self.look_due);
        let others = [self.beside.due(), self.pacer.due()];
        others.into_iter().flatten().fold(due, Instant::min)
    }

    pub(super) fn next_packet(&mut self) -> Option<Datagram> {
        self.packets.pop_front()
    }

    pub(super) fn next_arrival(&mut self) -> Option<Arrival> {
        self.arrivals.pop_front()
    }

    /// What a packet that is to be sent carries.
    pub(super) fn kind_of(&self, packet: &[u8]) -> Kind {
        self.wire.kind(packet)
    }

    pub(super) fn ended(&self) -> Option<EndReason> {
        self.ended
    }

    /// The local address of the path in use.
    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.figures.local
    }

    /// The call is over for this reason; the far side hears it if this side hung up.
    pub(super) fn end(&mut self, now: Instant, reason: EndReason) {
        self.ended = Some(reason);
        if reason == EndReason::HungUp {
            self.engine.close(now);
            self.flush(now);
        }
        self.path_works = false;
    }

    fn flush(&mut self, now: Instant) {
        while let Some(output) = self.engine.poll() {
            match output {
                EngineOutput::Send(packet) => {
                    let kind = self.wire.kind(&packet.bytes);
                    if let Some(packet) = self.pacer.take(packet, kind) {
                        self.leave(now, packet);
                    }
                }
                EngineOutput::Event(event) => self.take(now, event),
            }
        }
        while let Some(packet) = self.pacer.next(now) {
            self.leave(now, packet);
        }
        self.shared
            .controls
            .line_full
            .store(self.pacer.is_full(), Relaxed);
    }

    fn leave(&mut self, now: Instant, mut packet: Datagram) {
        self.detour.redirect(now, &mut packet);
        self.greeting.sent(now, &packet.bytes);
        if let (Some(estimator), Some(number)) = (&mut self.estimator, self.wire.number(&packet.bytes)) {
            estimator.sent(now, number, packet.bytes.len());
        }
        self.packets.push_back(packet);
    }

    fn take(&mut self, now: Instant, event: EngineEvent) {
        match event {
            EngineEvent::Connected => self.connected(now),
            // The engine may doubt a path that still delivers; silence is what a person notices.
            EngineEvent::PathLost if self.silent_for(now, DOUBT_AFTER) => self.lost(),
            EngineEvent::PathLost | EngineEvent::PathBack => {}
            EngineEvent::Audio { at, packet } => self.arrivals.push_back(Arrival::Sound(now, at, packet)),
            EngineEvent::Video {
                at,
                frame,
                contiguous,
            } => {
                self.arrivals
                    .push_back(Arrival::Picture(now, at, frame, contiguous));
            }
            EngineEvent::DataOpen => {
                self.beside.open();
                self.shared.controls.beside_open.store(true, Relaxed);
            }
            EngineEvent::Data(bytes) => match self.beside.take(now, &bytes) {
                Some(Came::Still(came, still)) => self.arrivals.push_back(Arrival::Still(came, still)),
                Some(Came::Sharp(number, picture)) => {
                    self.shared.sharp.send_replace(Some((number, picture.into())));
                }
                Some(Came::Typed(drafts)) => {
                    self.shared.drafts.send_replace(drafts);
                }
                None => {
                    self.code.revealed(&bytes);
                    self.publish_code();
                }
            },
            EngineEvent::KeyFrameWanted => {
                if self
                    .key_given_at
                    .is_none_or(|at| now.saturating_duration_since(at) >= self.key_pace())
                {
                    self.key_given_at = Some(now);
                    self.shared.controls.key_frame.store(true, Relaxed);
                }
            }
            EngineEvent::Receipts(receipts) => {
                if let Some(estimator) = &mut self.estimator {
                    estimator.take(now, &receipts);
                }
            }
            EngineEvent::Path(figures) => self.figures = figures,
            EngineEvent::Loss(loss) => self.take_loss(now, loss),
            EngineEvent::Closed => self.ended = self.ended.or(Some(EndReason::FarSide)),
        }
    }

    fn connected(&mut self, now: Instant) {
        self.connected_at = Some(now);
        self.path_works = true;
        self.heard_at = now;
        // Before the first report the first handshake is all that is known of the link.
        let rtt = self.greeting.round_trip().unwrap_or_default();
        let first = Rung::at_first(u32::try_from(rtt.as_millis()).unwrap_or(u32::MAX));
        self.ladder = Some(Ladder::new(first));
        self.estimator = Some(Estimator::new(climb::first_estimate(first)));
        if first <= Rung::Stills {
            self.shared.controls.first_delay_ms.store(FIRST_DELAY_MS, Relaxed);
        }
        self.set_rung(first);
        self.shared.controls.sending.store(true, Relaxed);
        self.shared.events.tell(CallEvent::Connected);
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
        KEY_FRAME_EVERY.max(self.round_trip().mul_f32(1.2))
    }

    fn round_trip(&self) -> Duration {
        self.figures
            .rtt
            .or(self.greeting.round_trip())
            .unwrap_or_default()
    }

    /// A further address of this side.
    pub(super) fn add_local(&mut self, address: LocalAddress) {
        if self.engine.add_local(address).is_err() {
            tracing::warn!("An address cannot be used for the call");
        }
    }

    /// How long nothing has come over any path.
    pub(super) fn lost_for(&self, now: Instant) -> Duration {
        if self.connected_at.is_some() && !self.path_works {
            now.saturating_duration_since(self.heard_at)
        } else {
            Duration::ZERO
        }
    }

    fn silent_for(&self, now: Instant, span: Duration) -> bool {
        now.saturating_duration_since(self.heard_at) > span
    }

    fn lost(&mut self) {
        if self.path_works {
            self.path_works = false;
            if let Some(ladder) = &mut self.ladder {
                ladder.outage();
            }
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
        self.climb(now);
        self.publish(now);
    }
}
