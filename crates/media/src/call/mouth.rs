//! What this side sends: two threads that read the microphone and the camera and code what they give.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::conduct::Coded;
use super::fit::Fit;
use super::report::VideoFrame;
use super::session::{Busy, Shared};
use crate::codec::{webp, OpusEncoder, Picture, Vp8Encoder};
use crate::devices::{counter, Camera, Microphone};
use crate::sound::BLOCK;
use crate::{CallError, CodecError, QualityRung};

/// The step of the microphone.
const BLOCK_TIME: Duration = Duration::from_millis(20);
/// A thread that is this late lets the time go instead of catching up.
const TOO_LATE: Duration = Duration::from_millis(300);
/// How often a thread with nothing to do looks whether it has.
const IDLE: Duration = Duration::from_millis(40);
/// Pictures that a camera may hold for a reader who was away.
const OLD_PICTURES: u32 = 6;
/// Redundancy carried on every rung that has the bits for it.
const REDUNDANCY_MS: u32 = 1000;
const REDUNDANCY_FROM_BPS: u32 = 16_000;
/// Sound of which each packet is sent twice.
const DOUBLED_BPS: u32 = 14_000;
/// A still is on its way for this long, at the rate that is left beside sound.
const STILL_TRAVELS_S: u32 = 3;

/// Starts the microphone's thread.
pub(super) fn speak(
    mut microphone: Box<dyn Microphone>,
    shared: Arc<Shared>,
    out: mpsc::Sender<Coded>,
) -> Result<JoinHandle<()>, CallError> {
    let mut coder = SoundCoder::new()?;
    spawn("call-mic", move || {
        let mut block = [0i16; BLOCK];
        let mut due = Instant::now();
        while !shared.controls.stopped() {
            due = wait_until(due + BLOCK_TIME);
            microphone.fill(&mut block);
            if let Some(note) = shared.note().as_mut() {
                note.take(&block);
            }
            if let Some(coded) = coder.code(&block, &shared) {
                // Full only if the transport stands still; what is lost then, redundancy restores.
                let _ = out.try_send(coded);
            }
        }
    })
}

/// Makes packets of the length and rate of the rung.
pub(super) struct SoundCoder {
    encoder: OpusEncoder,
    /// What the encoder is set to: the rung, and whether the far side restores.
    rung: Option<(QualityRung, bool)>,
    pending: Vec<i16>,
    at: u64,
}

impl SoundCoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        Ok(Self {
            encoder: OpusEncoder::new()?,
            rung: None,
            pending: Vec::with_capacity(3 * BLOCK),
            at: 0,
        })
    }

    /// Takes the next 20 ms of the microphone; gives a packet when one is full.
    pub(super) fn code(&mut self, block: &[i16], shared: &Shared) -> Option<Coded> {
        let rung = shared.controls.rung();
        let restores = shared.controls.far_restores.load(Relaxed);
        if self.rung != Some((rung, restores)) && set_rate(&mut self.encoder, rung, restores).is_ok() {
            self.rung = Some((rung, restores));
        }
        let settings = rung.settings();
        if settings.audio_bps == 0 || !shared.controls.sending.load(Relaxed) {
            self.at += (self.pending.len() + block.len()) as u64;
            self.pending.clear();
            return None;
        }
        if shared.controls.muted.load(Relaxed) {
            self.pending.resize(self.pending.len() + block.len(), 0);
        } else {
            self.pending.extend_from_slice(block);
        }
        let wanted = settings.audio_packet_ms as usize * 48;
        if self.pending.len() < wanted {
            return None;
        }
        let packet = self.encoder.encode(&self.pending).ok();
        let at = self.at;
        self.at += self.pending.len() as u64;
        self.pending.clear();
        packet.map(|packet| Coded::Audio { at, packet })
    }
}

fn set_rate(encoder: &mut OpusEncoder, rung: QualityRung, restores: bool) -> Result<(), CodecError> {
    let bps = rung.settings().audio_bps;
    if !restores {
        // Each packet goes twice.
        return encoder.set_rate(bps.clamp(6000, DOUBLED_BPS), 0);
    }
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
        let mut coder = PictureCoder::default();
        let mut busy = Busy::new(Instant::now());
        let mut due = Instant::now();
        while !shared.controls.stopped() {
            let rung = shared.controls.rung();
            let pace = pace(&shared, camera.format().fps);
            if shared.controls.photograph.swap(false, Relaxed) {
                photograph(camera.as_mut(), &shared, began, pace.is_none());
            }
            if pace.is_none() && !(shared.controls.camera_on.load(Relaxed) && camera.keeps_pace()) {
                std::thread::sleep(IDLE);
                due = Instant::now();
                continue;
            }
            if let (false, Some(pace)) = (camera.keeps_pace(), pace) {
                // In small steps: a still's pace is seconds, and a call must end at once.
                due += pace;
                let waits = || {
                    let controls = &shared.controls;
                    !controls.stopped() && controls.rung() == rung && !controls.photograph.load(Relaxed)
                };
                while Instant::now() < due && waits() {
                    std::thread::sleep(due.saturating_duration_since(Instant::now()).min(IDLE));
                }
                if shared.controls.photograph.load(Relaxed) {
                    due -= pace;
                    continue;
                }
                due = due.max(Instant::now().checked_sub(TOO_LATE).unwrap_or(due));
            }
            let Ok(picture) = camera.next_picture() else {
                std::thread::sleep(IDLE);
                continue;
            };
            let now = Instant::now();
            if camera.keeps_pace() {
                let Some(pace) = pace.filter(|_| now >= due) else {
                    continue;
                };
                // Half a picture of the camera early is on time: its own pace is never quite the one that is wanted.
                let own = Duration::from_secs(1) / camera.format().fps.max(1);
                due = now + pace.saturating_sub(own / 2);
            }
            let shown_ms = now.saturating_duration_since(began).as_millis() as u64;
            let coded = coder.code(&picture, &shared, now, shown_ms);
            busy.count(now, Instant::now(), &shared.counters.busy[0]);
            if let Some(coded) = coded {
                match out.try_send(coded) {
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
                    taken: now,
                    still: !rung.moves(),
                }));
            }
        }
    })
}

/// Takes a photo for whoever asked for one. What lay in a camera that nobody read is old.
fn photograph(camera: &mut dyn Camera, shared: &Shared, began: Instant, idle: bool) {
    let old = if idle && camera.keeps_pace() {
        OLD_PICTURES
    } else {
        0
    };
    for _ in 0..old {
        let _ = camera.next_picture();
    }
    if let Ok(picture) = camera.next_picture() {
        shared.photos.send_replace(Some(VideoFrame {
            width: picture.width(),
            height: picture.height(),
            rgba: picture.to_rgba(),
            number: counter::read(&picture),
            at_ms: began.elapsed().as_millis() as u64,
            taken: Instant::now(),
            still: true,
        }));
    }
}

/// How far pictures lie apart now; `None` while none is wanted.
pub(super) fn pace(shared: &Shared, camera_fps: u32) -> Option<Duration> {
    let controls = &shared.controls;
    let settings = controls.rung().settings();
    if !controls.camera_on.load(Relaxed) || !controls.sending.load(Relaxed) {
        return None;
    }
    if settings.video_bps > 0 {
        let fps = settings.max_fps.min(camera_fps).max(1);
        return Some(Duration::from_secs(1) / fps);
    }
    // A still on its way is not overtaken: looked for again soon.
    let still = settings.still_every_ms > 0 && !controls.still_waits.load(Relaxed);
    still.then(|| Duration::from_millis(settings.still_every_ms.into()))
}

/// An encoder for whatever size the rung allows and the rate can fill.
#[derive(Default)]
pub(super) struct PictureCoder {
    encoder: Option<Vp8Encoder>,
    fit: Fit,
    clock_ms: u64,
    moved: bool,
}

impl PictureCoder {
    /// Codes a picture shown at `at_ms`, as a moving one or as a still, by the rung.
    pub(super) fn code(
        &mut self,
        picture: &Picture,
        shared: &Shared,
        now: Instant,
        at_ms: u64,
    ) -> Option<Coded> {
        let settings = shared.controls.rung().settings();
        if settings.video_bps > 0 {
            if shared.controls.line_full.load(Relaxed) {
                return None;
            }
            let fps = settings.max_fps.max(1);
            let frame = self.moving(picture, shared, now, settings.max_width, fps)?;
            return Some(Coded::Video {
                at: at_ms * 90,
                frame,
            });
        }
        self.moved = false;
        if shared.controls.beside_open.load(Relaxed) {
            return still(picture, settings.max_width, still_bytes(shared));
        }
        // The far side knows no stills: now and then a frame of the moving picture, whole.
        shared.controls.key_frame.store(true, Relaxed);
        let frame = self.moving(picture, shared, now, settings.max_width, 1)?;
        Some(Coded::Video {
            at: at_ms * 90,
            frame,
        })
    }

    fn moving(
        &mut self,
        picture: &Picture,
        shared: &Shared,
        now: Instant,
        max_width: u32,
        fps: u32,
    ) -> Option<Vec<u8>> {
        let bps = shared.controls.video_bps.load(Relaxed).max(5000);
        let now_is = self.encoder.as_ref().map(|encoder| encoder.size().0);
        let width = self.fit.width(
            now,
            now_is,
            max_width,
            shared.controls.rung() == QualityRung::Full,
        );
        let picture = picture.shrunk_to(width);
        if self.encoder.as_ref().map(Vp8Encoder::size) != Some((picture.width(), picture.height())) {
            self.encoder = Vp8Encoder::new(picture.width(), picture.height(), bps).ok();
            self.fit.changed(now);
        }
        let encoder = self.encoder.as_mut()?;
        encoder.set_rate(bps).ok()?;
        // After stills the far side has nothing that a difference could be to.
        let key = shared.controls.key_frame.swap(false, Relaxed) || !self.moved;
        self.moved = true;
        // The coder's own clock: what the line made the camera skip is not to come back as larger pictures.
        let step = 1000 / fps;
        self.clock_ms += u64::from(step);
        let coded = encoder.encode(&picture, self.clock_ms, step, key).ok()??;
        // A key frame is coarser than what follows it.
        if let (false, Some(coarseness)) = (coded.key, encoder.coarseness()) {
            self.fit.coded(coarseness);
        }
        Some(coded.bytes)
    }
}

/// How long a still may be on its way at the rate that is left beside sound, and how many bytes that is.
fn still_bytes(shared: &Shared) -> u32 {
    let bps = shared.controls.still_bps.load(Relaxed);
    (bps * STILL_TRAVELS_S / 8).clamp(2_500, 9_000)
}

/// A picture by itself, of about so many bytes.
fn still(picture: &Picture, max_width: u32, bytes: u32) -> Option<Coded> {
    let picture = picture.shrunk_to(max_width);
    // One picture a second, so that the rate is its size; a key frame may take three times its share.
    let mut encoder = Vp8Encoder::new(picture.width(), picture.height(), bytes * 8 / 3).ok()?;
    let coded = encoder.encode(&picture, 0, 1000, true).ok()??;
    Some(Coded::Still(webp::wrap(&coded.bytes)))
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
