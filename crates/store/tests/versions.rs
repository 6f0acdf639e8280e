//! The app is replaced by a newer or an older one between a request and its answer.

mod common;

use common::{change, done, open, save, task, versioned, KEY, NOW};
use hms_model::secret::Secret;
use hms_store::{Applied, OpenError, Store};
use rusqlite::Connection;
use std::path::Path;

fn raw(dir: &Path) -> Connection {
    let conn = Connection::open(dir.join("store.db")).expect("opens");
    let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    conn.execute_batch(&format!("PRAGMA key = \"x'{hex}'\";"))
        .expect("keyed");
    conn
}

#[tokio::test]
async fn what_the_older_app_had_sent_is_answered_in_the_newer_one() {
    let dir = tempfile::tempdir().expect("dir");
    std::fs::write(
        dir.path().join("store.db"),
        include_bytes!("golden/store-0001.db"),
    )
    .expect("writes");
    // The older app was ended after it had sent everything that waited, and before any answer.
    let conn = raw(dir.path());
    let sent = conn
        .execute(
            "UPDATE outbox SET attempt = attempt + 1, tried_at = 5 WHERE stuck IS NULL",
            [],
        )
        .expect("sent");
    drop(conn);
    assert!(sent > 0);

    let store = Store::open(dir.path(), &Secret::new(KEY)).expect("upgrades");
    let before = store.outbox().await.expect("outbox");
    let in_flight: Vec<i64> = before
        .iter()
        .filter(|row| row.stuck.is_none() && row.attempt > 0)
        .map(|row| row.op)
        .collect();
    assert_eq!(in_flight.len(), sent);
    // It asks again under the same numbers, and the server says what it had said.
    store.lift_waits().await.expect("lifts");
    let again = store.take_batch(NOW, 50, 1 << 20).await.expect("takes");
    assert_eq!(again.iter().map(|op| op.op).collect::<Vec<_>>(), in_flight);
    for op in &in_flight {
        let applied = store
            .apply_result(&done(*op, "1"), NOW, 7)
            .await
            .expect("applies");
        assert!(matches!(applied, Applied::Done { .. }), "{applied:?}");
    }
    let page = vec![change(versioned(task("t-new", "from the server"), "1"))];
    store.apply_page(page, "c".into(), NOW).await.expect("a page");

    let left = store.outbox().await.expect("outbox");
    assert!(left.iter().all(|row| row.stuck.is_some()), "{left:?}");
    assert_eq!(left.len(), before.len() - sent);
}

#[tokio::test]
async fn an_older_app_leaves_what_is_in_flight_alone_and_the_newer_one_goes_on() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    save(&store, task("t1", "ours")).await;
    let sent = store.take_batch(NOW, 50, 1 << 20).await.expect("takes");
    store.close().await;
    let version: i64 = raw(dir.path())
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("version");
    let newer = |to: i64| {
        raw(dir.path())
            .pragma_update(None, "user_version", to)
            .expect("sets")
    };

    newer(version + 1);
    for _ in 0..2 {
        assert!(matches!(
            Store::open(dir.path(), &Secret::new(KEY)),
            Err(OpenError::NewerSchema { .. })
        ));
    }
    newer(version);

    let store = open(dir.path());
    let again = store.take_batch(NOW, 50, 1 << 20).await.expect("takes");
    assert_eq!(again, sent, "the same number, the same words");
    store
        .apply_result(&done(sent[0].op, "1"), NOW, 7)
        .await
        .expect("applies");
    assert_eq!(store.outbox().await.expect("outbox"), []);
}
