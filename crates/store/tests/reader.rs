//! A reader of `SQLCipher` files that is not ours opens a profile with its key, and not without; and nobody finds the
//! words of its records in any file beside it.
//!
//! The reader is Python's `sqlcipher3-wheels`, installed under `target/`. Where it cannot be had, the test says so.

mod common;
#[allow(dead_code, reason = "shared with figures")]
#[path = "common/district.rs"]
mod district;

use base64::prelude::{Engine, BASE64_STANDARD};
use common::{audit, change, open, put, KEY, NOW};
use hms_model::wire::session::SealedEntry;
use hms_store::{seal, Blob, Journal, Store};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the reader does: prints how many records there are and one word of the schema, or why it could not.
const SCRIPT: &str = r#"
import os, sys
from sqlcipher3 import dbapi2
conn = dbapi2.connect(sys.argv[1])
key = os.environ.get("HMS_TEST_KEY")
if key:
    conn.execute("PRAGMA key = \"x'" + key + "'\"")
try:
    count = conn.execute("SELECT count(*) FROM resource").fetchone()[0]
    check = conn.execute("PRAGMA cipher_integrity_check").fetchall()
    word = conn.execute("SELECT action FROM audit").fetchone()[0]
    print("records", count, word, "damaged pages", len(check))
except dbapi2.DatabaseError as error:
    print("refused:", error)
"#;

/// The Python of an environment with the reader in it; `None`, with words, where it cannot be made.
fn reader() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sqlcipher-reader");
    let python = target.join("bin/python3");
    let has_it = |python: &Path| {
        let loaded = Command::new(python).args(["-c", "import sqlcipher3"]).output();
        loaded.is_ok_and(|done| done.status.success())
    };
    if has_it(&python) {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&target).output();
    let installed = Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "sqlcipher3-wheels",
        ])
        .output();
    if has_it(&python) {
        return Some(python);
    }
    let words = |done: std::io::Result<std::process::Output>| match done {
        Ok(done) => String::from_utf8_lossy(&done.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    println!(
        "SKIPPED: no independent reader: {} {}",
        words(made),
        words(installed)
    );
    None
}

fn read(python: &Path, file: &Path, key: Option<&str>) -> String {
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).arg(file).env_remove("HMS_TEST_KEY");
    if let Some(key) = key {
        command.env("HMS_TEST_KEY", key);
    }
    let said = command.output().expect("python runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

/// A profile as work leaves it: records of the server, changes that wait, a form, a photo. Gives the words that it holds.
async fn used(dir: &Path) -> (Store, BTreeSet<String>) {
    let store = open(dir);
    let records: Vec<_> = district::people(77).take(300).collect();
    let (_private, public) = seal::key_pair();
    let entry = SealedEntry {
        resources: records[..3].to_vec(),
        device: "d".into(),
        user: None,
        draft: false,
    };
    let mut journal = Journal::open(&dir.join("unsent.sealed")).expect("journal");
    journal
        .append(&seal::seal(&public, "s1", &entry).expect("seals"))
        .expect("appends");
    let mut words: BTreeSet<String> = BTreeSet::new();
    for resource in &records {
        words.insert(resource["id"].as_str().expect("id").to_owned());
        words.extend(
            hms_fhir::words(resource)
                .into_iter()
                .filter(|word| word.len() >= 7),
        );
    }
    words.extend(
        [
            "resourceType",
            "zebrafinch",
            "employee-number",
            "CREATE TABLE",
            "index_token",
        ]
        .map(str::to_owned),
    );
    for number in 0..40 {
        let mut report = records[number * 3].clone();
        report["language"] = json!("en");
        let id = format!(
            "{}/{}",
            report["resourceType"].as_str().expect("type"),
            report["id"].as_str().expect("id")
        );
        store
            .save_local(vec![put(report)], audit(&id), NOW)
            .await
            .expect("saves");
    }
    store
        .apply_page(records.into_iter().map(change).collect(), "c".into(), NOW)
        .await
        .expect("applies");
    store
        .draft_put("d1", json!({ "note": "zebrafinch in the form" }), NOW)
        .await
        .expect("keeps");
    let photo = Blob {
        content_type: "image/jpeg".into(),
        bytes: "zebrafinch-photo".repeat(20_000).into_bytes(),
    };
    store.blob_put("p1", photo, NOW).await.expect("keeps");
    (store, words)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Base64 of a word at each of the three places where it may begin, without the ends that depend on its neighbours.
fn in_base64(word: &str) -> Vec<String> {
    (0..3)
        .map(|before| {
            let text = format!("{}{word}", "x".repeat(before));
            let coded = BASE64_STANDARD.encode(&text);
            let whole = text.len() / 3 * 4;
            coded[if before == 0 { 0 } else { 4 }..whole].to_owned()
        })
        .filter(|coded| coded.len() >= 8)
        .collect()
}

fn scan(bytes: &[u8], words: &BTreeSet<String>) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let raw = String::from_utf8_lossy(bytes);
    words
        .iter()
        .filter(|word| {
            text.contains(&word.to_lowercase()) || in_base64(word).iter().any(|coded| raw.contains(coded))
        })
        .cloned()
        .collect()
}

#[tokio::test]
async fn no_word_of_a_record_lies_readable_in_any_file_of_a_used_profile() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, words) = used(dir.path()).await;
    assert!(words.len() > 350, "{}", words.len());
    // The scan itself finds what is there.
    let seen: BTreeSet<String> = ["zebrafinch".to_owned()].into();
    assert_eq!(scan(b"..ZebraFinch..", &seen).len(), 1);
    for before in ["", "a", "ab"] {
        let coded = BASE64_STANDARD.encode(format!("{before}zebrafinch and more"));
        assert_eq!(scan(coded.as_bytes(), &seen).len(), 1, "{before}");
    }

    for when in ["while open", "after closing"] {
        let found = files(dir.path());
        let names: Vec<_> = found
            .iter()
            .filter_map(|path| path.file_name()?.to_str())
            .collect();
        for name in ["store.db", "reserve.bin", "unsent.sealed"] {
            assert!(names.contains(&name), "{names:?}");
        }
        assert_eq!(names.contains(&"store.db-wal"), when == "while open", "{names:?}");
        for path in &found {
            let readable = scan(&fs::read(path).expect("reads"), &words);
            assert!(readable.is_empty(), "{readable:?} in {} {when}", path.display());
        }
        if when == "while open" {
            store.clone().close().await;
        }
    }
}

#[tokio::test]
async fn a_foreign_reader_opens_the_file_with_the_key_and_not_without() {
    let Some(python) = reader() else { return };
    let dir = tempfile::tempdir().expect("dir");
    let (store, _) = used(dir.path()).await;
    store.close().await;
    let file = dir.path().join("store.db");
    let hex = |key: [u8; 32]| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();

    assert_eq!(
        read(&python, &file, Some(&hex(KEY))),
        "records 300 save damaged pages 0"
    );
    for key in [None, Some(hex([8; 32]))] {
        let said = read(&python, &file, key.as_deref());
        assert!(said.starts_with("refused:"), "{said}");
    }
}

/// A store without a key exists to be measured beside; nothing that is handed out can have it.
#[test]
fn no_package_asks_for_a_store_without_a_key() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut manifests = vec![
        root.join("Cargo.toml"),
        root.join("tests/Cargo.toml"),
        root.join("xtask/Cargo.toml"),
    ];
    for entry in fs::read_dir(root.join("crates")).expect("crates") {
        manifests.push(entry.expect("entry").path().join("Cargo.toml"));
    }
    for manifest in manifests.iter().filter(|path| path.exists()) {
        let text = fs::read_to_string(manifest).expect("reads");
        let own = manifest.ends_with("store/Cargo.toml");
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("without-key")).collect();
        let allowed: &[&str] = &["without-key = []", "required-features = [\"without-key\"]"];
        assert!(
            lines.is_empty() || (own && lines == allowed),
            "{}: {lines:?}",
            manifest.display()
        );
    }
}
