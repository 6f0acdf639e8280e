//! What a call's threads share with its holder, and how they are started.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hms_core::call::typed::Drafts;
use hms_model::view::VisitCode;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::note::Note;
use super::report::{CallEvent, CallStats, SharpPicture, VideoFrame};
use super::transport;
use crate::sound::PlayerFigures;
use crate::{CallConfig, CallError, QualityRung};

/// Where the answer to a command goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, CallError>>;

/// What a holder asks of the transport thread.
pub(super) enum Command {
    Offer(Reply<String>),
    AcceptOffer(String, Reply<String>),
    AcceptAnswer(String, Reply<()>),
    RestartIce(Reply<String>),
    MoveTo(std::net::IpAddr),
    /// A sharp picture for the reliable channel, and the wish that it answers.
    Sharp(u16, Vec<u8>),
    /// The line of this number as it is typed now.
    Typed(u32, String),
    HangUp(Reply<()>),
}

/// Switches that every thread reads without waiting. Each stands alone, so no order between them matters.
pub(super) struct Controls {
    pub(super) muted: AtomicBool,
    pub(super) camera_on: AtomicBool,
    /// A photo is asked of the camera.
    pub(super) photograph: AtomicBool,
    /// A person wants to see a picture; taken by the next look at the ladder.
    pub(super) try_picture: AtomicBool,
    /// Does the path work? Nothing is encoded while it does not.
    pub(super) sending: AtomicBool,
    /// The next picture is to be a key frame.
    pub(super) key_frame: AtomicBool,
    /// The eye cannot go on without a key frame from the far side.
    pub(super) want_key_frame: AtomicBool,
    /// The far side takes stills over the reliable channel.
    pub(super) beside_open: AtomicBool,
    /// The far side shows words while they are typed.
    pub(super) far_reads: AtomicBool,
    /// A still is on its way: no other is made.
    pub(super) still_waits: AtomicBool,
    /// Pictures wait for the line: the camera skips.
    pub(super) line_full: AtomicBool,
    /// The far side restores lost sound from deep redundancy.
    pub(super) far_restores: AtomicBool,
    /// The threads are to end.
    pub(super) stop: AtomicBool,
    /// What the picture may use, in bit/s.
    pub(super) video_bps: AtomicU32,
    /// The delay that the player is to begin with, in ms.
    pub(super) first_delay_ms: AtomicU32,
    /// What stills may use, in bit/s.
    pub(super) still_bps: AtomicU32,
    ceiling: AtomicU8,
    rung: AtomicU8,
}

impl Controls {
    fn new(ceiling: QualityRung) -> Self {
        Self {
            muted: AtomicBool::new(false),
            camera_on: AtomicBool::new(true),
            photograph: AtomicBool::new(false),
            try_picture: AtomicBool::new(false),
            sending: AtomicBool::new(false),
            key_frame: AtomicBool::new(false),
            want_key_frame: AtomicBool::new(false),
            beside_open: AtomicBool::new(false),
            far_reads: AtomicBool::new(false),
            still_waits: AtomicBool::new(false),
            line_full: AtomicBool::new(false),
            far_restores: AtomicBool::new(true),
            stop: AtomicBool::new(false),
            video_bps: AtomicU32::new(200_000),
            first_delay_ms: AtomicU32::new(0),
            still_bps: AtomicU32::new(10_000),
            ceiling: AtomicU8::new(ceiling as u8),
            rung: AtomicU8::new(ceiling as u8),
        }
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }

    /// The best rung that the client allows.
    pub(super) fn ceiling(&self) -> QualityRung {
        load_rung(&self.ceiling)
    }

    pub(super) fn set_ceiling(&self, rung: QualityRung) {
        self.ceiling.store(rung as u8, Relaxed);
    }

    /// The rung in use.
    pub(super) fn rung(&self) -> QualityRung {
        load_rung(&self.rung)
    }

    pub(super) fn set_rung(&self, rung: QualityRung) {
        self.rung.store(rung as u8, Relaxed);
    }
}

fn load_rung(cell: &AtomicU8) -> QualityRung {
    QualityRung::ALL
        .get(usize::from(cell.load(Relaxed)))
        .copied()
        .unwrap_or(QualityRung::Full)
}

/// Counters of the media threads, read by the transport thread for the statistics.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) frames_decoded: AtomicU64,
    pub(super) distinct_frames: AtomicU64,
    pub(super) longest_freeze_ms: AtomicU64,
    pub(super) frames_sent: AtomicU64,
    /// Stills of the far side shown.
    pub(super) stills: AtomicU64,
    /// How much of its time each coding thread works, in thousandths: the coder of pictures, then the decoder.
    pub(super) busy: [AtomicU32; 2],
    pub(super) first_frame_ms: AtomicU64,
    pub(super) heard: Mutex<PlayerFigures>,
}

impl Counters {
    /// How much of its time the busiest coding thread works, in thousandths.
    pub(super) fn busy_permille(&self) -> u32 {
        self.busy.iter().map(|busy| busy.load(Relaxed)).max().unwrap_or(0)
    }
}

/// How much of its time a thread works, over the last seconds.
pub(super) struct Busy {
    since: Instant,
    worked: Duration,
    share: f32,
}

/// Work is averaged over this long.
const BUSY_OVER: Duration = Duration::from_secs(1);

impl Busy {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            worked: Duration::ZERO,
            share: 0.0,
        }
    }

    /// Counts a piece of work that began at `from` and ended now.
    pub(super) fn count(&mut self, from: Instant, now: Instant, out: &AtomicU32) {
        self.worked += now.saturating_duration_since(from);
        let span = now.saturating_duration_since(self.since);
        if span >= BUSY_OVER {
            let share = self.worked.as_secs_f32() / span.as_secs_f32();
            self.share += (share - self.share) / 2.0;
            out.store((self.share * 1000.0) as u32, Relaxed);
            self.since = now;
            self.worked = Duration::ZERO;
        }
    }
}

/// Events so far and those who listen.
#[derive(Default)]
pub(super) struct Events {
    inner: Mutex<(Vec<CallEvent>, Vec<mpsc::Sender<CallEvent>>)>,
}

/// More events than any visit has; also the bound of each listener's channel.
const EVENTS_KEPT: usize = 64;

impl Events {
    pub(super) fn subscribe(&self) -> mpsc::Receiver<CallEvent> {
        let (sender, receiver) = mpsc::channel(EVENTS_KEPT);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &inner.0 {
            let _ = sender.try_send(event.clone());
        }
        inner.1.push(sender);
        receiver
    }

    pub(super) fn tell(&self, event: CallEvent) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.1.retain(|listener| {
            !matches!(
                listener.try_send(event.clone()),
                Err(mpsc::error::TrySendError::Closed(_))
            )
        });
        if inner.0.len() < EVENTS_KEPT {
            inner.0.push(event);
        }
    }
}

/// What the threads of a call and its holder share.
pub(super) struct Shared {
    pub(super) controls: Controls,
    pub(super) counters: Counters,
    pub(super) frames: watch::Sender<Option<VideoFrame>>,
    pub(super) own_frames: watch::Sender<Option<VideoFrame>>,
    /// What the camera gave when a photo was asked of it.
    pub(super) photos: watch::Sender<Option<VideoFrame>>,
    /// The newest sharp picture of the far side: the wish that it answers, and its file.
    pub(super) sharp: watch::Sender<Option<SharpPicture>>,
    /// The code that two people compare.
    pub(super) code: watch::Sender<VisitCode>,
    /// What the far side is typing.
    pub(super) drafts: watch::Sender<Drafts>,
    pub(super) stats: watch::Sender<CallStats>,
    /// A spoken note, while one is being spoken.
    note: Mutex<Option<Note>>,
    pub(super) events: Events,
    pub(super) remote_audio: broadcast::Sender<Arc<[i16]>>,
}

impl Shared {
    pub(super) fn new(ceiling: QualityRung) -> Self {
        Self {
            controls: Controls::new(ceiling),
            counters: Counters::default(),
            frames: watch::Sender::new(None),
            own_frames: watch::Sender::new(None),
            photos: watch::Sender::new(None),
            sharp: watch::Sender::new(None),
            code: watch::Sender::new(VisitCode::default()),
            drafts: watch::Sender::new(Drafts::default()),
            stats: watch::Sender::new(CallStats::default()),
            note: Mutex::new(None),
            events: Events::default(),
            // A second of blocks; a slower reader loses the oldest.
            remote_audio: broadcast::Sender::new(50),
        }
    }

    /// The spoken note. Held for a moment only: the microphone's thread waits for it.
    pub(super) fn note(&self) -> MutexGuard<'_, Option<Note>> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens sockets, finds addresses and starts the threads. The transport thread owns the others and joins them.
pub(super) async fn start(config: CallConfig) -> Result<(mpsc::Sender<Command>, Arc<Shared>), CallError> {
    let shared = Arc::new(Shared::new(config.rung));
    // The holder waits for each answer, so the queue never fills.
    let (commands, inbox) = mpsc::channel(8);
    let (ready, started) = oneshot::channel();
    let for_thread = Arc::clone(&shared);
    std::thread::Builder::new()
        .name("call".into())
        .spawn(move || transport::run(config, for_thread, inbox, ready))
        .map_err(CallError::Start)?;
    started.await.map_err(|_| CallError::Over)??;
    Ok((commands, shared))
}
