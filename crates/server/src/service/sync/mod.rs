//! `$hms-sync`: changes up with results that are kept, changes down since a cursor.

pub mod apply;
pub mod cursor;
pub mod digest;
pub mod feed;
pub mod lane;
pub mod scope;

use crate::db::sqlite::table;
use crate::db::{DbError, Tx};

/// The name in `kv` of the epoch. A restore changes it: numbers given out after the backup will be given out again.
pub const EPOCH: &str = "epoch";
/// How long the results of changes are kept: longer than a phone may lie in a drawer.
pub const KEEP_RESULTS_MS: i64 = 400 * 24 * 3600 * 1000;

/// The epoch of this database, made at first.
///
/// # Errors
/// A failed statement.
pub fn epoch(tx: &Tx<'_>) -> Result<String, DbError> {
    match table::kv::get(tx.conn(), EPOCH)? {
        Some(known) => Ok(known),
        None => renew_epoch(tx),
    }
}

/// Begins a new epoch: cursors of the old one are not gone on from, and devices offer again what they know.
///
/// # Errors
/// A failed statement.
pub fn renew_epoch(tx: &Tx<'_>) -> Result<String, DbError> {
    let fresh: String = crate::random::bytes::<6>()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    table::kv::set(tx.conn(), EPOCH, &fresh)?;
    Ok(fresh)
}
