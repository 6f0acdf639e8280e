//! FHIR R4 as data: resources stay `serde_json` values, and compact tables say what is allowed.
//!
//! The tables in `tables/` come from HL7's CC0 definitions (see `README.md`). Everything here is
//! pure: no clock, no randomness, no files and no network.

pub mod bundle;
mod canonical;
mod compartment;
mod date;
pub mod index;
pub mod issue;
pub mod outcome;
pub mod patch;
pub mod references;
pub mod search;
pub mod subset;
mod tables;
mod text;
mod validate;

pub use canonical::canonical_json;
pub use compartment::{in_patient_compartment, patient_compartment_params};
pub use date::parse_date_range;
pub use index::{has_exact_text, index, index_version, split_words, words, IndexEntry, IndexValue};
pub use issue::{Issue, IssueCode};
pub use references::{references, replace_references, Link};
pub use search::{number_range, search_param, search_params, SearchKind, SearchParam};
pub use subset::{has_element, subset, Subset};
pub use text::fold;
pub use validate::validate;

/// Whether resources of this type are kept and exchanged.
pub fn is_known_type(type_name: &str) -> bool {
    tables::tables().find(type_name).is_some_and(|def| def.kept)
}

/// The resource types that are kept and exchanged, sorted.
pub fn resource_types() -> impl Iterator<Item = &'static str> {
    tables::tables().all().filter(|def| def.kept).map(|def| def.name)
}
