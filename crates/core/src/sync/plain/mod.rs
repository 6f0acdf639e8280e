//! Sync with a FHIR server that knows nothing of `$hms-sync`: what is asked, and what each answer means.
//!
//! No input or output here. [`Abilities`] say what the server can do, as far as it has shown; an [`Errand`] takes one
//! queued change there, request by request; [`Course`] brings what is new back, page by page. The records keep their
//! ids on this device: [`Names`] know what the server calls them.

mod abilities;
mod answer;
mod bundle;
mod course;
mod errand;
mod fidelity;
mod names;
mod page;
mod waves;

#[cfg(test)]
mod tests;

pub use abilities::{Abilities, Ability};
pub use answer::{Ask, Method, Reply};
pub use bundle::{read_batch, write_batch, Mismatch};
pub use course::{Course, Cursor, PageEnd, OVERLAP_MS};
pub use errand::{Errand, Outcome};
pub use fidelity::{arrived, same_meaning, Form};
pub use hms_model::view::Lack;
pub use names::{mark_of, references_of, Names};
pub use page::{next_link, Finding, Link};
pub use waves::waves;

/// The types that a device keeps of a foreign server, in the order in which they are asked for.
pub const TYPES: [&str; 17] = [
    "Task",
    "QuestionnaireResponse",
    "Patient",
    "Appointment",
    "Encounter",
    "RiskAssessment",
    "Composition",
    "ServiceRequest",
    "DocumentReference",
    "Condition",
    "Observation",
    "AllergyIntolerance",
    "MedicationStatement",
    "Immunization",
    "Procedure",
    "Communication",
    "Practitioner",
];
