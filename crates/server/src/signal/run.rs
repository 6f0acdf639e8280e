//! The one loop that owns the hub. Connections and jobs send it messages; it does what the hub says.

use super::hub::{ConnId, Effect, Greeting, Hub, Input, VisitEvent};
use super::turn::TurnIssuer;
use super::visit::Party;
use super::visits;
use crate::app::App;
use crate::db::sqlite::table;
use crate::db::DbError;
use crate::relay::AllocationCounters;
use hms_model::wire::signal::{Frame, ToClient, WireTurn};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;
use tokio::sync::mpsc;

/// Messages to the loop that may wait; when full, connections wait to hand theirs in.
const QUEUE: usize = 1024;
/// Frames to one connection that may wait; a connection that takes them too slowly is closed, and resumes.
pub const OUT: usize = 512;
/// How often deadlines are looked at: they are in seconds.
const TICK: Duration = Duration::from_millis(100);

/// What the relay has carried so far.
pub type RelayCounters = Arc<dyn Fn() -> Vec<AllocationCounters> + Send + Sync>;
/// Who may use the relay.
pub trait RelayDoor: Send + Sync {
    /// Lets the bearer of a credential in.
    fn admit(&self, turn: &WireTurn);
    /// Shuts out those whose call ended: what they have open ends when they next ask to keep it, within minutes.
    fn ended(&self, visit: &str);
}

/// The relay's door, where there is a relay.
pub type AdmitToRelay = Arc<dyn RelayDoor>;

/// What the loop is told.
#[derive(Debug)]
enum Command {
    Open {
        greeting: Greeting,
        frames: mpsc::Sender<Frame<ToClient>>,
    },
    Input(Input),
}

/// A handle on the signalling; cheap to clone.
#[derive(Debug, Clone)]
pub struct Signalling {
    shared: Arc<Shared>,
}

struct Shared {
    commands: mpsc::Sender<Command>,
    waiting: Mutex<Option<mpsc::Receiver<Command>>>,
    connected: RwLock<HashSet<String>>,
    conns: AtomicU64,
    relay: OnceLock<RelayCounters>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signalling").finish_non_exhaustive()
    }
}

impl Default for Signalling {
    fn default() -> Self {
        Self::new()
    }
}

impl Signalling {
    /// Signalling that is not running yet; see [`Signalling::run`].
    #[must_use]
    pub fn new() -> Self {
        let (commands, waiting) = mpsc::channel(QUEUE);
        Self {
            shared: Arc::new(Shared {
                commands,
                waiting: Mutex::new(Some(waiting)),
                connected: RwLock::default(),
                conns: AtomicU64::new(1),
                relay: OnceLock::new(),
            }),
        }
    }

    /// The accounts with a connected device.
    #[must_use]
    pub fn connected(&self) -> HashSet<String> {
        self.shared
            .connected
            .read()
            .map(|c| c.clone())
            .unwrap_or_default()
    }

    /// What the relay has carried, one entry for each allocation; `None` where there is no relay.
    #[must_use]
    pub fn relay_counters(&self) -> Option<Vec<AllocationCounters>> {
        self.shared.relay.get().map(|counters| counters())
    }

    /// Notes where the relay's counters are; the first relay stays.
    pub fn set_relay_counters(&self, counters: RelayCounters) {
        let _ = self.shared.relay.set(counters);
    }

    /// A number for a new connection.
    #[must_use]
    pub fn next_conn(&self) -> ConnId {
        self.shared.conns.fetch_add(1, Ordering::Relaxed)
    }

    /// Opens a connection; its frames come out of the returned channel, which closes when the connection should.
    pub async fn open(&self, greeting: Greeting) -> mpsc::Receiver<Frame<ToClient>> {
        let (frames, out) = mpsc::channel(OUT);
        // A loop that has ended drops the sender, and the connection closes.
        let _ = self
            .shared
            .commands
            .send(Command::Open { greeting, frames })
            .await;
        out
    }

    /// Tells the hub what happened.
    pub async fn tell(&self, input: Input) {
        let _ = self.shared.commands.send(Command::Input(input)).await;
    }

    /// [`Signalling::tell`] where waiting is not possible; lost only when the loop is far behind, and then the
    /// hub notices the silence.
    pub fn tell_now(&self, input: Input) {
        let _ = self.shared.commands.try_send(Command::Input(input));
    }

    /// Runs the loop until the server ends. A second call returns at once.
    pub async fn run(self, app: App, relay: Option<AdmitToRelay>, turn: TurnIssuer) {
        let taken = self.shared.waiting.lock().ok().and_then(|mut w| w.take());
        let Some(commands) = taken else { return };
        let (jobs, waiting_jobs) = mpsc::channel(64);
        let recorder = tokio::spawn(visits::record_all(app.clone(), self.clone(), waiting_jobs));
        let mut state = Loop {
            hub: Hub::new(turn),
            conns: HashMap::new(),
            pending: VecDeque::new(),
            handle: self,
            relay,
            app,
        };
        state.run(commands, jobs).await;
        // The recorder ends when the sender of its jobs is gone; what was handed in is recorded.
        let _ = recorder.await;
    }

    fn set_connected(&self, user: &str, connected: bool) {
        if let Ok(mut set) = self.shared.connected.write() {
            if connected {
                set.insert(user.to_owned());
            } else {
                set.remove(user);
            }
        }
    }
}

/// What is to be done in the database, in order.
#[derive(Debug)]
pub enum Job {
    /// Check a call and make its Encounter.
    Prepare {
        /// Visit.
        visit: String,
        /// Task.
        task: String,
        /// Caller.
        caller: Party,
    },
    /// Record a step.
    Record {
        /// Visit.
        visit: String,
        /// Step.
        event: VisitEvent,
    },
    /// Keep how an account sees its link.
    Link {
        /// Account.
        user: String,
        /// Round trip.
        rtt_ms: u32,
        /// Lost share in thousandths.
        loss_permille: u32,
    },
}

struct Loop {
    hub: Hub,
    conns: HashMap<ConnId, mpsc::Sender<Frame<ToClient>>>,
    /// Jobs that the recorder has not taken yet: a few for each visit and a link every 15 s for each device.
    pending: VecDeque<Job>,
    handle: Signalling,
    relay: Option<AdmitToRelay>,
    app: App,
}

impl Loop {
    async fn run(&mut self, mut commands: mpsc::Receiver<Command>, jobs: mpsc::Sender<Job>) {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Open { greeting, frames }) => {
                        self.conns.insert(greeting.conn, frames);
                        self.handle(Input::Hello(greeting));
                    }
                    Some(Command::Input(input)) => {
                        if let Input::Closed { conn } = &input {
                            self.conns.remove(conn);
                        }
                        self.handle(input);
                    }
                    None => return,
                },
                permit = jobs.reserve(), if !self.pending.is_empty() => match (permit, self.pending.pop_front()) {
                    (Ok(permit), Some(job)) => permit.send(job),
                    (Ok(_), None) => {}
                    (Err(_), _) => return,
                },
                _ = tick.tick() => {
                    let now = self.app.clock.now();
                    if self.hub.poll_timeout().is_some_and(|(at, _)| at <= now) {
                        self.handle(Input::Tick);
                    }
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.app.clock.now();
        self.hub.handle(now, input);
        while let Some(effect) = self.hub.poll_effect() {
            self.apply(effect);
        }
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Send { conn, frame } => {
                let taken = self
                    .conns
                    .get(&conn)
                    .is_some_and(|out| out.try_send(frame).is_ok());
                if !taken {
                    // The frame is kept by the hub until acknowledged; the next connection brings it.
                    self.conns.remove(&conn);
                }
            }
            Effect::Close { conn } => {
                self.conns.remove(&conn);
            }
            Effect::Prepare { visit, task, caller } => {
                self.pending.push_back(Job::Prepare { visit, task, caller })
            }
            Effect::Record { visit, event } => {
                if let (Some(door), VisitEvent::Ended(_)) = (&self.relay, &event) {
                    door.ended(&visit);
                }
                self.pending.push_back(Job::Record { visit, event });
            }
            Effect::Relay { turn } => {
                if let Some(door) = &self.relay {
                    door.admit(&turn);
                }
            }
            Effect::Presence {
                user,
                connected,
                link,
            } => {
                self.handle.set_connected(&user, connected);
                if let Some((rtt_ms, loss_permille)) = link {
                    self.pending.push_back(Job::Link {
                        user,
                        rtt_ms,
                        loss_permille,
                    });
                }
            }
        }
    }
}

/// Keeps a link that was told over signalling.
pub(super) async fn keep_link(app: &App, user: String, rtt_ms: u32, loss_permille: u32) {
    let kept: Result<(), DbError> = app
        .db
        .write(move |tx| table::link::told(tx.conn(), &user, rtt_ms, loss_permille, tx.now_ms()))
        .await;
    if let Err(error) = kept {
        tracing::warn!(%error, "A link was not kept");
    }
}
