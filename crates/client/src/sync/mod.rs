//! Exchanges with the server: `$hms-sync`, photos and recordings, sealed entries.

mod answer;
mod exchange;
mod intake;
mod packing;
mod plain;
mod proof;
mod readers;
mod sealed;
mod upload;

pub(crate) use exchange::exchange;
pub(crate) use packing::Packing;
pub(crate) use plain::{is_service, known as known_of_foreign};
pub(crate) use proof::{LastFailure, RecordsCheck, CHECK_WANTED};
pub(crate) use sealed::{deliver_sealed, fits, give_sealed};
pub(crate) use upload::{uploads, UploadNow};
