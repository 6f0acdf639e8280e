//! Schema versions. The list of files is the only place that says which there are; none is edited after release.

use crate::OpenError;
use rusqlite::Connection;

/// Every migration in order. The version of a file is its position here, from 1.
const FILES: &[(&str, &str)] = &[
    ("0001_first", include_str!("../migrations/0001_first.sql")),
    ("0002_search", include_str!("../migrations/0002_search.sql")),
];

/// Newest schema that this program knows.
#[cfg(test)]
pub(crate) fn newest() -> u32 {
    u32::try_from(FILES.len()).unwrap_or(u32::MAX)
}

/// Brings the file to the newest schema, one transaction a step. Gives the version that it had before.
pub(crate) fn run(conn: &mut Connection) -> Result<u32, OpenError> {
    apply(conn, FILES)
}

fn apply(conn: &mut Connection, files: &[(&str, &str)]) -> Result<u32, OpenError> {
    let failed = |source| OpenError::sql("bring the schema up to date")(source);
    let found: u32 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    let known = u32::try_from(files.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    for (version, (_, sql)) in (1_u32..).zip(files).filter(|(version, _)| *version > found) {
        let tx = conn
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(failed)?;
        tx.execute_batch(sql).map_err(failed)?;
        tx.pragma_update(None, "user_version", version).map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
    Ok(found)
}

#[cfg(test)]
mod interrupted;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{attachment, conflict, draft, outbox, receipt};

    /// The text of each object of a schema, sorted; what a golden file holds.
    fn schema(conn: &Connection) -> String {
        let mut select = conn
            .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name")
            .expect("select");
        let rows = select.query_map([], |row| row.get::<_, String>(0)).expect("rows");
        rows.map(|sql| sql.expect("sql") + ";\n\n").collect()
    }

    #[test]
    fn the_first_schema_is_the_released_one() {
        let mut conn = Connection::open_in_memory().expect("memory");
        apply(&mut conn, &FILES[..1]).expect("migrates");
        assert_eq!(schema(&conn), include_str!("../tests/golden/schema-0001.sql"));
        apply(&mut conn, FILES).expect("migrates");
        let newest = schema(&conn);
        assert!(
            newest.contains("packed BLOB") && newest.contains("USING fts5"),
            "{newest}"
        );
    }

    #[test]
    fn a_released_file_is_upgraded_with_what_it_holds() {
        let mut conn = Connection::open_in_memory().expect("memory");
        conn.execute_batch(include_str!("../tests/golden/schema-0001.sql"))
            .expect("golden schema");
        conn.execute_batch(include_str!("../tests/golden/rows-0001.sql"))
            .expect("golden rows");
        conn.pragma_update(None, "user_version", 1).expect("version");

        let before = run(&mut conn).expect("upgrades");

        assert_eq!(before, 1);
        let queued = outbox::all(&conn).expect("outbox");
        assert_eq!(
            queued.iter().map(|(_, row)| row.op).collect::<Vec<_>>(),
            [7, 8, 9]
        );
        assert!(queued[2].1.stuck.is_some() && queued[0].1.group == queued[1].1.group);
        assert_eq!(conflict::open(&conn).expect("conflicts").len(), 1);
        assert_eq!(draft::list(&conn, draft::Table::Draft).expect("forms").len(), 1);
        assert_eq!(
            attachment::get(&conn, "a1").expect("photo").expect("kept").bytes,
            [0xFF, 0xD8, 0xFF]
        );
        assert_eq!(receipt::list(&conn).expect("receipts").len(), 1);
    }

    #[test]
    fn a_step_that_fails_leaves_the_step_before() {
        let mut conn = Connection::open_in_memory().expect("memory");
        let broken = [
            FILES[0],
            (
                "0002_broken",
                "CREATE TABLE extra (a INTEGER); CREATE TABLE extra (a INTEGER);",
            ),
        ];

        assert!(apply(&mut conn, &broken).is_err());

        let version: u32 = conn
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .expect("version");
        assert_eq!(version, 1);
        assert_eq!(apply(&mut conn, FILES).expect("still opens"), 1);
    }

    #[test]
    fn a_newer_file_is_left_alone() {
        let mut conn = Connection::open_in_memory().expect("memory");
        conn.pragma_update(None, "user_version", newest() + 1)
            .expect("version");
        assert!(matches!(run(&mut conn), Err(OpenError::NewerSchema { .. })));
    }
}
