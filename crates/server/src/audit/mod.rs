//! The audit: a FHIR AuditEvent for each access, committed with the access, chained by SHA-256.

pub mod chain;
mod entry;
mod verify;

pub use entry::{AuditAction, AuditAgent, AuditEntry};
pub use verify::{verify, Fault, Verdict};
