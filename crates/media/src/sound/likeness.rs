//! How like two recordings of speech are, whatever codec and small shifts in time lie between them.

/// Samples in a frame: 20 ms at 48 kHz.
const FRAME: usize = 960;
/// Frames in a piece that is aligned by itself.
const PIECE: usize = 50;
/// Frames that a piece may lie off the whole.
const WANDER: usize = 10;
/// Centres of the bands that are compared, in hertz: the formants of speech.
const BANDS: [f32; 10] = [
    250.0, 400.0, 600.0, 850.0, 1150.0, 1500.0, 1950.0, 2500.0, 3200.0, 4200.0,
];

/// The likeness of what was heard to a phrase that was spoken over and over, from -1 to 1 (both 48 kHz mono).
///
/// Compares how loud each of ten bands is every 20 ms (on a logarithmic scale, each band less its mean), at the
/// shift where they agree best. From one second to the next the shift may wander a little, as it does when a
/// jitter buffer stretches time. The last phrase's length of the recording counts; 0 if either is shorter than
/// half a second. Two different phrases stay below 0.5, the same one through Opus is above 0.9.
pub fn likeness(phrase: &[i16], heard: &[i16]) -> f64 {
    let phrase = bands(phrase);
    let mut heard = bands(heard);
    if phrase.len() < 25 || heard.len() < 25 {
        return 0.0;
    }
    let keep = heard.len().min(phrase.len());
    heard.drain(..heard.len() - keep);
    let shifted = |shift: usize, from: usize, count: usize| -> Vec<Bands> {
        phrase
            .iter()
            .cycle()
            .skip((shift + from) % phrase.len())
            .take(count)
            .copied()
            .collect()
    };
    let best_of = |shifts: &mut dyn Iterator<Item = usize>, from: usize, count: usize| {
        let part = heard.get(from..from + count).unwrap_or(&[]);
        shifts
            .map(|shift| (correlation(&shifted(shift, from, count), part), shift))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map_or(0, |(_, shift)| shift)
    };
    let overall = best_of(&mut (0..phrase.len()), 0, keep);
    let aligned: Vec<Bands> = (0..keep)
        .step_by(PIECE)
        .flat_map(|from| {
            let count = PIECE.min(keep - from);
            let mut near =
                (0..=2 * WANDER).map(|step| (overall + phrase.len() * 2 + step - WANDER) % phrase.len());
            shifted(best_of(&mut near, from, count), from, count)
        })
        .collect();
    correlation(&aligned, &heard)
}

type Bands = [f32; BANDS.len()];

fn bands(pcm: &[i16]) -> Vec<Bands> {
    pcm.chunks_exact(FRAME)
        .map(|frame| BANDS.map(|hertz| (1.0 + magnitude(frame, hertz) / 30.0).ln()))
        .collect()
}

/// Goertzel's filter: the strength of one frequency in a frame. Every third sample: bands end at 4.2 kHz.
fn magnitude(frame: &[i16], hertz: f32) -> f32 {
    let step = std::f32::consts::TAU * hertz / 16_000.0;
    let factor = 2.0 * step.cos();
    let (mut before, mut now) = (0f32, 0f32);
    for triple in frame.chunks_exact(3) {
        let mean = triple.iter().map(|sample| f32::from(*sample)).sum::<f32>() / 3.0;
        (before, now) = (now, mean + factor * now - before);
    }
    (before * before + now * now - factor * before * now)
        .max(0.0)
        .sqrt()
        / (FRAME as f32 / 3.0)
}

/// Pearson's correlation of all bands, each less its own mean.
fn correlation(a: &[Bands], b: &[Bands]) -> f64 {
    let mean = |all: &[Bands], band: usize| {
        all.iter().filter_map(|frame| frame.get(band)).sum::<f32>() / all.len().max(1) as f32
    };
    let (mut product, mut a_energy, mut b_energy) = (0f64, 1e-9f64, 1e-9f64);
    for band in 0..BANDS.len() {
        let (a_mean, b_mean) = (mean(a, band), mean(b, band));
        for (a, b) in a.iter().zip(b) {
            let (Some(a), Some(b)) = (a.get(band), b.get(band)) else {
                continue;
            };
            let (a, b) = (f64::from(a - a_mean), f64::from(b - b_mean));
            product += a * b;
            a_energy += a * a;
            b_energy += b * b;
        }
    }
    product / (a_energy * b_energy).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{OpusDecoder, OpusEncoder};
    use crate::devices::phrase;
    use crate::Voice;

    fn through_opus(pcm: &[i16]) -> Vec<i16> {
        let mut encoder = OpusEncoder::new().unwrap();
        let mut decoder = OpusDecoder::new().unwrap();
        encoder.set_rate(20_000, 1000).unwrap();
        pcm.chunks_exact(2880)
            .flat_map(|block| decoder.decode(&encoder.encode(block).unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn a_phrase_is_like_itself_through_opus_and_unlike_another() {
        let (carrier, clinician) = (phrase(Voice::Carrier), phrase(Voice::Clinician));
        let heard = through_opus(&carrier.samples()[60_000..]);

        let same = likeness(carrier.samples(), &heard);
        let other = likeness(clinician.samples(), &heard);

        assert!(same > 0.9, "same {same}");
        assert!(other < 0.5, "other {other}");
    }

    #[test]
    fn silence_is_like_nothing() {
        let carrier = phrase(Voice::Carrier);

        assert!(likeness(carrier.samples(), &[0; 96_000]) < 0.1);
        assert!(likeness(carrier.samples(), &[]) < 0.1);
    }
}
