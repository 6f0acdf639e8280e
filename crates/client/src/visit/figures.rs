//! The figures of a call with synthetic devices, written to a file about once a second for whoever measures.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use hms_media::devices::phrase;
use hms_media::sound::likeness;
use hms_media::{Call, CallStats, Voice};
use serde::Serialize;
use tokio::sync::broadcast::error::TryRecvError;

use crate::config::{MediaChoice, SyntheticSide};

/// Samples a second.
const RATE: usize = 48_000;

/// One line of the file: figures and likenesses, never the sound itself.
#[derive(Serialize)]
struct Line {
    call: CallStats,
    /// How like the last three seconds are to the phrase of the far side's synthetic microphone, -1 to 1.
    likeness: f64,
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
    let far = match choice {
        MediaChoice::Synthetic { side } => match side {
            SyntheticSide::Carrier => Voice::Clinician,
            SyntheticSide::Clinician => Voice::Carrier,
        },
        MediaChoice::Devices | MediaChoice::File(_) => return None,
    };
    let mut file = File::options().append(true).create(true).open(path).ok()?;
    let (stats, mut sound) = (call.stats(), call.remote_audio());
    Some(async move {
        let mut heard: Vec<i16> = Vec::new();
        let mut due = tokio::time::interval(Duration::from_secs(1));
        // The channel holds little: it is emptied more often than a line is written, and while one is worked out.
        let mut listen = tokio::time::interval(Duration::from_millis(100));
        let mut line: Option<tokio::task::JoinHandle<Line>> = None;
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
                _ = due.tick(), if line.is_none() => {
                    heard.drain(..heard.len().saturating_sub(3 * RATE));
                    let (call, last) = (stats.borrow().clone(), heard.clone());
                    line = Some(tokio::task::spawn_blocking(move || measure(call, far, &last)));
                }
                done = async { line.as_mut()?.await.ok() }, if line.is_some() => {
                    line = None;
                    let text = done.and_then(|line| serde_json::to_string(&line).ok());
                    if text.is_none_or(|text| writeln!(file, "{text}").is_err()) {
                        return;
                    }
                }
            }
        }
    })
}

fn measure(call: CallStats, far: Voice, heard: &[i16]) -> Line {
    let second = heard.get(heard.len().saturating_sub(RATE)..).unwrap_or_default();
    let power: f64 = second.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    #[expect(clippy::cast_precision_loss, reason = "at most 48,000")]
    let count = second.len().max(1) as f64;
    Line {
        call,
        likeness: likeness(phrase(far).samples(), heard),
        loudness: (power / count).sqrt(),
    }
}
