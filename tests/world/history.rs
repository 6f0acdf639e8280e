//! One random history: people act, links fail, processes die, clocks are wrong, the server is put back; then it grows
//! quiet.

use crate::check::Seen;
use crate::device::{Answer, Device, MADE_UP};
use crate::district;
use crate::link::Dice;
use crate::server::{Server, MAY_BE_DISABLED};
use hms_core::sync::driver::SyncInput;
use hms_model::ids::{PatientId, ReportId};
use hms_model::map::report::{addition_to_fhir, AdditionKind};
use hms_model::map::task::Priority;
use hms_model::time::Timestamp;
use serde_json::{json, Value};
use std::collections::BTreeMap;

/// Dana's phone, her second phone, Sam's phone, two clinicians' desks, a nurse's and a manager's.
const CAST: [(&str, &str); 7] = [
    ("dana", "a"),
    ("dana", "b"),
    ("sam", "c"),
    ("ada", "d"),
    ("bo", "e"),
    ("nora", "f"),
    ("max", "g"),
];
const CARRIERS: u64 = 3;
const DESKS: usize = 3;
/// From here on they only read.
const READERS: usize = 5;

/// Something that a person was told is saved.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Device that took it.
    pub device: usize,
    /// Who wrote it.
    pub who: &'static str,
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
    pub strays: u64,
    pub refusals: u64,
    pub kills: u64,
    pub server_kills: u64,
    pub restores: u64,
    pub settled: u64,
    pub handed: u64,
    pub disabled: u64,
    pub moved: u64,
    pub removed: u64,
    pub expired: u64,
    /// Kept after the other side had deleted it.
    pub revived: u64,
    /// The server's clock went back.
    pub turned: u64,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.saves += other.saves;
        self.exchanges += other.exchanges;
        self.cuts += other.cuts;
        self.repeats += other.repeats;
        self.strays += other.strays;
        self.refusals += other.refusals;
        self.kills += other.kills;
        self.server_kills += other.server_kills;
        self.restores += other.restores;
        self.settled += other.settled;
        self.handed += other.handed;
        self.disabled += other.disabled;
        self.moved += other.moved;
        self.removed += other.removed;
        self.expired += other.expired;
        self.revived += other.revived;
        self.turned += other.turned;
    }
}

impl History {
    pub async fn begin(server: &Server, seed: u64) -> Self {
        let mut devices = Vec::new();
        // Those who only read are there in every fourth history: they double the exchanges.
        let cast = if seed.is_multiple_of(4) {
            CAST.len()
        } else {
            READERS
        };
        for (who, name) in CAST.into_iter().take(cast) {
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
    pub async fn step(&mut self, server: &mut Server) {
        let ms = i64::try_from(self.dice.roll(20_000)).unwrap_or(0);
        self.pass(server, ms);
        let carrier = usize::try_from(self.dice.roll(CARRIERS)).unwrap_or(0);
        let desk = DESKS + self.dice.place(1);
        let any = self.dice.place(self.devices.len() - 1);
        let act = self.dice.roll(30);
        if std::env::var_os("HMS_TELL").is_some() {
            println!(
                "{} at {}: act {act}, carrier {carrier}, desk {desk}, any {any}",
                self.seed, self.now.0
            );
        }
        match act {
            0..=4 => self.report(carrier).await,
            5..=7 => self.add(carrier).await,
            8..=11 => self.claim_or_release(desk).await,
            12 => self.prioritise(desk).await,
            13 => self.kill(any).await,
            14 => self.wrong_clock(any),
            15 => self.ask(any),
            16 => self.tally.repeats += u64::from(self.devices[any].deliver_late(server).await),
            17 => self.settle(any).await,
            18 => self.expire(any).await,
            19 => self.rare(server).await,
            20 => server.back_up(),
            21 => self.restore(server).await,
            _ => {}
        }
        for at in 0..self.devices.len() {
            self.tick(server, at, false).await;
        }
    }

    /// What happens to a few of the histories only.
    async fn rare(&mut self, server: &mut Server) {
        match self.dice.roll(6) {
            0 => self.hand_over(server).await,
            1 => self.disable(server).await,
            2 => self.transfer(server).await,
            3 => self.remove(server).await,
            4 => {
                // Up to two hours, and never forward again but as time passes.
                let ms = i64::try_from(self.dice.roll(7_200_000)).unwrap_or(0);
                server.app.clock.advance(-ms);
                self.tally.turned += 1;
            }
            _ => {
                server.kill();
                self.tally.server_kills += 1;
            }
        }
    }

    async fn tick(&mut self, server: &mut Server, at: usize, fair: bool) {
        // An answer to some device's earlier request, its own or another's.
        let stray: Option<Answer> = self.devices[self.dice.place(self.devices.len() - 1)]
            .answer
            .clone();
        if let Some(passed) = self.devices[at]
            .tick(server, &mut self.dice, self.now, fair, stray)
            .await
        {
            if std::env::var_os("HMS_TELL").is_some() {
                println!(
                    "{} device {at} ({}): {passed:?}, {:?}",
                    self.seed, self.devices[at].who, self.devices[at].weather
                );
            }
            self.tally.exchanges += 1;
            self.tally.cuts += u64::from(passed.cut);
            self.tally.repeats += u64::from(passed.repeated);
            self.tally.strays += u64::from(passed.strayed);
            self.tally.refusals += u64::from(passed.refused);
            self.tally.server_kills += u64::from(passed.killed);
        }
    }

    fn pass(&mut self, server: &Server, ms: i64) {
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
        let known = self.accepted.iter().rev().find(|accepted| {
            accepted.device == at
                && accepted.who == who
                && accepted.id.starts_with("QuestionnaireResponse/r-")
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

    /// One of this history's entries of the queue, as this desk shows it.
    async fn entry(&mut self, at: usize) -> Option<Value> {
        let entries = self.devices[at].store().list("Task").await.expect("reads");
        let mine = format!("r-{}-", self.seed);
        let mut entries: Vec<Value> = entries
            .into_iter()
            .map(|stored| stored.resource)
            .filter(|task| district::text(task, "id").starts_with(&mine))
            .collect();
        if entries.is_empty() {
            return None;
        }
        let which = self.dice.place(entries.len() - 1);
        Some(entries.swap_remove(which))
    }

    /// A clinician takes an open entry of the queue, or gives one back.
    async fn claim_or_release(&mut self, at: usize) {
        let Some(mut task) = self.entry(at).await else {
            return;
        };
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

    /// A clinician changes another element than a claim does.
    async fn prioritise(&mut self, at: usize) {
        let Some(mut task) = self.entry(at).await else {
            return;
        };
        let urgent = task["priority"] == "urgent";
        task["priority"] = json!(if urgent { "asap" } else { "urgent" });
        self.tally.saves += 1;
        let now = self.now;
        self.devices[at].save(vec![task], now).await;
    }

    async fn save(&mut self, at: usize, id: String, word: String, resources: Vec<Value>) {
        let now = self.now;
        let who = self.devices[at].who;
        self.devices[at].save(resources, now).await;
        self.tally.saves += 1;
        self.accepted.push(Accepted {
            device: at,
            who,
            id,
            word,
        });
    }

    async fn kill(&mut self, at: usize) {
        let (now, seed) = (self.now, self.dice.0);
        self.devices[at].restart(now, seed).await;
        self.tally.kills += 1;
    }

    fn wrong_clock(&mut self, at: usize) {
        const TEN_YEARS: i64 = 10 * 365 * 86_400_000;
        self.devices[at].clock_off_ms = match self.dice.roll(6) {
            0 => TEN_YEARS,
            1 => -TEN_YEARS,
            2 => -self.now.0,
            3 => 3_600_000,
            _ => 0,
        };
    }

    fn ask(&mut self, at: usize) {
        let now = self.devices[at].now(self.now);
        self.devices[at].tell(now, SyncInput::Asked);
    }

    /// The cursor means nothing to the server, or is of an epoch that never was.
    async fn expire(&mut self, at: usize) {
        let cursor = self.devices[at].store().cursor().await.expect("cursor");
        let epoch = cursor.as_deref().and_then(|cursor| cursor.split('.').next());
        let cursor = match (self.dice.roll(3), epoch) {
            (0, _) | (_, None) => "nonsense".to_owned(),
            (1, _) => format!("0a0b0c.7.{MADE_UP}"),
            // Ahead of the feed: as after a database was put back by hand.
            (_, Some(epoch)) => format!("{epoch}.99999999.{MADE_UP}"),
        };
        let now = self.now;
        self.devices[at].expire(&cursor, now).await;
        self.tally.expired += 1;
    }

    async fn restore(&mut self, server: &mut Server) {
        // Not in every history: it puts the same checks to more states than the others.
        if self.seed.is_multiple_of(3) && server.has_backup() {
            let which = self.dice.place(7);
            server.restore(which).await;
            self.seen.forget();
            self.tally.restores += 1;
        }
    }

    /// Somebody else takes Dana's first phone, or Dana takes it back.
    async fn hand_over(&mut self, server: &Server) {
        let device = &self.devices[0];
        let who = if device.who == "dana" { "lee" } else { "dana" };
        if !server.is_disabled(who) {
            let (now, seed) = (self.now, self.dice.0);
            self.devices[0].hand_over(server, who, now, seed).await;
            self.tally.handed += 1;
        }
    }

    /// Somebody may not sign in for a while.
    async fn disable(&mut self, server: &mut Server) {
        let who = MAY_BE_DISABLED[self.dice.place(2)];
        let now_disabled = !server.is_disabled(who);
        server.set_disabled(who, now_disabled).await;
        self.tally.disabled += u64::from(now_disabled);
    }

    /// A carrier goes to another site, or a nurse gets another district; or back.
    async fn transfer(&mut self, server: &Server) {
        match self.dice.roll(4) {
            0 => server.transfer("sam", "south").await,
            1 => server.transfer("sam", "north").await,
            2 => server.assign("nora", "d2").await,
            _ => server.assign("nora", "d1").await,
        }
        self.tally.moved += 1;
    }

    /// Somebody removes an entry of the queue at the server.
    async fn remove(&mut self, server: &Server) {
        if let Some(task) = self.entry(DESKS).await {
            server.remove(district::text(&task, "id")).await;
            self.tally.removed += 1;
        }
    }

    /// A person settles what needs one: takes the other side's, or keeps their own, also where the other side deleted it.
    async fn settle(&mut self, at: usize) {
        let store = self.devices[at].store().clone();
        let now = self.devices[at].now(self.now);
        for open in store.conflicts().await.expect("conflicts") {
            let audit = hms_store::AuditRow {
                who: Some(self.devices[at].who.to_owned()),
                action: "settle".to_owned(),
                subject: open.id.clone(),
            };
            let own = self.dice.roll(3) == 0;
            self.tally.revived += u64::from(own && open.remote.is_none() && open.local.is_some());
            let chosen = if own { open.local } else { open.remote };
            store
                .settle_conflict(&open.id, chosen, audit, now)
                .await
                .expect("settles");
            self.tally.settled += 1;
        }
    }

    /// Everything that fails stops failing, and nobody asks for anything: all must come right by itself. Clocks stay as
    /// wrong as they are in every second history.
    pub async fn quiet(&mut self, server: &mut Server) {
        server.enable_all().await;
        if self.devices[0].handed {
            // Everybody who had it comes back to it once: what waits is theirs alone to send.
            if self.devices[0].who == self.devices[0].owner {
                self.hand_over(server).await;
            }
            for _ in 0..4 {
                self.pass(server, 16 * 60_000);
                self.tick(server, 0, true).await;
            }
            self.hand_over(server).await;
        }
        if self.seed.is_multiple_of(2) {
            for device in &mut self.devices {
                device.clock_off_ms = 0;
            }
        }
        for _ in 0..60 {
            self.pass(server, 16 * 60_000);
            for at in 0..self.devices.len() {
                self.settle(at).await;
                self.tick(server, at, true).await;
            }
            if self.at_rest(server).await {
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

    async fn at_rest(&self, server: &Server) -> bool {
        let mut rest = true;
        for device in &self.devices {
            rest &= device.knows(&server.epoch).await;
            rest &= device.store().outbox().await.expect("outbox").is_empty();
        }
        rest
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
