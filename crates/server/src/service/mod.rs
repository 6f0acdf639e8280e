//! What the service does by itself when something is committed: receipts, the queue, notices, decisions, HR.
//!
//! Everything here runs in the transaction of the change that causes it. Ids of what is made are derived from
//! the cause, so a repeated cause makes nothing twice.

mod care;
pub mod cause;
pub mod claim;
pub mod duty;
pub mod escrow;
pub mod gate;
pub mod identify;
pub mod quality;
pub mod queue;
pub mod report;
pub mod sealed;
pub mod staffing;
pub mod symptom;
pub mod sync;
pub mod upload;
pub mod write;

pub use care::CareHook;

use crate::db::Db;
use std::sync::Arc;

/// Registers everything that follows from commits.
pub fn install(db: &Db) {
    db.add_hook(Arc::new(CareHook));
}
