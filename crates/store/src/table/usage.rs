//! How much of everything there is, in rows and bytes.

use crate::{Held, StoreError, Usage};
use rusqlite::Connection;

/// Records, photos and what waits.
pub(crate) fn read(conn: &Connection) -> Result<Usage, StoreError> {
    let pair = |sql: &str| -> rusqlite::Result<Held> {
        conn.prepare_cached(sql)?.query_row([], |row| {
            Ok(Held {
                count: row.get(0)?,
                bytes: row.get::<_, i64>(1)?.unsigned_abs(),
            })
        })
    };
    let read = || -> rusqlite::Result<Usage> {
        Ok(Usage {
            records: pair(
                "SELECT count(*), coalesce(sum(coalesce(length(packed), 0) + coalesce(octet_length(body), 0)
                        + coalesce(octet_length(base_body), 0) + coalesce(octet_length(remote_body), 0)), 0)
                   FROM resource",
            )?,
            files: pair("SELECT count(*), coalesce(sum(size), 0) FROM attachment")?,
            waiting: pair("SELECT count(*), coalesce(sum(octet_length(body)), 0) FROM outbox")?,
        })
    };
    read().map_err(StoreError::sql("count what is held"))
}

/// Every photo and recording with its size, in the order of their ids.
pub(crate) fn files(conn: &Connection) -> Result<Vec<(String, u64)>, StoreError> {
    conn.prepare_cached("SELECT id, size FROM attachment ORDER BY id")
        .and_then(|mut select| {
            select
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
                .collect()
        })
        .map_err(StoreError::sql("list photos with their sizes"))
}

/// Gives the space of what was removed back to the system.
pub(crate) fn give_back(conn: &Connection) -> Result<(), StoreError> {
    conn.execute_batch("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
        .map_err(StoreError::sql("give space back"))
}
