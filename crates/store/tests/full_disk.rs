//! A disk that is really full: text is saved from the reserve, photos are refused, and it comes back by itself.
//!
//! Needs a small file system of its own, which only root can mount; elsewhere it says that it was skipped.

mod common;
#[path = "common/district.rs"]
mod district;

use common::{audit, change, done, open, put, task, NOW};
use hms_model::wire::session::WireSealed;
use hms_store::{Blob, Journal, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(megabytes: u32, dir: &Path) -> Option<Self> {
        let size = format!("size={megabytes}m,mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(dir)
            .output();
        match mounted {
            Ok(done) if done.status.success() => Some(Self(dir.to_owned())),
            _ => {
                println!("skipped: a small file system cannot be mounted here");
                None
            }
        }
    }

    /// Fills what is left, but for `spare` bytes.
    fn fill(&self, spare: usize) {
        let path = self.0.join("ballast");
        let mut size: u64 = 256 * 1024 * 1024;
        fs::write(&path, []).expect("ballast");
        let block = vec![1_u8; 64 * 1024];
        let mut file = fs::OpenOptions::new().append(true).open(&path).expect("ballast");
        while size > 0 && std::io::Write::write_all(&mut file, &block).is_ok() {
            size -= 64 * 1024;
        }
        let length = file.metadata().expect("length").len();
        file.set_len(length.saturating_sub(u64::try_from(spare).expect("small")))
            .expect("spares");
    }

    fn clear(&self) {
        fs::remove_file(self.0.join("ballast")).expect("clears");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

async fn try_save(store: &Store, n: usize) -> Result<Vec<i64>, StoreError> {
    let words = task(&format!("t{n}"), &"words ".repeat(150));
    store
        .save_local(vec![put(words)], audit(&format!("Task/t{n}")), NOW)
        .await
}

#[tokio::test]
async fn a_full_disk_takes_words_from_the_reserve_and_no_photos() {
    let dir = tempfile::tempdir().expect("dir");
    let Some(disk) = Tmpfs::mount(24, dir.path()) else {
        return;
    };
    let store = open(dir.path());
    assert!(!store.is_full());
    try_save(&store, 0).await.expect("saves");
    disk.fill(0);

    // Beyond what the write-ahead file holds already, so that new space is needed.
    for n in 1..400 {
        try_save(&store, n).await.expect("saves from the reserve");
    }
    assert!(store.is_full());
    let photo = Blob {
        content_type: "image/jpeg".into(),
        bytes: vec![1; 6 * 1024 * 1024],
    };
    assert!(matches!(
        store.blob_put("p", photo.clone(), NOW).await,
        Err(StoreError::Full)
    ));
    assert_eq!(store.list("Task").await.expect("reads go on").len(), 400);
    assert_eq!(store.outbox().await.expect("reads go on").len(), 400);

    disk.clear();
    assert!(!store.check_space().await.expect("checks"));
    assert!(!store.is_full());
    store.blob_put("p", photo, NOW).await.expect("keeps");
}

#[tokio::test]
async fn words_saved_on_a_full_disk_can_be_sent_from_it() {
    let dir = tempfile::tempdir().expect("dir");
    let Some(disk) = Tmpfs::mount(24, dir.path()) else {
        return;
    };
    let store = open(dir.path());
    disk.fill(0);
    for n in 0..200 {
        try_save(&store, n).await.expect("saves");
    }
    for op in store.take_batch(NOW, 500, 1 << 30).await.expect("takes") {
        store
            .apply_result(&done(op.op, "1"), NOW, 1)
            .await
            .expect("applies");
    }
    assert_eq!(store.counts().await.expect("counts").unsent, 0);
}

#[tokio::test]
async fn wherever_the_disk_fills_up_a_save_holds_whole_or_not_at_all() {
    let dir = tempfile::tempdir().expect("dir");
    let Some(disk) = Tmpfs::mount(24, dir.path()) else {
        return;
    };
    let store = open(dir.path());
    let (mut saved, mut refused) = (0, 0);
    // The reserve is used up on the way, and the room that is left is different each time.
    for spare in (0..60).map(|n| n * 2_048) {
        disk.fill(spare);
        for _ in 0..12 {
            match try_save(&store, saved).await {
                Ok(_) => saved += 1,
                Err(StoreError::Full) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        let outbox = store.outbox().await.expect("outbox").len();
        let audits = store.audit_newest(1_000_000).await.expect("audit").len();
        let records = store.list("Task").await.expect("lists").len();
        assert_eq!((outbox, audits, records), (saved, saved, saved), "spare {spare}");
    }
    store.close().await;
    println!("{saved} saved, {refused} refused");
    disk.clear();
    let store = open(dir.path());
    assert_eq!(store.outbox().await.expect("outbox").len(), saved);
    assert!(saved > 150, "{saved}");
}

#[tokio::test]
async fn a_first_sync_that_fills_the_disk_leaves_room_for_words() {
    let dir = tempfile::tempdir().expect("dir");
    let Some(disk) = Tmpfs::mount(40, dir.path()) else {
        return;
    };
    let store = open(dir.path());
    let mut people = district::people(3);
    let (mut saved, mut pages, mut refused) = (0, 0, 0);
    // The disk is full before the page, or in the middle of it, or with the log's way back into the database.
    for spare in [30, 24, 18, 12, 9, 7, 6, 5, 4, 3, 2, 1, 0] {
        disk.fill(spare * 512 * 1024);
        for _ in 0..2 {
            let page: Vec<_> = people.by_ref().take(1_800).map(change).collect();
            match store.apply_page(page, format!("{pages}"), NOW).await {
                Ok(_) => pages += 1,
                Err(StoreError::Full) => refused += 1,
                Err(other) => panic!("{other}"),
            }
            for _ in 0..20 {
                try_save(&store, saved).await.expect("saves");
                saved += 1;
            }
        }
        let cursor = store.cursor().await.expect("cursor");
        assert_eq!(cursor, (pages > 0).then(|| (pages - 1).to_string()));
    }
    println!("{pages} pages applied, {refused} refused, {saved} saved");
    assert!(refused > 3 && pages > 3);
    assert_eq!(store.outbox().await.expect("outbox").len(), saved);
    store.close().await;
    disk.clear();
    let store = open(dir.path());
    assert_eq!(store.outbox().await.expect("outbox").len(), saved);
}

#[tokio::test]
async fn a_profile_opens_on_a_full_disk() {
    let dir = tempfile::tempdir().expect("dir");
    let Some(disk) = Tmpfs::mount(24, dir.path()) else {
        return;
    };
    let store = open(dir.path());
    try_save(&store, 0).await.expect("saves");
    store.close().await;
    disk.fill(0);

    let store = open(dir.path());

    try_save(&store, 1).await.expect("saves");
    assert_eq!(store.outbox().await.expect("outbox").len(), 2);
}

#[test]
fn the_journal_takes_entries_from_the_reserve_too() {
    let dir = tempfile::tempdir().expect("dir");
    let Some(disk) = Tmpfs::mount(24, dir.path()) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("runtime");
    runtime.block_on(open(dir.path()).close());
    let path = dir.path().join("unsent.sealed");
    let mut journal = Journal::open(&path).expect("journal");
    disk.fill(0);

    for n in 0..100 {
        let entry = WireSealed {
            id: format!("e{n}"),
            enc: "e".into(),
            ciphertext: "c".repeat(3_000),
        };
        journal.append(&entry).expect("appends from the reserve");
    }

    assert_eq!(Journal::open(&path).expect("journal").entries().len(), 100);
}
