//! Exchanges with the server: `$hms-sync`, photos and recordings, sealed entries.

mod exchange;
mod intake;
mod readers;
mod sealed;
mod upload;

pub(crate) use exchange::exchange;
pub(crate) use sealed::{deliver_sealed, fits, give_sealed};
pub(crate) use upload::{uploads, UploadNow};
