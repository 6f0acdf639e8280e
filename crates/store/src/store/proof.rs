//! The check against the server: do both hold the same versions?

use super::{Space, Store};
use crate::write::proof;
use crate::{AuditRow, PageReport, StoreError};
use hms_core::sync::digest::Leaves;
use hms_model::time::Timestamp;
use hms_model::wire::digest::WireLeaf;
use hms_model::wire::sync::WireChange;

impl Store {
    /// The sums over all that the server is known to have given this device.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn leaves(&self) -> Result<Leaves, StoreError> {
        self.read(proof::leaves).await
    }

    /// Records (`Type/id`) of these ranges that are not here as the server has them: missing, of another version, or
    /// more than it gave.
    ///
    /// # Errors
    /// Failures of the database; [`StoreError::BadId`] where a listed id is none.
    pub async fn differing(&self, listed: Vec<WireLeaf>) -> Result<Vec<String>, StoreError> {
        self.read(move |conn| proof::differing(conn, &listed)).await
    }

    /// Takes records as the server has them now, all in one transaction; the cursor stays. Gives what was not so.
    ///
    /// # Errors
    /// Nothing of it is taken.
    pub async fn mend(&self, changes: Vec<WireChange>, now: Timestamp) -> Result<PageReport, StoreError> {
        self.write(Space::Free, move |conn| proof::mend(conn, &changes, now))
            .await
    }

    /// Writes into the audit how a check ended.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn note_check(&self, row: AuditRow, now: Timestamp) -> Result<(), StoreError> {
        self.write(Space::Reserve, move |conn| proof::note(conn, &row, now))
            .await
    }
}
