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
    journal.prune(&["t0"]).expect("prunes");
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
async fn what_can_still_be_read_of_a_damaged_database_is_queued_again() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let many = 300;
    for n in 0..many {
        let pair = vec![
            put(task(&format!("a{n}"), "words of a person")),
            put(task(&format!("b{n}"), "more words")),
        ];
        store.save_local(pair, audit("Task/x"), NOW).await.expect("saves");
    }
    store
        .draft_put("d1", serde_json::json!({ "step": 3 }), NOW)
        .await
        .expect("keeps");
    let last = store.outbox().await.expect("outbox").last().expect("rows").op;
    store.close().await;
    // Some pages in the middle are gone; the rest of the file is whole.
    let path = dir.path().join("store.db");
    let mut bytes = fs::read(&path).expect("bytes");
    for at in (bytes.len() / 2..bytes.len()).step_by(bytes.len() / 8) {
        bytes[at] ^= 0xFF;
    }
    fs::write(&path, &bytes).expect("damages");

    let aside = set_aside(dir.path()).expect("sets aside").expect("there was one");
    let salvaged = hms_store::salvage(&aside, &Secret::new(KEY));
    let store = open(dir.path());
    let found = salvaged.outbox.len();
    // Behind a page that is gone is read on, and each part apart from the others.
    let behind = |pair: &[hms_store::OutboxRow]| pair[1].op > pair[0].op + 1;
    assert!(salvaged.outbox.windows(2).any(behind));
    assert_eq!(salvaged.drafts.len(), 1);
    store.adopt(salvaged, NOW).await.expect("adopts");

    let outbox = store.outbox().await.expect("outbox");
    assert_eq!(outbox.len(), found);
    assert!(found > many * 3 / 2 && found <= 2 * many, "{found}");
    assert!(outbox.iter().all(|row| row.op > last && row.attempt == 0));
    assert_eq!(store.list("Task").await.expect("lists").len(), found);
    let whole = outbox
        .windows(2)
        .filter(|pair| pair[0].group == pair[1].group)
        .count();
    assert!(whole > many / 3, "{whole}");
    assert!(
        hms_store::salvage(dir.path().join("nowhere").as_path(), &Secret::new(KEY))
            .outbox
            .is_empty()
    );
}

#[tokio::test]
async fn a_salvaged_change_meets_the_servers_version_that_came_first() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    save(&store, task("t1", "ours")).await;
    save(&store, task("t2", "same")).await;
    store.close().await;
    let aside = set_aside(dir.path()).expect("sets aside").expect("there was one");
    let salvaged = hms_store::salvage(&aside, &Secret::new(KEY));
    assert_eq!(salvaged.outbox.len(), 2);
    let store = open(dir.path());
    let page = ["t1", "t2"].map(|id| {
        let words = if id == "t1" { "theirs" } else { "same" };
        common::change(common::versioned(task(id, words), "1"))
    });
    store
        .apply_page(page.to_vec(), "c".into(), NOW)
        .await
        .expect("applies");

    store.adopt(salvaged, NOW).await.expect("adopts");

    assert_eq!(store.conflicts().await.expect("conflicts").len(), 1);
    let outbox = store.outbox().await.expect("outbox");
    assert_eq!(
        outbox.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        ["Task/t1"]
    );
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
