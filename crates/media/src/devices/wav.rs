//! WAV files: 16-bit, one or two channels, any rate; in memory always 48 kHz mono.

use std::path::Path;
use std::sync::Arc;

use super::Microphone;
use crate::codec::SAMPLE_RATE;
use crate::DeviceError;

/// A sound in memory, 48 kHz mono.
#[derive(Debug, Clone)]
pub struct Wave(Arc<[i16]>);

impl Wave {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read or is not a 16-bit PCM WAV of one or two channels.
    pub fn read(path: &Path) -> Result<Self, DeviceError> {
        Self::parse(&std::fs::read(path).map_err(DeviceError::ReadFile)?)
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// If they are not a 16-bit PCM WAV of one or two channels.
    pub fn parse(bytes: &[u8]) -> Result<Self, DeviceError> {
        parse(bytes).ok_or(DeviceError::Format {
            expected: "a 16-bit PCM WAV file",
        })
    }

    /// The samples, 48 kHz mono.
    pub fn samples(&self) -> &[i16] {
        &self.0
    }

    /// A microphone that plays the sound over and over.
    pub fn looped(self) -> Looped {
        Looped { wave: self, at: 0 }
    }
}

/// A sound played over and over.
pub struct Looped {
    wave: Wave,
    at: usize,
}

impl Microphone for Looped {
    fn fill(&mut self, block: &mut [i16]) {
        for sample in block {
            *sample = self.wave.0.get(self.at).copied().unwrap_or(0);
            self.at = (self.at + 1) % self.wave.0.len().max(1);
        }
    }
}

/// The bytes of a 48 kHz mono WAV file with these samples.
pub fn to_bytes(samples: &[i16]) -> Vec<u8> {
    let data = samples.len() as u32 * 2;
    let mut out = Vec::with_capacity(44 + data as usize);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + data).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    out.extend_from_slice(&(SAMPLE_RATE * 2).to_le_bytes());
    out.extend_from_slice(&2u16.to_le_bytes());
    out.extend_from_slice(&16u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&data.to_le_bytes());
    for sample in samples {
        out.extend_from_slice(&sample.to_le_bytes());
    }
    out
}

fn parse(bytes: &[u8]) -> Option<Wave> {
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
        return None;
    }
    let mut rest = bytes.get(12..)?;
    let mut format = None;
    while let (Some(name), Some(size)) = (rest.get(..4), rest.get(4..8)) {
        let size = u32::from_le_bytes(size.try_into().ok()?) as usize;
        // A recorder that was cut off leaves a size that is too big: take what is there.
        let body = rest.get(8..8 + size).or_else(|| rest.get(8..))?;
        match name {
            b"fmt " => format = Some(parse_format(body)?),
            b"data" => {
                let (channels, rate) = format?;
                return Some(Wave(at_48k(&mono(body, channels), rate).into()));
            }
            _ => {}
        }
        rest = rest.get(8 + size + size % 2..)?;
    }
    None
}

/// Channels and rate, if the format is one that is read.
fn parse_format(body: &[u8]) -> Option<(usize, u32)> {
    let word = |at: usize| {
        body.get(at..at + 2)
            .map(|b| b.iter().rev().fold(0u16, |n, b| n << 8 | u16::from(*b)))
    };
    let rate = u32::from(word(4)?) | u32::from(word(6)?) << 16;
    // 0xfffe is "extensible", which recorders write for plain PCM too.
    let known = matches!(word(0)?, 1 | 0xfffe) && word(14)? == 16;
    let channels = usize::from(word(2)?);
    (known && (1..=2).contains(&channels) && (8000..=96_000).contains(&rate)).then_some((channels, rate))
}

fn mono(body: &[u8], channels: usize) -> Vec<i16> {
    body.chunks_exact(2 * channels)
        .map(|frame| {
            let sum: i32 = frame
                .chunks_exact(2)
                .map(|pair| {
                    pair.try_into()
                        .map_or(0, |pair| i32::from(i16::from_le_bytes(pair)))
                })
                .sum();
            (sum / channels as i32) as i16
        })
        .collect()
}

/// Cubic interpolation: for speech at 16 kHz and more its error is below what Opus adds.
fn at_48k(samples: &[i16], rate: u32) -> Vec<i16> {
    if rate == SAMPLE_RATE {
        return samples.to_vec();
    }
    let count = samples.len() as u64 * u64::from(SAMPLE_RATE) / u64::from(rate);
    let sample = |at: i64| {
        let last = samples.len().saturating_sub(1) as i64;
        samples
            .get(at.clamp(0, last) as usize)
            .copied()
            .map_or(0.0, f32::from)
    };
    (0..count)
        .map(|n| {
            let place = n * u64::from(rate);
            let at = (place / u64::from(SAMPLE_RATE)) as i64;
            let t = (place % u64::from(SAMPLE_RATE)) as f32 / SAMPLE_RATE as f32;
            let (a, b, c, d) = (sample(at - 1), sample(at), sample(at + 1), sample(at + 2));
            let value =
                b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)));
            value.clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let samples: Vec<i16> = (0..1000).map(|n| (n * 31 % 2000 - 1000) as i16).collect();

        let wave = Wave::parse(&to_bytes(&samples)).unwrap();

        assert_eq!(wave.samples(), samples);
    }

    #[test]
    fn a_stereo_file_at_another_rate_becomes_mono_at_48_khz() {
        let mut bytes = to_bytes(&[100; 3200]);
        bytes[22] = 2;
        bytes[24..28].copy_from_slice(&16_000u32.to_le_bytes());

        let wave = Wave::parse(&bytes).unwrap();

        assert_eq!(wave.samples(), [100; 4800]);
    }

    #[test]
    fn a_cut_off_or_foreign_file_does_no_harm() {
        let whole = to_bytes(&[5; 100]);
        for length in 0..whole.len() {
            let _ = Wave::parse(&whole[..length]);
        }

        assert!(Wave::parse(b"OggS and more bytes than a header").is_err());
        let mut silent = Wave::parse(&to_bytes(&[])).unwrap().looped();
        let mut block = [9i16; 4];
        silent.fill(&mut block);
        assert_eq!(block, [0; 4]);
    }
}
