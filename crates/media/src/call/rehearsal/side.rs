//! One side of a rehearsed call: what the threads do, one after the other.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::super::conduct::{Arrival, Coded, Conductor};
use super::super::mouth::{pace, PictureCoder, SoundCoder};
use super::super::senses::{Eye, Seen, Shown};
use super::super::session::{Command, Reply, Shared};
use crate::devices::{Camera, Microphone, SyntheticCamera, SyntheticMicrophone};
use crate::engine::{self, Datagram, LocalAddress};
use crate::sound::{Player, BLOCK};
use crate::{CallError, CallStats, EngineChoice, PictureFormat, QualityRung, Voice};

const BLOCK_TIME: Duration = Duration::from_millis(20);

/// What a person at this side hears and sees, moment by moment.
#[derive(Default)]
pub(super) struct Diary {
    /// Every 20 ms: samples made up so far, and the delay of the buffer in ms.
    pub(super) sound: Vec<(Duration, u64, u64)>,
    /// Moving pictures shown.
    pub(super) pictures: Vec<Duration>,
    /// Stills shown.
    pub(super) stills: Vec<Duration>,
    /// The rung of what this side sends, with each change.
    pub(super) rungs: Vec<(Duration, QualityRung)>,
    pub(super) connected: Option<Duration>,
    /// Sound packets, when they came.
    pub(super) packets: Vec<Duration>,
}

pub(super) struct Side {
    conductor: Conductor,
    pub(super) shared: Arc<Shared>,
    start: Instant,
    microphone: SyntheticMicrophone,
    sound: SoundCoder,
    spoken: Duration,
    camera: SyntheticCamera,
    picture: PictureCoder,
    pictured: Duration,
    player: Player,
    heard: Duration,
    eye: Eye,
    pub(super) diary: Diary,
}

/// Where a side is.
pub(super) fn address(number: usize) -> SocketAddr {
    format!("10.0.0.{}:4000", number + 1).parse().unwrap()
}

impl Side {
    pub(super) fn new(number: usize, start: Instant, choice: EngineChoice) -> Self {
        let shared = Arc::new(Shared::new(QualityRung::Full));
        let mut engine = engine::make(choice, start).unwrap();
        engine.add_local(LocalAddress::Host(address(number))).unwrap();
        let voice = [Voice::Carrier, Voice::Clinician][number];
        Self {
            conductor: Conductor::new(engine, Arc::clone(&shared), start, None),
            shared,
            start,
            microphone: SyntheticMicrophone::new(voice),
            sound: SoundCoder::new().unwrap(),
            spoken: Duration::ZERO,
            camera: SyntheticCamera::new(PictureFormat::LARGE),
            picture: PictureCoder::default(),
            pictured: Duration::ZERO,
            player: Player::new().unwrap(),
            // Two clocks never tick together.
            heard: Duration::from_millis(7 * number as u64),
            eye: Eye::new().unwrap(),
            diary: Diary::default(),
        }
    }

    fn ask<T>(&mut self, now: Instant, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, CallError> {
        let (reply, mut answer) = oneshot::channel();
        self.conductor.obey(now, command(reply));
        answer.try_recv().unwrap()
    }

    pub(super) fn offer(&mut self, now: Instant) -> String {
        self.ask(now, Command::Offer).unwrap()
    }

    pub(super) fn answer(&mut self, now: Instant, offer: &str) -> String {
        self.ask(now, |reply| Command::AcceptOffer(offer.to_owned(), reply))
            .unwrap()
    }

    pub(super) fn take_answer(&mut self, now: Instant, answer: &str) {
        self.ask(now, |reply| Command::AcceptAnswer(answer.to_owned(), reply))
            .unwrap();
    }

    pub(super) fn receive(&mut self, now: Instant, packet: &Datagram) {
        self.conductor
            .receive(now, packet.source, packet.destination, &packet.bytes);
        self.conductor.work(now);
    }

    pub(super) fn next_packet(&mut self) -> Option<Datagram> {
        self.conductor.next_packet()
    }

    pub(super) fn stats(&self) -> CallStats {
        self.shared.stats.borrow().clone()
    }

    pub(super) fn step(&mut self, now: Instant, at: Duration) {
        self.speak(now, at);
        self.show(now, at);
        if now >= self.conductor.deadline() {
            self.conductor.work(now);
        }
        self.sort(at);
        self.hear(at);
        if self.diary.connected.is_none() && self.shared.controls.sending.load(Relaxed) {
            self.diary.connected = Some(at);
        }
        let rung = self.shared.controls.rung();
        if self.diary.connected.is_some() && self.diary.rungs.last().map(|(_, rung)| *rung) != Some(rung) {
            self.diary.rungs.push((at, rung));
        }
    }

    fn speak(&mut self, now: Instant, at: Duration) {
        while self.spoken + BLOCK_TIME <= at {
            self.spoken += BLOCK_TIME;
            let mut block = [0; BLOCK];
            self.microphone.fill(&mut block);
            if let Some(coded) = self.sound.code(&block, &self.shared) {
                self.send(now, coded);
            }
        }
    }

    fn show(&mut self, now: Instant, at: Duration) {
        let Some(pace) = pace(&self.shared, self.camera.format().fps) else {
            self.pictured = at;
            return;
        };
        if self.pictured + pace <= at {
            self.pictured = (self.pictured + pace).max(at.saturating_sub(Duration::from_millis(300)));
            let picture = self.camera.next_picture().unwrap();
            if let Some(coded) = self
                .picture
                .code(&picture, &self.shared, now, at.as_millis() as u64)
            {
                self.send(now, coded);
            }
        }
    }

    fn send(&mut self, now: Instant, coded: Coded) {
        self.conductor.send(now, coded);
        self.conductor.work(now);
    }

    fn sort(&mut self, at: Duration) {
        while let Some(arrival) = self.conductor.next_arrival() {
            let seen = match arrival {
                Arrival::Sound(came, begins, packet) => {
                    let came = came.saturating_duration_since(self.start);
                    self.player
                        .expect(self.shared.controls.first_delay_ms.load(Relaxed).into());
                    self.player.take(came.as_millis() as u64, begins, packet);
                    self.diary.packets.push(came);
                    continue;
                }
                Arrival::Picture(came, begins, frame, contiguous) => {
                    Seen::Picture(came, begins, frame, contiguous)
                }
                Arrival::Still(came, file) => Seen::Still(came, file),
            };
            self.eye.take(seen, self.start);
        }
        while let Some(shown) = self.eye.show(&self.shared, at) {
            match shown {
                Shown::Still => self.diary.stills.push(at),
                Shown::Moving => self.diary.pictures.push(at),
                Shown::Nothing => {}
            }
        }
    }

    fn hear(&mut self, at: Duration) {
        while self.heard + BLOCK_TIME <= at {
            self.heard += BLOCK_TIME;
            self.player.block(self.heard.as_millis() as u64);
            let figures = self.player.figures();
            *self.shared.counters.heard.lock().unwrap() = figures;
            if figures.packets > 0 {
                self.diary.sound.push((at, figures.concealed, figures.delay_ms));
            }
        }
    }
}
