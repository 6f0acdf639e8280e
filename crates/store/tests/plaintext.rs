//! Nothing that a person entered lies readable in any file of the profile, open or closed.

mod common;

use common::{audit, put, task, NOW};
use hms_model::wire::session::SealedEntry;
use hms_store::keys::{random_key, KdfCost, KeyFile};
use hms_store::{seal, Blob, Journal, Store};
use serde_json::json;
use std::fs;
use std::path::Path;

const CANARIES: [&str; 6] = [
    "zebrafinch-note",
    "zebrafinch-draft",
    "zebrafinch-check",
    "zebrafinch-photo",
    "zebrafinch-setting",
    "284619",
];

fn files(dir: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

fn scan(dir: &Path, when: &str) -> usize {
    let mut found = Vec::new();
    files(dir, &mut found);
    for path in &found {
        // The words looked for are plain letters, which a lossy reading leaves alone.
        let text = String::from_utf8_lossy(&fs::read(path).expect("reads")).into_owned();
        for canary in
            CANARIES
                .iter()
                .chain(&["resourceType", "zebrafinch", "SQLite format 3", "CREATE TABLE"])
        {
            assert!(!text.contains(canary), "{canary} in {} {when}", path.display());
        }
    }
    found.len()
}

async fn fill(store: &Store) {
    for n in 0..50 {
        let words = task(&format!("t{n}"), "zebrafinch-note");
        store
            .save_local(vec![put(words)], audit(&format!("Task/t{n}")), NOW)
            .await
            .expect("saves");
    }
    store
        .draft_put("d", json!("zebrafinch-draft"), NOW)
        .await
        .expect("keeps");
    store
        .check_put("c", json!("zebrafinch-check"), NOW)
        .await
        .expect("keeps");
    let bytes = "zebrafinch-photo".repeat(100_000).into_bytes();
    store
        .blob_put(
            "p",
            Blob {
                content_type: "image/jpeg".into(),
                bytes,
            },
            NOW,
        )
        .await
        .expect("keeps");
    store
        .meta_put("zebrafinch-setting", Some("x".into()))
        .await
        .expect("keeps");
    // A sort and a temporary table, which a database may put on the disk.
    store.list("Task").await.expect("lists");
}

#[tokio::test]
async fn no_file_of_a_profile_holds_readable_words() {
    let dir = tempfile::tempdir().expect("dir");
    let keys = KeyFile::new(dir.path(), KdfCost::TEST);
    let part = random_key().expect("part");
    let key = keys.create("284619", Some(&part)).expect("creates");
    let (_private, public) = seal::key_pair();
    keys.keep_recovery(&key, &public, "device", "dana")
        .expect("seals");
    let mut journal = Journal::open(&dir.path().join("unsent.sealed")).expect("journal");
    let words = task("t1", "zebrafinch-note");
    let entry = SealedEntry {
        resources: vec![words],
        device: "d".into(),
        user: None,
        draft: true,
    };
    journal
        .append(&seal::seal(&public, "t1", &entry).expect("seals"))
        .expect("appends");

    let store = Store::open(dir.path(), &key).expect("opens");
    fill(&store).await;
    let while_open = scan(dir.path(), "while open");
    store.close().await;
    scan(dir.path(), "after closing");
    assert!(while_open >= 6, "{while_open}");

    for path in [dir.path().join("keys.json"), dir.path().join("store.keycheck")] {
        let bytes = fs::read(path).expect("reads");
        let hex: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!bytes.windows(32).any(|window| window == key.expose()));
        assert!(!bytes.windows(64).any(|window| window == hex.as_bytes()));
    }
}
