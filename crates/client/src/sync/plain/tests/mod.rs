//! The whole path against servers that behave badly, and against one that we did not write.

mod day;
mod front;
mod line;
#[path = "../../../../../core/src/sync/plain/tests/pretend.rs"]
mod pretend;
mod traps;

use std::sync::Arc;

use hms_core::sync::plain::{Abilities, Ask, Method, Reply};
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_store::{AuditRow, LocalChange, Store};
use serde_json::Value;

use super::line::Caller;
use super::{abilities, Brought, Line, Plain, PlainError};
use crate::config::{Clock, Provisioning, SystemClock};
use crate::net::Http;

/// A device: its store, and what it is called by its person.
struct Device {
    dir: tempfile::TempDir,
    store: Option<Store>,
    patient: Option<&'static str>,
    /// What the server can do is asked for once; tests look at it.
    known: Option<Abilities>,
}

impl Device {
    fn new(patient: Option<&'static str>) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let store = Some(open(&dir));
        Self {
            dir,
            store,
            patient,
            known: None,
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    /// The program ends here and starts anew.
    async fn restart(&mut self) {
        if let Some(store) = self.store.take() {
            store.close().await;
        }
        self.store = Some(open(&self.dir));
    }

    async fn save(&self, resources: &[Value]) -> Vec<i64> {
        let changes: Vec<LocalChange> = resources.iter().cloned().filter_map(LocalChange::put).collect();
        assert_eq!(changes.len(), resources.len());
        self.change(changes).await
    }

    async fn change(&self, changes: Vec<LocalChange>) -> Vec<i64> {
        let audit = AuditRow {
            who: Some("dana".into()),
            action: "save".into(),
            subject: changes[0].id.clone(),
        };
        self.store()
            .save_local(changes, audit, now())
            .await
            .expect("saved")
    }

    /// One exchange, and what the loop does around it.
    async fn sync(&mut self, port: u16) -> Result<Brought, PlainError> {
        let base = format!("http://127.0.0.1:{port}/fhir/R4");
        let http = http(&base);
        let line = Line {
            caller: Caller::Nobody(&http),
            base: &base,
        };
        let store = self.store().clone();
        store.lift_waits().await.expect("lifted");
        let ops = store.take_batch(now(), 50, 256 * 1024).await.expect("taken");
        let mut known = abilities(line, &store).await?;
        let mut brought = Brought::default();
        let plain = Plain {
            line,
            store: &store,
            ops: &ops,
            patient: self.patient,
            now: now(),
            seed: 7,
        };
        let ended = plain.run(&mut known, &mut brought).await;
        self.known = Some(known);
        ended.map(|()| brought)
    }

    async fn unsent(&self) -> Vec<String> {
        let rows = self.store().outbox().await.expect("read");
        rows.into_iter().map(|row| row.id).collect()
    }

    async fn get(&self, id: &str) -> Option<Value> {
        let (kind, local) = id.split_once('/').expect("Type/id");
        let found = self.store().get(kind, local).await.expect("read");
        found.map(|stored| stored.resource)
    }
}

fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(dir.path(), &Secret::new([7; 32])).expect("opens")
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn http(base: &str) -> Http {
    let server = Provisioning {
        base_url: base.to_owned(),
        ca_file: None,
        hpke_public_key: None,
        help_phone: String::new(),
        demo: true,
        proxy: None,
        pack_trust: None,
    };
    Http::new(&server, Arc::new(SystemClock)).expect("a client")
}
