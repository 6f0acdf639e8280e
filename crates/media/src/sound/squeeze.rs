//! Time compression and stretching by one period of the voice, so that delay changes unheard.

/// Shortest and longest piece that is taken out: 2.5 ms (400 Hz) to 15 ms (67 Hz).
const SHORTEST: usize = 120;
const LONGEST: usize = 720;

/// The block with one period less, or the block itself if no piece fits.
///
/// Overlap-add at the lag where the block is most like itself: what is left sounds like the same vowel, a
/// little shorter.
pub(super) fn squeeze(pcm: Vec<i16>) -> Vec<i16> {
    if pcm.len() < 2 * LONGEST {
        return pcm;
    }
    let Some(lag) = best_lag(&pcm) else { return pcm };
    let mut out = Vec::with_capacity(pcm.len() - lag);
    for (i, (early, late)) in pcm.iter().zip(pcm.iter().skip(lag)).take(lag).enumerate() {
        let share = i as i32 * 256 / lag as i32;
        out.push(((i32::from(*early) * (256 - share) + i32::from(*late) * share) / 256) as i16);
    }
    out.extend_from_slice(pcm.get(2 * lag..).unwrap_or(&[]));
    out
}

/// The block with one period more, or the block itself if no piece fits.
pub(super) fn stretch(pcm: Vec<i16>) -> Vec<i16> {
    if pcm.len() < 2 * LONGEST {
        return pcm;
    }
    let Some(lag) = best_lag(&pcm) else { return pcm };
    let mut out = Vec::with_capacity(pcm.len() + lag);
    out.extend_from_slice(pcm.get(..lag).unwrap_or(&[]));
    // From the second period back into the first, and on from there: the first is heard twice.
    for (i, (late, early)) in pcm.iter().skip(lag).zip(pcm.iter()).take(lag).enumerate() {
        let share = i as i32 * 256 / lag as i32;
        out.push(((i32::from(*late) * (256 - share) + i32::from(*early) * share) / 256) as i16);
    }
    out.extend_from_slice(pcm.get(lag..).unwrap_or(&[]));
    out
}

/// The lag at which the block's beginning is most like what follows it. Looks at every fourth sample: pitch is
/// far below 6 kHz.
fn best_lag(pcm: &[i16]) -> Option<usize> {
    let mut best = None;
    let mut best_likeness = 0.3;
    for lag in (SHORTEST..=LONGEST).step_by(4) {
        let (mut product, mut early_energy, mut late_energy) = (0f32, 1f32, 1f32);
        for (early, late) in pcm.iter().zip(pcm.iter().skip(lag)).take(LONGEST).step_by(4) {
            let (early, late) = (f32::from(*early), f32::from(*late));
            product += early * late;
            early_energy += early * early;
            late_energy += late * late;
        }
        // Near silence anything may be taken out.
        if early_energy < 4e5 {
            return Some(LONGEST);
        }
        let likeness = product / (early_energy * late_energy).sqrt();
        if likeness > best_likeness {
            best_likeness = likeness;
            best = Some(lag);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vowel_keeps_its_pitch_and_gets_shorter() {
        let pcm: Vec<i16> = (0..2880)
            .map(|i| ((i as f32 * 150.0 * std::f32::consts::TAU / 48_000.0).sin() * 9000.0) as i16)
            .collect();

        let out = squeeze(pcm.clone());

        let taken = pcm.len() - out.len();
        assert_eq!(taken % 320, 0, "whole periods of 150 Hz, not {taken}");
        let longer = stretch(pcm.clone());
        assert_eq!(longer.len(), pcm.len() + taken);
        let steepest = |pcm: &[i16]| pcm.windows(2).map(|p| (p[1] - p[0]).abs()).max().unwrap();
        assert!(steepest(&out) <= steepest(&pcm) * 2, "no click");
        assert!(steepest(&longer) <= steepest(&pcm) * 2, "no click");
    }

    #[test]
    fn silence_gets_shorter_and_a_short_block_stays() {
        assert_eq!(squeeze(vec![0; 2880]).len(), 2880 - LONGEST);
        assert_eq!(squeeze(vec![0; 960]).len(), 960);
    }
}
