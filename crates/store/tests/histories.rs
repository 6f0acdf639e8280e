//! Seeded histories: edits, syncs that are cut anywhere, refusals, another person's edits, restarts. After each:
//! everything that was accepted is at the server exactly once, or visible as waiting, refused or in conflict.
//!
//! `HMS_SEEDS=1000` runs more of them, `HMS_SEED=416` begins at one that failed.

mod common;

use common::{audit, change, put, receipt, task, versioned, Dice, KEY, NOW};
use hms_core::outbox::Failure;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{WireChange, WireOp, WireResult};
use hms_store::Store;
use serde_json::{json, Value};
use std::collections::BTreeMap;

/// The server, as small as the protocol allows.
#[derive(Default)]
struct Server {
    records: BTreeMap<String, (u64, Value)>,
    log: Vec<String>,
    results: BTreeMap<i64, WireResult>,
    applied: BTreeMap<i64, u32>,
    /// Answers 503 to what it has no answer for yet.
    busy: bool,
    /// Words of descriptions that were ever stored.
    seen: Vec<String>,
}

impl Server {
    fn store(&mut self, id: &str, mut value: Value) -> u64 {
        let version = self.records.get(id).map_or(1, |(version, _)| version + 1);
        value["meta"] = json!({ "versionId": version.to_string() });
        self.seen
            .push(value["description"].as_str().unwrap_or_default().to_owned());
        self.records.insert(id.to_owned(), (version, value));
        self.log.push(id.to_owned());
        version
    }

    /// Applies the ops of one exchange; groups apart, each whole or not at all.
    fn push(&mut self, ops: &[WireOp]) -> Vec<WireResult> {
        let mut results = Vec::new();
        let mut at = 0;
        while let Some(first) = ops.get(at) {
            let same = |op: &&WireOp| op.group.is_some() && op.group == first.group;
            let length = ops[at..].iter().take_while(same).count().max(1);
            results.extend(self.group(&ops[at..at + length]));
            at += length;
        }
        results
    }

    fn group(&mut self, ops: &[WireOp]) -> Vec<WireResult> {
        let verdicts: Vec<u16> = ops.iter().map(|op| self.verdict(op)).collect();
        let refused = verdicts.iter().any(|status| *status >= 400);
        let mut results = Vec::new();
        for (op, status) in ops.iter().zip(verdicts) {
            let result = match self.results.get(&op.op) {
                Some(known) => known.clone(),
                None if refused => common::refused(op.op, if status < 400 { 424 } else { status }),
                None => {
                    *self.applied.entry(op.op).or_default() += 1;
                    let version = self.store(&op.id, op.resource.clone().unwrap_or_default());
                    WireResult {
                        receipt: Some(receipt("HMS-1")),
                        ..common::done(op.op, &version.to_string())
                    }
                }
            };
            if !self.busy {
                self.results.insert(op.op, result.clone());
            }
            results.push(result);
        }
        results
    }

    fn verdict(&self, op: &WireOp) -> u16 {
        if self.results.contains_key(&op.op) {
            return 200;
        }
        let words = op
            .resource
            .as_ref()
            .and_then(|r| r["description"].as_str())
            .unwrap_or_default();
        let version = self.records.get(&op.id).map(|(version, _)| version.to_string());
        match (version == op.base, words.contains("bad")) {
            _ if self.busy => 503,
            (_, true) => 422,
            (true, false) => 201,
            (false, false) => 409,
        }
    }

    fn since(&self, cursor: Option<String>) -> (Vec<WireChange>, String) {
        let from: usize = cursor.map_or(0, |cursor| cursor.parse().expect("number"));
        let to = self.log.len().min(from + 5);
        let page = self.log[from..to]
            .iter()
            .map(|id| change(self.records[id].1.clone()))
            .collect();
        (page, to.to_string())
    }
}

struct World {
    dir: tempfile::TempDir,
    store: Option<Store>,
    server: Server,
    dice: Dice,
    now: Timestamp,
    written: BTreeMap<String, String>,
    words: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path(), &Secret::new(KEY)).expect("opens");
        let dice = Dice(seed);
        Self {
            dir,
            store: Some(store),
            server: Server::default(),
            dice,
            now: NOW,
            written: BTreeMap::new(),
            words: 0,
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    async fn step(&mut self) {
        self.now = self
            .now
            .plus_ms(i64::try_from(self.dice.roll(5_000)).expect("small"));
        match self.dice.roll(12) {
            0..=4 => self.edit().await,
            5..=8 => self.sync(true).await,
            9 => self.other_person(),
            10 => self.restart().await,
            _ => self.settle().await,
        }
    }

    /// One record, or two in a group.
    async fn edit(&mut self) {
        let count = 1 + self.dice.roll(2);
        let mut changes = BTreeMap::new();
        for _ in 0..count {
            let id = format!("t{}", self.dice.roll(6));
            self.words += 1;
            let bad = if self.dice.roll(15) == 0 { " bad" } else { "" };
            let words = format!("w{}{bad}", self.words);
            let known = self
                .store()
                .get("Task", &id)
                .await
                .expect("reads")
                .map(|stored| stored.resource);
            let mut resource = known.unwrap_or_else(|| task(&id, ""));
            resource["description"] = json!(words);
            changes.insert(id, (words, resource));
        }
        for (id, (words, _)) in &changes {
            self.written.insert(id.clone(), words.clone());
        }
        let changes = changes.into_values().map(|(_, resource)| put(resource)).collect();
        self.store()
            .save_local(changes, audit("Task/x"), self.now)
            .await
            .expect("saves");
    }

    /// Somebody else changes another element, or rarely the same.
    fn other_person(&mut self) {
        let id = format!("Task/t{}", self.dice.roll(6));
        let same = self.dice.roll(4) == 0;
        if let Some((_, mut value)) = self.server.records.get(&id).cloned() {
            let element = if same { "description" } else { "priority" };
            value[element] = json!(format!("other {}", self.dice.roll(100)));
            self.server.store(&id, value);
        }
    }

    async fn sync(&mut self, cuts: bool) {
        let store = self.store().clone();
        let ops = store.take_batch(self.now, 4, 1 << 20).await.expect("takes");
        if cuts && self.dice.roll(5) == 0 {
            let all = ops.iter().map(|op| op.op).collect();
            return store
                .apply_failure(all, Failure::Transient, self.now, self.dice.0)
                .await
                .expect("notes");
        }
        self.server.busy = cuts && self.dice.roll(10) == 0;
        let results = self.server.push(&ops);
        for (n, result) in results.iter().enumerate() {
            if cuts && self.dice.roll(8) == 0 {
                let rest = results[n..].iter().map(|r| r.op).collect();
                return store
                    .apply_failure(rest, Failure::Transient, self.now, self.dice.0)
                    .await
                    .expect("notes");
            }
            store
                .apply_result(result, self.now, self.dice.0)
                .await
                .expect("applies");
        }
        loop {
            let (page, cursor) = self.server.since(store.cursor().await.expect("cursor"));
            if page.is_empty() || (cuts && self.dice.roll(5) == 0) {
                return;
            }
            store.apply_page(page, cursor, self.now).await.expect("applies");
        }
    }

    async fn restart(&mut self) {
        if let Some(store) = self.store.take() {
            store.close().await;
        }
        self.store = Some(Store::open(self.dir.path(), &Secret::new(KEY)).expect("opens"));
    }

    /// A person looks at what needs one.
    async fn settle(&mut self) {
        let store = self.store().clone();
        for open in store.conflicts().await.expect("conflicts") {
            let id = open.id.strip_prefix("Task/").expect("a task").to_owned();
            let mut chosen = open.remote.clone().expect("never deleted here");
            if self.dice.roll(2) == 0 {
                chosen["description"] = open.local.as_ref().expect("local")["description"].clone();
            } else {
                self.written.remove(&id);
            }
            store
                .settle_conflict(&open.id, Some(chosen), audit(&open.id), self.now)
                .await
                .expect("settles");
        }
        for row in store.outbox().await.expect("outbox") {
            let Some(hms_core::outbox::StuckReason::Rejected { .. }) = row.stuck else {
                continue;
            };
            let mut mended = row.body.expect("never deleted here");
            let words = mended["description"]
                .as_str()
                .unwrap_or_default()
                .replace("bad", "mended");
            mended["description"] = json!(words);
            let id = row.id.strip_prefix("Task/").expect("a task").to_owned();
            self.written.insert(id, words);
            store
                .save_local(vec![put(mended)], audit(&row.id), self.now)
                .await
                .expect("saves");
            break;
        }
    }

    async fn check(&self, seed: u64) {
        assert!(
            self.server.applied.values().all(|times| *times == 1),
            "seed {seed}: applied twice"
        );
        let outbox = self.store().outbox().await.expect("outbox");
        for (id, words) in &self.written {
            let waits = outbox.iter().any(|row| {
                row.id == format!("Task/{id}")
                    && row
                        .body
                        .as_ref()
                        .is_some_and(|body| body["description"] == **words)
            });
            assert!(
                waits || self.server.seen.contains(words),
                "seed {seed}: {words} of {id} is nowhere"
            );
        }
    }

    /// Everything gets through in the end, and both sides say the same.
    async fn quiesce(&mut self, seed: u64) {
        for _ in 0..200 {
            self.now = self.now.plus_ms(16 * 60_000);
            self.sync(false).await;
            self.settle().await;
            if self.store().outbox().await.expect("outbox").is_empty() {
                break;
            }
        }
        self.sync(false).await;
        assert_eq!(
            self.store().outbox().await.expect("outbox"),
            [],
            "seed {seed}: stuck"
        );
        for (id, (version, value)) in &self.server.records {
            let id = id.strip_prefix("Task/").expect("a task");
            let stored = self
                .store()
                .get("Task", id)
                .await
                .expect("reads")
                .expect("is there");
            let expected = versioned(value.clone(), &version.to_string());
            assert_eq!(stored.resource, expected, "seed {seed}");
            assert_eq!(stored.version, Some(version.to_string()), "seed {seed}");
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_is_applied_twice() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, seeds) = (number("HMS_SEED").unwrap_or(0), number("HMS_SEEDS").unwrap_or(25));
    for seed in first..first + seeds {
        let mut world = World::new(seed);
        for _ in 0..60 {
            world.step().await;
            world.check(seed).await;
        }
        world.quiesce(seed).await;
        world.check(seed).await;
    }
}
