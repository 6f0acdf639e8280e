//! Doors to what is private, for fuzzing alone (`tests/fuzz`).

use std::io::{Read, Seek};
use std::time::Instant;

pub use crate::turn::loose::LooseRelay;

use crate::devices::{Camera, FileCamera};
use crate::engine::{CallEngine, Str0mEngine};
use crate::DeviceError;

/// An engine whose packets are in the clear and never refused for their seal.
pub fn open_engine(now: Instant) -> Box<dyn CallEngine> {
    Box::new(Str0mEngine::with(now, crate::crypto::open::provider()))
}

/// A camera that plays these bytes.
///
/// # Errors
/// As for a file.
pub fn y4m(bytes: impl Read + Seek + Send + 'static) -> Result<Box<dyn Camera>, DeviceError> {
    Ok(Box::new(FileCamera::read(bytes)?))
}

/// Whether a relay's address can be read.
pub fn is_relay_address(url: &str) -> bool {
    crate::turn::RelayAddress::parse(url).is_some()
}

/// What is read off a packet without its keys, after a description was learnt; its number goes through an estimate.
pub fn read_packet(now: Instant, sdp: &str, packets: &[Vec<u8>]) -> u64 {
    let mut wire = crate::rate::Wire::default();
    wire.learn(sdp);
    let mut estimator = crate::rate::Estimator::new(60_000);
    let mut receipts = Vec::new();
    for packet in packets {
        let _ = wire.kind(packet);
        if let Some(number) = wire.number(packet) {
            estimator.sent(now, number, packet.len());
            receipts.push(crate::rate::Receipt {
                number: number.into(),
                came: packet.last().filter(|last| **last > 9).map(|_| now),
            });
        }
    }
    estimator.take(now, &receipts);
    estimator.bps()
}
