//! What the tests of the store share.
#![allow(dead_code, reason = "each test binary uses its own part")]

use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{ChangeBody, WireChange, WireReceipt, WireResult};
use hms_store::{AuditRow, LocalChange, Store};
use serde_json::{json, Value};
use std::path::Path;

pub const KEY: [u8; 32] = [7; 32];
pub const NOW: Timestamp = Timestamp(1_795_000_000_000);

pub fn open(dir: &Path) -> Store {
    Store::open(dir, &Secret::new(KEY)).expect("opens")
}

pub fn audit(subject: &str) -> AuditRow {
    AuditRow {
        who: Some("dana".into()),
        action: "save".into(),
        subject: subject.into(),
    }
}

pub fn task(id: &str, words: &str) -> Value {
    json!({ "resourceType": "Task", "id": id, "status": "requested", "intent": "order", "description": words })
}

pub fn put(resource: Value) -> LocalChange {
    LocalChange::put(resource).expect("a resource")
}

pub async fn save(store: &Store, resource: Value) -> i64 {
    let change = put(resource);
    let audit = audit(&change.id);
    store.save_local(vec![change], audit, NOW).await.expect("saves")[0]
}

pub fn done(op: i64, version: &str) -> WireResult {
    WireResult {
        op,
        status: 201,
        version: Some(version.into()),
        receipt: None,
        outcome: None,
    }
}

pub fn refused(op: i64, status: u16) -> WireResult {
    WireResult {
        op,
        status,
        version: None,
        receipt: None,
        outcome: None,
    }
}

pub fn receipt(number: &str) -> WireReceipt {
    WireReceipt {
        number: number.into(),
        at: "2026-11-21T17:05:00.000Z".into(),
    }
}

pub fn versioned(mut resource: Value, version: &str) -> Value {
    resource["meta"] = json!({ "versionId": version });
    resource
}

pub fn change(resource: Value) -> WireChange {
    WireChange {
        change: ChangeBody::Resource(resource),
    }
}

/// SplitMix64, for histories that a seed repeats.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = hms_core::backoff::split_mix(self.0);
        self.0 % sides
    }
}
