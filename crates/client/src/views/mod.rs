//! What the windows see, computed from FHIR resources: `hms-views`, and here what needs more than the resources. `gather` and
//! `sending` read beforehand what pages are computed from.

pub(crate) mod basis;
pub(crate) mod body;
pub(crate) mod conflict;
mod gather;
pub(crate) mod manager;
pub(crate) mod outbox;
mod sending;
pub(crate) mod triage;

pub(crate) use gather::{load, of_entry, of_queue};
pub(crate) use hms_views::{age, chart, moment, queue, reference_id, report, summary, text, Records};
pub(crate) use sending::{readers, Sending, READERS};
