//! Figures of a rehearsed call.

use std::time::Duration;

use super::side::Side;

/// What one side got.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub(super) connected_ms: f64,
    pub(super) first_picture_ms: f64,
    pub(super) concealed_percent: f64,
    pub(super) buffer_p50_ms: f64,
    pub(super) buffer_p95_ms: f64,
    pub(super) fps: f64,
    pub(super) frozen_s: f64,
    pub(super) stills: f64,
    pub(super) longest_without_still_s: f64,
    pub(super) kbit_out: f64,
    /// Seconds from the end of an outage to the first packet of sound, and to the first picture.
    pub(super) sound_back_s: f64,
    pub(super) picture_back_s: f64,
}

pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 - 1.0) * share).round().max(0.0) as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// Seconds that moving pictures stood still as browsers count it: gaps above three usual ones and above a usual one
/// and 150 ms.
fn frozen(pictures: &[Duration]) -> f64 {
    let gaps: Vec<f64> = pictures
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64())
        .collect();
    let mut sum = 0.0;
    for (at, gap) in gaps.iter().enumerate() {
        let last = &gaps[at.saturating_sub(30)..at];
        if last.is_empty() {
            continue;
        }
        let usual = last.iter().sum::<f64>() / last.len() as f64;
        if *gap > (3.0 * usual).max(usual + 0.15) {
            sum += gap;
        }
    }
    sum
}

/// What this side heard and saw between two moments.
pub(super) fn figures(side: &Side, from: Duration, to: Duration) -> Figures {
    let diary = &side.diary;
    let within = |at: &Duration| *at >= from && *at <= to;
    let sound: Vec<_> = diary.sound.iter().filter(|(at, ..)| within(at)).collect();
    let concealed = match (sound.first(), sound.last()) {
        (Some(first), Some(last)) => (last.1 - first.1) as f64 / (sound.len() as f64 * 960.0) * 100.0,
        _ => f64::NAN,
    };
    let mut delays: Vec<f64> = sound.iter().map(|(.., delay)| *delay as f64).collect();
    let pictures: Vec<Duration> = diary.pictures.iter().copied().filter(|at| within(at)).collect();
    let stills: Vec<Duration> = diary.stills.iter().copied().filter(|at| within(at)).collect();
    let span = (to - from).as_secs_f64();
    let connected = diary.connected.unwrap_or(Duration::MAX);
    let first = diary.pictures.iter().chain(&diary.stills).min();
    let mut shown: Vec<Duration> = stills
        .iter()
        .chain(&pictures)
        .copied()
        .chain([from, to])
        .collect();
    shown.sort();
    let longest = shown
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap_or_default();
    Figures {
        connected_ms: connected.as_secs_f64() * 1000.0,
        first_picture_ms: first.map_or(f64::NAN, |at| (*at - connected).as_secs_f64() * 1000.0),
        concealed_percent: concealed,
        buffer_p50_ms: quantile(&mut delays, 0.5),
        buffer_p95_ms: quantile(&mut delays, 0.95),
        fps: pictures.len() as f64 / span,
        frozen_s: frozen(&pictures),
        stills: stills.len() as f64,
        longest_without_still_s: longest.as_secs_f64(),
        kbit_out: side.stats().bytes_out as f64 * 8.0 / 1000.0 / to.as_secs_f64(),
        ..Figures::default()
    }
}

/// The median of each figure.
pub(super) fn median(all: &[Figures]) -> Figures {
    let of = |figure: fn(&Figures) -> f64| quantile(&mut all.iter().map(figure).collect::<Vec<_>>(), 0.5);
    Figures {
        connected_ms: of(|f| f.connected_ms),
        first_picture_ms: of(|f| f.first_picture_ms),
        concealed_percent: of(|f| f.concealed_percent),
        buffer_p50_ms: of(|f| f.buffer_p50_ms),
        buffer_p95_ms: of(|f| f.buffer_p95_ms),
        fps: of(|f| f.fps),
        frozen_s: of(|f| f.frozen_s),
        stills: of(|f| f.stills),
        longest_without_still_s: of(|f| f.longest_without_still_s),
        kbit_out: of(|f| f.kbit_out),
        sound_back_s: of(|f| f.sound_back_s),
        picture_back_s: of(|f| f.picture_back_s),
    }
}
