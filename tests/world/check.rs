//! What must hold at every step, and what must hold once all is quiet. The numbers are those of docs/protocol.md.

use crate::district::{self, World};
use crate::history::{holds, History};
use hms_model::wire::sync::{ChangeBody, WireLine};
use hms_server::audit::{verify, Verdict};
use hms_server::db::DbError;
use serde_json::Value;
use std::collections::BTreeMap;

/// I1: what was accepted is at the server, or waits visibly on its device. I3: never twice. I4: whoever wrote it reads it.
pub async fn always(history: &History, server: &World) {
    let mut at_server = Stored::read(server).await;
    for accepted in &history.accepted {
        let seed = history.seed;
        let device = &history.devices[accepted.device];
        let copies = at_server.copies(&accepted.word);
        let waits = device.store().outbox().await.expect("outbox").iter().any(|row| {
            row.id == accepted.id && row.body.as_ref().is_some_and(|body| has(body, &accepted.word))
        });
        assert!(
            copies == 1 || (copies == 0 && waits),
            "seed {seed}: {} is {copies} times at the server, waiting: {waits}",
            accepted.id
        );
        let (kind, id) = accepted.id.split_once('/').expect("an id");
        let read = device.store().get(kind, id).await.expect("reads");
        assert!(
            read.is_some_and(|stored| has(&stored.resource, &accepted.word)),
            "seed {seed}: {} is not readable where it was written",
            accepted.id
        );
    }
    at_server.once_each(&format!("-{}-", history.seed));
}

/// All waits are over; I2: each device holds what the server gives its person; I5, I6, I8.
pub async fn at_rest(history: &History, server: &World) {
    let seed = history.seed;
    let mut at_server = Stored::read(server).await;
    for accepted in &history.accepted {
        assert_eq!(
            at_server.copies(&accepted.word),
            1,
            "seed {seed}: {} did not arrive",
            accepted.id
        );
        let who = history.devices[accepted.device].who;
        let subject = format!("Patient/{who}");
        assert_eq!(
            at_server.subject_of(&accepted.id),
            Some(subject.as_str()),
            "seed {seed}: {} stands under another's name",
            accepted.id
        );
    }
    for (n, device) in history.devices.iter().enumerate() {
        let outbox = device.store().outbox().await.expect("outbox");
        assert!(
            outbox.is_empty(),
            "seed {seed}: device {n} is stuck with {outbox:?}"
        );
        let conflicts = device.store().conflicts().await.expect("conflicts");
        assert!(conflicts.is_empty(), "seed {seed}: device {n} has conflicts");
        let expected = fresh(server, device.who, &format!("fresh-{n}-{seed}")).await;
        assert_eq!(
            holds(device).await,
            expected,
            "seed {seed}: device {n} ({}) differs",
            device.who
        );
        no_plain_text(device.dir.path(), &format!("word-{seed}-"), seed);
    }
    let verdict: Result<Verdict, DbError> = server.app.db.read(|read| verify(read.conn())).await;
    assert!(
        matches!(verdict, Ok(Verdict::Intact { .. })),
        "seed {seed}: the audit is broken: {verdict:?}"
    );
}

/// What the server stores of all that carries words.
pub struct Stored(Vec<Value>, Vec<String>);

impl Stored {
    pub async fn read(server: &World) -> Self {
        let all = server.stored("QuestionnaireResponse").await;
        let texts = all.iter().map(ToString::to_string).collect();
        Self(all, texts)
    }

    fn copies(&mut self, word: &str) -> usize {
        let quoted = format!("\"{word}\"");
        self.1.iter().filter(|text| text.contains(&quoted)).count()
    }

    fn subject_of(&self, id: &str) -> Option<&str> {
        let found = self.0.iter().find(|resource| district::name(resource) == id)?;
        found["subject"]["reference"].as_str()
    }

    /// How many have this in their id. Each was stored once: what was stored twice has a second version.
    pub fn once_each(&self, mark: &str) -> usize {
        let mut count = 0;
        for resource in self.0.iter().filter(|r| district::text(r, "id").contains(mark)) {
            let name = district::name(resource);
            assert_eq!(
                resource["meta"]["versionId"], "1",
                "{name} was stored more than once"
            );
            count += 1;
        }
        count
    }
}

fn has(resource: &Value, word: &str) -> bool {
    resource.to_string().contains(&format!("\"{word}\""))
}

/// What a new device of the same person is given.
async fn fresh(server: &World, who: &str, name: &str) -> BTreeMap<String, Value> {
    let device = server.device(who, name).await;
    let (_, text) = server.post_sync(&device, district::up(&[], None)).await;
    let mut given = BTreeMap::new();
    for line in text.lines() {
        if let Ok(WireLine::Change(change)) = WireLine::parse(line) {
            if let ChangeBody::Resource(resource) = change.change {
                let kind = district::text(&resource, "resourceType").to_owned();
                if kind == "QuestionnaireResponse" || kind == "Task" {
                    given.insert(district::name(&resource), resource);
                }
            }
        }
    }
    given
}

fn no_plain_text(dir: &std::path::Path, word: &str, seed: u64) {
    for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
        // The reserve is noise from a fixed seed, and large.
        if entry.path().is_file() && entry.file_name() != "reserve.bin" {
            let bytes = std::fs::read(entry.path()).expect("a file");
            let found = String::from_utf8_lossy(&bytes).contains(word);
            assert!(
                !found,
                "seed {seed}: a word lies in the clear in {:?}",
                entry.file_name()
            );
        }
    }
}
