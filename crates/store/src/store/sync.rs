//! What waits for the server, and what comes from it.

use super::{Space, Store};
use crate::table::{conflict, meta, outbox, receipt, Key};
use crate::write::{anew, batch, page, result, settle};
use crate::{Applied, AuditRow, ConflictRow, OutboxRow, PageReport, ReceiptRow, Salvaged, StoreError};
use hms_core::outbox::Failure;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{Anew, WireChange, WireOp, WireReceipt, WireResult};
use serde_json::Value;

impl Store {
    /// Everything that the server has not acknowledged, in the order of sending.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn outbox(&self) -> Result<Vec<OutboxRow>, StoreError> {
        self.read(|conn| Ok(outbox::all(conn)?.into_iter().map(|(_, row)| row).collect()))
            .await
    }

    /// Takes what is due to be sent, in whole groups, words before media, and counts the try. At least one group
    /// is taken where one is due, however large.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn take_batch(
        &self,
        now: Timestamp,
        max_ops: usize,
        max_bytes: u64,
    ) -> Result<Vec<WireOp>, StoreError> {
        self.write(Space::Reserve, move |conn| {
            batch::take(conn, now, max_ops, max_bytes)
        })
        .await
    }

    /// Applies the answer to one change: removes the row and keeps version and receipt, or keeps the row with the
    /// reason. One transaction. `seed` jitters the wait before another try.
    ///
    /// # Errors
    /// Failures of the database; the answer is then asked for again with the same number.
    pub async fn apply_result(
        &self,
        result: &WireResult,
        now: Timestamp,
        seed: u64,
    ) -> Result<Applied, StoreError> {
        let wire = result.clone();
        self.write(Space::Reserve, move |conn| result::apply(conn, &wire, now, seed))
            .await
    }

    /// As [`Store::apply_result`] for several, in their order, in one transaction that waits for the disk once.
    ///
    /// # Errors
    /// Failures of the database; none of them is applied, and all are asked for again with the same numbers.
    pub async fn apply_results(
        &self,
        results: Vec<WireResult>,
        now: Timestamp,
        seed: u64,
    ) -> Result<Vec<Applied>, StoreError> {
        self.write(Space::Reserve, move |conn| {
            results
                .iter()
                .map(|one| result::apply(conn, one, now, seed))
                .collect()
        })
        .await
    }

    /// Notes that an exchange failed before these changes got a result.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn apply_failure(
        &self,
        ops: Vec<i64>,
        failure: Failure,
        now: Timestamp,
        seed: u64,
    ) -> Result<(), StoreError> {
        self.write(Space::Reserve, move |conn| {
            result::fail(conn, &ops, failure, now, seed)
        })
        .await
    }

    /// When the next change is due by itself; a moment in the past is now. `None` where nothing waits.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(batch::next_due).await
    }

    /// Makes every waiting change due now: the person asked, or the link is back.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn lift_waits(&self) -> Result<(), StoreError> {
        self.write(Space::Reserve, outbox::lift_waits).await
    }

    /// Sends a refused change again as it is, with all that was refused with it, under new numbers.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown number, [`StoreError::Stale`] where a conflict is open.
    pub async fn retry(&self, op: i64) -> Result<(), StoreError> {
        self.write(Space::Reserve, move |conn| settle::retry(conn, op))
            .await
    }

    /// Queues what was read from a damaged database, in its groups, under new numbers. What the server has already it
    /// answers as done; what changed there since is merged, or settled by a person.
    ///
    /// # Errors
    /// Nothing of it is queued then; it can be read and queued again.
    pub async fn adopt(&self, salvaged: Salvaged, now: Timestamp) -> Result<(), StoreError> {
        self.write(Space::Reserve, move |conn| {
            crate::salvage::adopt(conn, &salvaged, now)
        })
        .await
    }

    /// Applies a page of changes and moves the cursor, in one transaction. What is unsent here is merged with the
    /// server's newer version or kept beside it, never overwritten.
    ///
    /// # Errors
    /// Nothing of the page is applied and the cursor stays.
    pub async fn apply_page(
        &self,
        changes: Vec<WireChange>,
        cursor: String,
        now: Timestamp,
    ) -> Result<PageReport, StoreError> {
        self.write(Space::Free, move |conn| page::apply(conn, &changes, &cursor, now))
            .await
    }

    /// The server does not go on from this device's cursor, and says why before its first change: offers again what a
    /// restored server may lack, and notes what has to come again. One transaction with the new cursor.
    ///
    /// # Errors
    /// Nothing is changed and the cursor stays: the server says it again.
    pub async fn begin_anew(
        &self,
        why: Anew,
        cursor: String,
        now: Timestamp,
    ) -> Result<PageReport, StoreError> {
        self.write(Space::Reserve, move |conn| anew::begin(conn, why, &cursor, now))
            .await
    }

    /// The last page of an exchange is applied, and nothing newer was there. Where the server had begun anew, lets go of
    /// what did not come again; what waits here stays. Gives what went.
    ///
    /// # Errors
    /// Nothing went; the next exchange ends it.
    pub async fn end_exchange(&self) -> Result<Vec<String>, StoreError> {
        self.write(Space::Reserve, anew::end).await
    }

    /// The cursor of the last page applied.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn cursor(&self) -> Result<Option<String>, StoreError> {
        self.read(|conn| meta::get(conn, page::CURSOR)).await
    }

    /// The server's receipt for an entry.
    ///
    /// # Errors
    /// [`StoreError::BadId`] where `id` is not `Type/id`.
    pub async fn receipt(&self, id: &str) -> Result<Option<WireReceipt>, StoreError> {
        let key = Key::parse(id)?;
        self.read(move |conn| receipt::get(conn, &key)).await
    }

    /// Every receipt, newest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn receipts(&self) -> Result<Vec<ReceiptRow>, StoreError> {
        self.read(receipt::list).await
    }

    /// Keeps a receipt that came another way than by sync, as for a sealed entry.
    ///
    /// # Errors
    /// [`StoreError::BadId`] where `id` is not `Type/id`.
    pub async fn receipt_put(&self, id: &str, receipt: WireReceipt) -> Result<(), StoreError> {
        let key = Key::parse(id)?;
        self.write(Space::Reserve, move |conn| receipt::put(conn, &key, &receipt))
            .await
    }

    /// Conflicts that a person has to settle, oldest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn conflicts(&self) -> Result<Vec<ConflictRow>, StoreError> {
        self.read(conflict::open).await
    }

    /// Settles a conflict: `chosen` is the record as the person wants it; `None` deletes. Gives the new change's
    /// number, or `None` where the server's version was chosen.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where no conflict of this record is open.
    pub async fn settle_conflict(
        &self,
        id: &str,
        chosen: Option<Value>,
        audit: AuditRow,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| {
            settle::conflict(conn, &id, chosen.as_ref(), &audit, now)
        })
        .await
    }
}
