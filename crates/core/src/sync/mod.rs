//! Sync: when to run it ([`driver`]), what to do with each result and change ([`plan`],
//! [`merge`]), and how a server is used that is not ours ([`plain`]).

pub mod digest;
pub mod driver;
pub mod merge;
pub mod plain;
pub mod plan;

pub use driver::{SyncDriver, SyncEffect, SyncEnd, SyncInput, PATIENCE_MS};
pub use merge::{merge, Merged};
