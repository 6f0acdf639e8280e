//! What comes from the server never overwrites what is unsent, and comes with its cursor or not at all.

mod common;

use common::{audit, change, done, open, put, refused, save, task, versioned, NOW};
use hms_core::outbox::StuckReason;
use hms_model::wire::sync::{Anew, ChangeBody, GoneWhy, WireChange, ON_ITS_DELETION};
use hms_store::{Applied, LocalChange, Store, StoreError};
use serde_json::{json, Value};

fn gone(id: &str, why: GoneWhy) -> WireChange {
    WireChange {
        change: ChangeBody::Gone { id: id.into(), why },
    }
}

async fn page(store: &Store, changes: Vec<WireChange>) -> hms_store::PageReport {
    store.apply_page(changes, "c".into(), NOW).await.expect("applies")
}

async fn shown(store: &Store) -> Value {
    store
        .get("Task", "t1")
        .await
        .expect("reads")
        .expect("is there")
        .resource
}

async fn taken(store: &Store) -> Vec<hms_model::wire::sync::WireOp> {
    store.take_batch(NOW, 50, 1 << 20).await.expect("takes")
}

#[tokio::test]
async fn a_page_and_its_cursor_come_together_or_not_at_all() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
    let bad = vec![
        change(versioned(task("t1", "b"), "2")),
        change(json!({ "resourceType": "Task" })),
    ];

    assert!(matches!(
        store.apply_page(bad, "d".into(), NOW).await,
        Err(StoreError::BadId)
    ));

    assert_eq!(store.cursor().await.expect("cursor").as_deref(), Some("c"));
    assert_eq!(shown(&store).await, versioned(task("t1", "a"), "1"));
}

#[tokio::test]
async fn changes_to_different_elements_merge_and_go_out_on_the_new_version() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
    save(&store, versioned(task("t1", "ours"), "1")).await;
    let mut theirs = versioned(task("t1", "a"), "2");
    theirs["priority"] = json!("stat");

    let report = page(&store, vec![change(theirs)]).await;

    assert_eq!(report.conflicts, [""; 0]);
    let mut merged = versioned(task("t1", "ours"), "2");
    merged["priority"] = json!("stat");
    assert_eq!(shown(&store).await, merged);
    let batch = taken(&store).await;
    assert_eq!(
        (batch[0].base.as_deref(), batch[0].resource.as_ref()),
        (Some("2"), Some(&merged))
    );
}

#[tokio::test]
async fn a_change_that_may_have_arrived_keeps_the_newer_version_beside_it() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let op = save(&store, task("t1", "a")).await;
    taken(&store).await;
    // The answer was lost; a clinician claimed the task meanwhile.
    let mut claimed = versioned(task("t1", "a"), "2");
    claimed["status"] = json!("accepted");
    page(&store, vec![change(claimed.clone())]).await;
    assert_eq!(shown(&store).await, task("t1", "a"));

    let applied = store.apply_result(&done(op, "1"), NOW, 1).await.expect("applies");

    assert!(matches!(applied, Applied::Done { .. }));
    assert_eq!(shown(&store).await, claimed);
    assert_eq!(
        store
            .get("Task", "t1")
            .await
            .expect("reads")
            .expect("there")
            .version
            .as_deref(),
        Some("2")
    );
}

#[tokio::test]
async fn the_same_element_changed_twice_is_settled_by_a_person() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
    let pair = vec![
        put(versioned(task("t1", "ours"), "1")),
        put(task("t2", "with it")),
    ];
    let ops = store
        .save_local(pair, audit("Task/t1"), NOW)
        .await
        .expect("saves");
    taken(&store).await;
    for op in &ops {
        store
            .apply_result(&refused(*op, 409), NOW, 1)
            .await
            .expect("applies");
    }

    let report = page(&store, vec![change(versioned(task("t1", "theirs"), "2"))]).await;

    assert_eq!(report.conflicts, ["Task/t1"]);
    assert_eq!(shown(&store).await["description"], "ours");
    let open = store.conflicts().await.expect("conflicts");
    assert_eq!(open.len(), 1);
    assert_eq!(
        (open[0].elements.clone(), open[0].remote_version.as_deref()),
        (vec!["description".into()], Some("2"))
    );
    assert!(taken(&store).await.is_empty());

    let chosen = Some(versioned(task("t1", "both"), "2"));
    store
        .settle_conflict("Task/t1", chosen, audit("Task/t1"), NOW)
        .await
        .expect("settles")
        .expect("queued");

    assert_eq!(store.conflicts().await.expect("conflicts"), []);
    let batch = taken(&store).await;
    assert_eq!(batch.len(), 2, "what was held with it goes, too");
    let ours = batch.iter().find(|op| op.id == "Task/t1").expect("queued");
    assert_eq!((ours.base.as_deref(), ours.op > ops[1]), (Some("2"), true));
}

#[tokio::test]
async fn choosing_the_servers_version_leaves_nothing_to_send() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    save(&store, task("t1", "ours")).await;
    page(&store, vec![change(versioned(task("t1", "theirs"), "1"))]).await;
    let theirs = store.conflicts().await.expect("conflicts")[0].remote.clone();

    let op = store
        .settle_conflict("Task/t1", theirs, audit("Task/t1"), NOW)
        .await
        .expect("settles");

    assert_eq!(op, None);
    assert_eq!(shown(&store).await["description"], "theirs");
    assert_eq!(store.counts().await.expect("counts").unsent, 0);
}

#[tokio::test]
async fn a_conflict_that_turns_out_to_be_none_goes_on_by_itself() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
    let op = save(&store, versioned(task("t1", "ours"), "1")).await;
    taken(&store).await;
    store
        .apply_result(&refused(op, 412), NOW, 1)
        .await
        .expect("applies");
    let mut theirs = versioned(task("t1", "a"), "2");
    theirs["priority"] = json!("stat");

    page(&store, vec![change(theirs)]).await;

    let batch = taken(&store).await;
    assert_eq!(
        (batch.len(), batch[0].base.as_deref(), batch[0].op > op),
        (1, Some("2"), true)
    );
    assert_eq!(store.conflicts().await.expect("conflicts"), []);
}

#[tokio::test]
async fn records_leave_when_access_ends_but_what_is_unsent_stays() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(
        &store,
        vec![
            change(versioned(task("t1", "a"), "1")),
            change(versioned(task("t2", "b"), "1")),
        ],
    )
    .await;
    let op = save(&store, versioned(task("t1", "ours"), "1")).await;

    page(
        &store,
        vec![
            gone("Task/t1", GoneWhy::OutOfScope),
            gone("Task/t2", GoneWhy::OutOfScope),
        ],
    )
    .await;

    assert_eq!(store.get("Task", "t2").await.expect("reads"), None);
    assert_eq!(shown(&store).await["description"], "ours");
    taken(&store).await;
    store.apply_result(&done(op, "2"), NOW, 1).await.expect("applies");
    assert_eq!(store.get("Task", "t1").await.expect("reads"), None);
}

#[tokio::test]
async fn an_old_result_of_what_was_offered_again_is_not_taken_for_a_newer_version() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
    let op = save(&store, versioned(task("t1", "ours"), "1")).await;
    taken(&store).await;
    store.apply_result(&done(op, "2"), NOW, 1).await.expect("applies");
    page(&store, vec![gone("Task/t1", GoneWhy::Deleted)]).await;
    // The server was put back to a backup: what it had acknowledged is offered again, and somebody made it again since.
    store
        .begin_anew(Anew::Restored, "c".into(), NOW)
        .await
        .expect("begins");
    let offered = taken(&store).await;
    assert_eq!(offered.len(), 1);
    let made_again = versioned(task("t1", "theirs"), "5");
    page(&store, vec![change(made_again.clone())]).await;

    // It had the words already, as the second version.
    store
        .apply_result(&done(offered[0].op, "2"), NOW, 1)
        .await
        .expect("applies");

    assert_eq!(shown(&store).await, made_again);
    let kept = store.get("Task", "t1").await.expect("reads").expect("there");
    assert_eq!(kept.version.as_deref(), Some("5"));
}

#[tokio::test]
async fn a_conflict_with_what_is_not_offered_any_more_is_asked_again_once_under_a_new_number() {
    for (anew, status) in [(true, 410), (false, 410), (true, 409), (false, 409)] {
        let dir = tempfile::tempdir().expect("dir");
        let store = open(dir.path());
        page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
        let op = save(&store, versioned(task("t1", "ours"), "1")).await;
        taken(&store).await;
        // Remembered of the first try; what it was in conflict with has not been seen here.
        store
            .apply_result(&refused(op, 412), NOW, 1)
            .await
            .expect("applies");
        assert!(store.conflicts().await.expect("reads").is_empty());
        assert!(taken(&store).await.is_empty());

        if anew {
            // Deleted meanwhile: where all in scope comes anew, that is known only by its not coming.
            store
                .begin_anew(Anew::Scope, "c".into(), NOW)
                .await
                .expect("begins");
            store.end_exchange().await.expect("ends");
        } else {
            page(&store, vec![gone("Task/t1", GoneWhy::OutOfScope)]).await;
        }

        let again = taken(&store).await;
        assert_eq!(again.len(), 1, "anew {anew}");
        assert_ne!(again[0].op, op, "the old number has its answer");
        store
            .apply_result(&refused(again[0].op, status), NOW, 1)
            .await
            .expect("applies");
        store.end_exchange().await.expect("ends");
        assert!(taken(&store).await.is_empty(), "it is not asked on and on");
        let waits = store.outbox().await.expect("reads");
        assert_eq!(waits.len(), 1, "the words stay");
        match (status, &waits[0].stuck) {
            // Deleted: for a person to settle.
            (410, Some(StuckReason::Conflict)) => {
                assert_eq!(store.conflicts().await.expect("reads").len(), 1);
            }
            // There, and not for this person: refused, and said.
            (409, Some(StuckReason::Rejected { status: 409, .. })) => {}
            other => panic!("anew {anew}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn deleted_there_and_changed_here_is_settled_by_a_person() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
    save(&store, versioned(task("t1", "ours"), "1")).await;

    let report = page(&store, vec![gone("Task/t1", GoneWhy::Deleted)]).await;

    assert_eq!(report.conflicts, ["Task/t1"]);
    assert_eq!(shown(&store).await["description"], "ours");
    let none = store
        .settle_conflict("Task/t1", None, audit("Task/t1"), NOW)
        .await
        .expect("settles");
    assert_eq!(none, None);
    assert_eq!(store.get("Task", "t1").await.expect("reads"), None);
}

#[tokio::test]
async fn while_a_change_waits_an_open_question_shows_what_the_server_has_now() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
    let op = save(&store, versioned(task("t1", "ours"), "1")).await;
    taken(&store).await;
    store.apply_result(&done(op, "2"), NOW, 1).await.expect("applies");
    save(&store, versioned(task("t1", "ours, and more"), "2")).await;
    page(&store, vec![gone("Task/t1", GoneWhy::Deleted)]).await;
    let asked = store.conflicts().await.expect("conflicts");
    assert_eq!((asked.len(), &asked[0].remote), (1, &None));
    store
        .begin_anew(Anew::Restored, "c".into(), NOW)
        .await
        .expect("begins");

    // The backup knows nothing of the deletion; then the record is deleted once more.
    let theirs = versioned(task("t1", "a"), "1");
    page(&store, vec![change(theirs.clone())]).await;
    let here = store.conflicts().await.expect("conflicts");
    page(&store, vec![gone("Task/t1", GoneWhy::Deleted)]).await;
    let gone = store.conflicts().await.expect("conflicts");

    assert_eq!((here.len(), here[0].remote.as_ref()), (1, Some(&theirs)));
    assert_eq!(here[0].remote_version.as_deref(), Some("1"));
    assert_eq!(
        (gone.len(), &gone[0].remote, &gone[0].remote_version),
        (1, &None, &None)
    );
}

#[tokio::test]
async fn what_a_person_keeps_after_a_deletion_there_is_made_again_on_top_of_it() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
    save(&store, versioned(task("t1", "ours"), "1")).await;
    page(&store, vec![gone("Task/t1", GoneWhy::Deleted)]).await;

    let kept = Some(versioned(task("t1", "ours"), "1"));
    let op = store
        .settle_conflict("Task/t1", kept, audit("Task/t1"), NOW)
        .await
        .expect("settles");
    // The deletion is told once more, as to a device that begins anew: nobody is asked again.
    let report = page(&store, vec![gone("Task/t1", GoneWhy::Deleted)]).await;

    assert_eq!(report.conflicts, Vec::<String>::new());
    let sent = taken(&store).await;
    assert_eq!((sent.len(), Some(sent[0].op)), (1, op));
    assert_eq!(sent[0].base.as_deref(), Some(ON_ITS_DELETION));
    assert_eq!(shown(&store).await["description"], "ours");

    // Typed on before the answer: the later words stand on the version that the first ones made.
    save(&store, task("t1", "ours, and more")).await;
    let made = done(sent[0].op, "3");
    store.apply_result(&made, NOW, 7).await.expect("applies");
    assert_eq!(taken(&store).await[0].base.as_deref(), Some("3"));
}

#[tokio::test]
async fn typing_on_in_a_conflict_keeps_the_words_and_the_question() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    save(&store, task("t1", "ours")).await;
    page(&store, vec![change(versioned(task("t1", "theirs"), "1"))]).await;

    save(&store, task("t1", "ours, and more")).await;

    let open = store.conflicts().await.expect("conflicts");
    assert_eq!(
        open[0].local.as_ref().expect("local")["description"],
        "ours, and more"
    );
    assert_eq!(shown(&store).await["description"], "ours, and more");
    assert_eq!(store.outbox().await.expect("outbox").len(), 1);
}

#[tokio::test]
async fn records_are_found_by_code_reference_date_and_text() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let mut claimed = versioned(task("t1", "a"), "1");
    claimed["status"] = json!("accepted");
    claimed["for"] = json!({ "reference": "Patient/dana" });
    claimed["code"] = json!({ "coding": [{ "system": "urn:x", "code": "review-report" }] });
    claimed["authoredOn"] = json!("2026-11-21T10:00:00Z");
    let person =
        json!({ "resourceType": "Patient", "id": "dana", "name": [{ "family": "Ruíz", "given": ["Dana"] }] });
    page(
        &store,
        vec![
            change(claimed),
            change(versioned(task("t2", "b"), "1")),
            change(person),
        ],
    )
    .await;
    let found = |kind: &'static str, param: &'static str, value: &'static str| {
        let store = store.clone();
        async move { store.search(kind, param, value).await.expect("searches").len() }
    };
    assert_eq!(found("Task", "status", "accepted").await, 1);
    assert_eq!(found("Task", "code", "urn:x|review-report").await, 1);
    assert_eq!(
        (
            found("Task", "code", "urn:x|").await,
            found("Task", "code", "urn:y|review-report").await
        ),
        (1, 0)
    );
    assert_eq!(found("Task", "patient", "Patient/dana").await, 1);
    assert_eq!(found("Task", "patient", "dana").await, 1);
    assert_eq!(found("Task", "authored-on", "2026-11-21").await, 1);
    assert_eq!(found("Task", "authored-on", "ge2026-11-22").await, 0);
    assert_eq!(found("Patient", "family", "rui").await, 1);

    let mut local = store
        .get("Task", "t1")
        .await
        .expect("reads")
        .expect("there")
        .resource;
    local["status"] = json!("completed");
    let change = LocalChange {
        base: Some("1".into()),
        ..put(local)
    };
    store
        .save_local(vec![change], audit("Task/t1"), NOW)
        .await
        .expect("saves");
    assert_eq!(
        (
            found("Task", "status", "accepted").await,
            found("Task", "status", "completed").await
        ),
        (0, 1)
    );
    assert!(matches!(
        store.search("Task", "nonsense", "x").await,
        Err(StoreError::BadSearch)
    ));
}

#[tokio::test]
async fn who_may_not_bring_back_what_was_deleted_can_still_take_the_deletion() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    page(&store, vec![change(versioned(task("t1", "a"), "1"))]).await;
    let ours = versioned(task("t1", "ours"), "1");
    save(&store, ours.clone()).await;
    page(&store, vec![gone("Task/t1", GoneWhy::Deleted)]).await;
    let op = store
        .settle_conflict("Task/t1", Some(ours), audit("Task/t1"), NOW)
        .await
        .expect("settles")
        .expect("something to send");
    assert_eq!(taken(&store).await[0].base.as_deref(), Some("deleted"));

    store
        .apply_result(&refused(op, 403), NOW, 1)
        .await
        .expect("applies");

    assert_eq!(shown(&store).await["description"], "ours", "the words stay");
    let asked = store.conflicts().await.expect("reads");
    assert_eq!((asked.len(), &asked[0].remote), (1, &None));
    store
        .settle_conflict("Task/t1", None, audit("Task/t1"), NOW)
        .await
        .expect("settles");
    assert_eq!(store.counts().await.expect("counts").unsent, 0);
    assert_eq!(store.get("Task", "t1").await.expect("reads"), None);
}
