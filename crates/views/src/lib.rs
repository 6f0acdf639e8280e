//! What windows and pages show of FHIR resources. Pure: no clock, no store, no network; whoever has the resources calls it,
//! the app with those of its store, the staff page in a browser with those that the server just sent.

pub mod chart;
pub mod people;
mod progress;
pub mod queue;
mod records;
pub mod report;
pub mod summary;

pub use people::age;
pub use progress::{receipt_of, AtServer, Progress};
pub use records::{moment, reference_id, text, Records};
