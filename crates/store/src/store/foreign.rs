//! What is kept of a server that is not ours: what it can do, what it calls our records, how it writes them. In `meta`.

use super::{Space, Store};
use crate::table::meta;
use crate::write::{page, result};
use crate::{Applied, PageReport, StoreError};
use hms_model::time::Timestamp;
use hms_model::wire::sync::{WireChange, WireResult};

/// A setting, and what it is now; `None` lets go of it.
pub type Note = (String, Option<String>);

impl Store {
    /// The settings whose names begin so, without that beginning.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn meta_under(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let prefix = prefix.to_owned();
        self.read(move |conn| {
            let all = meta::all(conn)?.into_iter();
            let under = all.filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?.to_owned(), value)));
            Ok(under.collect())
        })
        .await
    }

    /// As [`Store::apply_result`], with what the server told beside it, in the same transaction.
    ///
    /// # Errors
    /// Nothing of it is kept; the server is asked again.
    pub async fn apply_result_and_notes(
        &self,
        result: &WireResult,
        notes: Vec<Note>,
        now: Timestamp,
        seed: u64,
    ) -> Result<Applied, StoreError> {
        let wire = result.clone();
        self.write(Space::Reserve, move |conn| {
            put(conn, &notes)?;
            result::apply(conn, &wire, now, seed)
        })
        .await
    }

    /// As [`Store::apply_page`], with settings in the same transaction.
    ///
    /// # Errors
    /// Nothing of the page is applied and the cursor stays.
    pub async fn apply_page_and_notes(
        &self,
        changes: Vec<WireChange>,
        cursor: String,
        notes: Vec<Note>,
        now: Timestamp,
    ) -> Result<PageReport, StoreError> {
        self.write(Space::Free, move |conn| {
            put(conn, &notes)?;
            page::apply(conn, &changes, &cursor, now)
        })
        .await
    }
}

fn put(conn: &rusqlite::Connection, notes: &[Note]) -> Result<(), StoreError> {
    notes
        .iter()
        .try_for_each(|(name, value)| meta::put(conn, name, value.as_deref()))
}
