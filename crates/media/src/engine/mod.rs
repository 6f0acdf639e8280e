//! The transport of a call, sans-IO: descriptions, paths, encryption, packets, rate.
//!
//! An engine never touches a socket, a clock or a thread. Whoever drives it feeds datagrams and time in, and
//! drains [`CallEngine::poll`] after every call.

#[cfg(test)]
mod conformance;
mod str0m_engine;
#[cfg(feature = "engine-webrtc")]
mod webrtc_engine;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use str0m_engine::Str0mEngine;
#[cfg(feature = "engine-webrtc")]
pub use webrtc_engine::WebrtcEngine;

use crate::rate::Receipt;
use crate::{EngineChoice, EngineError};

/// Makes the engine that is chosen.
///
/// # Errors
/// If it cannot be set up.
pub fn make(choice: EngineChoice, now: Instant) -> Result<Box<dyn CallEngine>, EngineError> {
    match choice {
        EngineChoice::Str0m => Ok(Box::new(Str0mEngine::new(now))),
        #[cfg(feature = "engine-webrtc")]
        EngineChoice::Webrtc => Ok(Box::new(WebrtcEngine::new(now)?)),
    }
}

/// An address that the far side may reach this one at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalAddress {
    /// A socket of this machine.
    Host(SocketAddr),
    /// An address on a relay. What the engine sends from it has it as its source.
    Relay(SocketAddr),
}

impl LocalAddress {
    /// What the far side sends to.
    pub(crate) fn socket(self) -> SocketAddr {
        match self {
            Self::Host(address) | Self::Relay(address) => address,
        }
    }
}

/// What an engine wants done.
#[derive(Debug)]
pub enum EngineOutput {
    /// Send these bytes.
    Send(Datagram),
    /// Know this.
    Event(EngineEvent),
}

/// A datagram and its way.
#[derive(Debug, Clone)]
pub struct Datagram {
    /// Where it comes from: a local socket or an address on a relay for one that is sent.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What an engine tells.
#[derive(Debug)]
pub enum EngineEvent {
    /// A path works and is secured, for the first time.
    Connected,
    /// No path works at the moment.
    PathLost,
    /// A path works again.
    PathBack,
    /// A packet of sound has come.
    Audio {
        /// Its time in samples at 48 kHz.
        at: u64,
        /// The Opus packet.
        packet: Arc<[u8]>,
    },
    /// A coded picture has come.
    Video {
        /// Its time, at 90 kHz.
        at: u64,
        /// The VP8 frame.
        frame: Arc<[u8]>,
        /// Does it follow the one before without a gap?
        contiguous: bool,
    },
    /// The far side cannot decode without a key frame.
    KeyFrameWanted,
    /// The far side says which packets have come.
    Receipts(Vec<Receipt>),
    /// Figures of the path.
    Path(PathFigures),
    /// The far side's report of the packets that were sent to it.
    Loss(f32),
    /// The channel beside sound and picture is open.
    DataOpen,
    /// A message has come over it.
    Data(Vec<u8>),
    /// The far side has closed the call.
    Closed,
}

/// Figures of the path in use.
#[derive(Debug, Clone, Copy, Default)]
pub struct PathFigures {
    /// Round trip.
    pub rtt: Option<Duration>,
    /// Bytes received so far.
    pub bytes_in: u64,
    /// Bytes sent so far.
    pub bytes_out: u64,
    /// This side's address on the path in use.
    pub local: Option<SocketAddr>,
}

/// A transport that a call can run on.
///
/// After every call that takes `now`, drain [`CallEngine::poll`]; call [`CallEngine::tick`] when
/// [`CallEngine::deadline`] has come.
pub trait CallEngine: Send {
    /// Adds an address before a description is made.
    ///
    /// # Errors
    /// If it cannot be a candidate.
    fn add_local(&mut self, address: LocalAddress) -> Result<(), EngineError>;

    /// Makes the first offer: one line of sound, one of picture, both ways.
    ///
    /// # Errors
    /// If an offer was made before.
    fn offer(&mut self, now: Instant) -> Result<String, EngineError>;

    /// Takes an offer and makes the answer.
    ///
    /// # Errors
    /// If the description is not valid.
    fn accept_offer(&mut self, now: Instant, sdp: &str) -> Result<String, EngineError>;

    /// Takes the answer to the last offer.
    ///
    /// # Errors
    /// If the description is not valid or no offer is open.
    fn accept_answer(&mut self, now: Instant, sdp: &str) -> Result<(), EngineError>;

    /// Makes an offer that looks for new paths.
    ///
    /// # Errors
    /// If nothing can be offered.
    fn restart_ice(&mut self, now: Instant) -> Result<String, EngineError>;

    /// Sends each packet of sound with the one before in it (RFC 2198), or without, where the far side takes that.
    fn set_doubled(&mut self, doubled: bool);

    /// Sends a packet of sound that begins at `at` samples (48 kHz). Dropped while not connected.
    fn send_audio(&mut self, now: Instant, at: u64, packet: Vec<u8>);

    /// Sends a coded picture shown at `at` (90 kHz). Dropped while not connected.
    fn send_video(&mut self, now: Instant, at: u64, frame: Vec<u8>);

    /// Asks the far side for a key frame.
    fn request_key_frame(&mut self, now: Instant);

    /// Sends a message over the reliable channel beside sound and picture. False where it is not open or full: the message
    /// is the caller's still.
    fn send_data(&mut self, now: Instant, message: &[u8]) -> bool;

    /// Takes a datagram; `destination` is the local socket or the address on a relay that it came to.
    fn receive(&mut self, now: Instant, source: SocketAddr, destination: SocketAddr, bytes: &[u8]);

    /// Lets time pass.
    fn tick(&mut self, now: Instant);

    /// Says goodbye to the far side. What is left in [`CallEngine::poll`] is to be sent.
    fn close(&mut self, now: Instant);

    /// The next thing to do, until there is none.
    fn poll(&mut self) -> Option<EngineOutput>;

    /// When [`CallEngine::tick`] is due at the latest.
    fn deadline(&self) -> Instant;
}
