//! The words of HMS-ACH: ids, times, roles, the injury report, fit-for-duty advice and visits; how
//! each maps to and from FHIR R4; and what travels over the wire and to the window.
//!
//! Pure: no clock, no randomness, no files, no network. Shared by client and server.

pub mod duty;
pub mod form;
pub mod hr;
pub mod ids;
pub mod map;
pub mod report;
pub mod role;
pub mod secret;
pub mod time;
pub mod view;
pub mod wire;

/// Base of the canonical addresses of HMS-ACH's questionnaires, codes and extensions.
pub const CANONICAL: &str = "https://hms-ach.example/fhir";
