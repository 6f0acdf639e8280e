//! Turns packets into an even stream of sound, 20 ms at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use super::jitter::{JitterBuffer, Step};
use super::squeeze::{squeeze, stretch};
use super::BLOCK;
use crate::codec::{packet_samples, OpusDecoder};
use crate::CodecError;

/// Delay above the target that is left alone: squeezing costs a little sound.
const SLACK_MS: u64 = 40;
/// Delay below the target that is left alone.
const SHORT_MS: u64 = 10;

/// What a player has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlayerFigures {
    /// Packets taken.
    pub packets: u64,
    /// Samples played since the first packet.
    pub samples: u64,
    /// Of these, made up.
    pub concealed: u64,
    /// Of these, restored from redundancy.
    pub restored: u64,
    /// The longest stretch that was made up, in samples.
    pub longest_gap: u64,
    /// Delay of the buffer now, in ms.
    pub delay_ms: u64,
}

/// A jitter buffer, a decoder and what is decoded and not yet played.
pub struct Player {
    buffer: JitterBuffer,
    decoder: OpusDecoder,
    ahead: VecDeque<i16>,
    figures: PlayerFigures,
    /// Samples made up since the last that were not.
    gap: u64,
}

impl Player {
    /// Makes a player.
    ///
    /// # Errors
    /// If the decoder cannot be made.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self {
            buffer: JitterBuffer::new(),
            decoder: OpusDecoder::new()?,
            ahead: VecDeque::new(),
            figures: PlayerFigures::default(),
            gap: 0,
        })
    }

    /// What delay to aim at first, in ms.
    pub fn expect(&mut self, target_ms: u64) {
        self.buffer.expect(target_ms);
    }

    /// Takes a packet that begins at sample `at`. What is not Opus is dropped.
    pub fn take(&mut self, now_ms: u64, at: u64, packet: Arc<[u8]>) {
        if let Some(samples) = packet_samples(&packet) {
            self.figures.packets += 1;
            // Looking into a packet for what it restores is work: only where something is missing before it.
            let reach = if self.buffer.has_gap_before(at) {
                self.decoder.reach(&packet)
            } else {
                0
            };
            self.buffer.insert(now_ms, at, samples, reach, packet);
        }
    }

    /// The next 20 ms.
    pub fn block(&mut self, now_ms: u64) -> Vec<i16> {
        while self.ahead.len() < BLOCK {
            if !self.decode_more(now_ms) {
                // At rest: what is left is played out with silence behind it, and counts as nothing.
                let mut rest: Vec<i16> = self.ahead.drain(..).collect();
                rest.resize(BLOCK, 0);
                return rest;
            }
        }
        self.figures.samples += BLOCK as u64;
        self.figures.delay_ms = self.buffer.delay_ms(now_ms, self.ahead.len());
        self.ahead.drain(..BLOCK).collect()
    }

    /// The figures so far.
    pub fn figures(&self) -> PlayerFigures {
        self.figures
    }

    fn decode_more(&mut self, now_ms: u64) -> bool {
        match self.buffer.step(now_ms, self.ahead.len()) {
            Step::Rest => return false,
            Step::Play(packet) => match self.decoder.decode(&packet) {
                Ok(pcm) => {
                    self.gap = 0;
                    let delay = self.buffer.delay_ms(now_ms, self.ahead.len() + pcm.len());
                    let target = self.buffer.target_ms();
                    self.ahead.extend(if delay > target + SLACK_MS {
                        squeeze(pcm)
                    } else if delay + SHORT_MS < target {
                        stretch(pcm)
                    } else {
                        pcm
                    });
                }
                Err(_) => self.conceal(packet_samples(&packet).unwrap_or(BLOCK)),
            },
            Step::Restore { gap, samples, later } => match self.decoder.recover(&later, gap, samples) {
                Ok(Some(pcm)) => {
                    self.gap = 0;
                    self.figures.restored += pcm.len() as u64;
                    self.ahead.extend(pcm);
                }
                Ok(None) | Err(_) => self.conceal(samples),
            },
            Step::Conceal(samples) => self.conceal(samples),
        }
        true
    }

    fn conceal(&mut self, samples: usize) {
        self.figures.concealed += samples as u64;
        self.gap += samples as u64;
        self.figures.longest_gap = self.figures.longest_gap.max(self.gap);
        match self.decoder.conceal(samples) {
            Ok(pcm) if !pcm.is_empty() => self.ahead.extend(pcm),
            // Before the first packet there is nothing to go on from.
            Ok(_) | Err(_) => self.ahead.extend(std::iter::repeat_n(0, samples)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::OpusEncoder;
    use crate::devices::{Microphone, SyntheticMicrophone};
    use crate::Voice;

    fn packets(count: u64) -> Vec<Arc<[u8]>> {
        let mut encoder = OpusEncoder::new().unwrap();
        encoder.set_rate(20_000, 1000).unwrap();
        let mut microphone = SyntheticMicrophone::new(Voice::Carrier);
        let mut block = [0; 2880];
        (0..count)
            .map(|_| {
                microphone.fill(&mut block);
                encoder.encode(&block).unwrap().into()
            })
            .collect()
    }

    fn play(lost: impl Fn(u64) -> bool, count: u64) -> PlayerFigures {
        let packets = packets(count);
        let mut player = Player::new().unwrap();
        for now in (0..count * 60).step_by(20) {
            let number = now / 60;
            if now % 60 == 0 && !lost(number) {
                player.take(now, number * 2880, Arc::clone(&packets[number as usize]));
            }
            assert_eq!(player.block(now).len(), BLOCK);
        }
        player.figures()
    }

    #[test]
    fn a_whole_stream_has_nothing_made_up() {
        let figures = play(|_| false, 50);

        assert_eq!((figures.concealed, figures.restored), (0, 0));
        assert!(figures.samples > 48 * 2880);
    }

    #[test]
    fn most_of_what_is_lost_is_restored() {
        let figures = play(|n| n > 20 && n % 7 == 3, 160);

        assert!(figures.restored > 15 * 2880, "{figures:?}");
        assert!(figures.concealed * 50 < figures.samples, "{figures:?}");
    }

    #[test]
    fn the_longest_gap_is_the_longest_stretch_without_the_far_sides_sound() {
        assert_eq!(play(|_| false, 50).longest_gap, 0);
        // Two gaps that redundancy cannot fill; the buffer rests where one goes on.
        let figures = play(|n| (20..45).contains(&n) || (80..130).contains(&n), 180);
        assert!(figures.longest_gap > 0, "{figures:?}");
        assert_eq!(figures.longest_gap * 2, figures.concealed, "{figures:?}");
    }

    #[test]
    fn rubbish_is_dropped() {
        let mut player = Player::new().unwrap();

        player.take(0, 0, Arc::from([].as_slice()));

        assert_eq!(player.figures().packets, 0);
        assert_eq!(player.block(0), vec![0; BLOCK]);
    }
}
