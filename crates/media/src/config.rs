//! What a call is started with: the relay, the picture, the sound.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// One TURN relay and the right to use it.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnServer {
    /// `turn:host:port?transport=udp` or `…=tcp`; without `transport`, UDP. Without a port, 3478. `turns:host:port` is in TLS, by
    /// TCP; without a port, 5349. It is tried where no other answers.
    pub url: String,
    /// Long-term user name.
    pub username: String,
    /// Long-term password.
    pub credential: String,
}

impl std::fmt::Debug for TurnServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnServer")
            .field("url", &self.url)
            .field("credential", &"«hidden»")
            .finish()
    }
}

/// Size and pace of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureFormat {
    /// Width in pixels; even.
    pub width: u32,
    /// Height in pixels; even.
    pub height: u32,
    /// Pictures a second.
    pub fps: u32,
}

impl PictureFormat {
    /// 160x120 at 15: for tests on a loaded machine.
    pub const SMALL: Self = Self {
        width: 160,
        height: 120,
        fps: 15,
    };
    /// 320x240 at 15: two software-drawn windows on one machine.
    pub const MEDIUM: Self = Self {
        width: 320,
        height: 240,
        fps: 15,
    };
    /// 640x480 at 30: the goal on a clean link.
    pub const LARGE: Self = Self {
        width: 640,
        height: 480,
        fps: 30,
    };
}

/// Which of the two built-in phrases a synthetic microphone speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// "This is the carrier speaking …"
    Carrier,
    /// "This is the clinician speaking …"
    Clinician,
}

/// Where the picture that is sent comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoSource {
    /// A moving test picture with a machine-readable frame number, marked as synthetic in its pixels.
    Synthetic(PictureFormat),
    /// A Y4M file (4:2:0), looped.
    File(PathBuf),
    /// The machine's camera, opened near this format. `None` is the first one found.
    Device {
        /// Device path or index; `None` is the first camera.
        name: Option<String>,
        /// The wished size and pace; the camera may give another.
        format: PictureFormat,
    },
    /// No picture is sent.
    Off,
}

/// Where the sound that is sent comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioSource {
    /// A built-in spoken phrase, looped.
    Synthetic(Voice),
    /// A WAV file (16-bit mono or stereo), looped.
    File(PathBuf),
    /// The machine's microphone. `None` is the default one.
    Device(Option<String>),
    /// Silence.
    Off,
}

/// Where the far side's sound goes, besides [`crate::Call::remote_audio`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioSink {
    /// The machine's loudspeaker. `None` is the default one.
    Device(Option<String>),
    /// Nowhere.
    Off,
}

/// Which transport carries a call. Both understand each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineChoice {
    /// `str0m`.
    #[default]
    Str0m,
    /// `webrtc`.
    #[cfg(feature = "engine-webrtc")]
    Webrtc,
}

/// How a call reaches the other side and what it sends.
#[derive(Debug, Clone)]
pub struct CallConfig {
    /// Relays, tried in this order; the first that answers on each transport gives a candidate.
    pub turn: Vec<TurnServer>,
    /// Whom to trust for a relay in TLS; `None` leaves such relays out.
    pub tls: Option<std::sync::Arc<rustls::ClientConfig>>,
    /// Through which HTTP proxy a relay is reached over TCP or TLS. UDP never goes through one.
    pub proxies: hms_core::proxy::Proxies,
    /// Offer only relayed addresses.
    pub relay_only: bool,
    /// The picture that is sent.
    pub video: VideoSource,
    /// The sound that is sent.
    pub audio: AudioSource,
    /// Where the far side is heard.
    pub speaker: AudioSink,
    /// The local address to use; `None` finds the one that routes to the relay (or to the world).
    pub bind: Option<IpAddr>,
    /// The UDP ports that media leave from; `None` takes any. For firewalls that name them.
    pub ports: Option<RangeInclusive<u16>>,
    /// The best rung the call may use at first.
    pub rung: crate::QualityRung,
    /// The transport.
    pub engine: EngineChoice,
    /// What the short code is made with; `None` makes a call without one.
    pub code: Option<crate::CodeSeed>,
}

impl CallConfig {
    /// A call that sends a Y4M file and the WAV file of the same name.
    pub fn file(path: &std::path::Path) -> Self {
        Self {
            video: VideoSource::File(path.to_owned()),
            audio: AudioSource::File(path.with_extension("wav")),
            ..Self::synthetic(Voice::Carrier, PictureFormat::MEDIUM)
        }
    }

    /// A call with the machine's first camera, its microphone and its loudspeaker.
    pub fn devices(format: PictureFormat) -> Self {
        Self {
            video: VideoSource::Device { name: None, format },
            audio: AudioSource::Device(None),
            speaker: AudioSink::Device(None),
            ..Self::synthetic(Voice::Carrier, format)
        }
    }

    /// A call with the test picture and the built-in phrase, direct, on this machine alone.
    pub fn synthetic(voice: Voice, format: PictureFormat) -> Self {
        Self {
            turn: Vec::new(),
            tls: None,
            proxies: hms_core::proxy::Proxies::default(),
            relay_only: false,
            video: VideoSource::Synthetic(format),
            audio: AudioSource::Synthetic(voice),
            speaker: AudioSink::Off,
            bind: None,
            ports: None,
            rung: crate::QualityRung::Full,
            engine: EngineChoice::default(),
            code: None,
        }
    }
}
