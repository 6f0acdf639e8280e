//! What travels between client and server, beside plain FHIR. docs/protocol.md is the specification.

pub mod digest;
pub mod handover;
pub mod quality;
pub mod session;
pub mod signal;
pub mod sync;
