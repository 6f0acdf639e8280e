//! What this side sends: two threads that read the microphone and the camera and code what they give.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::report::VideoFrame;
use super::session::Shared;
use crate::codec::{OpusEncoder, Picture, Vp8Encoder};
use crate::devices::{counter, Camera, Microphone};
use crate::sound::BLOCK;
use crate::{CallError, CodecError, QualityRung};

/// Something coded, for the engine.
pub(super) enum Coded {
    /// Sound that begins at a sample (48 kHz).
    Audio { at: u64, packet: Vec<u8> },
    /// A picture shown at a time (90 kHz).
    Video { at: u64, frame: Vec<u8> },
}

/// The step of the microphone.
const BLOCK_TIME: Duration = Duration::from_millis(20);
/// A thread that is this late lets the time go instead of catching up.
const TOO_LATE: Duration = Duration::from_millis(300);
/// Each change of size is a key frame: not more often than this.
const SIZE_EVERY: Duration = Duration::from_secs(10);
/// How often a thread with nothing to do looks whether it has.
const IDLE: Duration = Duration::from_millis(40);
/// Redundancy carried on every rung that has the bits for it.
const REDUNDANCY_MS: u32 = 1000;
const REDUNDANCY_FROM_BPS: u32 = 16_000;

/// Starts the microphone's thread.
pub(super) fn speak(
    mut microphone: Box<dyn Microphone>,
    shared: Arc<Shared>,
    out: mpsc::Sender<Coded>,
) -> Result<JoinHandle<()>, CallError> {
    let mut encoder = OpusEncoder::new()?;
    spawn("call-mic", move || {
        let mut rung = None;
        let mut block = [0i16; BLOCK];
        let mut pending: Vec<i16> = Vec::with_capacity(3 * BLOCK);
        let mut at = 0u64;
        let mut due = Instant::now();
        while !shared.controls.stopped() {
            due = wait_until(due + BLOCK_TIME);
            microphone.fill(&mut block);
            if shared.controls.muted.load(Relaxed) {
                block.fill(0);
            }
            let now_rung = shared.controls.rung();
            if rung != Some(now_rung) && set_rate(&mut encoder, now_rung).is_ok() {
                rung = Some(now_rung);
            }
            let settings = now_rung.settings();
            if settings.audio_bps == 0 || !shared.controls.sending.load(Relaxed) {
                at += (pending.len() + BLOCK) as u64;
                pending.clear();
                continue;
            }
            pending.extend_from_slice(&block);
            if pending.len() >= settings.audio_packet_ms as usize * 48 {
                if let Ok(packet) = encoder.encode(&pending) {
                    // Full only if the transport stands still; what is lost then, redundancy restores.
                    let _ = out.try_send(Coded::Audio { at, packet });
                }
                at += pending.len() as u64;
                pending.clear();
            }
        }
    })
}

fn set_rate(encoder: &mut OpusEncoder, rung: QualityRung) -> Result<(), CodecError> {
    let bps = rung.settings().audio_bps;
    let redundancy = if bps >= REDUNDANCY_FROM_BPS {
        REDUNDANCY_MS
    } else {
        0
    };
    encoder.set_rate(bps.max(6000), redundancy)
}

/// Starts the camera's thread.
pub(super) fn show(
    mut camera: Box<dyn Camera>,
    shared: Arc<Shared>,
    out: mpsc::Sender<Coded>,
    began: Instant,
) -> Result<JoinHandle<()>, CallError> {
    spawn("call-camera", move || {
        let mut eye = PictureCoder::default();
        let mut due = Instant::now();
        while !shared.controls.stopped() {
            let settings = shared.controls.rung().settings();
            let fps = settings.max_fps.min(camera.format().fps as f32);
            let on = shared.controls.camera_on.load(Relaxed);
            let off = !on || fps <= 0.0 || settings.video_bps == 0 || !shared.controls.sending.load(Relaxed);
            if off && !(on && camera.keeps_pace()) {
                std::thread::sleep(IDLE);
                due = Instant::now();
                continue;
            }
            if !camera.keeps_pace() {
                // In small steps: a still's pace is seconds, and a call must end at once.
                due += Duration::from_secs_f32(1.0 / fps);
                while Instant::now() < due
                    && !shared.controls.stopped()
                    && shared.controls.rung().settings() == settings
                {
                    std::thread::sleep(due.saturating_duration_since(Instant::now()).min(IDLE));
                }
                due = due.max(Instant::now().checked_sub(TOO_LATE).unwrap_or(due));
            }
            let Ok(picture) = camera.next_picture() else {
                std::thread::sleep(IDLE);
                continue;
            };
            if camera.keeps_pace() {
                let now = Instant::now();
                if off || now < due {
                    continue;
                }
                // Half a picture early is on time, or a camera's 30 would become 15.
                due = now + Duration::from_secs_f32(0.5 / fps);
            }
            let shown_ms = began.elapsed().as_millis() as u64;
            if let Some(frame) = eye.code(&picture, &shared, shown_ms, settings.max_width, fps) {
                match out.try_send(Coded::Video {
                    at: shown_ms * 90,
                    frame,
                }) {
                    Ok(()) => {
                        shared.counters.frames_sent.fetch_add(1, Relaxed);
                    }
                    // The far side would miss a reference.
                    Err(_) => shared.controls.key_frame.store(true, Relaxed),
                }
            }
            if shared.own_frames.receiver_count() > 0 {
                shared.own_frames.send_replace(Some(VideoFrame {
                    width: picture.width(),
                    height: picture.height(),
                    rgba: picture.to_rgba(),
                    number: counter::read(&picture),
                    at_ms: shown_ms,
                }));
            }
        }
    })
}

/// An encoder for whatever size the rung asks for.
#[derive(Default)]
struct PictureCoder {
    encoder: Option<Vp8Encoder>,
    sized_at: Option<Instant>,
    /// Sizes so far. The first change is free: a call starts small and grows as soon as the link is known.
    sizes: u32,
}

impl PictureCoder {
    fn code(
        &mut self,
        picture: &Picture,
        shared: &Shared,
        at_ms: u64,
        max_width: u32,
        fps: f32,
    ) -> Option<Vec<u8>> {
        let bps = shared.controls.video_bps.load(Relaxed).max(5000);
        let may_change = self.sizes < 2 || self.sized_at.is_none_or(|at| at.elapsed() >= SIZE_EVERY);
        let width = match &self.encoder {
            Some(encoder) if !may_change => encoder.size().0,
            Some(_) | None => max_width,
        };
        let picture = picture.shrunk_to(width);
        if self.encoder.as_ref().map(Vp8Encoder::size) != Some((picture.width(), picture.height())) {
            self.encoder = Vp8Encoder::new(picture.width(), picture.height(), bps).ok();
            self.sized_at = Some(Instant::now());
            self.sizes += 1;
        }
        let encoder = self.encoder.as_mut()?;
        encoder.set_rate(bps).ok()?;
        let key = shared.controls.key_frame.swap(false, Relaxed);
        let coded = encoder
            .encode(&picture, at_ms, (1000.0 / fps) as u32, key)
            .ok()??;
        Some(coded.bytes)
    }
}

/// Sleeps until a time and returns it, or now if that was long ago.
fn wait_until(due: Instant) -> Instant {
    let now = Instant::now();
    if now < due {
        std::thread::sleep(due - now);
        due
    } else if now - due > TOO_LATE {
        now
    } else {
        due
    }
}

pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, CallError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(CallError::Start)
}
