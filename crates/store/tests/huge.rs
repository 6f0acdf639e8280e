//! More than any phone will hold: two hundred thousand records and ten thousand changes in the queue. Takes minutes,
//! so only `HMS_DEEP=1` runs it whole.

mod common;

use common::{audit, change, done, open, put, task, versioned, NOW};
use hms_store::{Query, Store};
use std::time::{Duration, Instant};

async fn fill(store: &Store, records: usize) {
    for first in (0..records).step_by(1_800) {
        let last = records.min(first + 1_800);
        let page = (first..last).map(|n| change(versioned(task(&format!("r{n}"), "a dog"), "1")));
        store
            .apply_page(page.collect(), last.to_string(), NOW)
            .await
            .expect("applies");
    }
}

#[tokio::test]
async fn two_hundred_thousand_records_and_ten_thousand_queued_changes_are_held_found_and_sent() {
    let (records, queued, a_batch) = match std::env::var_os("HMS_DEEP") {
        Some(_) => (200_000, 10_000, 500),
        None => (4_000, 400, 100),
    };
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    fill(&store, records).await;
    for n in 0..queued / 20 {
        let group = (0..20)
            .map(|m| put(task(&format!("q{}", n * 20 + m), "mine")))
            .collect();
        store
            .save_local(group, audit("Task/q"), NOW)
            .await
            .expect("saves");
    }
    assert_eq!(store.counts().await.expect("counts").unsent as usize, queued);
    store.close().await;

    let began = Instant::now();
    let store = open(dir.path());
    let one = store
        .get("Task", &format!("r{}", records / 2))
        .await
        .expect("reads");
    assert!(one.is_some());
    let found = Query::of("Task")
        .where_is("status", "requested")
        .expect("a search");
    let found = store.find(found.at_most(50)).await.expect("finds");
    assert_eq!(found.records.len(), 50);
    let opened = began.elapsed();

    let (mut sent, mut longest) = (0, Duration::ZERO);
    for _ in 0..queued / a_batch {
        let began = Instant::now();
        let ops = store.take_batch(NOW, a_batch, 1 << 20).await.expect("takes");
        longest = longest.max(began.elapsed());
        assert_eq!(ops.len(), a_batch);
        for op in &ops {
            store
                .apply_result(&done(op.op, "1"), NOW, 1)
                .await
                .expect("applies");
        }
        sent += ops.len();
    }
    assert_eq!(sent, queued);
    assert_eq!(store.counts().await.expect("counts").unsent, 0);
    println!(
        "counts: {records} records, {queued} queued: opened and searched in {opened:?}, longest batch taken in {longest:?}"
    );
    store.close().await;
}
