//! HR: what is sent to its endpoint, reliably, and a receiver for demonstrations.

pub mod receiver;
pub mod sender;
pub mod sign;

/// The name of HR's endpoint in the outbox.
pub const HR_TARGET: &str = "hr";
