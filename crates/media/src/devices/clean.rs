//! What a real microphone hears besides the person: the far side's voice out of the loudspeaker, the engine, the wind.
//!
//! `sonora` is a port of the audio processing of WebRTC (echo canceller AEC3, noise suppression, levelling). It learns the way from
//! the loudspeaker to the microphone by itself, up to half a second of delay.

use std::sync::mpsc::{sync_channel, Receiver, SyncSender};

use sonora::config::{AdaptiveDigital, EchoCanceller, GainController2, NoiseSuppression, Pipeline};
use sonora::config::{HighPassFilter, MaxProcessingRate};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::{Microphone, Speaker};
use crate::codec::SAMPLE_RATE;

/// The processing works on 10 ms.
const STEP: usize = SAMPLE_RATE as usize / 100;
/// Blocks on their way from the loudspeaker's thread to the microphone's: a second. More means that nobody reads.
const UNDER_WAY: usize = 50;
/// A voice that is soft is made louder by this much at most, in dB; more would raise the cab's noise with it.
const MOST_GAIN_DB: f32 = 24.0;

/// Puts the processing between a call and its devices. Without a loudspeaker there is no echo, and the rest is done all the same.
pub fn clean(
    microphone: Box<dyn Microphone>,
    speaker: Option<Box<dyn Speaker>>,
) -> (Box<dyn Microphone>, Option<Box<dyn Speaker>>) {
    let (to_microphone, played) = sync_channel(UNDER_WAY);
    let microphone = Box::new(CleanMicrophone {
        microphone,
        cleaner: Cleaner::new(),
        played,
    });
    let speaker = speaker.map(|speaker| -> Box<dyn Speaker> {
        Box::new(HeardSpeaker {
            speaker,
            to_microphone,
        })
    });
    (microphone, speaker)
}

/// Takes echo and noise out of blocks of sound.
pub struct Cleaner {
    processing: AudioProcessing,
}

impl Default for Cleaner {
    fn default() -> Self {
        Self::new()
    }
}

impl Cleaner {
    /// One that has learned nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let config = Config {
            pipeline: Pipeline {
                // Speech is coded up to 8 kHz on most rungs: 32 kHz inside is more than is kept.
                maximum_internal_processing_rate: MaxProcessingRate::Rate32kHz,
                ..Pipeline::default()
            },
            high_pass_filter: Some(HighPassFilter::default()),
            echo_canceller: Some(EchoCanceller::default()),
            noise_suppression: Some(NoiseSuppression::default()),
            gain_controller2: Some(GainController2 {
                adaptive_digital: Some(AdaptiveDigital {
                    max_gain_db: MOST_GAIN_DB,
                    initial_gain_db: 6.0,
                    ..AdaptiveDigital::default()
                }),
                ..GainController2::default()
            }),
            ..Config::default()
        };
        let mono = StreamConfig::new(SAMPLE_RATE, 1);
        let processing = AudioProcessing::builder()
            .config(config)
            .capture_config(mono)
            .render_config(mono)
            .build();
        Self { processing }
    }

    /// The loudspeaker is about to play this (whole steps of 10 ms).
    pub fn played(&mut self, block: &[i16]) {
        let mut unused = [0i16; STEP];
        for step in block.chunks_exact(STEP) {
            // It only fails for sizes that these are not.
            let _ = self.processing.process_render_i16(step, &mut unused);
        }
    }

    /// Cleans what the microphone heard (whole steps of 10 ms).
    pub fn clean(&mut self, block: &mut [i16]) {
        let mut cleaned = [0i16; STEP];
        for step in block.chunks_exact_mut(STEP) {
            if self.processing.process_capture_i16(step, &mut cleaned).is_ok() {
                step.copy_from_slice(&cleaned);
            }
        }
    }
}

struct CleanMicrophone {
    microphone: Box<dyn Microphone>,
    cleaner: Cleaner,
    played: Receiver<Vec<i16>>,
}

impl Microphone for CleanMicrophone {
    fn fill(&mut self, block: &mut [i16]) {
        while let Ok(played) = self.played.try_recv() {
            self.cleaner.played(&played);
        }
        self.microphone.fill(block);
        self.cleaner.clean(block);
    }
}

struct HeardSpeaker {
    speaker: Box<dyn Speaker>,
    to_microphone: SyncSender<Vec<i16>>,
}

impl Speaker for HeardSpeaker {
    fn play(&mut self, block: &[i16]) {
        // Before it is played: the canceller must know a sound before its echo comes.
        let _ = self.to_microphone.try_send(block.to_vec());
        self.speaker.play(block);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::devices::phrase;
    use crate::sound::{likeness, BLOCK};
    use crate::Voice;

    /// A cab: what is played comes back after 90 ms and from its walls, about as loud as speech.
    struct Cab {
        past: VecDeque<i16>,
    }

    /// Ways of sound: samples of delay and strength.
    const WALLS: [(usize, f32); 5] = [
        (4_320, 0.5),
        (4_500, -0.22),
        (4_790, 0.15),
        (5_230, -0.08),
        (6_100, 0.04),
    ];
    const LONGEST: usize = 6_100 + BLOCK;

    impl Cab {
        fn new() -> Self {
            Self {
                past: VecDeque::from(vec![0; LONGEST]),
            }
        }

        fn echo(&mut self, played: &[i16]) -> Vec<i16> {
            self.past.extend(played);
            self.past.drain(..played.len());
            let begin = self.past.len() - played.len();
            (0..played.len())
                .map(|n| {
                    let sum: f32 = WALLS
                        .iter()
                        .map(|(delay, strength)| f32::from(self.past[begin + n - delay]) * strength)
                        .sum();
                    sum as i16
                })
                .collect()
        }
    }

    /// Plays `far` and speaks `near` in a cab for some seconds; gives what was heard raw, and cleaned.
    fn in_the_cab(seconds: usize, far: &[i16], near: &[i16], noise: i16) -> (Vec<i16>, Vec<i16>) {
        let (mut cab, mut cleaner) = (Cab::new(), Cleaner::new());
        let (mut raw, mut cleaned) = (Vec::new(), Vec::new());
        let mut seed = 7u32;
        for block in 0..seconds * 50 {
            let at =
                |of: &[i16]| -> Vec<i16> { (0..BLOCK).map(|n| of[(block * BLOCK + n) % of.len()]).collect() };
            let played = at(far);
            cleaner.played(&played);
            let mut heard: Vec<i16> = cab
                .echo(&played)
                .iter()
                .zip(at(near))
                .map(|(echo, voice)| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let hiss = (seed >> 16) as i16 % noise.max(1);
                    echo.saturating_add(voice).saturating_add(hiss)
                })
                .collect();
            raw.extend(&heard);
            cleaner.clean(&mut heard);
            cleaned.extend(heard);
        }
        (raw, cleaned)
    }

    fn loudness_db(sound: &[i16]) -> f64 {
        let power = sound.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / sound.len() as f64;
        10.0 * power.max(1e-3).log10()
    }

    fn last(sound: &[i16], seconds: usize) -> &[i16] {
        &sound[sound.len() - seconds * SAMPLE_RATE as usize..]
    }

    #[test]
    fn the_far_sides_voice_does_not_come_back() {
        let far = phrase(Voice::Clinician);
        let (raw, cleaned) = in_the_cab(12, far.samples(), &[0], 0);
        let gone = loudness_db(last(&raw, 6)) - loudness_db(last(&cleaned, 6));
        println!("echo after six seconds: {gone:.0} dB softer");
        assert!(gone > 25.0, "{gone}");
    }

    #[test]
    fn who_speaks_at_the_same_time_is_understood() {
        let (far, near) = (phrase(Voice::Clinician), phrase(Voice::Carrier));
        let (raw, cleaned) = in_the_cab(15, far.samples(), near.samples(), 0);
        let own = [&raw, &cleaned].map(|heard| likeness(near.samples(), last(heard, 6)));
        let echo = [&raw, &cleaned].map(|heard| likeness(far.samples(), last(heard, 6)));
        println!("like the person's own words {own:.2?}, like the far side's {echo:.2?} (raw, cleaned)");
        assert!(own[1] > 0.6, "{own:?}");
        assert!(echo[1] < echo[0] / 2.0, "{echo:?}");
    }

    #[test]
    fn noise_is_softer_and_speech_is_not() {
        let (raw, cleaned) = in_the_cab(10, &[0], &[0], 800);
        let gone = loudness_db(last(&raw, 4)) - loudness_db(last(&cleaned, 4));
        println!("noise alone: {gone:.0} dB softer");
        assert!(gone > 6.0, "{gone}");

        let near = phrase(Voice::Carrier);
        let (_, cleaned) = in_the_cab(12, &[0], near.samples(), 300);
        let like = likeness(near.samples(), last(&cleaned, 6));
        println!("like the person's own words in noise: {like:.2}");
        assert!(like > 0.75, "{like}");
    }

    #[test]
    fn a_soft_voice_becomes_louder() {
        let near: Vec<i16> = phrase(Voice::Carrier)
            .samples()
            .iter()
            .map(|sample| sample / 16)
            .collect();
        let (raw, cleaned) = in_the_cab(20, &[0], &near, 0);
        let gain = loudness_db(last(&cleaned, 6)) - loudness_db(last(&raw, 6));
        println!("a voice at a sixteenth: {gain:.0} dB louder");
        assert!(gain > 8.0, "{gain}");
    }
}
