//! How the bodies of `$hms-sync` are packed on the wire: Dictionary-Compressed Zstandard (RFC 9842), zstd, gzip, or not
//! at all. Shared by client and server; pure: bytes in, bytes out.
//!
//! What is packed can be read up to each flush, so that a cut costs at most what came after the last one. Whoever
//! unpacks takes no more than [`PIECE`] bytes at a time and no more than a bound in all, whatever the sender claims.

mod coding;
pub mod dictionary;
mod packer;
mod unpacker;

pub use coding::Coding;
pub use packer::{pack, Packer};
pub use unpacker::{Unpacker, PIECE};

/// Why a body could not be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It was packed with a dictionary that is not here.
    #[error("the body was packed with another dictionary")]
    Dictionary,
    /// It is not what its coding says.
    #[error("the body is not what its coding says")]
    Damaged(#[source] std::io::Error),
    /// It unpacks to more than the reader takes.
    #[error("the body unpacks to more than is taken")]
    TooLarge,
    /// It ended in the middle.
    #[error("the body was cut")]
    Cut,
    /// The coder failed.
    #[error("failed to pack a body")]
    Pack(#[source] std::io::Error),
}
