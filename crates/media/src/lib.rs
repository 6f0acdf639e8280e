//! HMS-ACH media: calls with sound and picture.
//!
//! [`Call`] is what a client uses: it runs on threads of its own and is told what to do by messages.
//! Below it, [`engine::CallEngine`] is the transport (descriptions, paths, encryption, packets), sans-IO;
//! [`codec`] holds Opus and VP8, [`jitter`] the adaptive buffer for sound, [`devices`] cameras, microphones,
//! their synthetic stand-ins and files, and [`turn`] the way through a relay.
//!
//! Unsafe code is only in `ffi`.

pub mod call;
pub mod codec;
mod config;
mod crypto;
pub mod devices;
#[cfg(fuzzing)]
pub mod door;
pub mod engine;
mod error;
mod ffi;
mod rate;
pub mod sound;
mod tunnel;
mod turn;

pub use call::{
    Call, CallEvent, CallStats, EndReason, MissingDevice, PathKind, RelayProtocol, SharpPicture, VideoFrame,
};
pub use config::{
    AudioSink, AudioSource, CallConfig, EngineChoice, PictureFormat, TurnServer, VideoSource, Voice,
};
pub use error::{CallError, CodecError, DeviceError, EngineError};
pub use hms_core::call::code::CodeSeed;
pub use hms_core::call::quality::{Rung as QualityRung, Settings as RungSettings};
pub use tunnel::{open_tunnel, TunnelError};
