//! A phone or a desk: the real store, the real driver, and one exchange as the client does it.

use crate::district::{self, World};
use crate::link::{Dice, Weather};
use axum::http::StatusCode;
use hms_core::outbox::Failure;
use hms_core::sync::driver::{SyncDriver, SyncEffect, SyncEnd, SyncInput};
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use hms_model::wire::sync::{WireAsk, WireChange, WireLine, WireOp};
use hms_store::{AuditRow, LocalChange, Store};
use serde_json::Value;

const KEY: [u8; 32] = [7; 32];

/// One device with one person on it.
pub struct Device {
    /// The account's name, as in the district.
    pub who: &'static str,
    pub dir: tempfile::TempDir,
    pub driver: SyncDriver,
    store: Option<Store>,
    session: district::Device,
    /// Requests that the network will deliver once more.
    pub late: Vec<String>,
    /// Bytes of the newest request, and of its answer as far as it came.
    pub last_request: usize,
    pub last_answer: usize,
    /// Ahead or behind of the true time.
    pub clock_off_ms: i64,
}

/// What happened in one exchange.
#[derive(Debug, Default, Clone, Copy)]
pub struct Passed {
    pub cut: bool,
    pub repeated: bool,
}

impl Device {
    pub async fn new(server: &World, who: &'static str, name: &str, seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut device = Self {
            who,
            store: Some(open(dir.path())),
            dir,
            driver: SyncDriver::new(seed),
            session: server.device(who, name).await,
            late: Vec::new(),
            last_request: 0,
            last_answer: 0,
            clock_off_ms: 0,
        };
        let _ = device.driver.handle(Timestamp(district::NOON), SyncInput::Opened);
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
        let _ = self.driver.handle(now, SyncInput::Saved);
    }

    /// The process ends without a word, and a new one opens the store.
    pub async fn restart(&mut self, now: Timestamp, seed: u64) {
        if let Some(store) = self.store.take() {
            store.close().await;
        }
        self.store = Some(open(self.dir.path()));
        self.driver = SyncDriver::new(seed);
        let now = self.now(now);
        let _ = self.driver.handle(now, SyncInput::Opened);
    }

    /// Lets the driver do what is due; true where it started an exchange.
    pub async fn tick(
        &mut self,
        server: &World,
        dice: &mut Dice,
        now: Timestamp,
        fair: bool,
    ) -> Option<Passed> {
        let at = self.now(now);
        let effects = self.driver.handle(at, SyncInput::Tick);
        let max_ops = effects.iter().find_map(|effect| match effect {
            SyncEffect::Start { max_ops } => Some(*max_ops),
            SyncEffect::Abort | SyncEffect::AskSignIn => None,
        })?;
        let weather = if fair { Weather::Fair } else { Weather::draw(dice) };
        let (passed, end) = self.exchange(server, at, max_ops, weather, dice.0).await;
        let _ = self.driver.handle(at, SyncInput::Ended(end));
        Some(passed)
    }

    /// One exchange in this weather, whatever the driver would do; true where it ended well.
    pub async fn exchange_in(&mut self, server: &World, now: Timestamp, weather: Weather) -> bool {
        self.store().lift_waits().await.expect("lifts");
        let (_, end) = self.exchange(server, now, 50, weather, 1).await;
        matches!(end, SyncEnd::Done { .. })
    }

    async fn exchange(
        &mut self,
        server: &World,
        now: Timestamp,
        max_ops: usize,
        weather: Weather,
        seed: u64,
    ) -> (Passed, SyncEnd) {
        let store = self.store().clone();
        let ops = store.take_batch(now, max_ops, 256 * 1024).await.expect("takes");
        let ask = WireAsk {
            cursor: store.cursor().await.expect("cursor"),
            scope: "mine".to_owned(),
            link: None,
        };
        let body = lines(&ops, &ask);
        self.last_request = body.len();
        let (answer, passed) = self.carry(server, weather, body).await;
        self.last_answer = answer.as_ref().map_or(0, String::len);
        let mut answered = Vec::new();
        let done = match answer {
            None => false,
            Some(text) => take_in(&store, &text, now, seed, &mut answered).await,
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
            .apply_failure(left, Failure::Transient, now, seed)
            .await
            .expect("notes");
        let end = SyncEnd::Failed {
            failure: Failure::Transient,
            retry_after_ms: None,
        };
        (passed, end)
    }

    /// One request through the weather; what comes back of the answer.
    async fn carry(&mut self, server: &World, weather: Weather, body: String) -> (Option<String>, Passed) {
        let cut = Passed {
            cut: true,
            repeated: false,
        };
        match weather {
            Weather::NoSignal => (None, cut),
            Weather::Imposter => (Some("<html>Sign in to this network</html>".to_owned()), cut),
            Weather::RequestCut(at) => {
                let part = &body.as_bytes()[..at % (body.len() + 1)];
                let part = String::from_utf8_lossy(part).into_owned();
                let _lost = server.post_sync(&self.session, part).await;
                (None, cut)
            }
            Weather::Later => {
                let _lost = server.post_sync(&self.session, body.clone()).await;
                self.late.push(body);
                (None, cut)
            }
            Weather::Twice => {
                let (first, _second) = tokio::join!(
                    server.post_sync(&self.session, body.clone()),
                    server.post_sync(&self.session, body)
                );
                (
                    whole(first),
                    Passed {
                        cut: false,
                        repeated: true,
                    },
                )
            }
            Weather::AnswerCut(at) => {
                let answer = whole(server.post_sync(&self.session, body).await);
                let part = answer.map(|text| {
                    let part = &text.as_bytes()[..at % (text.len() + 1)];
                    String::from_utf8_lossy(part).into_owned()
                });
                (part, cut)
            }
            Weather::Fair => (
                whole(server.post_sync(&self.session, body).await),
                Passed::default(),
            ),
        }
    }

    /// The network delivers an old request once more; nobody waits for its answer.
    pub async fn deliver_late(&mut self, server: &World) -> bool {
        let Some(body) = self.late.pop() else { return false };
        let _nobody = server.post_sync(&self.session, body).await;
        true
    }
}

fn whole((status, text): (StatusCode, String)) -> Option<String> {
    (status == StatusCode::OK).then_some(text)
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
    let mut page: Vec<WireChange> = Vec::new();
    // What stands behind the last line break is no line yet.
    for line in text
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
    {
        let Ok(line) = WireLine::parse(line) else {
            return false;
        };
        match line {
            WireLine::Result(result) => {
                answered.push(result.op);
                store.apply_result(&result, now, seed).await.expect("applies");
            }
            WireLine::Change(change) => page.push(change),
            WireLine::Cursor(cursor) => {
                let changes = std::mem::take(&mut page);
                store
                    .apply_page(changes, cursor.cursor, now)
                    .await
                    .expect("applies");
                if cursor.done {
                    return true;
                }
            }
        }
    }
    false
}

fn open(dir: &std::path::Path) -> Store {
    Store::open(dir, &Secret::new(KEY)).expect("opens")
}
