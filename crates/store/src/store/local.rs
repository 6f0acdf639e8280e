//! What is only on this device: forms, symptom checks, photos, settings, the audit.

use super::{Space, Store};
use crate::table::draft::Table;
use crate::table::{attachment, audit, draft, meta};
use crate::write::save;
use crate::{AuditRow, Blob, DraftRow, LocalChange, StoreError};
use hms_model::time::Timestamp;
use serde_json::Value;
use std::sync::atomic::Ordering;
use std::sync::Arc;

impl Store {
    /// Keeps a form that is being filled in.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn draft_put(&self, id: &str, body: Value, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| {
            draft::put(conn, Table::Draft, &id, &body, now)
        })
        .await
    }

    /// A form that is being filled in.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn draft_get(&self, id: &str) -> Result<Option<DraftRow>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| draft::get(conn, Table::Draft, &id)).await
    }

    /// All forms that are being filled in, newest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn draft_list(&self) -> Result<Vec<DraftRow>, StoreError> {
        self.read(|conn| draft::list(conn, Table::Draft)).await
    }

    /// Removes a form: the person discarded it, or it became a report.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn draft_delete(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| draft::delete(conn, Table::Draft, &id))
            .await
    }

    /// Turns a form into what is sent: every group of changes is queued, a setting is kept, and the form is gone, in one
    /// transaction. On a full disk either all of it holds or the form is as it was, to be sent again.
    ///
    /// # Errors
    /// Failures of the database; nothing of it was done.
    pub async fn draft_finish(
        &self,
        id: &str,
        groups: Vec<(Vec<LocalChange>, AuditRow)>,
        setting: Option<(String, String)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| {
            for (changes, audit) in &groups {
                save::save_local(conn, changes, audit, now)?;
            }
            if let Some((name, value)) = &setting {
                meta::put(conn, name, Some(value))?;
            }
            draft::delete(conn, Table::Draft, &id)
        })
        .await
    }

    /// Keeps a symptom check under way.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn check_put(&self, id: &str, body: Value, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| {
            draft::put(conn, Table::SymptomCheck, &id, &body, now)
        })
        .await
    }

    /// A symptom check under way.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn check_get(&self, id: &str) -> Result<Option<DraftRow>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| draft::get(conn, Table::SymptomCheck, &id))
            .await
    }

    /// All symptom checks under way, newest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn check_list(&self) -> Result<Vec<DraftRow>, StoreError> {
        self.read(|conn| draft::list(conn, Table::SymptomCheck)).await
    }

    /// Removes a symptom check that has ended.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn check_delete(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| {
            draft::delete(conn, Table::SymptomCheck, &id)
        })
        .await
    }

    /// Keeps a photo or recording. Needs free space: never takes the reserve, nor what is left of it once it had to
    /// be let go.
    ///
    /// # Errors
    /// [`StoreError::Full`] where there is none.
    pub async fn blob_put(&self, id: &str, blob: Blob, now: Timestamp) -> Result<(), StoreError> {
        if self.is_full() && self.check_space().await? {
            return Err(StoreError::Full);
        }
        let id = id.to_owned();
        self.write(Space::Free, move |conn| attachment::put(conn, &id, &blob, now))
            .await
    }

    /// A photo or recording.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn blob_get(&self, id: &str) -> Result<Option<Blob>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| attachment::get(conn, &id)).await
    }

    /// Length of a photo or recording in bytes.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn blob_size(&self, id: &str) -> Result<Option<u64>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| attachment::size(conn, &id)).await
    }

    /// At most `length` bytes of a photo or recording from `offset`; fewer at its end.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn blob_part(&self, id: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| {
            let part = attachment::part(conn, &id, offset, length)?;
            // A photo is read once: its pages are not kept in memory in the place of records.
            conn.execute_batch("PRAGMA shrink_memory")
                .map_err(StoreError::sql("let go of memory"))?;
            Ok(part)
        })
        .await
    }

    /// Removes a photo or recording.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn blob_delete(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(Space::Reserve, move |conn| attachment::delete(conn, &id))
            .await
    }

    /// A small setting of this profile.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn meta_get(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.read(move |conn| meta::get(conn, &name)).await
    }

    /// The small settings whose names begin so, by name.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn meta_named(&self, begins: &str) -> Result<Vec<(String, String)>, StoreError> {
        let begins = begins.to_owned();
        self.read(move |conn| {
            let all = meta::all(conn)?.into_iter();
            Ok(all.filter(|(name, _)| name.starts_with(&begins)).collect())
        })
        .await
    }

    /// Keeps a small setting of this profile; `None` removes it.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn meta_put(&self, name: &str, value: Option<String>) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(Space::Reserve, move |conn| {
            meta::put(conn, &name, value.as_deref())
        })
        .await
    }

    /// The newest audit rows, newest first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn audit_newest(&self, most: u32) -> Result<Vec<(Timestamp, AuditRow)>, StoreError> {
        self.read(move |conn| audit::newest(conn, most)).await
    }

    /// Makes the reserve again where space has come back; for a timer while [`Store::is_full`].
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn check_space(&self) -> Result<bool, StoreError> {
        let full = Arc::clone(&self.full);
        self.call(move |db| {
            let held = db.reserve.restore();
            full.store(!held, Ordering::Relaxed);
            Ok(!held)
        })
        .await
    }
}
