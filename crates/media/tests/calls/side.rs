//! One side of a call in a test: its figures, its events and what it heard.

use std::sync::Arc;
use std::time::Duration;

use hms_media::devices::phrase;
use hms_media::sound::likeness;
use hms_media::{Call, CallConfig, CallEvent, CallStats, PictureFormat, Voice};
use tokio::sync::{broadcast, mpsc, watch};

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
}

impl Side {
    fn new(call: Call) -> Self {
        Self {
            stats: call.stats(),
            events: call.events(),
            frames: call.frames(),
            audio: call.remote_audio(),
            heard: Vec::new(),
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

    /// Listens for a while and tells how like the sound is to a voice's phrase.
    pub async fn likeness(&mut self, voice: Voice, seconds: usize) -> f64 {
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
        likeness(phrase(voice).samples(), &self.heard)
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
    let (caller, offer) = Call::offer(clinician).await.expect("the clinician can call");
    let (callee, answer) = Call::answer(carrier, &on_the_way(Way::Offer, offer))
        .await
        .expect("the carrier can answer");
    caller
        .accept_answer(&on_the_way(Way::Answer, answer))
        .await
        .expect("the answer fits");
    (Side::new(callee), Side::new(caller))
}

/// Which description is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Offer,
    Answer,
}
