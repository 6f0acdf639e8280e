//! Opus 1.6 with deep redundancy (DRED): encoder, decoder, redundancy.

use std::ffi::c_int;
use std::ptr::NonNull;

use opusic_sys as sys;

use crate::CodecError;

/// Samples a second everywhere in this crate.
pub const SAMPLE_RATE: u32 = 48_000;

const OPUS: &str = "opus";
const RATE: i32 = SAMPLE_RATE as i32;
/// Larger than any packet that is sent here; libopus stops at the bound.
const MAX_PACKET: usize = 1275;
/// 120 ms, the longest packet of the format.
const MAX_PACKET_SAMPLES: usize = 5760;

/// A mono speech encoder at 48 kHz, kept in wideband so that it stays in the mode that carries DRED.
pub struct OpusEncoder(NonNull<sys::OpusEncoder>);

// SAFETY: the object has no thread affinity; `&mut self` keeps calls apart.
unsafe impl Send for OpusEncoder {}

impl OpusEncoder {
    /// Makes an encoder for speech.
    ///
    /// # Errors
    /// If libopus refuses.
    pub fn new() -> Result<Self, CodecError> {
        let mut code: c_int = 0;
        // SAFETY: plain values, and `code` outlives the call.
        let encoder = unsafe { sys::opus_encoder_create(RATE, 1, sys::OPUS_APPLICATION_VOIP, &mut code) };
        let encoder = NonNull::new(encoder).ok_or(CodecError::SetUp { codec: OPUS, code })?;
        let mut encoder = Self(encoder);
        encoder.control(sys::OPUS_SET_MAX_BANDWIDTH_REQUEST, sys::OPUS_BANDWIDTH_WIDEBAND)?;
        encoder.control(sys::OPUS_SET_INBAND_FEC_REQUEST, 0)?;
        // 5 of 10: measured as good as 10 for wideband speech at a third of the work.
        encoder.control(sys::OPUS_SET_COMPLEXITY_REQUEST, 5)?;
        Ok(encoder)
    }

    /// Sets the rate in bit/s and the length of redundancy in milliseconds (0 switches it off).
    ///
    /// Redundancy needs at least 16 kbit/s; below, libopus sends none.
    ///
    /// # Errors
    /// If libopus refuses the values.
    pub fn set_rate(&mut self, bps: u32, redundancy_ms: u32) -> Result<(), CodecError> {
        self.control(sys::OPUS_SET_BITRATE_REQUEST, bps as c_int)?;
        self.control(
            sys::OPUS_SET_DRED_DURATION_REQUEST,
            (redundancy_ms / 10).min(100) as c_int,
        )?;
        // The hint, not the true loss, buys the bits for redundancy: 40 was measured best.
        let hint = if redundancy_ms == 0 { 0 } else { 40 };
        self.control(sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, hint)
    }

    /// Codes one packet of 20, 40 or 60 ms.
    ///
    /// # Errors
    /// If the block has another length or libopus fails.
    pub fn encode(&mut self, pcm: &[i16]) -> Result<Vec<u8>, CodecError> {
        if !matches!(pcm.len(), 960 | 1920 | 2880) {
            return Err(CodecError::Size { codec: OPUS });
        }
        let mut packet = vec![0u8; MAX_PACKET];
        // SAFETY: both lengths given are those of the slices.
        let length = unsafe {
            sys::opus_encode(
                self.0.as_ptr(),
                pcm.as_ptr(),
                pcm.len() as c_int,
                packet.as_mut_ptr(),
                MAX_PACKET as i32,
            )
        };
        if length < 0 {
            return Err(CodecError::Frame {
                codec: OPUS,
                code: length,
            });
        }
        packet.truncate(length as usize);
        Ok(packet)
    }

    fn control(&mut self, request: c_int, value: c_int) -> Result<(), CodecError> {
        // SAFETY: every request used here takes one integer by value.
        let code = unsafe { sys::opus_encoder_ctl(self.0.as_ptr(), request, value) };
        if code == 0 {
            Ok(())
        } else {
            Err(CodecError::SetUp { codec: OPUS, code })
        }
    }
}

impl Drop for OpusEncoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_encoder_create`, freed once.
        unsafe { sys::opus_encoder_destroy(self.0.as_ptr()) }
    }
}

/// A mono decoder at 48 kHz with redundancy and concealment.
pub struct OpusDecoder {
    decoder: NonNull<sys::OpusDecoder>,
    redundancy: NonNull<sys::OpusDREDDecoder>,
    parsed: NonNull<sys::OpusDRED>,
}

// SAFETY: the objects have no thread affinity; `&mut self` keeps calls apart.
unsafe impl Send for OpusDecoder {}

impl OpusDecoder {
    /// Makes a decoder.
    ///
    /// # Errors
    /// If libopus refuses.
    pub fn new() -> Result<Self, CodecError> {
        let mut code: c_int = 0;
        // SAFETY: plain values, and `code` outlives the calls. A null object is not used further; one made
        // before a failure is freed.
        unsafe {
            let decoder = NonNull::new(sys::opus_decoder_create(RATE, 1, &mut code))
                .ok_or(CodecError::SetUp { codec: OPUS, code })?;
            let Some(redundancy) = NonNull::new(sys::opus_dred_decoder_create(&mut code)) else {
                sys::opus_decoder_destroy(decoder.as_ptr());
                return Err(CodecError::SetUp { codec: OPUS, code });
            };
            let Some(parsed) = NonNull::new(sys::opus_dred_alloc(&mut code)) else {
                sys::opus_dred_decoder_destroy(redundancy.as_ptr());
                sys::opus_decoder_destroy(decoder.as_ptr());
                return Err(CodecError::SetUp { codec: OPUS, code });
            };
            Ok(Self {
                decoder,
                redundancy,
                parsed,
            })
        }
    }

    /// Decodes a packet.
    ///
    /// # Errors
    /// If the packet is not Opus.
    pub fn decode(&mut self, packet: &[u8]) -> Result<Vec<i16>, CodecError> {
        self.run(packet.as_ptr(), packet.len(), MAX_PACKET_SAMPLES)
    }

    /// Makes up `samples` (a multiple of 120) after the last packet.
    ///
    /// # Errors
    /// If `samples` is out of range.
    pub fn conceal(&mut self, samples: usize) -> Result<Vec<i16>, CodecError> {
        if samples == 0 || !samples.is_multiple_of(120) {
            return Err(CodecError::Size { codec: OPUS });
        }
        self.run(std::ptr::null(), 0, samples)
    }

    /// Samples before this packet that its redundancy restores; 0 if it has none.
    pub fn reach(&mut self, packet: &[u8]) -> usize {
        usize::try_from(self.parse(packet)).unwrap_or(0)
    }

    fn parse(&mut self, packet: &[u8]) -> c_int {
        let mut end: c_int = 0;
        // SAFETY: `packet` is read for its own length; the objects are alive.
        unsafe {
            sys::opus_dred_parse(
                self.redundancy.as_ptr(),
                self.parsed.as_ptr(),
                packet.as_ptr(),
                packet.len() as i32,
                RATE,
                RATE,
                &mut end,
                0,
            )
        }
    }

    /// Restores `samples` of the sound that began `gap` samples before `later`, from the redundancy in `later`.
    /// `None` if `later` reaches less far back.
    ///
    /// # Errors
    /// If `samples` is out of range.
    pub fn recover(
        &mut self,
        later: &[u8],
        gap: usize,
        samples: usize,
    ) -> Result<Option<Vec<i16>>, CodecError> {
        if samples == 0 || !samples.is_multiple_of(120) || samples > gap || samples > MAX_PACKET_SAMPLES {
            return Err(CodecError::Size { codec: OPUS });
        }
        let reach = self.parse(later);
        if reach <= 0 || (reach as usize) < gap {
            return Ok(None);
        }
        let mut pcm = vec![0i16; samples];
        // SAFETY: `pcm` has room for `samples`; `parsed` was filled above.
        let made = unsafe {
            sys::opus_decoder_dred_decode(
                self.decoder.as_ptr(),
                self.parsed.as_ptr(),
                gap as i32,
                pcm.as_mut_ptr(),
                samples as i32,
            )
        };
        if made < 0 {
            return Ok(None);
        }
        pcm.truncate(made as usize);
        Ok(Some(pcm))
    }

    fn run(&mut self, data: *const u8, length: usize, samples: usize) -> Result<Vec<i16>, CodecError> {
        let mut pcm = vec![0i16; samples.min(MAX_PACKET_SAMPLES)];
        // SAFETY: `data` is null or valid for `length`; `pcm` has room for its own length.
        let made = unsafe {
            sys::opus_decode(
                self.decoder.as_ptr(),
                data,
                length as i32,
                pcm.as_mut_ptr(),
                pcm.len() as c_int,
                0,
            )
        };
        if made < 0 {
            return Err(CodecError::Frame {
                codec: OPUS,
                code: made,
            });
        }
        pcm.truncate(made as usize);
        Ok(pcm)
    }
}

impl Drop for OpusDecoder {
    fn drop(&mut self) {
        // SAFETY: each made by its own create call, freed once.
        unsafe {
            sys::opus_dred_free(self.parsed.as_ptr());
            sys::opus_dred_decoder_destroy(self.redundancy.as_ptr());
            sys::opus_decoder_destroy(self.decoder.as_ptr());
        }
    }
}

/// The length of a packet in samples, or `None` if it is not Opus.
pub fn packet_samples(packet: &[u8]) -> Option<usize> {
    if packet.is_empty() {
        return None;
    }
    // SAFETY: reads at most the given length.
    let samples = unsafe { sys::opus_packet_get_nb_samples(packet.as_ptr(), packet.len() as i32, RATE) };
    usize::try_from(samples).ok().filter(|samples| *samples > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(block: usize) -> Vec<i16> {
        // A voiced-like sound: 150 Hz with harmonics, slowly changing.
        (0..2880)
            .map(|i| {
                let t = (block * 2880 + i) as f64 / 48_000.0;
                let swell = 0.6 + 0.4 * (t * 9.0).sin();
                let voice: f64 = (1..8)
                    .map(|h| (t * 150.0 * f64::from(h) * std::f64::consts::TAU).sin() / f64::from(h))
                    .sum();
                (voice * swell * 6000.0) as i16
            })
            .collect()
    }

    fn energy(pcm: &[i16]) -> f64 {
        pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64
    }

    #[test]
    fn sound_survives_a_round_trip() {
        let mut encoder = OpusEncoder::new().unwrap();
        let mut decoder = OpusDecoder::new().unwrap();
        encoder.set_rate(20_000, 0).unwrap();

        let mut heard = Vec::new();
        for block in 0..20 {
            let packet = encoder.encode(&tone(block)).unwrap();
            assert_eq!(packet_samples(&packet), Some(2880));
            heard.extend(decoder.decode(&packet).unwrap());
        }

        assert_eq!(heard.len(), 20 * 2880);
        let sent: Vec<i16> = (5..20).flat_map(tone).collect();
        let ratio = energy(&heard[5 * 2880..]) / energy(&sent);
        assert!((0.5..2.0).contains(&ratio), "energy ratio {ratio}");
    }

    #[test]
    fn a_later_packet_restores_a_lost_one() {
        let mut encoder = OpusEncoder::new().unwrap();
        let mut decoder = OpusDecoder::new().unwrap();
        encoder.set_rate(20_000, 1000).unwrap();
        let packets: Vec<_> = (0..40)
            .map(|block| encoder.encode(&tone(block)).unwrap())
            .collect();

        for packet in &packets[..30] {
            decoder.decode(packet).unwrap();
        }
        // Packets 30 and 31 are lost; 32 has come.
        let first = decoder.recover(&packets[32], 2 * 2880, 960).unwrap();

        let first = first.expect("the redundancy reaches back 120 ms");
        assert_eq!(first.len(), 960);
        assert!(energy(&first) > 0.1 * energy(&tone(30)[..960]));
    }

    #[test]
    fn without_redundancy_nothing_is_invented() {
        let mut encoder = OpusEncoder::new().unwrap();
        let mut decoder = OpusDecoder::new().unwrap();
        encoder.set_rate(20_000, 0).unwrap();
        let packet = encoder.encode(&tone(0)).unwrap();

        assert!(decoder.recover(&packet, 2880, 960).unwrap().is_none());
        assert_eq!(decoder.conceal(960).unwrap().len(), 960);
    }
}
