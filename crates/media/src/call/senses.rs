//! What this side hears and sees: two threads that decode and hand on.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::mouth::spawn;
use super::playout::Playout;
use super::report::{CallEvent, VideoFrame};
use super::session::{Busy, Shared};
use crate::codec::{webp, Picture, Vp8Decoder};
use crate::devices::{counter, Speaker};
use crate::sound::Player;
use crate::{CallError, CodecError};

/// A packet of sound: when it came, where it begins, what is in it.
pub(super) type HeardPacket = (Instant, u64, Arc<[u8]>);
/// What the eye is given.
pub(super) enum Seen {
    /// A coded picture: when it came, its time (90 kHz), and whether it follows the one before.
    Picture(Instant, u64, Arc<[u8]>, bool),
    /// A still picture (WebP), and when its first bytes came.
    Still(Instant, Vec<u8>),
}

/// How often a thread with nothing to do looks whether it has.
const IDLE: Duration = Duration::from_millis(100);
const STEP: Duration = Duration::from_millis(20);
/// A thread that is this late starts afresh instead of playing everything at once.
const TOO_LATE: Duration = Duration::from_millis(500);
/// Frame numbers remembered for counting: a visit of ten hours at 30 a second.
const NUMBERS_KEPT: usize = 1 << 20;

/// Starts the thread that plays sound, 20 ms at a time.
pub(super) fn hear(
    packets: Receiver<HeardPacket>,
    shared: Arc<Shared>,
    mut speaker: Option<Box<dyn Speaker>>,
    began: Instant,
) -> Result<JoinHandle<()>, CallError> {
    let mut player = Player::new()?;
    spawn("call-ear", move || {
        let mut due = Instant::now() + STEP;
        while !shared.controls.stopped() {
            let wait = due.saturating_duration_since(Instant::now());
            match packets.recv_timeout(wait) {
                Ok((came, at, packet)) => {
                    player.expect(shared.controls.first_delay_ms.load(Relaxed).into());
                    player.take(
                        came.saturating_duration_since(began).as_millis() as u64,
                        at,
                        packet,
                    );
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let block = player.block(due.saturating_duration_since(began).as_millis() as u64);
            let figures = player.figures();
            *shared
                .counters
                .heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = figures;
            if figures.packets > 0 {
                if let Some(speaker) = &mut speaker {
                    speaker.play(&block);
                }
                // Nobody may be listening.
                let _ = shared.remote_audio.send(block.into());
            }
            due += STEP;
            if Instant::now().saturating_duration_since(due) > TOO_LATE {
                due = Instant::now();
            }
        }
    })
}

/// Starts the thread that decodes pictures.
pub(super) fn see(
    frames: Receiver<Seen>,
    shared: Arc<Shared>,
    began: Instant,
) -> Result<JoinHandle<()>, CallError> {
    let mut eye = Eye::new()?;
    spawn("call-eye", move || {
        let mut busy = Busy::new(Instant::now());
        while !shared.controls.stopped() {
            let since = |now: Instant| now.saturating_duration_since(began);
            let due = eye
                .due()
                .map_or(IDLE, |due| due.saturating_sub(since(Instant::now())).min(IDLE));
            match frames.recv_timeout(due) {
                Ok(seen) => eye.take(seen, began),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = Instant::now();
            while eye.show(&shared, since(now)).is_some() {}
            busy.count(now, Instant::now(), &shared.counters.busy[1]);
        }
    })
}

/// What became of a picture that was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// It is one of a moving picture.
    Moving,
    /// It is a still.
    Still,
    /// It could not be decoded.
    Nothing,
}

/// Decodes pictures and counts them.
pub(super) struct Eye {
    decoder: Vp8Decoder,
    playout: Playout,
    stills: VecDeque<(Instant, Vec<u8>)>,
    numbers: HashSet<u32>,
    last: Option<Duration>,
    began: Option<Instant>,
    /// A reference is missing: nothing is decoded before the next key frame.
    broken: bool,
    /// A test breaks this on purpose, to prove that its checks notice. Never in a release build.
    sabotaged: bool,
}

impl Eye {
    pub(super) fn new() -> Result<Self, CodecError> {
        Ok(Self {
            decoder: Vp8Decoder::new()?,
            playout: Playout::default(),
            stills: VecDeque::new(),
            numbers: HashSet::new(),
            last: None,
            began: None,
            broken: true,
            sabotaged: cfg!(debug_assertions)
                && std::env::var("HMS_BREAK").is_ok_and(|part| part == "decode"),
        })
    }

    /// Takes what has come in a call that began at `began`.
    pub(super) fn take(&mut self, seen: Seen, began: Instant) {
        self.began = Some(began);
        match seen {
            Seen::Picture(came, at, frame, contiguous) => {
                self.playout
                    .take(came.saturating_duration_since(began), at, frame, contiguous);
            }
            Seen::Still(came, file) => self.stills.push_back((came, file)),
        }
    }

    /// When the next picture is due, after the call began.
    pub(super) fn due(&self) -> Option<Duration> {
        self.playout.due()
    }

    /// Decodes and shows the next picture that is due `at` after the call began. `None` when none is.
    pub(super) fn show(&mut self, shared: &Shared, at: Duration) -> Option<Shown> {
        if let Some((came, file)) = self.stills.pop_front() {
            // Its own decoder: the moving picture's references stay what they are.
            let frame = webp::unwrap(&file).filter(|_| !self.sabotaged);
            let picture = frame.and_then(|frame| Vp8Decoder::new().ok()?.decode(frame).ok()?);
            return Some(self.shown(picture, Some(came), shared, at));
        }
        let (frame, contiguous) = self.playout.next(at)?;
        let picture = self.moving(&frame, contiguous, shared);
        Some(self.shown(picture, None, shared, at))
    }

    /// `still_since` is when the first bytes of a still came.
    fn shown(
        &mut self,
        picture: Option<Picture>,
        still_since: Option<Instant>,
        shared: &Shared,
        at: Duration,
    ) -> Shown {
        let Some(picture) = picture else {
            return Shown::Nothing;
        };
        let still = still_since.is_some();
        let counters = &shared.counters;
        let at_ms = at.as_millis() as u64;
        match self.last {
            Some(last) if !still => {
                let gap = at.saturating_sub(last).as_millis() as u64;
                counters.longest_freeze_ms.fetch_max(gap, Relaxed);
            }
            Some(_) => {}
            None => {
                counters.first_frame_ms.store(at_ms.max(1), Relaxed);
                shared.events.tell(CallEvent::FirstFrame);
            }
        }
        // A still says that it is one: the picture before it did not freeze, it paused.
        self.last = Some(at);
        let number = counter::read(&picture);
        if let Some(number) = number {
            if self.numbers.len() < NUMBERS_KEPT && self.numbers.insert(number) {
                counters.distinct_frames.fetch_add(1, Relaxed);
            }
        }
        if still {
            counters.stills.fetch_add(1, Relaxed);
        } else {
            counters.frames_decoded.fetch_add(1, Relaxed);
        }
        // The conversion is the dearest step: only for someone.
        if shared.frames.receiver_count() > 0 {
            shared.frames.send_replace(Some(VideoFrame {
                width: picture.width(),
                height: picture.height(),
                rgba: picture.to_rgba(),
                number,
                at_ms,
                taken: still_since
                    .or(self.began.map(|began| began + at))
                    .unwrap_or_else(Instant::now),
                still,
            }));
        }
        if still {
            Shown::Still
        } else {
            Shown::Moving
        }
    }

    fn moving(&mut self, frame: &[u8], contiguous: bool, shared: &Shared) -> Option<Picture> {
        // In VP8 the lowest bit of the first byte is 0 for a key frame.
        let key = frame.first().is_some_and(|byte| byte & 1 == 0);
        self.broken = self.sabotaged || (!key && (self.broken || !contiguous));
        if self.broken {
            shared.controls.want_key_frame.store(true, Relaxed);
            return None;
        }
        match self.decoder.decode(frame) {
            Ok(picture) => picture,
            Err(_) => {
                self.broken = true;
                shared.controls.want_key_frame.store(true, Relaxed);
                None
            }
        }
    }
}
