//! Schema versions, taken from the list of files in `migrations/`. A migration is never edited after release.

use crate::db::{DbError, SqlResult};
use rusqlite::Connection;

/// The migrations in order; the schema's version is how many of them have run.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_resources.sql"),
    include_str!("../../../migrations/0002_accounts.sql"),
    include_str!("../../../migrations/0003_operations.sql"),
    include_str!("../../../migrations/0004_exchange.sql"),
    include_str!("../../../migrations/0005_quality.sql"),
];

/// Brings the schema up to date, each migration in its own transaction.
pub(super) fn run(conn: &mut Connection) -> Result<(), DbError> {
    let found: usize = conn
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .map(|v| usize::try_from(v).unwrap_or(0))
        .map_err(DbError::WrongKey)?;
    if found > MIGRATIONS.len() {
        return Err(DbError::Newer {
            found,
            known: MIGRATIONS.len(),
        });
    }
    for (done, sql) in MIGRATIONS.iter().enumerate().skip(found) {
        let tx = conn.transaction().doing("begin a migration")?;
        tx.execute_batch(sql).doing("migrate the database")?;
        tx.pragma_update(None, "user_version", i64::try_from(done + 1).unwrap_or(i64::MAX))
            .doing("note the schema version")?;
        tx.commit().doing("commit a migration")?;
    }
    Ok(())
}
