//! What a running call tells: its figures, its events, its pictures.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use crate::QualityRung;

/// How packets reach the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathKind {
    /// Straight between the two machines.
    Direct,
    /// Through this side's relay.
    Relay,
}

/// How this side speaks with its relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelayProtocol {
    /// Datagrams.
    Udp,
    /// One TCP connection.
    Tcp,
    /// One TCP connection in TLS.
    Tls,
}

/// Counters and gauges of a call, renewed at least once a second. Holds no health data.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CallStats {
    /// Milliseconds from the start of this side to the first secured connection.
    pub connected_ms: Option<u64>,
    /// Milliseconds from the connection to the first decoded remote frame.
    pub first_frame_ms: Option<u64>,
    /// Milliseconds since the start of this side.
    pub uptime_ms: u64,
    /// Is the path working now?
    pub connected: bool,
    /// Round trip in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Share of this side's packets that the far side reports lost, 0 to 1.
    pub loss: f64,
    /// The engine's estimate of what may be sent, in bit/s.
    pub estimate_bps: Option<u64>,
    /// Remote pictures decoded.
    pub frames_decoded: u64,
    /// Distinct synthetic frame numbers read from remote pictures.
    pub distinct_remote_frames: u64,
    /// Pictures encoded and handed to the engine.
    pub frames_sent: u64,
    /// Still pictures of the far side shown.
    pub stills: u64,
    /// How much of a sharp picture has come, in hundredths, while one is on its way.
    pub sharp_percent: Option<u32>,
    /// How much of its time the busiest coding thread works, in thousandths.
    pub busy_permille: u32,
    /// Longest gap between two decoded remote pictures, in milliseconds.
    pub longest_freeze_ms: u64,
    /// Sound packets received.
    pub audio_packets: u64,
    /// Played sound samples that were made up, in parts per million.
    pub audio_concealed_ppm: u64,
    /// Longest stretch of sound that was made up, in milliseconds.
    pub longest_gap_ms: u64,
    /// Of the gaps in the sound, samples restored by redundancy (DRED).
    pub audio_recovered_samples: u64,
    /// Sound samples played, gaps included.
    pub audio_samples: u64,
    /// Delay of the jitter buffer now, in milliseconds.
    pub jitter_buffer_ms: u64,
    /// Bytes received from the network.
    pub bytes_in: u64,
    /// Bytes sent to the network.
    pub bytes_out: u64,
    /// The kind of path in use.
    pub path: Option<PathKind>,
    /// How the relay is reached, if one is in use.
    pub relay: Option<RelayProtocol>,
    /// The rung in use.
    pub rung: Option<QualityRung>,
    /// Is the microphone muted?
    pub muted: bool,
    /// Is the camera on?
    pub camera_on: bool,
    /// Is the picture or sound that is sent a stand-in for a missing device?
    pub synthetic: bool,
}

/// Something that a person or the client should know at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEvent {
    /// The secured path works for the first time.
    Connected,
    /// The first remote picture is there.
    FirstFrame,
    /// Nothing has come from the far side for some seconds; the call goes on trying.
    Lost,
    /// The path works again.
    Recovered,
    /// This side has new ways to the other: another network, or others than those that failed. A new description would help.
    Moved,
    /// The rung has changed.
    Rung(QualityRung),
    /// A device is missing; a stand-in is sent in its place and the screen must say so.
    StandIn(MissingDevice),
    /// The call is over.
    Ended(EndReason),
}

/// A device that the machine lacks or refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingDevice {
    /// No camera could be opened.
    Camera,
    /// No microphone could be opened.
    Microphone,
    /// No loudspeaker could be opened.
    Loudspeaker,
}

/// Why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// This side hung up.
    HungUp,
    /// The far side hung up.
    FarSide,
    /// The engine failed.
    Failed,
}

/// A sharp picture of the far side: the number of the wish that it answers, and its file as it came.
pub type SharpPicture = (u16, Arc<[u8]>);

/// One remote (or own) picture.
#[derive(Debug, Clone)]
pub struct VideoFrame {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height * 4` bytes, red first.
    pub rgba: Arc<[u8]>,
    /// The number coded into a synthetic picture, if it can be read.
    pub number: Option<u32>,
    /// Milliseconds since this side's call began, when it was shown.
    pub at_ms: u64,
    /// When it was taken, as far as this side knows: of a still of the far side, when its first bytes came.
    pub taken: Instant,
    /// Is it a still picture, and not one of a moving one?
    pub still: bool,
}
