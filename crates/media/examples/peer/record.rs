//! What was heard, as a file whose time is the wall's time since the connection.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use hms_media::devices::wav;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::Receiver;

const RATE: f64 = 48_000.0;
/// A lag behind the even pace that lasts for all of so many blocks (a second) is a gap; a shorter one is a late thread.
const LASTING: usize = 50;
/// A gap in seconds that is worth the name.
const GAP: f64 = 0.03;

/// A block and when it was handed over.
type Block = (Instant, Arc<[i16]>);

/// Collects blocks on a thread that does nothing else: their times are the figure.
pub fn collect(mut sound: Receiver<Arc<[i16]>>) -> JoinHandle<Vec<Block>> {
    std::thread::spawn(move || {
        let mut blocks = Vec::new();
        loop {
            match sound.blocking_recv() {
                Ok(block) => blocks.push((Instant::now(), block)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return blocks,
            }
        }
    })
}

/// The file. Sound before the connection is left out.
pub fn file(blocks: &[Block], connected: Instant) -> Vec<u8> {
    let came = |at: Instant| match at.checked_duration_since(connected) {
        Some(after) => after.as_secs_f64(),
        None => -connected.duration_since(at).as_secs_f64(),
    };
    let times: Vec<(f64, usize)> = blocks
        .iter()
        .map(|(at, block)| (came(*at), block.len()))
        .collect();
    let mut samples: Vec<i16> = Vec::new();
    for (begin, (_, block)) in places(&times).into_iter().zip(blocks) {
        let skip = samples
            .len()
            .saturating_sub(begin.max(0) as usize)
            .max((-begin).max(0) as usize);
        if begin > samples.len() as i64 {
            samples.resize(begin as usize, 0);
        }
        // Blocks follow one another: what would lie on the one before is a rounding's worth, or before the connection.
        samples.extend_from_slice(block.get(skip.min(block.len())..).unwrap_or(&[]));
    }
    wav::to_bytes(&samples)
}

/// The sample at which each block belongs. A player gives blocks at an even pace; a thread hands them over a little or,
/// after it stood still, many at once too late, but never too early. So the earliest of a second shows the pace.
fn places(blocks: &[(f64, usize)]) -> Vec<i64> {
    let mut played = 0;
    let lags: Vec<f64> = blocks
        .iter()
        .map(|(came, length)| {
            let lag = came - f64::from(played) / RATE;
            played += *length as u32;
            lag
        })
        .collect();
    let mut pace: Option<f64> = None;
    let mut played = 0;
    let mut places = Vec::with_capacity(blocks.len());
    for (n, (_, length)) in blocks.iter().enumerate() {
        let coming = lags
            .iter()
            .skip(n)
            .take(LASTING)
            .copied()
            .fold(f64::INFINITY, f64::min);
        let now = match pace {
            Some(pace) if coming <= pace + GAP => pace,
            _ => coming,
        };
        pace = Some(now);
        places.push((now * RATE).round() as i64 + played);
        played += *length as i64;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of 20 ms from `first` on, each as late as the function says.
    fn blocks(count: usize, first: f64, late: impl Fn(usize) -> f64) -> Vec<(f64, usize)> {
        (0..count)
            .map(|n| (first + n as f64 * 0.02 + late(n), 960))
            .collect()
    }

    #[test]
    fn the_first_block_is_where_it_came() {
        assert_eq!(places(&blocks(3, 0.09, |_| 0.0)), [4320, 5280, 6240]);
    }

    #[test]
    fn a_thread_that_stood_still_moves_nothing() {
        // It stood still for 300 ms at block 100 and then gave all at once.
        let late = |n: usize| {
            if (100..115).contains(&n) {
                0.3 - (n - 100) as f64 * 0.02
            } else {
                0.0
            }
        };
        assert_eq!(
            places(&blocks(300, 0.1, late)),
            places(&blocks(300, 0.1, |_| 0.0))
        );
    }

    #[test]
    fn a_gap_that_lasts_is_silence_where_it_began() {
        let with = places(&blocks(300, 0.1, |n| if n >= 100 { 0.7 } else { 0.0 }));
        let without = places(&blocks(300, 0.1, |_| 0.0));
        assert_eq!(with[..100], without[..100]);
        assert!(with[100..]
            .iter()
            .zip(&without[100..])
            .all(|(a, b)| a - b == 33_600));
    }
}
