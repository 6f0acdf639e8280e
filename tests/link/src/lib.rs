//! A link between real programs that is as bad as a plan says: slow, thin, lossy, cut at a byte or for a while. Bytes
//! pass unchanged. The stage, the benches and `cargo xtask link` use this one.
//!
//! TCP is carried by reading at one end and writing at the other. What loss does to it is modelled: a lost packet
//! takes the line a second time and comes a round trip later (a round trip and 200 ms where nothing was on its way with it,
//! twice as long each time that it is lost again), and all behind it on its connection wait. A connection's first byte leaves
//! a round trip after it was made, as TCP's own greeting has it. A sender's congestion window is not modelled: it finds
//! the line's full rate, as BBR nearly does on such a link and older senders do not.

mod lane;
mod plan;
mod stream;
mod udp;

pub use lane::Passed;
pub use plan::{Cut, Direction, Outage, Plan, Way};

use anyhow::{Context, Result};
use lane::Lane;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;

/// What the link does with what comes. The worst of several reasons holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// Passes it on.
    #[default]
    Up,
    /// Holds TCP back and drops UDP, as a tunnel does: nobody is told.
    Silent,
    /// Closes connections, as a phone without a network does.
    Cut,
    /// For good.
    Gone,
}

/// Why the link may be down.
#[derive(Debug, Clone, Copy, Default)]
struct Doors {
    by_hand: State,
    by_time: State,
    by_byte: State,
}

impl Doors {
    fn state(&self) -> State {
        self.by_hand.max(self.by_time).max(self.by_byte)
    }
}

/// What has passed a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Connections that were let through.
    pub connections: u64,
    /// Connections that were refused while the link was cut.
    pub refused: u64,
    /// Breaks at a byte.
    pub cuts: u64,
    /// Breaks at a time.
    pub outages: u64,
    /// From who connects.
    pub up: Passed,
    /// To who connects.
    pub down: Passed,
}

/// A link. Dropping it cuts it for good.
pub struct Line(Arc<Shared>);

struct Shared {
    plan: Mutex<Plan>,
    doors: watch::Sender<Doors>,
    up: Lane,
    down: Lane,
    begun: Mutex<bool>,
    connections: AtomicU64,
    refused: AtomicU64,
    cuts: AtomicU64,
    outages: AtomicU64,
}

impl Line {
    /// A link as a plan has it.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self(Arc::new(Shared {
            up: Lane::new(&plan, Direction::Up),
            down: Lane::new(&plan, Direction::Down),
            plan: Mutex::new(plan),
            doors: watch::Sender::new(Doors::default()),
            begun: Mutex::new(false),
            connections: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            outages: AtomicU64::new(0),
        }))
    }

    /// Carries TCP from here to there; gives where it listens.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn tcp(&self, listen: SocketAddr, to: SocketAddr) -> Result<SocketAddr> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("listen at {listen}"))?;
        let address = listener.local_addr()?;
        tokio::spawn(stream::accept(listener, to, Arc::clone(&self.0)));
        Ok(address)
    }

    /// Carries datagrams from here to there; gives where it listens.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn udp(&self, listen: SocketAddr, to: SocketAddr) -> Result<SocketAddr> {
        let socket = UdpSocket::bind(listen)
            .await
            .with_context(|| format!("listen at {listen} for datagrams"))?;
        let address = socket.local_addr()?;
        tokio::spawn(udp::carry(Arc::new(socket), to, Arc::clone(&self.0)));
        Ok(address)
    }

    /// Closes every connection and lets none through. What waited for the line is gone and does not keep it busy.
    pub fn cut(&self) {
        self.0.doors.send_modify(|doors| doors.by_hand = State::Cut);
        self.0.up.clear();
        self.0.down.clear();
    }

    /// Nothing passes and nobody is told.
    pub fn silence(&self) {
        self.0.doors.send_modify(|doors| doors.by_hand = State::Silent);
    }

    /// Lets everything through again.
    pub fn restore(&self) {
        self.0.doors.send_modify(|doors| doors.by_hand = State::Up);
    }

    /// Rates, delays and losses from now on.
    pub fn set(&self, up: Way, down: Way) {
        let round_trip = {
            let mut plan = self.0.plan();
            (plan.up, plan.down) = (up, down);
            plan.round_trip()
        };
        self.0.up.set(up, round_trip);
        self.0.down.set(down, round_trip);
    }

    /// What has passed so far. TLS is in its bytes; the heads of TCP and IP are not.
    #[must_use]
    pub fn report(&self) -> Report {
        let shared = &self.0;
        Report {
            connections: shared.connections.load(Ordering::Relaxed),
            refused: shared.refused.load(Ordering::Relaxed),
            cuts: shared.cuts.load(Ordering::Relaxed),
            outages: shared.outages.load(Ordering::Relaxed),
            up: shared.up.passed(),
            down: shared.down.passed(),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.doors.send_modify(|doors| doors.by_hand = State::Gone);
    }
}

impl Shared {
    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    /// Time begins with the first connection or datagram.
    fn begin(self: &Arc<Self>) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *begun, true) {
            return;
        }
        for outage in self.plan().outages.clone() {
            tokio::spawn(Arc::clone(self).keep_outage(outage));
        }
    }

    async fn keep_outage(self: Arc<Self>, outage: Outage) {
        let begun = tokio::time::Instant::now();
        let mut doors = self.doors.subscribe();
        let mut after = Duration::from_millis(outage.after_ms);
        let state = if outage.silent { State::Silent } else { State::Cut };
        loop {
            for (at, state) in [
                (after, state),
                (after + Duration::from_millis(outage.for_ms), State::Up),
            ] {
                tokio::select! {
                    () = tokio::time::sleep_until(begun + at) => {}
                    _ = doors.wait_for(|doors| doors.state() == State::Gone) => return,
                }
                if state != State::Up {
                    self.outages.fetch_add(1, Ordering::Relaxed);
                    self.up.clear();
                    self.down.clear();
                }
                self.doors.send_modify(|doors| doors.by_time = state);
            }
            let Some(every) = outage.every_ms else { return };
            after += Duration::from_millis(every);
        }
    }

    /// Breaks every connection at a byte.
    fn broken(self: &Arc<Self>, cut: Cut) {
        self.cuts.fetch_add(1, Ordering::Relaxed);
        self.doors.send_modify(|doors| doors.by_byte = State::Cut);
        self.up.clear();
        self.down.clear();
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(cut.for_ms.max(1))).await;
            shared.doors.send_modify(|doors| doors.by_byte = State::Up);
        });
    }
}
