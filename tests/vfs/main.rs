//! Power cuts: everything that the store writes and syncs is written down, and every moment of it is played again: as
//! after a kill (all that was written is there), as after a power cut (only what was synced is there), and in between
//! (some of it, the last write torn). At each the store is opened and must hold what it had said was done, or that and
//! the whole of what it was doing.

#[path = "../world/device.rs"]
#[expect(dead_code, reason = "the world's histories use the rest")]
mod device;
#[path = "../../crates/server/tests/exchange/world.rs"]
#[expect(dead_code, reason = "the server's own tests use the rest")]
mod district;
mod exchange;
#[path = "../world/link.rs"]
#[expect(dead_code, reason = "the world's histories use the rest")]
mod link;
mod replay;
#[path = "../world/server.rs"]
#[expect(dead_code, reason = "the world's histories use the rest")]
mod server;
mod shim;

use hms_core::outbox::Failure;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::session::WireSealed;
use hms_model::wire::sync::{Anew, ChangeBody, GoneWhy, WireChange, WireReceipt, WireResult};
use hms_store::{AuditRow, Blob, Journal, LocalChange, Store};
use replay::{Cut, Disk};
use serde_json::{json, Value};
use std::path::Path;

const KEY: [u8; 32] = [7; 32];
const NOW: Timestamp = Timestamp(1_795_000_000_000);

/// What the store had said was done, at a length of the log.
struct Step {
    name: &'static str,
    ended: usize,
    holds: String,
}

/// Everything that a person or the server was told, in one text.
async fn holds(store: &Store) -> String {
    let mut all = Vec::new();
    for kind in ["QuestionnaireResponse", "Task"] {
        all.push(format!("{:?}", store.list(kind).await.expect("reads")));
    }
    all.push(format!("{:?}", store.outbox().await.expect("reads")));
    all.push(format!("{:?}", store.receipts().await.expect("reads")));
    all.push(format!("{:?}", store.conflicts().await.expect("reads")));
    all.push(format!("{:?}", store.draft_list().await.expect("reads")));
    all.push(format!("{:?}", store.cursor().await.expect("reads")));
    all.push(format!("{:?}", store.blob_get("photo").await.expect("reads")));
    all.join("\n")
}

fn report(id: &str, words: &str) -> Value {
    json!({ "resourceType": "QuestionnaireResponse", "id": id, "status": "completed",
        "item": [{ "linkId": "note", "answer": [{ "valueString": words }] }] })
}

fn task(id: &str, words: &str, version: Option<&str>) -> Value {
    let mut task = json!({ "resourceType": "Task", "id": id, "status": "requested", "intent": "order",
        "description": words });
    if let Some(version) = version {
        task["meta"] = json!({ "versionId": version });
    }
    task
}

fn audit(subject: &str) -> AuditRow {
    AuditRow {
        who: Some("dana".into()),
        action: "save".into(),
        subject: subject.into(),
    }
}

fn result(op: i64, status: u16, version: Option<&str>) -> WireResult {
    WireResult {
        op,
        status,
        version: version.map(str::to_owned),
        receipt: (status == 201).then(|| WireReceipt {
            number: "HMS-1".into(),
            at: "2026-11-21T17:05:00.000Z".into(),
        }),
        outcome: None,
    }
}

fn put(resource: Value) -> LocalChange {
    LocalChange::put(resource).expect("a resource")
}

fn change(resource: Value) -> WireChange {
    WireChange {
        change: ChangeBody::Resource(resource),
    }
}

/// Opens a new profile and does everything that a store does once; each step is one promise.
async fn play(dir: &Path) -> Vec<Step> {
    shim::begin(dir);
    let mut steps = Vec::new();
    let store = Store::open(dir, &Secret::new(KEY)).expect("opens");
    let empty = holds(&store).await;
    steps.push(Step {
        name: "nothing",
        ended: 0,
        holds: empty.clone(),
    });
    macro_rules! step {
        ($name:literal, $did:expr) => {
            let done = $did.await.expect($name);
            steps.push(Step {
                name: $name,
                ended: shim::length(),
                holds: holds(&store).await,
            });
            let _given = done;
        };
    }
    step!("a new file and its schema", async { Ok::<_, ()>(()) });
    step!(
        "a form is kept",
        store.draft_put("d1", json!({ "what": "animal" }), NOW)
    );
    step!(
        "a report and its entry are saved",
        store.save_local(
            vec![put(report("r1", "bitten")), put(task("r1-task", "look", None))],
            audit("QuestionnaireResponse/r1"),
            NOW
        )
    );
    step!("the form is gone", store.draft_delete("d1"));
    step!(
        "a photo is kept",
        store.blob_put(
            "photo",
            Blob {
                content_type: "image/jpeg".into(),
                bytes: vec![0xFF; 20_000]
            },
            NOW
        )
    );
    step!("a batch is taken", store.take_batch(NOW, 50, 1 << 20));
    step!(
        "a receipt comes",
        store.apply_result(&result(1, 201, Some("1")), NOW, 7)
    );
    step!(
        "an exchange fails",
        store.apply_failure(vec![2], Failure::Transient, NOW, 7)
    );
    step!(
        "the rest is taken again",
        store.take_batch(NOW.plus_ms(3_600_000), 50, 1 << 20)
    );
    step!(
        "the second result comes",
        store.apply_result(&result(2, 200, Some("1")), NOW, 7)
    );
    step!(
        "a page and its cursor",
        store.apply_page(
            (0..20)
                .map(|n| change(task(&format!("t{n}"), "from the server", Some("1"))))
                .collect(),
            "e1.20.ab".into(),
            NOW
        )
    );
    step!(
        "an edit is saved",
        store.save_local(vec![put(task("t3", "mine", Some("1")))], audit("Task/t3"), NOW)
    );
    step!(
        "a newer version conflicts with it",
        store.apply_page(
            vec![
                change(task("t3", "theirs", Some("2"))),
                WireChange {
                    change: ChangeBody::Gone {
                        id: "Task/t4".into(),
                        why: GoneWhy::Deleted
                    }
                }
            ],
            "e1.22.ab".into(),
            NOW
        )
    );
    step!(
        "a person settles it",
        store.settle_conflict(
            "Task/t3",
            Some(task("t3", "mine after all", Some("2"))),
            audit("Task/t3"),
            NOW
        )
    );
    step!(
        "the server was put back: what it had is offered again",
        store.begin_anew(Anew::Restored, "e2.0.ab.30".into(), NOW)
    );
    let again = store.take_batch(NOW, 50, 1 << 20).await.expect("takes");
    steps.push(Step {
        name: "what is offered again is taken",
        ended: shim::length(),
        holds: holds(&store).await,
    });
    for op in again {
        let done = result(op.op, 201, Some("1"));
        step!("its result comes", store.apply_result(&done, NOW, 7));
    }
    step!(
        "another scope",
        store.begin_anew(Anew::Scope, "e2.0.cd.30".into(), NOW)
    );
    step!("what did not come again goes", store.end_exchange());
    let holds_at_last = steps.last().map(|step| step.holds.clone()).unwrap_or_default();
    // The log is written into the database and cut, and the file closed.
    store.close().await;
    steps.push(Step {
        name: "closed",
        ended: shim::length(),
        holds: holds_at_last,
    });
    steps
}

#[tokio::test]
async fn a_power_cut_at_any_write_or_sync_loses_nothing_that_was_promised() {
    let _alone = shim::alone().await;
    let dir = in_memory();
    let steps = play(dir.path()).await;
    let events = shim::end();
    let (mut disk, mut cuts, mut opened) = (Disk::default(), 0, 0);
    let mut last: Option<Vec<(String, Vec<u8>)>> = None;
    for (n, event) in std::iter::once(None).chain(events.iter().map(Some)).enumerate() {
        if let Some(event) = event {
            disk.take(event);
        }
        // The last step that had ended, and the one that was under way.
        let ended = steps.iter().rposition(|step| step.ended <= n).expect("the first");
        let now = &steps[ended];
        let next = steps.get(ended + 1).unwrap_or(now);
        for cut in Cut::at(n) {
            let image = disk.image(cut);
            cuts += 1;
            if last.as_ref() == Some(&image) {
                continue;
            }
            let found = open(&image).await;
            opened += 1;
            assert!(
                found == now.holds || found == next.holds,
                "event {n} ({:?}), {cut:?}, after \"{}\", during \"{}\":\n{found}\n\nexpected\n{}",
                event.map(replay::describe),
                now.name,
                next.name,
                now.holds
            );
            last = Some(image);
        }
    }
    println!(
        "counts: power cuts of the store: {} steps, {} writes and syncs, {cuts} cuts, {opened} of them with another disk: none lost anything",
        steps.len(),
        events.len()
    );
    // A scenario that hardly writes proves little.
    assert!(opened > 200, "{opened}");
}

/// A profile as a cut left it.
fn folder_of(image: &[(String, Vec<u8>)]) -> tempfile::TempDir {
    let dir = in_memory();
    for (name, bytes) in image {
        std::fs::write(dir.path().join(name), bytes).expect("writes");
    }
    // The reserve is megabytes, and none of this.
    std::fs::write(dir.path().join("reserve.bin"), b"x").expect("writes");
    dir
}

async fn open(image: &[(String, Vec<u8>)]) -> String {
    let dir = folder_of(image);
    let store =
        Store::open(dir.path(), &Secret::new(KEY)).unwrap_or_else(|error| panic!("does not open: {error:?}"));
    let found = holds(&store).await;
    store.close().await;
    found
}

fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() {
        "/dev/shm".into()
    } else {
        std::env::temp_dir()
    })
    .expect("a folder")
}

/// The journal is appended to (its tail torn at every byte: the journal's own tests) or written anew beside itself and
/// put in its place. Cut while it is written anew, the old one holds; cut behind, one of the two does.
#[test]
fn a_journal_that_is_written_anew_is_whole_at_every_byte() {
    let entry = |id: &str| WireSealed {
        id: id.into(),
        enc: "e".into(),
        ciphertext: "sealed".into(),
    };
    let ids = |journal: &Journal| -> Vec<String> {
        journal
            .entries()
            .into_iter()
            .map(|entry| entry.id.clone())
            .collect()
    };
    let dir = in_memory();
    let path = dir.path().join("unsent.sealed");
    let mut journal = Journal::open(&path).expect("opens");
    for id in ["a", "b", "c"] {
        journal.append(&entry(id)).expect("appends");
    }
    let old = std::fs::read(&path).expect("bytes");
    journal.prune(&["b"]).expect("prunes");
    let new = std::fs::read(&path).expect("bytes");
    assert!(new.len() < old.len());

    for cut in 0..=new.len() {
        std::fs::write(&path, &old).expect("the old one");
        std::fs::write(dir.path().join("unsent.sealed.new"), &new[..cut])
            .expect("what was written of the new one");

        let mut journal = Journal::open(&path).expect("opens");

        assert_eq!(ids(&journal), ["a", "b", "c"], "cut at {cut}");
        journal.prune(&["b"]).expect("prunes again");
        assert_eq!(
            ids(&Journal::open(&path).expect("opens")),
            ["a", "c"],
            "cut at {cut}"
        );
    }
}
