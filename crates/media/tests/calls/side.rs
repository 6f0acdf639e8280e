//! One side of a call in a test: its figures, its events and what it heard.

use std::sync::Arc;
use std::time::Duration;

use hms_media::devices::phrase;
use hms_media::sound::likeness;
use hms_media::{Call, CallConfig, CallEvent, CallStats, PictureFormat, Voice};
use tokio::sync::{broadcast, mpsc, watch, Mutex, MutexGuard};

/// Calls are real time: one at a time, so that they do not take each other's processor.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A wait that takes longer than this is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Side {
    pub call: Call,
    pub stats: watch::Receiver<CallStats>,
    pub events: mpsc::Receiver<CallEvent>,
    // Held, so that pictures are converted as they are in a window.
    pub frames: watch::Receiver<Option<hms_media::VideoFrame>>,
    audio: broadcast::Receiver<Arc<[i16]>>,
    heard: Vec<i16>,
    _turn: Arc<MutexGuard<'static, ()>>,
}

impl Side {
    fn new(call: Call, turn: Arc<MutexGuard<'static, ()>>) -> Self {
        Self {
            stats: call.stats(),
            events: call.events(),
            frames: call.frames(),
            audio: call.remote_audio(),
            heard: Vec::new(),
            _turn: turn,
            call,
        }
    }

    /// Waits until the figures are as wished.
    pub async fn until(&mut self, what: &str, wish: impl Fn(&CallStats) -> bool) -> CallStats {
        let wait = self.stats.wait_for(|stats| wish(stats));
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(Ok(stats)) => stats.clone(),
            Ok(Err(_)) => panic!("the call ended before: {what}"),
            Err(_) => panic!("never came: {what}; {:?}", *self.call.stats().borrow()),
        }
    }

    /// Waits for an event, skipping others.
    pub async fn event(&mut self, wished: &CallEvent) {
        let wait = async {
            while let Some(event) = self.events.recv().await {
                if event == *wished {
                    return;
                }
            }
            panic!("no more events, and no {wished:?}");
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("never came: {wished:?}"));
    }

    /// Listens until the voice's phrase is heard (a likeness of 0.8), and tells how like the last part is. On a
    /// machine that is busy elsewhere the first parts may have holes.
    pub async fn hears(&mut self, voice: Voice) -> f64 {
        let mut likeness = 0.0;
        for _ in 0..8 {
            likeness = self.likeness(voice, 3).await;
            if likeness >= 0.8 {
                break;
            }
        }
        likeness
    }

    /// Listens until no picture has come for a second, and tells how like the sound of that second is to the
    /// voice's phrase.
    pub async fn until_pictures_stop(&mut self, voice: Voice) -> f64 {
        for _ in 0..20 {
            let before = self.stats.borrow().frames_decoded;
            let likeness = self.likeness(voice, 1).await;
            if self.stats.borrow().frames_decoded == before {
                return likeness;
            }
        }
        panic!("pictures went on");
    }

    /// Listens for a while and tells how like the sound is to a voice's phrase.
    async fn likeness(&mut self, voice: Voice, seconds: usize) -> f64 {
        let goal = seconds * 48_000;
        self.audio = self.call.remote_audio();
        self.heard.clear();
        let listen = async {
            while self.heard.len() < goal {
                match self.audio.recv().await {
                    Ok(block) => self.heard.extend_from_slice(&block),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => break,
                }
            }
        };
        tokio::time::timeout(PATIENCE, listen)
            .await
            .expect("sound goes on");
        // Links and relays of a test share its runtime: comparing must not hold them up.
        let heard = std::mem::take(&mut self.heard);
        let comparing = tokio::task::spawn_blocking(move || likeness(phrase(voice).samples(), &heard));
        comparing.await.expect("comparing ends")
    }
}

/// A synthetic call on this machine alone.
pub fn config(voice: Voice, format: PictureFormat) -> CallConfig {
    CallConfig {
        bind: Some("127.0.0.1".parse().unwrap()),
        ..CallConfig::synthetic(voice, format)
    }
}

/// Joins two sides; `on_the_way` may change the descriptions.
pub async fn join(
    carrier: CallConfig,
    clinician: CallConfig,
    on_the_way: impl Fn(Way, String) -> String,
) -> (Side, Side) {
    let turn = Arc::new(ONE_AT_A_TIME.lock().await);
    let (caller, offer) = Call::offer(clinician).await.expect("the clinician can call");
    let (callee, answer) = Call::answer(carrier, &on_the_way(Way::Offer, offer))
        .await
        .expect("the carrier can answer");
    caller
        .accept_answer(&on_the_way(Way::Answer, answer))
        .await
        .expect("the answer fits");
    (Side::new(callee, Arc::clone(&turn)), Side::new(caller, turn))
}

/// Which description is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Offer,
    Answer,
}
