//! Wrong keys, damaged files, two processes: nothing is lost, nothing is deleted, and the reason is told.

mod common;

use common::{audit, done, open, put, save, task, KEY, NOW};
use hms_model::secret::Secret;
use hms_model::wire::session::SealedEntry;
use hms_store::{seal, set_aside, Journal, OpenError, Store};
use std::fs;

fn refusal(dir: &std::path::Path, key: [u8; 32]) -> OpenError {
    Store::open(dir, &Secret::new(key)).expect_err("is refused")
}

#[tokio::test]
async fn a_wrong_key_a_damaged_file_and_a_second_process_are_told_apart() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    save(&store, task("t1", "a")).await;
    assert!(matches!(refusal(dir.path(), KEY), OpenError::InUse));
    store.close().await;

    assert!(matches!(refusal(dir.path(), [8; 32]), OpenError::WrongKey));
    let path = dir.path().join("store.db");
    let whole = fs::read(&path).expect("bytes");
    for at in [0, 20, 100, 4_000] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xFF;
        fs::write(&path, &damaged).expect("damages");
        assert!(
            matches!(refusal(dir.path(), KEY), OpenError::Damaged),
            "byte {at}"
        );
    }
    fs::write(&path, &whole).expect("mends");
    let store = open(dir.path());
    assert_eq!(store.counts().await.expect("counts").unsent, 1);
}

#[tokio::test]
async fn damage_anywhere_is_noticed_and_never_read_as_something_else() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    for n in 0..200 {
        save(&store, task(&format!("t{n}"), "words of a person")).await;
    }
    store.close().await;
    let path = dir.path().join("store.db");
    let whole = fs::read(&path).expect("bytes");
    let mut noticed = 0;
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).expect("damages");
        match Store::open(dir.path(), &Secret::new(KEY)) {
            Err(OpenError::Damaged) => noticed += 1,
            Err(other) => panic!("{other}"),
            Ok(store) => {
                let read = (store.list("Task").await, store.outbox().await);
                match read {
                    (Ok(tasks), Ok(outbox)) => assert_eq!((tasks.len(), outbox.len()), (200, 200)),
                    _ => noticed += 1,
                }
                store.close().await;
            }
        }
    }
    assert!(noticed > 10, "{noticed}");
}

#[tokio::test]
async fn a_lost_database_is_set_aside_and_the_journal_delivers() {
    let dir = tempfile::tempdir().expect("dir");
    let (private, public) = seal::key_pair();
    let path = dir.path().join("unsent.sealed");
    let mut journal = Journal::open(&path).expect("journal");
    let store = open(dir.path());
    for n in 0..3 {
        let report = task(&format!("t{n}"), "words");
        let entry = SealedEntry {
            resources: vec![report.clone()],
            device: "d".into(),
            user: None,
            draft: false,
        };
        let id = format!("t{n}");
        journal
            .append(&seal::seal(&public, &id, &entry).expect("seals"))
            .expect("appends");
        save(&store, report).await;
    }
    // One is acknowledged: it leaves both.
    let op = store.take_batch(NOW, 1, 1 << 20).await.expect("takes")[0].op;
    store.apply_result(&done(op, "1"), NOW, 1).await.expect("applies");
    journal.prune("t0").expect("prunes");
    let last = store.outbox().await.expect("outbox").last().expect("rows").op;
    store.close().await;
    fs::write(dir.path().join("store.db"), b"not a database at all").expect("damages");
    assert!(matches!(refusal(dir.path(), KEY), OpenError::Damaged));

    let aside = set_aside(dir.path()).expect("sets aside").expect("there was one");
    let store = open(dir.path());

    assert_eq!(
        fs::read(aside.join("store.db")).expect("kept"),
        b"not a database at all"
    );
    let journal = Journal::open(&path).expect("journal");
    let entries: Vec<_> = journal
        .entries()
        .into_iter()
        .map(|sealed| seal::open(&private, sealed).expect("opens"))
        .collect();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].resources[0]["id"], "t2");
    let next = save(&store, task("t9", "after")).await;
    assert!(
        next > last,
        "a number that the server knows would be answered with an old result"
    );
    store.close().await;
    assert!(set_aside(dir.path()).expect("again").expect("there was one") != aside);
    assert!(set_aside(dir.path()).expect("nothing").is_none());
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    store
        .save_local(vec![put(task("t1", "a"))], audit("Task/t1"), NOW)
        .await
        .expect("saves");
    store.close().await;
    let conn = rusqlite::Connection::open(dir.path().join("store.db")).expect("opens");
    let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    conn.execute_batch(&format!("PRAGMA key = \"x'{hex}'\"; PRAGMA user_version = 99;"))
        .expect("sets");
    drop(conn);

    assert!(matches!(
        refusal(dir.path(), KEY),
        OpenError::NewerSchema { found: 99, .. }
    ));
}
