//! What this side hears and sees: two threads that decode and hand on.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::mouth::spawn;
use super::report::{CallEvent, VideoFrame};
use super::session::Shared;
use crate::codec::Vp8Decoder;
use crate::devices::{counter, Speaker};
use crate::sound::Player;
use crate::CallError;

/// A packet of sound: when it came, where it begins, what is in it.
pub(super) type HeardPacket = (Instant, u64, Arc<[u8]>);
/// A coded picture, and whether it follows the one before.
pub(super) type SeenFrame = (Arc<[u8]>, bool);

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
    frames: Receiver<SeenFrame>,
    shared: Arc<Shared>,
    began: Instant,
) -> Result<JoinHandle<()>, CallError> {
    let mut decoder = Vp8Decoder::new()?;
    spawn("call-eye", move || {
        let mut numbers = HashSet::new();
        let mut last: Option<Instant> = None;
        let mut broken = true;
        // A test breaks this on purpose, to prove that its checks notice. Never in a release build.
        let sabotaged =
            cfg!(debug_assertions) && std::env::var("HMS_BREAK").is_ok_and(|part| part == "decode");
        while !shared.controls.stopped() {
            let (frame, contiguous) = match frames.recv_timeout(Duration::from_millis(100)) {
                Ok(frame) => frame,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            // In VP8 the lowest bit of the first byte is 0 for a key frame.
            let key = frame.first().is_some_and(|byte| byte & 1 == 0);
            broken = sabotaged || (!key && (broken || !contiguous));
            if broken {
                shared.controls.want_key_frame.store(true, Relaxed);
                continue;
            }
            let picture = match decoder.decode(&frame) {
                Ok(Some(picture)) => picture,
                Ok(None) => continue,
                Err(_) => {
                    broken = true;
                    shared.controls.want_key_frame.store(true, Relaxed);
                    continue;
                }
            };
            let now = Instant::now();
            let at_ms = now.saturating_duration_since(began).as_millis() as u64;
            if let Some(last) = last {
                let gap = now.saturating_duration_since(last).as_millis() as u64;
                shared.counters.longest_freeze_ms.fetch_max(gap, Relaxed);
            } else {
                shared.counters.first_frame_ms.store(at_ms.max(1), Relaxed);
                shared.events.tell(CallEvent::FirstFrame);
            }
            last = Some(now);
            let number = counter::read(&picture);
            if let Some(number) = number {
                if numbers.len() < NUMBERS_KEPT && numbers.insert(number) {
                    shared.counters.distinct_frames.fetch_add(1, Relaxed);
                }
            }
            shared.counters.frames_decoded.fetch_add(1, Relaxed);
            // The conversion is the dearest step: only for someone.
            if shared.frames.receiver_count() > 0 {
                shared.frames.send_replace(Some(VideoFrame {
                    width: picture.width(),
                    height: picture.height(),
                    rgba: picture.to_rgba(),
                    number,
                    at_ms,
                }));
            }
        }
    })
}
