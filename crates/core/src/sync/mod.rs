//! Sync: when to run it ([`driver`]), and what to do with each result and change ([`plan`], [`merge`]).

pub mod digest;
pub mod driver;
pub mod merge;
pub mod plan;

pub use driver::{SyncDriver, SyncEffect, SyncEnd, SyncInput, PATIENCE_MS};
pub use merge::{merge, Merged};
