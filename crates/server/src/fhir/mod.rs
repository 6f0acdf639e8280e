//! FHIR interactions, apart from HTTP: searches, changes with their access checks, bundles.

pub mod binary;
pub mod interact;
pub mod patch;
pub mod problem;
pub mod query;
mod signature;
pub mod transaction;

pub use problem::Problem;
