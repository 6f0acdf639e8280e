//! What a person saves waits until the server has it, in order, and nothing holds up anything else.

mod common;

use common::{audit, done, open, put, receipt, refused, save, task, NOW};
use hms_core::outbox::{Failure, StuckReason};
use hms_model::time::Timestamp;
use hms_model::wire::sync::WireResult;
use hms_store::{Applied, LocalChange, Store, StoreError};
use serde_json::json;

async fn take(store: &Store, now: Timestamp) -> Vec<i64> {
    store
        .take_batch(now, 50, 1 << 20)
        .await
        .expect("takes")
        .iter()
        .map(|op| op.op)
        .collect()
}

#[tokio::test]
async fn a_save_is_shown_queued_and_audited_at_once_and_gone_with_its_receipt() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let op = save(&store, task("t1", "first")).await;

    let stored = store.get("Task", "t1").await.expect("reads").expect("is there");
    assert!(stored.pending && stored.version.is_none());
    assert_eq!(store.outbox().await.expect("outbox").len(), 1);
    assert_eq!(store.audit_newest(9).await.expect("audit").len(), 1);

    let batch = store.take_batch(NOW, 50, 1 << 20).await.expect("takes");
    assert_eq!((batch.len(), batch[0].op, batch[0].group), (1, op, None));
    let result = WireResult {
        receipt: Some(receipt("HMS-4821")),
        ..done(op, "1")
    };
    let applied = store.apply_result(&result, NOW, 1).await.expect("applies");

    assert_eq!(
        applied,
        Applied::Done {
            id: "Task/t1".into(),
            receipt: Some(receipt("HMS-4821"))
        }
    );
    let stored = store.get("Task", "t1").await.expect("reads").expect("is there");
    assert!(!stored.pending && stored.version.as_deref() == Some("1"));
    assert_eq!(
        store.receipt("Task/t1").await.expect("receipt"),
        Some(receipt("HMS-4821"))
    );
    assert_eq!(
        store.apply_result(&result, NOW, 1).await.expect("again"),
        Applied::Unknown
    );
}

#[tokio::test]
async fn a_group_travels_whole_and_words_go_before_photos() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let photo = json!({ "resourceType": "Binary", "id": "p1", "contentType": "image/jpeg", "data": "/9j/" });
    let photo = save(&store, photo).await;
    let pair = vec![put(task("t1", "a")), put(task("t2", "b"))];
    let pair = store
        .save_local(pair, audit("Task/t1"), NOW)
        .await
        .expect("saves");

    let batch = store.take_batch(NOW, 1, 1).await.expect("takes");
    assert_eq!(batch.iter().map(|op| op.op).collect::<Vec<_>>(), pair);
    assert!(batch[0].group.is_some() && batch[0].group == batch[1].group);

    for op in pair {
        store.apply_result(&done(op, "1"), NOW, 1).await.expect("applies");
    }
    assert_eq!(take(&store, NOW).await, [photo]);
}

#[tokio::test]
async fn an_edit_before_sending_replaces_and_one_after_sending_follows() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let first = save(&store, task("t1", "a")).await;
    assert_eq!(save(&store, task("t1", "b")).await, first);
    let batch = store.take_batch(NOW, 50, 1 << 20).await.expect("takes");
    assert_eq!(batch[0].resource, Some(task("t1", "b")));

    // It may have arrived: the server answers this number with the first result, so the edit needs its own.
    let second = save(&store, task("t1", "c")).await;
    assert!(second > first);
    assert_eq!(take(&store, NOW).await, [first]);
    store
        .apply_result(&done(first, "1"), NOW, 1)
        .await
        .expect("applies");

    let batch = store.take_batch(NOW, 50, 1 << 20).await.expect("takes");
    assert_eq!((batch[0].op, batch[0].base.as_deref()), (second, Some("1")));
    let shown = store.get("Task", "t1").await.expect("reads").expect("is there");
    assert_eq!(shown.resource, task("t1", "c"));
}

#[tokio::test]
async fn a_refused_change_blocks_nothing_else_and_goes_again_once_put_right() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let pair = vec![put(task("t1", "bad")), put(task("t2", "with it"))];
    let pair = store
        .save_local(pair, audit("Task/t1"), NOW)
        .await
        .expect("saves");
    let other = save(&store, task("t3", "other")).await;
    take(&store, NOW).await;
    let outcome = Some(json!({ "issue": [{ "expression": ["Task.item(where)"] }] }));
    let applied = store
        .apply_result(
            &WireResult {
                outcome,
                ..refused(pair[0], 422)
            },
            NOW,
            1,
        )
        .await
        .expect("applies");
    assert_eq!(
        applied,
        Applied::Stuck(StuckReason::Rejected {
            question: "where".into(),
            status: 422
        })
    );
    store
        .apply_result(&refused(pair[1], 424), NOW, 1)
        .await
        .expect("applies");
    assert_eq!(take(&store, NOW).await, [other]);
    store
        .apply_result(&done(other, "1"), NOW, 1)
        .await
        .expect("applies");
    assert_eq!(store.next_due().await.expect("due"), None);

    save(&store, task("t1", "good")).await;

    let batch = store.take_batch(NOW, 50, 1 << 20).await.expect("takes");
    assert_eq!(batch.len(), 2);
    assert!(
        batch.iter().all(|op| op.op > other),
        "new numbers, or the server repeats its refusal"
    );
    assert!(batch.iter().any(|op| op.resource == Some(task("t1", "good"))));
    assert_eq!(batch[0].group, batch[1].group);
    assert!(batch[0].group.is_some());
}

#[tokio::test]
async fn a_refused_change_can_be_sent_again_as_it_is() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let op = save(&store, task("t1", "a")).await;
    let later = store
        .save_local(vec![put(task("t2", "b"))], audit("Task/t2"), NOW)
        .await
        .expect("saves")[0];
    take(&store, NOW).await;
    store
        .apply_result(&refused(op, 403), NOW, 1)
        .await
        .expect("applies");

    store.retry(op).await.expect("retries");

    let outbox = store.outbox().await.expect("outbox");
    assert_eq!(
        outbox.iter().map(|row| row.stuck.is_some()).collect::<Vec<_>>(),
        [false, false]
    );
    assert!(outbox.iter().any(|row| row.op == later) && outbox.iter().all(|row| row.op != op));
    assert!(matches!(store.retry(999).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn failures_wait_longer_each_time_and_sign_in_waits_for_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let op = save(&store, task("t1", "a")).await;
    let mut now = NOW;
    let mut last = 0;
    for _ in 0..5 {
        assert_eq!(take(&store, now).await, [op]);
        store
            .apply_failure(vec![op], Failure::Transient, now, 1)
            .await
            .expect("notes");
        let due = store.next_due().await.expect("due").expect("waits");
        assert!(due.since_ms(now) > last / 2, "grows");
        last = due.since_ms(now);
        assert_eq!(take(&store, now).await, [0_i64; 0]);
        now = due;
    }
    assert_eq!(take(&store, now).await, [op]);
    store
        .apply_failure(vec![op], Failure::AuthNeeded, now, 1)
        .await
        .expect("notes");
    assert_eq!(take(&store, now).await, [op]);
    store
        .apply_failure(vec![op], Failure::Transient, now, 1)
        .await
        .expect("notes");
    store.lift_waits().await.expect("lifts");
    assert_eq!(take(&store, now).await, [op]);
}

#[tokio::test]
async fn a_wait_that_a_wrong_clock_set_does_not_hold() {
    const TEN_YEARS: i64 = 10 * 365 * 86_400_000;
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let op = save(&store, task("t1", "a")).await;
    let ahead = NOW.plus_ms(TEN_YEARS);
    assert_eq!(take(&store, ahead).await, [op]);
    store
        .apply_failure(vec![op], Failure::Transient, ahead, 1)
        .await
        .expect("notes");
    assert_eq!(take(&store, ahead).await, [0_i64; 0]);

    assert_eq!(take(&store, NOW).await, [op]);
}

#[tokio::test]
async fn deletes_wait_like_any_change() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let made = save(&store, task("t1", "a")).await;
    take(&store, NOW).await;
    store
        .apply_result(&done(made, "1"), NOW, 1)
        .await
        .expect("applies");
    let gone = LocalChange {
        id: "Task/t1".into(),
        resource: None,
        base: Some("1".into()),
    };
    let op = store
        .save_local(vec![gone], audit("Task/t1"), NOW)
        .await
        .expect("saves")[0];

    assert_eq!(store.get("Task", "t1").await.expect("reads"), None);
    let batch = store.take_batch(NOW, 50, 1 << 20).await.expect("takes");
    assert_eq!((batch[0].base.as_deref(), &batch[0].resource), (Some("1"), &None));
    store
        .apply_result(
            &WireResult {
                status: 204,
                ..done(op, "2")
            },
            NOW,
            1,
        )
        .await
        .expect("applies");
    assert_eq!(store.counts().await.expect("counts").unsent, 0);
}

#[tokio::test]
async fn what_a_person_did_not_see_is_not_overwritten() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let seen_old = LocalChange {
        base: Some("3".into()),
        ..put(task("t1", "a"))
    };
    let saved = store.save_local(vec![seen_old], audit("Task/t1"), NOW).await;
    assert!(matches!(saved, Err(StoreError::Stale)));
    assert_eq!(store.get("Task", "t1").await.expect("reads"), None);
    for bad in ["Task", "Task/", "Task/a/b", "Task/a b", "/a"] {
        let change = LocalChange {
            id: bad.into(),
            resource: None,
            base: None,
        };
        assert!(
            matches!(
                store.save_local(vec![change], audit(bad), NOW).await,
                Err(StoreError::BadId)
            ),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn forms_checks_photos_and_settings_are_kept() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    store
        .draft_put("d1", json!({ "step": 1 }), NOW)
        .await
        .expect("keeps");
    store
        .draft_put("d1", json!({ "step": 2 }), NOW.plus_ms(1))
        .await
        .expect("keeps");
    store
        .check_put("c1", json!({ "q": "x" }), NOW)
        .await
        .expect("keeps");
    let bytes: Vec<u8> = (0..700_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let blob = hms_store::Blob {
        content_type: "image/jpeg".into(),
        bytes,
    };
    store.blob_put("p1", blob.clone(), NOW).await.expect("keeps");
    store
        .meta_put("language", Some("es".into()))
        .await
        .expect("keeps");
    store.close().await;

    let store = open(dir.path());
    assert_eq!(
        store
            .draft_get("d1")
            .await
            .expect("reads")
            .expect("is there")
            .body,
        json!({ "step": 2 })
    );
    assert_eq!(store.check_list().await.expect("lists").len(), 1);
    assert_eq!(store.blob_get("p1").await.expect("reads"), Some(blob));
    assert_eq!(
        store.meta_get("language").await.expect("reads").as_deref(),
        Some("es")
    );
    store.blob_delete("p1").await.expect("removes");
    store.draft_delete("d1").await.expect("removes");
    store.meta_put("language", None).await.expect("removes");
    assert_eq!(store.blob_get("p1").await.expect("reads"), None);
    assert_eq!(store.draft_list().await.expect("lists"), []);
    assert_eq!(store.meta_get("language").await.expect("reads"), None);
}

#[tokio::test]
async fn what_the_server_does_not_know_is_told_after_a_few_tries_and_tried_on() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    save(&store, task("t1", "ours")).await;
    let mut now = NOW;
    for n in 1..=9 {
        let sent = store.take_batch(now, 50, 1 << 20).await.expect("takes");
        assert_eq!(sent.len(), 1, "try {n}");

        let applied = store.apply_result(&refused(sent[0].op, 404), now, 7).await;

        assert!(matches!(applied, Ok(Applied::Later(_))), "try {n}: {applied:?}");
        let row = store.outbox().await.expect("outbox").remove(0);
        assert_eq!((row.absent, row.stuck), (n >= 8, None), "try {n}");
        now = row.not_before;
    }

    // Its author's phone has brought it: nothing is left of the note.
    let sent = store.take_batch(now, 50, 1 << 20).await.expect("takes");
    store
        .apply_result(&done(sent[0].op, "2"), now, 7)
        .await
        .expect("applies");
    assert_eq!(store.outbox().await.expect("outbox"), []);
}
