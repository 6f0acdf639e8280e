//! A door to the relay's task, for fuzzing alone (`tests/fuzz`): its packets come and go as bytes, and no socket is opened.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use turn_server_proto::api::Transmit;
use turn_server_proto::types::stun::TransportType;

use super::worker::{Incoming, Worker};
use super::{AllocationCounters, ClientTransport, RelayUser};

/// Allocations that are open at once at most.
pub const MAX_ALLOCATIONS: usize = super::worker::MAX_ALLOCATIONS;

thread_local! {
    static SENT: RefCell<Vec<Packet>> = const { RefCell::new(Vec::new()) };
    static NEXT_PORT: Cell<u16> = const { Cell::new(50_000) };
}

/// Something that the relay sent.
#[derive(Debug, Clone)]
pub struct Packet {
    /// From its own address, or from one that it gave.
    pub from: SocketAddr,
    /// To a client or to a peer.
    pub to: SocketAddr,
    /// What is in it; as a stream carries it where it goes to a TCP client.
    pub bytes: Vec<u8>,
}

/// A socket that leads nowhere.
pub(super) struct UdpSocket(SocketAddr);

impl UdpSocket {
    pub(super) async fn bind(at: impl Into<SocketAddr>) -> std::io::Result<Self> {
        let mut at = at.into();
        if at.port() == 0 {
            at.set_port(NEXT_PORT.get());
            NEXT_PORT.set(NEXT_PORT.get().checked_add(1).unwrap_or(50_000));
        }
        Ok(Self(at))
    }

    pub(super) async fn connect(&self, _to: SocketAddr) -> std::io::Result<()> {
        Ok(())
    }

    pub(super) async fn writable(&self) -> std::io::Result<()> {
        Ok(())
    }

    pub(super) async fn recv_from(&self, _buffer: &mut [u8]) -> std::io::Result<(usize, SocketAddr)> {
        std::future::pending().await
    }

    pub(super) fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.0)
    }

    pub(super) fn try_send_to(&self, bytes: &[u8], to: SocketAddr) -> std::io::Result<usize> {
        SENT.with_borrow_mut(|sent| {
            sent.push(Packet {
                from: self.0,
                to,
                bytes: bytes.to_vec(),
            });
        });
        Ok(bytes.len())
    }
}

/// The relay's task, called by hand.
pub struct LooseRelay {
    worker: Worker,
    listen: SocketAddr,
    counters: Arc<Mutex<Vec<AllocationCounters>>>,
    streams: Vec<(SocketAddr, mpsc::Receiver<Vec<u8>>)>,
    _incoming: mpsc::Receiver<Incoming>,
    // Last, so that what runs on it ends before it.
    runtime: Runtime,
}

impl LooseRelay {
    /// A relay that listens here and lets these users in.
    ///
    /// # Panics
    /// If there can be no runtime.
    pub fn new(listen: SocketAddr, users: &[(&str, &str)]) -> Self {
        SENT.take();
        NEXT_PORT.set(50_000);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let counters = Arc::new(Mutex::new(Vec::new()));
        let (inbox, incoming) = mpsc::channel(1);
        let mut worker = Worker::new(UdpSocket(listen), listen, None, Arc::clone(&counters), inbox);
        for (username, password) in users {
            worker.let_in(RelayUser {
                username: (*username).to_owned(),
                password: (*password).to_owned(),
            });
        }
        Self {
            worker,
            listen,
            counters,
            streams: Vec::new(),
            _incoming: incoming,
            runtime,
        }
    }

    /// A datagram comes to the relay's own port.
    pub fn datagram(&mut self, from: SocketAddr, bytes: Vec<u8>) {
        let message = Transmit::new(bytes, TransportType::Udp, from, self.listen);
        self.worker.take(ClientTransport::Udp, message);
        self.work();
    }

    /// A client connects by TCP.
    pub fn connect(&mut self, client: SocketAddr) {
        let (to_client, messages) = mpsc::channel(256);
        let tasks = &mut self.worker.tasks;
        let handle = self.runtime.handle();
        let tasks = [(); 2].map(|()| tasks.spawn_on(std::future::pending(), handle));
        self.worker.clients.insert(client, (to_client, tasks));
        self.streams.push((client, messages));
    }

    /// A whole message comes on a client's stream.
    pub fn message(&mut self, client: SocketAddr, message: Vec<u8>) {
        self.worker.take_incoming(Incoming::Tcp { client, message });
        self.work();
    }

    /// A client's stream ends.
    pub fn disconnect(&mut self, client: SocketAddr) {
        self.worker.take_incoming(Incoming::TcpClosed { client });
        self.work();
    }

    /// A datagram comes to an address that the relay gave.
    pub fn from_peer(&mut self, relayed: SocketAddr, peer: SocketAddr, bytes: Vec<u8>) {
        self.worker.take_incoming(Incoming::Peer { relayed, peer, bytes });
        self.work();
    }

    /// Time goes on.
    pub fn go_on(&mut self, by: Duration) {
        if let Some(earlier) = self.worker.began.checked_sub(by) {
            self.worker.began = earlier;
        }
        self.work();
    }

    /// What it sent since it was last asked.
    pub fn sent(&mut self) -> Vec<Packet> {
        let mut sent = SENT.take();
        for (client, messages) in &mut self.streams {
            while let Ok(bytes) = messages.try_recv() {
                sent.push(Packet {
                    from: self.listen,
                    to: *client,
                    bytes,
                });
            }
        }
        sent
    }

    /// What each allocation carried.
    pub fn counters(&self) -> Vec<AllocationCounters> {
        self.counters.lock().map(|all| all.clone()).unwrap_or_default()
    }

    fn work(&mut self) {
        let due = self.runtime.block_on(self.worker.work());
        assert!(due > Instant::now() - Duration::from_secs(1), "it is never done");
    }
}

/// Whether the relay may send to a peer, asked as for a relay that listens on every address.
pub fn peer_allowed(peer: SocketAddr) -> bool {
    super::peers::allowed(peer, Ipv4Addr::UNSPECIFIED.into(), None, |_| false)
}
