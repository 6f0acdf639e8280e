//! One random history: people act, links fail, processes die, clocks are wrong; then it grows quiet.

use crate::check::Seen;
use crate::device::Device;
use crate::district::{self, World};
use crate::link::Dice;
use hms_core::sync::driver::SyncInput;
use hms_model::ids::{PatientId, ReportId};
use hms_model::map::report::{addition_to_fhir, AdditionKind};
use hms_model::map::task::Priority;
use hms_model::time::Timestamp;
use serde_json::{json, Value};
use std::collections::BTreeMap;

/// Dana's phone, her second phone, Sam's phone, and two clinicians' desks.
const CAST: [(&str, &str); 5] = [
    ("dana", "a"),
    ("dana", "b"),
    ("sam", "c"),
    ("ada", "d"),
    ("bo", "e"),
];
const CARRIERS: u64 = 3;

/// Something that a person was told is saved.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Device that took it.
    pub device: usize,
    /// `Type/id`.
    pub id: String,
    /// The word in it that occurs nowhere else.
    pub word: String,
}

pub struct History {
    pub seed: u64,
    pub now: Timestamp,
    pub devices: Vec<Device>,
    pub accepted: Vec<Accepted>,
    pub dice: Dice,
    pub tally: Tally,
    /// What the server has stored since this history began, as far as it was looked at.
    pub seen: Seen,
    words: u32,
}

/// How much happened.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub saves: u64,
    pub exchanges: u64,
    pub cuts: u64,
    pub repeats: u64,
    pub kills: u64,
    pub settled: u64,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.saves += other.saves;
        self.exchanges += other.exchanges;
        self.cuts += other.cuts;
        self.repeats += other.repeats;
        self.kills += other.kills;
        self.settled += other.settled;
    }
}

impl History {
    pub async fn begin(server: &World, seed: u64) -> Self {
        let mut devices = Vec::new();
        for (who, name) in CAST {
            devices.push(Device::new(server, who, &format!("{name}-{seed}"), seed).await);
        }
        Self {
            seed,
            now: Timestamp(server.app.clock.now_ms()),
            devices,
            accepted: Vec::new(),
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            tally: Tally::default(),
            seen: Seen::from_now(server).await,
            words: 0,
        }
    }

    /// One act or accident.
    pub async fn step(&mut self, server: &World) {
        let ms = i64::try_from(self.dice.roll(20_000)).unwrap_or(0);
        self.pass(server, ms);
        let carrier = usize::try_from(self.dice.roll(CARRIERS)).unwrap_or(0);
        let desk = 3 + usize::try_from(self.dice.roll(2)).unwrap_or(0);
        let any = usize::try_from(self.dice.roll(5)).unwrap_or(0);
        match self.dice.roll(20) {
            0..=3 => self.report(carrier).await,
            4 | 5 => self.add(carrier).await,
            6..=8 => self.claim_or_release(desk).await,
            9 => self.kill(any).await,
            10 => self.wrong_clock(any),
            11 => self.ask(any),
            12 => self.tally.repeats += u64::from(self.devices[any].deliver_late(server).await),
            13 => self.settle(any).await,
            _ => {}
        }
        for at in 0..self.devices.len() {
            self.tick(server, at, false).await;
        }
    }

    async fn tick(&mut self, server: &World, at: usize, fair: bool) {
        if let Some(passed) = self.devices[at]
            .tick(server, &mut self.dice, self.now, fair)
            .await
        {
            self.tally.exchanges += 1;
            self.tally.cuts += u64::from(passed.cut);
            self.tally.repeats += u64::from(passed.repeated);
        }
    }

    fn pass(&mut self, server: &World, ms: i64) {
        server.app.clock.advance(ms);
        self.now = self.now.plus_ms(ms);
    }

    fn word(&mut self) -> String {
        self.words += 1;
        format!("word-{}-{}", self.seed, self.words)
    }

    async fn report(&mut self, at: usize) {
        let word = self.word();
        let (id, who) = (format!("r-{}-{}", self.seed, self.words), self.devices[at].who);
        let mut report = district::bite(&id, Some(who));
        note_in(&mut report, &word);
        let review = district::review(&id, Some(who), Priority::Urgent);
        self.save(
            at,
            format!("QuestionnaireResponse/{id}"),
            word,
            vec![report, review],
        )
        .await;
    }

    /// Something more about the newest report of this person that this device knows of.
    async fn add(&mut self, at: usize) {
        let who = self.devices[at].who;
        let known =
            self.accepted.iter().rev().find(|accepted| {
                accepted.device == at && accepted.id.starts_with("QuestionnaireResponse/r-")
            });
        let Some(report) = known.and_then(|known| known.id.strip_prefix("QuestionnaireResponse/")) else {
            return;
        };
        let report = ReportId::parse(report).expect("an id");
        let word = self.word();
        let id = format!("a-{}-{}", self.seed, self.words);
        let patient = PatientId::parse(who).expect("an id");
        let addition = addition_to_fhir(
            &ReportId::parse(&id).expect("an id"),
            &report,
            AdditionKind::Addition,
            Some(&word),
            district::stamp(),
            Some(&patient),
        );
        self.save(at, format!("QuestionnaireResponse/{id}"), word, vec![addition])
            .await;
    }

    /// A clinician takes an open entry of the queue, or gives one back.
    async fn claim_or_release(&mut self, at: usize) {
        let entries = self.devices[at].store().list("Task").await.expect("reads");
        let mine = format!("r-{}-", self.seed);
        let entries: Vec<Value> = entries
            .into_iter()
            .map(|stored| stored.resource)
            .filter(|task| district::text(task, "id").starts_with(&mine))
            .collect();
        if entries.is_empty() {
            return;
        }
        let mut task = entries[self.dice.place(entries.len() - 1)].clone();
        let who = self.devices[at].who;
        let owner = task["owner"]["reference"].as_str().unwrap_or_default().to_owned();
        if owner.is_empty() {
            task = district::claimed(task, who);
        } else if owner == format!("Practitioner/{who}") {
            task["status"] = json!("requested");
            task.as_object_mut().expect("a resource").remove("owner");
        } else {
            return;
        }
        self.tally.saves += 1;
        let now = self.now;
        self.devices[at].save(vec![task], now).await;
    }

    async fn save(&mut self, at: usize, id: String, word: String, resources: Vec<Value>) {
        let now = self.now;
        self.devices[at].save(resources, now).await;
        self.tally.saves += 1;
        self.accepted.push(Accepted { device: at, id, word });
    }

    async fn kill(&mut self, at: usize) {
        let (now, seed) = (self.now, self.dice.0);
        self.devices[at].restart(now, seed).await;
        self.tally.kills += 1;
    }

    fn wrong_clock(&mut self, at: usize) {
        const TEN_YEARS: i64 = 10 * 365 * 86_400_000;
        self.devices[at].clock_off_ms = match self.dice.roll(4) {
            0 => TEN_YEARS,
            1 => -TEN_YEARS,
            _ => 0,
        };
    }

    fn ask(&mut self, at: usize) {
        let now = self.devices[at].now(self.now);
        let _ = self.devices[at].driver.handle(now, SyncInput::Asked);
    }

    /// A person settles what needs one: takes the other side's.
    async fn settle(&mut self, at: usize) {
        let store = self.devices[at].store().clone();
        let now = self.devices[at].now(self.now);
        for open in store.conflicts().await.expect("conflicts") {
            let audit = hms_store::AuditRow {
                who: Some(self.devices[at].who.to_owned()),
                action: "settle".to_owned(),
                subject: open.id.clone(),
            };
            store
                .settle_conflict(&open.id, open.remote.clone(), audit, now)
                .await
                .expect("settles");
            self.tally.settled += 1;
        }
    }

    /// Everything that fails stops failing, and nobody asks for anything: all must come right by itself.
    pub async fn quiet(&mut self, server: &World) {
        for device in &mut self.devices {
            device.clock_off_ms = 0;
        }
        for _ in 0..60 {
            self.pass(server, 16 * 60_000);
            for at in 0..self.devices.len() {
                self.settle(at).await;
                self.tick(server, at, true).await;
            }
            if self.at_rest().await {
                break;
            }
        }
        // Once more for each: what the last one pushed reaches the others.
        for _ in 0..2 {
            self.pass(server, 16 * 60_000);
            for at in 0..self.devices.len() {
                self.tick(server, at, true).await;
            }
        }
    }

    async fn at_rest(&self) -> bool {
        let mut waiting = 0;
        for device in &self.devices {
            waiting += device.store().outbox().await.expect("outbox").len();
        }
        waiting == 0
    }
}

/// Puts a word into the report's free text.
fn note_in(report: &mut Value, word: &str) {
    let items = report["item"].as_array_mut().expect("items");
    for item in items.iter_mut().filter(|item| item["linkId"] == "note") {
        item["answer"] = json!([{ "valueString": word }]);
    }
}

/// Everything that a store holds, by id.
pub async fn holds(device: &Device) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for kind in ["QuestionnaireResponse", "Task"] {
        for stored in device.store().list(kind).await.expect("reads") {
            all.insert(district::name(&stored.resource), stored.resource);
        }
    }
    all
}
