//! The machine's microphone and loudspeaker, by `cpal`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{FromSample, Sample, SampleFormat, SizedSample, SupportedStreamConfig};

use super::{Microphone, Speaker};
use crate::codec::SAMPLE_RATE;
use crate::{DeviceError, MissingDevice};

/// Sound held between the card and the call: 200 ms. More is dropped, oldest first, so that delay stays low.
const HELD: usize = SAMPLE_RATE as usize / 5;
const OPEN_TIMEOUT: Duration = Duration::from_secs(2);

type Ring = Arc<Mutex<VecDeque<i16>>>;

/// A microphone of this machine.
pub(super) struct CardMicrophone {
    ring: Ring,
    _stream: cpal::Stream,
}

/// A loudspeaker of this machine.
pub(super) struct CardSpeaker {
    ring: Ring,
    _stream: cpal::Stream,
}

impl CardMicrophone {
    /// Opens the named or the default microphone.
    pub(super) fn open(name: Option<&str>) -> Result<Self, DeviceError> {
        Self::try_open(name).ok_or(DeviceError::DeviceMissing(MissingDevice::Microphone))
    }

    fn try_open(name: Option<&str>) -> Option<Self> {
        let host = cpal::default_host();
        let device = match name {
            None => host.default_input_device()?,
            Some(name) => host.input_devices().ok()?.find(|device| is_named(device, name))?,
        };
        let config =
            best(device.supported_input_configs().ok()?).or_else(|| device.default_input_config().ok())?;
        let ring = Ring::default();
        let stream = match config.sample_format() {
            SampleFormat::F32 => record::<f32>(&device, &config, &ring),
            SampleFormat::I16 => record::<i16>(&device, &config, &ring),
            SampleFormat::I32 => record::<i32>(&device, &config, &ring),
            SampleFormat::U8 => record::<u8>(&device, &config, &ring),
            _ => None,
        }?;
        stream.play().ok()?;
        Some(Self {
            ring,
            _stream: stream,
        })
    }
}

impl Microphone for CardMicrophone {
    fn fill(&mut self, block: &mut [i16]) {
        take(&self.ring, block);
    }
}

impl CardSpeaker {
    /// Opens the named or the default loudspeaker.
    pub(super) fn open(name: Option<&str>) -> Result<Self, DeviceError> {
        Self::try_open(name).ok_or(DeviceError::DeviceMissing(MissingDevice::Loudspeaker))
    }

    fn try_open(name: Option<&str>) -> Option<Self> {
        let host = cpal::default_host();
        let device = match name {
            None => host.default_output_device()?,
            Some(name) => host
                .output_devices()
                .ok()?
                .find(|device| is_named(device, name))?,
        };
        let config =
            best(device.supported_output_configs().ok()?).or_else(|| device.default_output_config().ok())?;
        let ring = Ring::default();
        let stream = match config.sample_format() {
            SampleFormat::F32 => play::<f32>(&device, &config, &ring),
            SampleFormat::I16 => play::<i16>(&device, &config, &ring),
            SampleFormat::I32 => play::<i32>(&device, &config, &ring),
            SampleFormat::U8 => play::<u8>(&device, &config, &ring),
            _ => None,
        }?;
        stream.play().ok()?;
        Some(Self {
            ring,
            _stream: stream,
        })
    }
}

impl Speaker for CardSpeaker {
    fn play(&mut self, block: &[i16]) {
        put(&self.ring, block);
    }
}

fn is_named(device: &cpal::Device, name: &str) -> bool {
    device.id().is_ok_and(|id| id.to_string() == name)
        || device
            .description()
            .is_ok_and(|description| description.name() == name)
}

/// A configuration at 48 kHz in a format that is read here, fewest channels first.
fn best(configs: impl Iterator<Item = cpal::SupportedStreamConfigRange>) -> Option<SupportedStreamConfig> {
    configs
        .filter(|range| matches!(range.sample_format(), SampleFormat::F32 | SampleFormat::I16))
        .filter(|range| (range.min_sample_rate()..=range.max_sample_rate()).contains(&SAMPLE_RATE))
        .min_by_key(|range| range.channels())
        .map(|range| range.with_sample_rate(SAMPLE_RATE))
}

fn record<T>(device: &cpal::Device, config: &SupportedStreamConfig, ring: &Ring) -> Option<cpal::Stream>
where
    T: SizedSample,
    i16: FromSample<T>,
{
    let channels = usize::from(config.channels().max(1));
    let mut pace = Pace::new(config.sample_rate(), SAMPLE_RATE);
    let ring = Arc::clone(ring);
    let mut fresh = Vec::new();
    let on_sound = move |data: &[T], _: &cpal::InputCallbackInfo| {
        fresh.clear();
        for frame in data.chunks_exact(channels) {
            let sum: i32 = frame
                .iter()
                .map(|sample| i32::from(i16::from_sample(*sample)))
                .sum();
            pace.push((sum / channels as i32) as i16, &mut fresh);
        }
        put(&ring, &fresh);
    };
    device
        .build_input_stream(config.config(), on_sound, note, Some(OPEN_TIMEOUT))
        .ok()
}

fn play<T>(device: &cpal::Device, config: &SupportedStreamConfig, ring: &Ring) -> Option<cpal::Stream>
where
    T: SizedSample + FromSample<i16>,
{
    let channels = usize::from(config.channels().max(1));
    let mut pace = Pace::new(SAMPLE_RATE, config.sample_rate());
    let ring = Arc::clone(ring);
    let mut ready: VecDeque<i16> = VecDeque::new();
    let mut fresh = Vec::new();
    let on_wanted = move |data: &mut [T], _: &cpal::OutputCallbackInfo| {
        for frame in data.chunks_exact_mut(channels) {
            while ready.is_empty() {
                let mut one = [0i16];
                take(&ring, &mut one);
                fresh.clear();
                pace.push(one[0], &mut fresh);
                ready.extend(&fresh);
            }
            frame.fill(T::from_sample(ready.pop_front().unwrap_or(0)));
        }
    };
    device
        .build_output_stream(config.config(), on_wanted, note, Some(OPEN_TIMEOUT))
        .ok()
}

fn note(error: cpal::Error) {
    tracing::warn!(kind = ?error.kind(), "The sound card reported a problem");
}

fn put(ring: &Ring, samples: &[i16]) {
    let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
    ring.extend(samples);
    let surplus = ring.len().saturating_sub(HELD);
    ring.drain(..surplus);
}

fn take(ring: &Ring, block: &mut [i16]) {
    let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
    for sample in block {
        *sample = ring.pop_front().unwrap_or(0);
    }
}

/// Changes the rate of a stream, by lines between samples.
struct Pace {
    from: u32,
    to: u32,
    /// How far the next output lies behind the last input, in shares of `to`.
    phase: u32,
    last: i16,
}

impl Pace {
    fn new(from: u32, to: u32) -> Self {
        Self {
            from: from.max(1),
            to: to.max(1),
            phase: 0,
            last: 0,
        }
    }

    fn push(&mut self, sample: i16, out: &mut Vec<i16>) {
        while self.phase < self.to {
            let share = i64::from(self.phase);
            let (last, next, whole) = (i64::from(self.last), i64::from(sample), i64::from(self.to));
            out.push((last + (next - last) * share / whole) as i16);
            self.phase += self.from;
        }
        self.phase -= self.to;
        self.last = sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: u32, to: u32, samples: &[i16]) -> Vec<i16> {
        let mut pace = Pace::new(from, to);
        let mut out = Vec::new();
        samples.iter().for_each(|sample| pace.push(*sample, &mut out));
        out
    }

    #[test]
    fn a_change_of_rate_keeps_length_and_level() {
        for (from, to) in [
            (44_100, 48_000),
            (48_000, 44_100),
            (16_000, 48_000),
            (48_000, 48_000),
        ] {
            let out = change(from, to, &vec![1000; from as usize]);

            assert!(
                out.len().abs_diff(to as usize) <= 1,
                "{from} to {to}: {}",
                out.len()
            );
            assert!(out[4..].iter().all(|sample| *sample == 1000));
        }
    }

    #[test]
    fn the_ring_drops_the_oldest_and_pads_with_silence() {
        let ring = Ring::default();
        put(&ring, &vec![1; HELD]);
        put(&ring, &[2; 10]);
        let mut block = vec![9; HELD + 5];

        take(&ring, &mut block);

        assert_eq!(block[HELD - 10..HELD], [2; 10]);
        assert_eq!(block[HELD..], [0; 5]);
    }
}
