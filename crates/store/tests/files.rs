//! What happens to the files of a profile from outside: they cannot be written any more, or somebody deletes them.

mod common;

use common::{audit, change, open, put, save, task, versioned, KEY, NOW};
use hms_model::secret::Secret;
use hms_store::{OpenError, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Something that was mounted; it goes with the test.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

fn run(program: &str, args: &[&str]) -> bool {
    let done = Command::new(program).args(args).output();
    done.is_ok_and(|done| done.status.success())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

async fn unsent(store: &Store) -> Vec<String> {
    let rows = store.outbox().await.expect("outbox");
    rows.into_iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn a_profile_on_a_file_system_that_cannot_be_written_is_left_as_it_is() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    save(&store, task("t1", "a dog")).await;
    store.close().await;
    let before = fs::read(dir.path().join("store.db")).expect("reads");
    let at = text(dir.path()).to_owned();
    if !run("mount", &["--bind", &at, &at]) {
        println!("skipped: nothing can be mounted here");
        return;
    }
    let mounted = Mounted(dir.path().to_owned());
    assert!(run("mount", &["-o", "remount,ro,bind", &at]));

    let opened = Store::open(dir.path(), &Secret::new(KEY));

    // Neither "damaged" nor "wrong key": either would have it set aside.
    assert!(matches!(opened, Err(OpenError::File { .. })), "{opened:?}");
    drop(mounted);
    assert_eq!(fs::read(dir.path().join("store.db")).expect("reads"), before);
    let store = open(dir.path());
    assert_eq!(unsent(&store).await, ["Task/t1"]);
    save(&store, task("t2", "another")).await;
}

#[tokio::test]
async fn a_file_system_that_turns_read_only_under_us_loses_nothing_and_says_so() {
    let dir = tempfile::tempdir().expect("dir");
    let (image, at) = (dir.path().join("image"), dir.path().join("at"));
    fs::create_dir(&at).expect("a folder");
    let sized = fs::File::create(&image).and_then(|file| file.set_len(32 << 20));
    sized.expect("an image");
    let made = run("mkfs.ext4", &["-q", "-E", "nodiscard", text(&image)])
        && run(
            "mount",
            &["-o", "loop,errors=remount-ro", text(&image), text(&at)],
        );
    if !made {
        println!("skipped: nothing can be mounted here");
        return;
    }
    let mounted = Mounted(at.clone());
    let store = open(&at);
    save(&store, task("t1", "a dog")).await;
    let device = Command::new("findmnt")
        .args(["-no", "SOURCE", text(&at)])
        .output();
    let device = String::from_utf8(device.expect("findmnt").stdout).expect("text");
    let device = device.trim().trim_start_matches("/dev/").to_owned();
    // As after a fault of the flash memory: the kernel itself stops writing.
    let trigger = format!("/sys/fs/ext4/{device}/trigger_fs_error");
    if fs::write(&trigger, "1").is_err() || fs::write(at.join("probe"), "x").is_ok() {
        println!("skipped: this kernel has no way to fail a file system");
        return;
    }

    let words = task("t2", "words");
    let refused = store.save_local(vec![put(words)], audit("Task/t2"), NOW).await;

    assert!(refused.is_err(), "{refused:?}");
    assert!(!matches!(refused, Err(StoreError::Damaged)), "{refused:?}");
    assert_eq!(unsent(&store).await, ["Task/t1"], "reading goes on");
    store.close().await;
    drop(mounted);
    assert!(run("mount", &["-o", "loop", text(&image), text(&at)]));
    let _mounted = Mounted(at.clone());
    let store = open(&at);
    assert_eq!(unsent(&store).await, ["Task/t1"]);
    save(&store, task("t2", "words")).await;
    store.close().await;
}

/// Saves, deletes files of the open profile, saves on, and looks at what the next opening finds.
async fn after_deleting(files: &[&str]) -> Vec<String> {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    for n in 0..30 {
        save(&store, task(&format!("a{n}"), "before")).await;
    }
    let page = (0..50).map(|n| change(versioned(task(&format!("s{n}"), "theirs"), "1")));
    store
        .apply_page(page.collect(), "c1".into(), NOW)
        .await
        .expect("applies");
    for file in files {
        fs::remove_file(dir.path().join(file)).expect("deletes");
    }
    for n in 0..30 {
        save(&store, task(&format!("b{n}"), "after")).await;
    }
    // The process ends as by kill -9: nothing is closed.
    std::mem::forget(store.clone());
    let copy = tempfile::tempdir().expect("dir");
    for file in fs::read_dir(dir.path()).expect("a folder") {
        let file = file.expect("a file");
        fs::copy(file.path(), copy.path().join(file.file_name())).expect("copies");
    }
    store.close().await;
    let again = open(copy.path());
    assert_eq!(again.cursor().await.expect("cursor").as_deref(), Some("c1"));
    assert_eq!(again.list("Task").await.expect("lists").len(), 110);
    let found = unsent(&again).await;
    let op = save(&again, task("c", "later")).await;
    assert!(op > 60, "a number is never given twice: {op}");
    found
}

#[tokio::test]
async fn files_deleted_while_they_are_open_are_written_anew_with_all_that_is_unsent() {
    let all: Vec<String> = ["a", "b"]
        .iter()
        .flat_map(|name| (0..30).map(move |n| format!("Task/{name}{n}")))
        .collect();

    assert_eq!(after_deleting(&["store.db"]).await, all);
    assert_eq!(after_deleting(&["store.db", "store.db-wal"]).await, all);
    assert_eq!(after_deleting(&["store.db-wal"]).await, all);
}

#[tokio::test]
async fn another_file_in_the_place_of_an_open_database_is_never_written_over() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    save(&store, task("t1", "a dog")).await;
    let path = dir.path().join("store.db");
    fs::remove_file(&path).expect("deletes");
    fs::write(&path, "somebody else's").expect("writes");

    let refused = store
        .save_local(vec![put(task("t2", "words"))], audit("Task/t2"), NOW)
        .await;

    assert!(matches!(refused, Err(StoreError::Damaged)), "{refused:?}");
    assert_eq!(fs::read(&path).expect("reads"), b"somebody else's");
}
