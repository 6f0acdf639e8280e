//! The check against the server: what is lost, old or too much is found and mended, and what is unsent stays.

mod common;

use common::*;
use hms_core::sync::digest::{leaf_of, Leaves};
use hms_model::wire::digest::WireLeaf;
use hms_model::wire::sync::{ChangeBody, GoneWhy, WireChange};
use hms_store::Store;
use std::collections::BTreeMap;
use std::path::Path;

/// What the server gives: versions by id.
type Server = BTreeMap<String, String>;

fn server(rows: &[(&str, &str)]) -> Server {
    rows.iter()
        .map(|(id, version)| ((*id).to_owned(), (*version).to_owned()))
        .collect()
}

fn sums(server: &Server) -> Leaves {
    let mut leaves = Leaves::default();
    for (id, version) in server {
        leaves.add(id, version);
    }
    leaves
}

/// What a device asks again, given the server's answer to its sums.
async fn differing(store: &Store, server: &Server) -> Vec<String> {
    let ranges = sums(server).differ(&store.leaves().await.expect("sums"));
    let listed = ranges
        .into_iter()
        .map(|leaf| WireLeaf {
            leaf,
            holds: server
                .iter()
                .filter(|(id, _)| leaf_of(id) == leaf)
                .map(|(a, b)| (a.clone(), b.clone()))
                .collect(),
        })
        .collect();
    store.differing(listed).await.expect("compares")
}

/// A store that holds three records of the server's, in their second version.
async fn with_three(dir: &Path) -> Store {
    let store = open(dir);
    let page = ["a", "b", "c"].map(|id| change(versioned(task(id, "first"), "2")));
    let applied = store.apply_page(page.to_vec(), "c1".into(), NOW).await;
    applied.expect("applies");
    store
}

fn gone(id: &str) -> WireChange {
    WireChange {
        change: ChangeBody::Gone {
            id: id.to_owned(),
            why: GoneWhy::OutOfScope,
        },
    }
}

#[tokio::test]
async fn a_lost_an_old_and_an_extra_record_are_found_and_mended() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = with_three(dir.path()).await;
    let all = server(&[("Task/a", "2"), ("Task/b", "2"), ("Task/c", "2")]);
    assert_eq!(differing(&store, &all).await, [""; 0]);

    // The server has one more, a newer one, and not the third.
    let other = server(&[("Task/a", "2"), ("Task/b", "3"), ("Task/d", "1")]);
    let mut found = differing(&store, &other).await;
    found.sort();
    assert_eq!(found, ["Task/b", "Task/c", "Task/d"]);
    let changes = vec![
        change(versioned(task("b", "second"), "3")),
        gone("Task/c"),
        change(versioned(task("d", "new"), "1")),
        // Asked for by mistake: it is here as it is there.
        change(versioned(task("a", "first"), "2")),
    ];
    let report = store.mend(changes, NOW).await.expect("mends");

    assert_eq!(report.changed, ["Task/b", "Task/c", "Task/d"]);
    assert_eq!(differing(&store, &other).await, [""; 0]);
    assert!(store.get("Task", "c").await.expect("reads").is_none());
    assert_eq!(
        store
            .get("Task", "b")
            .await
            .expect("reads")
            .expect("there")
            .resource["description"],
        "second"
    );
    assert_eq!(store.cursor().await.expect("reads").as_deref(), Some("c1"));
}

#[tokio::test]
async fn what_is_unsent_is_compared_by_what_it_stands_on_and_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = with_three(dir.path()).await;
    save(&store, versioned(task("a", "mine"), "2")).await;
    save(&store, task("new", "mine")).await;

    // Neither the edit nor what was made here is a difference, also where it has arrived and its result has not.
    let mut all = server(&[("Task/a", "2"), ("Task/b", "2"), ("Task/c", "2")]);
    assert_eq!(differing(&store, &all).await, [""; 0]);
    all.insert("Task/new".into(), "1".into());
    assert_eq!(differing(&store, &all).await, [""; 0]);

    // A newer version of what is edited here never came.
    all.insert("Task/a".into(), "5".into());
    assert_eq!(differing(&store, &all).await, ["Task/a"]);
    let mut newer = versioned(task("a", "first"), "5");
    newer["priority"] = serde_json::json!("urgent");
    store.mend(vec![change(newer)], NOW).await.expect("mends");

    let here = store.get("Task", "a").await.expect("reads").expect("there");
    assert_eq!(
        (&here.resource["description"], &here.resource["priority"]),
        (&"mine".into(), &"urgent".into())
    );
    assert!(here.pending);
    assert_eq!(differing(&store, &all).await, [""; 0]);

    // What is edited here and not for this person any more stays until its result comes.
    all.remove("Task/a");
    assert_eq!(differing(&store, &all).await, ["Task/a"]);
    store.mend(vec![gone("Task/a")], NOW).await.expect("mends");
    let here = store.get("Task", "a").await.expect("reads").expect("there");
    assert_eq!(here.resource["description"], "mine");
    assert_eq!(store.outbox().await.expect("outbox").len(), 2);
    assert_eq!(differing(&store, &all).await, [""; 0]);
}
