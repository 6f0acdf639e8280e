//! The audit: a FHIR AuditEvent for each access, committed with the access, chained by SHA-256.

pub mod chain;
mod entry;
mod signed;
mod verify;

pub use entry::{AuditAction, AuditAgent, AuditEntry};
pub use signed::{read_heads, HeadError, SignedHead};
pub use verify::{verify, verify_against, Fault, Verdict};
