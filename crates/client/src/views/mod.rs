//! What the windows see, computed from FHIR resources. The pages are pure: no clock, no store, no network. `records`,
//! `gather` and `sending` read beforehand what they are computed from.

pub(crate) mod basis;
pub(crate) mod body;
pub(crate) mod chart;
pub(crate) mod conflict;
mod gather;
pub(crate) mod manager;
pub(crate) mod outbox;
mod people;
pub(crate) mod queue;
mod records;
pub(crate) mod report;
mod sending;
pub(crate) mod summary;
pub(crate) mod triage;

pub(crate) use people::age;
pub(crate) use records::{moment, reference_id, text, Records};
pub(crate) use sending::{readers, Sending, READERS};
