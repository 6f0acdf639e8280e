//! The figures of a call with synthetic devices, written to a file once a second for whoever measures.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use hms_media::devices::phrase;
use hms_media::sound::likeness;
use hms_media::{Call, CallStats, Voice};
use serde::Serialize;
use tokio::sync::broadcast::error::TryRecvError;

use crate::config::MediaChoice;

/// Samples a second.
const RATE: usize = 48_000;

/// One line of the file: figures and likenesses, never the sound itself.
#[derive(Serialize)]
struct Line {
    call: CallStats,
    /// How like the last three seconds are to each built-in phrase, -1 to 1.
    like_carrier: f64,
    like_clinician: f64,
    /// Root mean square of the last second, 0 to 32,767.
    loudness: f64,
}

/// Writes to the file that `HMS_CALL_STATS` names, until the call is over. Nothing where the call uses real devices:
/// what a person says is not measured.
pub(super) fn write(
    choice: &MediaChoice,
    call: &Call,
) -> Option<impl std::future::Future<Output = ()> + use<>> {
    let path = std::env::var_os("HMS_CALL_STATS")?;
    if !matches!(choice, MediaChoice::Synthetic { .. }) {
        return None;
    }
    let mut file = File::options().append(true).create(true).open(path).ok()?;
    let (stats, mut sound) = (call.stats(), call.remote_audio());
    Some(async move {
        let mut heard: Vec<i16> = Vec::new();
        let mut due = tokio::time::interval(Duration::from_secs(1));
        // The channel holds little: it is emptied more often than a line is written.
        let mut listen = tokio::time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                _ = listen.tick() => loop {
                    match sound.try_recv() {
                        Ok(block) => heard.extend_from_slice(&block),
                        Err(TryRecvError::Lagged(_)) => {}
                        Err(TryRecvError::Empty) => break,
                        Err(TryRecvError::Closed) => return,
                    }
                },
                _ = due.tick() => {
                    heard.drain(..heard.len().saturating_sub(3 * RATE));
                    let (call, last) = (stats.borrow().clone(), heard.clone());
                    let line = tokio::task::spawn_blocking(move || measure(call, &last)).await;
                    let Some(text) = line.ok().and_then(|line| serde_json::to_string(&line).ok()) else {
                        return;
                    };
                    if writeln!(file, "{text}").is_err() {
                        return;
                    }
                }
            }
        }
    })
}

fn measure(call: CallStats, heard: &[i16]) -> Line {
    let like = |voice| likeness(phrase(voice).samples(), heard);
    let second = heard.get(heard.len().saturating_sub(RATE)..).unwrap_or_default();
    let power: f64 = second.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    #[expect(clippy::cast_precision_loss, reason = "at most 48,000")]
    let count = second.len().max(1) as f64;
    Line {
        call,
        like_carrier: like(Voice::Carrier),
        like_clinician: like(Voice::Clinician),
        loudness: (power / count).sqrt(),
    }
}
