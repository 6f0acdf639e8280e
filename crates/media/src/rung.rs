//! The steps of quality that a call may be on, and what each one sends.

use serde::Serialize;

/// One step of the quality ladder. Sound comes first on every one of them.
///
/// The order is from worst to best, so `min` of two rungs is the safer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum QualityRung {
    /// Nothing live: text and recorded notes carry the visit.
    None,
    /// Sound alone, in long packets.
    SoundOnly,
    /// Sound, and now and then a still picture.
    Stills,
    /// Sound and a small, slow picture.
    Slow,
    /// Sound and a small picture.
    Small,
    /// Sound and a moderate picture.
    Moderate,
    /// Everything the source gives.
    Full,
}

/// What the encoders are set to on a rung.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RungSettings {
    /// Opus bit rate in bit/s; 0 sends no sound.
    pub audio_bps: u32,
    /// Length of an Opus packet in milliseconds.
    pub audio_packet_ms: u32,
    /// VP8 bit rate ceiling in bit/s; 0 sends no picture.
    pub video_bps: u32,
    /// Pictures a second at most.
    pub max_fps: f32,
    /// Width at most, in pixels; the height follows.
    pub max_width: u32,
}

impl QualityRung {
    /// All rungs, worst first.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::SoundOnly,
        Self::Stills,
        Self::Slow,
        Self::Small,
        Self::Moderate,
        Self::Full,
    ];

    /// What this rung sends. Figures measured on impaired links: docs/adr on the call engine.
    pub const fn settings(self) -> RungSettings {
        let (audio_bps, audio_packet_ms, video_bps, max_fps, max_width) = match self {
            Self::None => (0, 60, 0, 0.0, 0),
            Self::SoundOnly => (12_000, 60, 0, 0.0, 0),
            Self::Stills => (20_000, 60, 12_000, 0.15, 320),
            Self::Slow => (20_000, 60, 40_000, 5.0, 160),
            Self::Small => (20_000, 60, 120_000, 10.0, 320),
            Self::Moderate => (20_000, 60, 350_000, 15.0, 320),
            Self::Full => (20_000, 60, 900_000, 30.0, 640),
        };
        RungSettings {
            audio_bps,
            audio_packet_ms,
            video_bps,
            max_fps,
            max_width,
        }
    }

    /// The best rung that a usable rate of `bps` carries, sound and packet overhead included.
    pub const fn for_rate(bps: u64) -> Self {
        match bps {
            0..=13_999 => Self::None,
            14_000..=25_999 => Self::SoundOnly,
            26_000..=44_999 => Self::Stills,
            45_000..=109_999 => Self::Slow,
            110_000..=219_999 => Self::Small,
            220_000..=499_999 => Self::Moderate,
            _ => Self::Full,
        }
    }

    /// The word a log line or a statistics line uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SoundOnly => "sound-only",
            Self::Stills => "stills",
            Self::Slow => "slow",
            Self::Small => "small",
            Self::Moderate => "moderate",
            Self::Full => "full",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::QualityRung;

    #[test]
    fn a_better_link_never_gives_a_worse_rung() {
        let mut last = QualityRung::None;
        for kbps in 0..1000 {
            let rung = QualityRung::for_rate(kbps * 1000);

            assert!(rung >= last, "{kbps} kbit/s");
            last = rung;
        }
        assert_eq!(last, QualityRung::Full);
    }

    #[test]
    fn sound_is_never_traded_for_a_picture() {
        for pair in QualityRung::ALL.windows(2) {
            assert!(pair[1].settings().audio_bps >= pair[0].settings().audio_bps);
            assert!(pair[1].settings().video_bps >= pair[0].settings().video_bps);
        }
    }
}
