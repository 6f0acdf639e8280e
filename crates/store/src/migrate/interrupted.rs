//! A file of the first schema whose upgrade is cut off after any statement, or while the search rows are built, is
//! either as it was or upgraded: nothing of it is lost.

use super::{run, FILES};
use crate::open::{open_database, DATABASE};
use crate::table::{index, outbox};
use crate::{Query, Store};
use hms_model::secret::Secret;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const GOLDEN: &[u8] = include_bytes!("../../tests/golden/store-0001.db");
const KEY: [u8; 32] = [7; 32];

fn told() -> Value {
    serde_json::from_str(include_str!("../../tests/golden/store-0001.json")).expect("json")
}

/// A profile with the file of the first schema.
fn profile() -> TempDir {
    let dir = tempfile::tempdir().expect("dir");
    fs::write(dir.path().join(DATABASE), GOLDEN).expect("writes");
    dir
}

fn connect(dir: &Path) -> Connection {
    let conn = open_database(&dir.join(DATABASE), &Secret::new(KEY)).expect("opens");
    // Pages of an unfinished transaction go to the file at once, as they do in a large one.
    conn.execute_batch("PRAGMA cache_size = 1").expect("sets");
    conn
}

/// The files as a machine leaves them that loses power now.
fn power_lost(dir: &Path) -> TempDir {
    let after = tempfile::tempdir().expect("dir");
    for name in [DATABASE, "store.db-wal"] {
        if dir.join(name).exists() {
            fs::copy(dir.join(name), after.path().join(name)).expect("copies");
        }
    }
    after
}

/// Opens the profile as the app does, and compares all that it holds with what the first schema held.
async fn check(dir: &Path, when: &str) {
    let store = Store::open(dir, &Secret::new(KEY)).expect("opens");
    let told = told();
    for record in told["records"].as_array().expect("records") {
        let resource = &record["resource"];
        let (kind, id) = (
            resource["resourceType"].as_str().expect("type"),
            resource["id"].as_str().expect("id"),
        );
        let stored = store.get(kind, id).await.expect("reads").expect(when);
        assert_eq!(&stored.resource, resource, "{when}");
        assert_eq!(stored.version.as_deref(), record["version"].as_str(), "{when}");
        assert_eq!(Some(stored.pending), record["pending"].as_bool(), "{when}");
        let found = store
            .find(
                Query::of(kind)
                    .where_is("_lastUpdated", "le2030")
                    .expect("a search"),
            )
            .await;
        let expected = resource.get("meta").is_some();
        let is_found = found
            .expect("finds")
            .records
            .iter()
            .any(|found| found.resource == *resource);
        assert_eq!(is_found, expected, "{when} {kind}");
    }
    let outbox = store.outbox().await.expect("outbox");
    let told_outbox = told["outbox"].as_array().expect("outbox");
    assert_eq!(outbox.len(), told_outbox.len(), "{when}");
    for (row, told) in outbox.iter().zip(told_outbox) {
        assert_eq!(
            (Some(row.op), Some(row.group)),
            (told["op"].as_i64(), told["group"].as_i64()),
            "{when}"
        );
        assert_eq!(row.id, told["id"].as_str().expect("id"), "{when}");
        assert_eq!(row.body.clone().unwrap_or(Value::Null), told["body"], "{when}");
    }
    assert_eq!(
        store.cursor().await.expect("cursor").as_deref(),
        Some("1.20.ab"),
        "{when}"
    );
    assert_eq!(store.draft_list().await.expect("forms").len(), 1, "{when}");
    assert_eq!(
        store.blob_get("a1").await.expect("photo").expect("kept").bytes,
        [0xFF, 0xD8, 0xFF],
        "{when}"
    );
    assert_eq!(store.audit_newest(10).await.expect("audit").len(), 3, "{when}");
    store.close().await;
}

#[tokio::test]
async fn an_upgrade_cut_off_after_any_statement_loses_nothing() {
    let statements = {
        let conn = Connection::open_in_memory().expect("memory");
        conn.execute_batch(FILES[0].1).expect("first schema");
        let mut batch = Batch::new(&conn, FILES[1].1);
        let mut count = 0;
        while let Some(mut statement) = batch.next().expect("a statement") {
            statement.raw_execute().expect("runs");
            count += 1;
        }
        count
    };
    assert_eq!(statements, 13);
    for cut in 0..=statements {
        let dir = profile();
        let conn = connect(dir.path());
        conn.execute_batch("BEGIN IMMEDIATE").expect("begins");
        let mut batch = Batch::new(&conn, FILES[1].1);
        for _ in 0..cut {
            batch
                .next()
                .expect("a statement")
                .expect("one more")
                .raw_execute()
                .expect("runs");
        }
        let after = power_lost(dir.path());
        let old = connect(after.path());
        let version: u32 = old
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .expect("version");
        assert_eq!(version, 1, "cut {cut}");
        assert_eq!(outbox::all(&old).expect("outbox").len(), 4);
        drop(old);
        check(after.path(), &format!("cut after statement {cut}")).await;
    }
}

#[tokio::test]
async fn search_rows_cut_off_after_any_record_are_built_on() {
    let dir = profile();
    let mut conn = connect(dir.path());
    assert_eq!(run(&mut conn).expect("upgrades"), 1);
    check(power_lost(dir.path()).path(), "before the first record").await;
    let mut records = 0;
    while index::is_behind(&conn).expect("state") {
        let tx = conn.transaction().expect("begins");
        index::catch_up(&tx, 1).expect("builds");
        check(power_lost(dir.path()).path(), &format!("within record {records}")).await;
        tx.commit().expect("commits");
        records += 1;
        check(power_lost(dir.path()).path(), &format!("after record {records}")).await;
    }
    assert!(records > 25, "{records}");
    let text: u32 = conn
        .query_row(
            "SELECT count(*) FROM resource WHERE body IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .expect("counts");
    assert_eq!(text, 0, "every body is packed");
}

#[tokio::test]
async fn another_extraction_builds_all_search_rows_anew() {
    let dir = profile();
    check(dir.path(), "upgraded").await;
    let conn = connect(dir.path());
    let count = |conn: &Connection| -> u32 {
        conn.query_row("SELECT count(*) FROM index_token", [], |row| row.get(0))
            .expect("counts")
    };
    let before = count(&conn);
    conn.execute_batch(
        "UPDATE index_state SET version = version + 1; DELETE FROM index_token; DELETE FROM index_date",
    )
    .expect("as another version left it");
    drop(conn);

    check(dir.path(), "with rows of another extraction").await;

    assert!(before > 50);
    assert_eq!(count(&connect(dir.path())), before);
}
