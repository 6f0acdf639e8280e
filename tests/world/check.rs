//! What must hold at every step, and what must hold once all is quiet. The numbers are those of docs/protocol.md.

use crate::district;
use crate::history::{holds, History};
use crate::server::Server;
use hms_model::wire::sync::{ChangeBody, WireLine};
use hms_server::audit::{verify, Verdict};
use hms_server::db::sqlite::table::feed;
use hms_server::db::DbError;
use serde_json::Value;
use std::collections::BTreeMap;

/// I1: what was accepted is at the server, or waits visibly on its device (in the database of its writer, where somebody
/// else has the device now). Only where the server was put back, a device that was not told yet may take for sent what
/// is not there. I3: never twice. I4: whoever wrote it reads it.
pub async fn always(history: &mut History, server: &Server) {
    history.seen.look(server).await;
    let history = &*history;
    let seed = history.seed;
    let (mut waiting, mut knows) = (Vec::new(), Vec::new());
    for device in &history.devices {
        waiting.push(device.store().outbox().await.expect("outbox"));
        knows.push(device.knows(&server.epoch).await);
    }
    for accepted in &history.accepted {
        let copies = history.seen.copies(&accepted.word);
        let device = &history.devices[accepted.device];
        let aside = device.asides.iter().filter(|aside| aside.who == accepted.who);
        let mut rows = waiting[accepted.device]
            .iter()
            .chain(aside.flat_map(|aside| &aside.rows));
        let waits = rows.any(|row| {
            row.id == accepted.id && row.body.as_ref().is_some_and(|body| has(body, &accepted.word))
        });
        let not_told = !knows[accepted.device] || device.who != accepted.who;
        assert!(
            copies == 1 || (copies == 0 && (waits || (not_told && history.tally.restores > 0))),
            "seed {seed}: {} of {} is {copies} times at the server, waiting: {waits}, told: {}, {:?}",
            accepted.id,
            accepted.who,
            !not_told,
            history.tally
        );
        if device.handed {
            continue;
        }
        let (kind, id) = accepted.id.split_once('/').expect("an id");
        let read = device.store().get(kind, id).await.expect("reads");
        assert!(
            read.is_some_and(|stored| has(&stored.resource, &accepted.word)),
            "seed {seed}: {} is not readable where it was written",
            accepted.id
        );
    }
    history.seen.once_each(&format!("-{seed}-"));
}

/// All waits are over; I2: each device holds what the server gives its person; I5, I6, I8.
pub async fn at_rest(history: &History, server: &Server) {
    let seed = history.seed;
    let at_server = Stored::read(server).await;
    for accepted in &history.accepted {
        assert_eq!(
            at_server.copies(&accepted.word),
            1,
            "seed {seed}: {} did not arrive",
            accepted.id
        );
        let subject = format!("Patient/{}", accepted.who);
        assert_eq!(
            at_server.subject_of(&accepted.id),
            Some(subject.as_str()),
            "seed {seed}: {} stands under another's name",
            accepted.id
        );
    }
    let mut given = BTreeMap::new();
    for (n, device) in history.devices.iter().enumerate() {
        let outbox = device.store().outbox().await.expect("outbox");
        if !given.contains_key(device.who) {
            let all = fresh(server, device.who, &format!("fresh-{n}-{seed}")).await;
            given.insert(device.who, all);
        }
        assert!(
            outbox.is_empty(),
            "seed {seed}: device {n} is stuck with {outbox:?}"
        );
        let conflicts = device.store().conflicts().await.expect("conflicts");
        assert!(conflicts.is_empty(), "seed {seed}: device {n} has conflicts");
        let apart = apart(&holds(device).await, &given[device.who]);
        assert!(
            apart.is_empty(),
            "seed {seed}: device {n} ({}) differs: {apart:#?}",
            device.who
        );
        // The same by sums over all that it holds, as the check of the product compares.
        let (listed, end, _) = crate::proof::compare(device, server).await;
        let differing = device.store().differing(listed).await.expect("compares");
        assert!(
            end.differ == 0 && !end.behind,
            "seed {seed}: device {n} ({}) is told that it differs in {differing:?}: {end:?}",
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

/// Every version that the server has stored of what carries words, read on from where the last look ended: nothing
/// that it once stored is looked at twice, and what it stored twice stands here twice.
pub struct Seen {
    begun: i64,
    after: i64,
    versions: Vec<(String, Value)>,
}

impl Seen {
    pub async fn from_now(server: &Server) -> Self {
        let mut seen = Self {
            begun: 0,
            after: 0,
            versions: Vec::new(),
        };
        seen.look(server).await;
        seen.begun = seen.after;
        seen.versions.clear();
        seen
    }

    /// The server was put back: what it had since this history began is to be read again.
    pub fn forget(&mut self) {
        self.after = self.begun;
        self.versions.clear();
    }

    async fn look(&mut self, server: &Server) {
        let after = self.after;
        let new: Result<Vec<(i64, String, String)>, DbError> = server
            .app
            .db
            .read(move |read| {
                let rows = feed::after(read.conn(), after, 100_000)?;
                let body = |seq| feed::body(read.conn(), seq);
                rows.into_iter()
                    .map(|row| {
                        let words = row.kind == "QuestionnaireResponse";
                        let text = if words { body(row.seq)? } else { None };
                        Ok((row.seq, row.id, text.unwrap_or_default()))
                    })
                    .collect()
            })
            .await;
        for (seq, id, text) in new.expect("a read") {
            self.after = seq;
            if !text.is_empty() {
                self.versions
                    .push((id, serde_json::from_str(&text).expect("json")));
            }
        }
    }

    fn copies(&self, word: &str) -> usize {
        self.versions.iter().filter(|(_, body)| has(body, word)).count()
    }

    /// Each was stored once: what was stored twice has a second version.
    fn once_each(&self, mark: &str) {
        for (id, body) in self.versions.iter().filter(|(id, _)| id.contains(mark)) {
            assert_eq!(body["meta"]["versionId"], "1", "{id} was stored more than once");
        }
    }
}

/// What the server stores now of all that carries words.
pub struct Stored(Vec<Value>);

impl Stored {
    pub async fn read(server: &Server) -> Self {
        Self(server.stored("QuestionnaireResponse").await)
    }

    fn copies(&self, word: &str) -> usize {
        self.0.iter().filter(|resource| has(resource, word)).count()
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

/// Whether some text in it is this word.
fn has(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => text == word,
        Value::Array(items) => items.iter().any(|item| has(item, word)),
        Value::Object(members) => members.values().any(|member| has(member, word)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What a new device of the same person is given.
async fn fresh(server: &Server, who: &str, name: &str) -> BTreeMap<String, Value> {
    let device = server.device(who, name).await;
    let (status, text) = server.post_sync(&device, district::up(&[], None)).await;
    assert_eq!(
        status,
        axum::http::StatusCode::OK,
        "a new device of {who} is given what is theirs: {text}"
    );
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

/// Where two sets of records differ, in words.
fn apart(held: &BTreeMap<String, Value>, given: &BTreeMap<String, Value>) -> Vec<String> {
    let mut apart = Vec::new();
    for (id, resource) in given {
        match held.get(id) {
            None => apart.push(format!("{id} is missing")),
            Some(other) if other != resource => apart.push(format!("{id} is {other}, not {resource}")),
            Some(_) => {}
        }
    }
    let more = held.iter().filter(|(id, _)| !given.contains_key(*id));
    apart.extend(more.map(|(id, resource)| format!("{id} is held and not given: {resource}")));
    apart
}

fn no_plain_text(dir: &std::path::Path, word: &str, seed: u64) {
    for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
        // The reserve is noise from a fixed seed, and large.
        if entry.path().is_file() && entry.file_name() != "reserve.bin" {
            let bytes = std::fs::read(entry.path()).expect("a file");
            assert!(
                !holds_bytes(&bytes, word.as_bytes()),
                "seed {seed}: a word lies in the clear in {:?}",
                entry.file_name()
            );
        }
    }
}

/// Whether these bytes are in a file, which need not be text.
fn holds_bytes(file: &[u8], wanted: &[u8]) -> bool {
    let Some((first, rest)) = wanted.split_first() else {
        return true;
    };
    let mut left = file;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = &left[at + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}
