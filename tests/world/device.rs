//! A phone or a desk: the real store, the real driver, and one exchange as the client does it.

use crate::district;
use crate::link::{Dice, Weather};
use crate::server::Server;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hms_core::outbox::{classify, Answer as Word, Failure};
use hms_core::sync::driver::{SyncDriver, SyncEffect, SyncEnd, SyncInput};
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{
    WireAsk, WireChange, WireLine, WireOp, WireResult, DEVICE_HEADER, EXCHANGE_HEADER, MEDIA_TYPE,
};
use hms_store::{salvage, set_aside, AuditRow, LocalChange, OutboxRow, Store};
use hms_wire::{dictionary, pack, Coding, Unpacker};
use http_body_util::BodyExt;
use serde_json::Value;
use std::path::PathBuf;
use tower::ServiceExt;

const KEY: [u8; 32] = [7; 32];
/// How a cursor ends that no server gave.
pub const MADE_UP: &str = "abcdef";

/// One device with one person on it at a time.
pub struct Device {
    /// The account's name, as in the district.
    pub who: &'static str,
    /// Whose it was at first.
    pub owner: &'static str,
    pub dir: tempfile::TempDir,
    driver: SyncDriver,
    /// An exchange that the driver wants, with at most so many changes.
    due: Option<usize>,
    store: Option<Store>,
    pub session: district::Device,
    /// Databases of people who handed the device on, with what waited in them.
    pub asides: Vec<Aside>,
    /// Whether it was ever handed on: what the server had then is only read again after a sync.
    pub handed: bool,
    /// Requests that the network will deliver once more.
    pub late: Vec<Vec<u8>>,
    /// Whether its bodies travel packed with the sync dictionary, both ways.
    pub packed: bool,
    /// The newest answer, as it left the server.
    pub answer: Option<Answer>,
    /// Bytes of the newest request, and of its answer as far as it came.
    pub last_request: usize,
    pub last_answer: usize,
    /// Ahead or behind of the true time.
    pub clock_off_ms: i64,
    exchanges: u64,
    /// The weather of the newest exchange.
    pub weather: Weather,
}

/// A database that was set aside, and what waited in it.
pub struct Aside {
    pub who: &'static str,
    pub path: PathBuf,
    pub rows: Vec<OutboxRow>,
}

/// What the server says to one request.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    /// The exchange that it names.
    names: String,
    coding: Coding,
    bytes: Vec<u8>,
}

impl Answer {
    /// As far as it can be read.
    fn text(&self) -> String {
        let mut reader = Unpacker::new(self.coding, u64::MAX).expect("a reader");
        reader.feed(&self.bytes);
        let mut out = Vec::new();
        while let Some(piece) = reader.pull().expect("unpacks") {
            out.extend(piece);
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// What happened in one exchange.
#[derive(Debug, Default, Clone, Copy)]
pub struct Passed {
    pub cut: bool,
    pub repeated: bool,
    pub strayed: bool,
    pub refused: bool,
    pub killed: bool,
}

impl Device {
    pub async fn new(server: &Server, who: &'static str, name: &str, seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self::new_in(server, who, name, seed, dir).await
    }

    /// A new device whose files lie there.
    pub async fn new_in(
        server: &Server,
        who: &'static str,
        name: &str,
        seed: u64,
        dir: tempfile::TempDir,
    ) -> Self {
        let mut device = Self {
            who,
            owner: who,
            store: Some(Store::open(dir.path(), &Secret::new(KEY)).expect("opens")),
            dir,
            driver: SyncDriver::new(seed),
            due: None,
            session: server.device(who, name).await,
            asides: Vec::new(),
            handed: false,
            late: Vec::new(),
            packed: seed % 4 == 1,
            answer: None,
            last_request: 0,
            last_answer: 0,
            clock_off_ms: 0,
            exchanges: 0,
            weather: Weather::Fair,
        };
        device.tell(Timestamp(district::NOON), SyncInput::Opened);
        device
    }

    pub fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    /// What this device takes for the time.
    pub fn now(&self, world: Timestamp) -> Timestamp {
        world.plus_ms(self.clock_off_ms)
    }

    /// Keeps changes as a person's act does, all or none.
    pub async fn save(&mut self, resources: Vec<Value>, now: Timestamp) {
        let audit = AuditRow {
            who: Some(self.who.to_owned()),
            action: "save".to_owned(),
            subject: resources.first().map(district::name).unwrap_or_default(),
        };
        let changes = resources
            .into_iter()
            .map(|resource| LocalChange::put(resource).expect("a resource"))
            .collect();
        let now = self.now(now);
        self.store().save_local(changes, audit, now).await.expect("saves");
        self.tell(now, SyncInput::Saved);
    }

    /// The process ends without a word, and a new one opens the store.
    pub async fn restart(&mut self, now: Timestamp, seed: u64) {
        if let Some(store) = self.store.take() {
            store.close().await;
        }
        self.open(now, seed);
    }

    fn open(&mut self, now: Timestamp, seed: u64) {
        self.store = Some(Store::open(self.dir.path(), &Secret::new(KEY)).expect("opens"));
        self.driver = SyncDriver::new(seed);
        self.due = None;
        self.tell(self.now(now), SyncInput::Opened);
    }

    /// Somebody else signs in on it: the database of the one before is set aside, never deleted. Whoever had it before
    /// finds theirs again.
    pub async fn hand_over(&mut self, server: &Server, who: &'static str, now: Timestamp, seed: u64) {
        let rows = self.store().outbox().await.expect("outbox");
        if let Some(store) = self.store.take() {
            store.close().await;
        }
        let path = set_aside(self.dir.path()).expect("sets aside").expect("a folder");
        let before = std::mem::replace(&mut self.who, who);
        self.asides.push(Aside {
            who: before,
            path,
            rows,
        });
        self.handed = true;
        // Nobody listens any more to what was sent for the one before.
        self.late.clear();
        self.open(now, seed);
        self.session = server.device(who, &self.session.device).await;
        let (mine, others) = std::mem::take(&mut self.asides)
            .into_iter()
            .partition(|aside| aside.who == who);
        self.asides = others;
        for aside in mine {
            let salvaged = salvage(&aside.path, &Secret::new(KEY));
            self.store().adopt(salvaged, now).await.expect("adopts");
        }
    }

    /// The cursor is not known to the server any more.
    pub async fn expire(&self, cursor: &str, now: Timestamp) {
        let kept = self.store().apply_page(Vec::new(), cursor.to_owned(), now).await;
        kept.expect("kept");
    }

    /// Whether the server has told this device of its newest epoch.
    pub async fn knows(&self, epoch: &str) -> bool {
        let cursor = self.store().cursor().await.expect("cursor");
        // A cursor that was made up has the epoch, too, and will be told to begin anew.
        cursor.is_some_and(|cursor| cursor.split('.').next() == Some(epoch) && !cursor.ends_with(MADE_UP))
    }

    /// Lets the driver do what is due. `stray` is an answer that is under way to somebody.
    pub async fn tick(
        &mut self,
        server: &mut Server,
        dice: &mut Dice,
        now: Timestamp,
        fair: bool,
        stray: Option<Answer>,
    ) -> Option<Passed> {
        let at = self.now(now);
        if self.driver.needs_sign_in() && !server.is_disabled(self.who) && (fair || dice.roll(3) == 0) {
            self.session = server.device(self.who, &self.session.device).await;
            self.tell(at, SyncInput::SignedIn);
        }
        self.tell(at, SyncInput::Tick);
        let max_ops = self.due.take()?;
        let weather = if fair { Weather::Fair } else { Weather::draw(dice) };
        self.weather = weather;
        let (passed, end) = self.exchange(server, at, max_ops, (weather, stray), dice.0).await;
        self.tell(at, SyncInput::Ended(end));
        Some(passed)
    }

    /// Lets the driver do what is due, on a line that lasts so long.
    pub async fn tick_on(&mut self, server: &mut Server, now: Timestamp, line: Weather) -> Option<Passed> {
        self.tell(now, SyncInput::Tick);
        let max_ops = self.due.take()?;
        let (passed, end) = self.exchange(server, now, max_ops, (line, None), 7).await;
        self.tell(now, SyncInput::Ended(end));
        Some(passed)
    }

    /// Tells the driver something, and keeps what it wants done for the next tick.
    pub fn tell(&mut self, at: Timestamp, input: SyncInput) {
        for effect in self.driver.handle(at, input) {
            match effect {
                SyncEffect::Start { max_ops } => self.due = Some(max_ops),
                SyncEffect::Abort => self.due = None,
                SyncEffect::AskSignIn => {}
            }
        }
    }

    /// One exchange in this weather, whatever the driver would do; true where it ended well.
    pub async fn exchange_in(&mut self, server: &mut Server, now: Timestamp, weather: Weather) -> bool {
        self.store().lift_waits().await.expect("lifts");
        let (_, end) = self.exchange(server, now, 50, (weather, None), 1).await;
        matches!(end, SyncEnd::Done { .. })
    }

    async fn exchange(
        &mut self,
        server: &mut Server,
        now: Timestamp,
        max_ops: usize,
        (weather, stray): (Weather, Option<Answer>),
        seed: u64,
    ) -> (Passed, SyncEnd) {
        let store = self.store().clone();
        let ops = store.take_batch(now, max_ops, 256 * 1024).await.expect("takes");
        let ask = WireAsk {
            cursor: store.cursor().await.expect("cursor"),
            scope: "mine".to_owned(),
            link: None,
        };
        let coding = if self.packed {
            Coding::Dcz
        } else {
            Coding::Identity
        };
        let body = pack(coding, lines(&ops, &ask).as_bytes()).expect("packs");
        self.last_request = body.len();
        self.exchanges += 1;
        let (answer, passed) = self.carry(server, weather, stray, body).await;
        self.last_answer = answer.as_ref().map_or(0, |answer| answer.bytes.len());
        let mut answered = Vec::new();
        let (done, failure, retry_after_ms) = match answer {
            None => (false, Failure::Transient, None),
            Some(answer) if answer.status != StatusCode::OK => {
                let failure = classify(Word::Status(answer.status.as_u16()));
                (
                    false,
                    failure.unwrap_or(Failure::Transient),
                    answer.text().parse().ok(),
                )
            }
            Some(answer) if answer.names != self.exchange_name() => (false, Failure::Transient, None),
            Some(answer) => {
                let done = take_in(&store, &answer.text(), now, seed, &mut answered).await;
                (done, Failure::Transient, None)
            }
        };
        if done {
            let next_due = store.next_due().await.expect("due");
            return (passed, SyncEnd::Done { next_due });
        }
        let left: Vec<i64> = ops
            .iter()
            .map(|op| op.op)
            .filter(|op| !answered.contains(op))
            .collect();
        store
            .apply_failure(left, failure, now, seed)
            .await
            .expect("notes");
        let end = SyncEnd::Failed {
            failure,
            retry_after_ms,
        };
        (passed, end)
    }

    fn exchange_name(&self) -> String {
        format!("{}-{}", self.session.device, self.exchanges)
    }

    async fn post(&mut self, server: &Server, body: Vec<u8>) -> Answer {
        let answer = self.send(server, body).await;
        self.answer = Some(answer.clone());
        answer
    }

    async fn send(&self, server: &Server, body: Vec<u8>) -> Answer {
        let mut request = Request::post("/fhir/$hms-sync");
        if self.packed {
            request = request
                .header("content-encoding", Coding::Dcz.name())
                .header("accept-encoding", Coding::Dcz.name())
                .header(dictionary::AVAILABLE_DICTIONARY, dictionary::available());
        }
        let request = request
            .header("authorization", format!("Bearer {}", self.session.token))
            .header(DEVICE_HEADER, &self.session.device)
            .header(EXCHANGE_HEADER, self.exchange_name())
            .header("content-type", MEDIA_TYPE)
            .body(Body::from(body))
            .expect("request");
        let response = server.routes().oneshot(request).await.expect("an answer");
        let names = response.headers().get(EXCHANGE_HEADER);
        let names = names.map_or_else(String::new, |it| it.to_str().unwrap_or_default().to_owned());
        let status = response.status();
        let coding = response.headers().get("content-encoding");
        let coding = Coding::of_body(coding.map(|it| it.to_str().expect("text"))).expect("known");
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        Answer {
            status,
            names,
            coding,
            bytes: bytes.to_vec(),
        }
    }

    /// One request through the weather; what comes back of the answer.
    async fn carry(
        &mut self,
        server: &mut Server,
        weather: Weather,
        stray: Option<Answer>,
        body: Vec<u8>,
    ) -> (Option<Answer>, Passed) {
        let cut = Passed {
            cut: true,
            ..Passed::default()
        };
        let part = |bytes: &[u8], at: usize| bytes[..at % (bytes.len() + 1)].to_vec();
        match weather {
            Weather::NoSignal => (None, cut),
            Weather::Imposter => {
                let page = Answer {
                    status: StatusCode::OK,
                    names: String::new(),
                    coding: Coding::Identity,
                    bytes: b"<html>Sign in to this network</html>".to_vec(),
                };
                (Some(page), cut)
            }
            Weather::Busy(status, retry_after_ms) => {
                let busy = Answer {
                    status: StatusCode::from_u16(status).expect("a status"),
                    names: String::new(),
                    coding: Coding::Identity,
                    bytes: retry_after_ms.to_string().into_bytes(),
                };
                let refused = Passed {
                    refused: true,
                    ..Passed::default()
                };
                (Some(busy), refused)
            }
            Weather::RequestCut(at) => {
                let _lost = self.post(server, part(&body, at)).await;
                (None, cut)
            }
            Weather::Window(up, _) if body.len() > up => {
                let _lost = self.post(server, part(&body, up)).await;
                (None, cut)
            }
            Weather::Window(_, down) => {
                let mut answer = self.post(server, body).await;
                let breaks = answer.bytes.len() > down && answer.status == StatusCode::OK;
                if breaks {
                    answer.bytes.truncate(down);
                }
                (Some(answer), if breaks { cut } else { Passed::default() })
            }
            Weather::ServerDies(at) => {
                let _lost = self.post(server, part(&body, at)).await;
                server.kill();
                let killed = Passed {
                    killed: true,
                    ..Passed::default()
                };
                (None, killed)
            }
            Weather::Later => {
                let _lost = self.post(server, body.clone()).await;
                self.late.push(body);
                (None, cut)
            }
            Weather::Stray => {
                let own = self.post(server, body).await;
                let strayed = Passed {
                    strayed: stray.is_some(),
                    ..Passed::default()
                };
                (Some(stray.unwrap_or(own)), strayed)
            }
            Weather::Twice => {
                let (first, _second) = tokio::join!(self.send(server, body.clone()), self.send(server, body));
                let repeated = Passed {
                    repeated: true,
                    ..Passed::default()
                };
                (Some(first), repeated)
            }
            Weather::AnswerCut(at) => {
                let mut answer = self.post(server, body).await;
                if answer.status == StatusCode::OK {
                    answer.bytes = part(&answer.bytes, at);
                }
                (Some(answer), cut)
            }
            Weather::Fair => (Some(self.post(server, body).await), Passed::default()),
        }
    }

    /// The network delivers an old request once more; nobody waits for its answer.
    pub async fn deliver_late(&mut self, server: &Server) -> bool {
        let Some(body) = self.late.pop() else { return false };
        let _nobody = self.send(server, body).await;
        true
    }
}

fn lines(ops: &[WireOp], ask: &WireAsk) -> String {
    let mut body = String::new();
    for op in ops {
        body.push_str(&serde_json::to_string(op).expect("json"));
        body.push('\n');
    }
    body.push_str(&serde_json::to_string(ask).expect("json"));
    body.push('\n');
    body
}

/// Takes an answer in as far as it came. True where it came whole.
async fn take_in(store: &Store, text: &str, now: Timestamp, seed: u64, answered: &mut Vec<i64>) -> bool {
    let (mut results, mut page): (Vec<WireResult>, Vec<WireChange>) = (Vec::new(), Vec::new());
    let keep = async |results: &mut Vec<WireResult>| {
        let together = std::mem::take(results);
        store.apply_results(together, now, seed).await.expect("applies");
    };
    // What stands behind the last line break is no line yet.
    for line in text
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
    {
        let Ok(line) = WireLine::parse(line) else {
            keep(&mut results).await;
            return false;
        };
        match line {
            // Those that came together are kept together, as the app does.
            WireLine::Result(result) => {
                answered.push(result.op);
                results.push(result);
            }
            WireLine::Change(change) => page.push(change),
            WireLine::Cursor(cursor) => {
                keep(&mut results).await;
                let changes = std::mem::take(&mut page);
                let applied = match cursor.anew {
                    None => store.apply_page(changes, cursor.cursor, now).await,
                    Some(why) => store.begin_anew(why, cursor.cursor, now).await,
                };
                applied.expect("applies");
                if cursor.done {
                    store.end_exchange().await.expect("ends");
                    return true;
                }
            }
        }
    }
    keep(&mut results).await;
    false
}
