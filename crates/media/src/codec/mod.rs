//! Pictures and the codecs.

mod picture;
pub mod webp;

pub use crate::ffi::opus::{packet_samples, OpusDecoder, OpusEncoder, SAMPLE_RATE};
pub use crate::ffi::vpx::{CodedPicture, Vp8Decoder, Vp8Encoder};
pub use picture::Picture;
