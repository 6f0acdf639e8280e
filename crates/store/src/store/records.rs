//! Records as they are shown here, and a person's changes to them.

use super::{Space, Store, CATCH_UP};
use crate::find::find;
use crate::table::draft::Table;
use crate::table::{conflict, draft, index, outbox, resource, Key};
use crate::write::save;
use crate::{AuditRow, Counts, Found, LocalChange, Query, StoreError, Stored};
use hms_model::time::Timestamp;

impl Store {
    /// One record as it is shown here.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn get(&self, kind: &str, id: &str) -> Result<Option<Stored>, StoreError> {
        let key = Key::new(kind, id)?;
        self.read(move |conn| resource::get(conn, &key)).await
    }

    /// All records of a type.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn list(&self, kind: &str) -> Result<Vec<Stored>, StoreError> {
        let kind = kind.to_owned();
        self.read(move |conn| resource::list(conn, &kind)).await
    }

    /// Records for which all of a query holds. After an upgrade the first search may wait until all records have
    /// their search rows.
    ///
    /// # Errors
    /// [`StoreError::BadSearch`] for what cannot be searched by.
    pub async fn find(&self, query: Query) -> Result<Found, StoreError> {
        while self.read(index::is_behind).await? {
            self.write(Space::Free, |conn| index::catch_up(conn, CATCH_UP))
                .await?;
        }
        self.read(move |conn| find(conn, &query)).await
    }

    /// Records by one search parameter, as in a FHIR query: `code` or `system|code`; `Type/id` or `id`; a date or an
    /// amount with an optional `eq`, `ge`, `gt`, `le` or `lt`; the beginning of a text.
    ///
    /// # Errors
    /// [`StoreError::BadSearch`] for a parameter or value that cannot be searched by.
    pub async fn search(&self, kind: &str, param: &str, value: &str) -> Result<Vec<Stored>, StoreError> {
        let query = Query::of(kind).where_is(param, value)?;
        Ok(self.find(query).await?.records)
    }

    /// Saves a person's changes: records, outbox rows (one group) and audit row in one transaction. Gives the
    /// number of each change.
    ///
    /// # Errors
    /// [`StoreError::Stale`] where a record is not at the version that the person saw. Nothing is saved then.
    pub async fn save_local(
        &self,
        changes: Vec<LocalChange>,
        audit: AuditRow,
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        self.write(Space::Reserve, move |conn| {
            save::save_local(conn, &changes, &audit, now)
        })
        .await
    }

    /// How much there is.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(|conn| {
            let (unsent, stuck) = outbox::count(conn)?;
            let small = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
            Ok(Counts {
                resources: resource::count(conn)?,
                unsent,
                stuck,
                conflicts: small(conflict::open(conn)?.len()),
                drafts: small(draft::list(conn, Table::Draft)?.len()),
            })
        })
        .await
    }
}
