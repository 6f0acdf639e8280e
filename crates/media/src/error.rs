//! Why a call, an engine or a device failed.

use thiserror::Error;

use crate::call::MissingDevice;

/// A call could not be started or changed.
#[derive(Debug, Error)]
pub enum CallError {
    /// No local address could be bound.
    #[error("failed to open a socket for the call")]
    OpenSocket(#[source] std::io::Error),
    /// Relay alone was asked for, and no relay answered.
    #[error("no relay answered")]
    NoRelay,
    /// A relay address cannot be understood or resolved.
    #[error("relay address {index} is not usable")]
    RelayAddress {
        /// Position in [`crate::CallConfig::turn`].
        index: usize,
    },
    /// The engine refused an operation.
    #[error("the call engine failed")]
    Engine(#[from] EngineError),
    /// A codec could not be started.
    #[error("failed to start a codec")]
    Codec(#[from] CodecError),
    /// A device or file could not be opened.
    #[error("failed to open a source")]
    Device(#[from] DeviceError),
    /// The call's threads could not be started.
    #[error("failed to start the call's thread")]
    Start(#[source] std::io::Error),
    /// The call is over.
    #[error("the call is over")]
    Over,
}

/// The transport engine refused an operation. Carries no text of the peer.
#[derive(Debug, Error)]
pub enum EngineError {
    /// A session description cannot be understood.
    #[error("the session description is not valid")]
    Description,
    /// An answer came to no offer.
    #[error("there is no open offer for this answer")]
    NoOffer,
    /// The descriptions do not fit each other.
    #[error("the session descriptions do not fit each other")]
    Negotiate,
    /// A local address cannot be used.
    #[error("a local address cannot be used")]
    Candidate,
    /// The engine broke and the call cannot go on.
    #[error("the engine stopped")]
    Broken,
}

/// A codec failed.
#[derive(Debug, Error)]
pub enum CodecError {
    /// The codec could not be made with these settings.
    #[error("{codec} could not be set up (code {code})")]
    SetUp {
        /// Codec name.
        codec: &'static str,
        /// The library's code.
        code: i32,
    },
    /// One frame could not be coded.
    #[error("{codec} could not code a frame (code {code})")]
    Frame {
        /// Codec name.
        codec: &'static str,
        /// The library's code.
        code: i32,
    },
    /// The picture or sound block has the wrong size.
    #[error("{codec} was given a block of the wrong size")]
    Size {
        /// Codec name.
        codec: &'static str,
    },
}

/// A source or sink of media could not be opened.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The machine lacks the device, or the build lacks its driver: a stand-in is the next best thing.
    #[error("{0:?} is missing")]
    DeviceMissing(MissingDevice),
    /// A file could not be read.
    #[error("failed to read a media file")]
    ReadFile(#[source] std::io::Error),
    /// A file is not in the format that is read.
    #[error("the media file is not {expected}")]
    Format {
        /// The format that is read.
        expected: &'static str,
    },
}
