//! The embedded TURN relay: UDP and TCP, plain or in TLS, on one port, long-term credentials, bytes counted per allocation.
//!
//! The protocol is `turn-server-proto`, sans-IO; here are its sockets. Allocations are UDP only (media), and
//! their number is bounded. Logs carry counts and never an address.

#[cfg(fuzzing)]
pub mod door;
mod peers;
mod worker;

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
#[cfg(not(fuzzing))]
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

#[cfg(fuzzing)]
use door::UdpSocket;

/// The relay could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// No port could be bound for both UDP and TCP.
    #[error("failed to open the relay's port")]
    OpenPort(#[source] std::io::Error),
}

/// One user of the relay.
#[derive(Clone)]
pub struct RelayUser {
    /// Long-term user name.
    pub username: String,
    /// Long-term password.
    pub password: String,
}

impl std::fmt::Debug for RelayUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RelayUser(«hidden»)")
    }
}

/// How a client reaches the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientTransport {
    /// Datagrams.
    Udp,
    /// One TCP connection, plain or in TLS.
    Tcp,
}

/// What one allocation has carried. Payload bytes, without the relay's own headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocationCounters {
    /// How its client reaches the relay.
    pub transport: ClientTransport,
    /// The address that the relay gave.
    pub relayed: SocketAddr,
    /// Bytes from the client to peers.
    pub bytes_to_peers: u64,
    /// Bytes from peers to the client.
    pub bytes_from_peers: u64,
    /// Packets from the client to peers.
    pub packets_to_peers: u64,
    /// Packets from peers to the client.
    pub packets_from_peers: u64,
    /// Is it still in use?
    pub open: bool,
}

/// A running relay. It stops when dropped.
pub struct Relay {
    addr: SocketAddr,
    counters: Arc<Mutex<Vec<AllocationCounters>>>,
    users: mpsc::UnboundedSender<RelayUser>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Starts a relay on an address; port 0 takes a free one (the same for UDP and TCP). `advertised` is the
    /// address that clients and peers see, if it is not the one that is listened on (behind NAT). Listening on
    /// 0.0.0.0 without it, the address that routes to the world is taken.
    ///
    /// The addresses that it gives to clients have ports of the range, two for each call, or any. With `tls` a TCP connection may
    /// begin with a TLS handshake: its first byte tells.
    ///
    /// # Errors
    /// If the port cannot be bound.
    pub async fn start(
        listen: SocketAddr,
        advertised: Option<IpAddr>,
        ports: Option<RangeInclusive<u16>>,
        tls: Option<Arc<rustls::ServerConfig>>,
        users: impl IntoIterator<Item = RelayUser>,
    ) -> Result<Self, RelayError> {
        let (udp, tcp) = bind_both(listen).await.map_err(RelayError::OpenPort)?;
        let addr = udp.local_addr().map_err(RelayError::OpenPort)?;
        let advertised = match advertised {
            None if addr.ip().is_unspecified() => route_to_the_world(addr.ip()).await,
            given => given,
        };
        let counters = Arc::new(Mutex::new(Vec::new()));
        // Unbounded, because it carries one message per visit and its sender must not wait.
        let (to_worker, inbox) = mpsc::unbounded_channel();
        for user in users {
            let _ = to_worker.send(user);
        }
        let task = tokio::spawn(worker::run(
            udp,
            tcp,
            addr,
            worker::Setting {
                advertised,
                ports,
                tls,
            },
            inbox,
            Arc::clone(&counters),
        ));
        Ok(Self {
            addr,
            counters,
            users: to_worker,
            task,
        })
    }

    /// The address that is listened on, for UDP and TCP.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Lets one more user in, from now until the relay stops.
    pub fn add_user(&self, user: RelayUser) {
        let _ = self.users.send(user);
    }

    /// What each allocation has carried so far, oldest first, closed ones included (the last 1,600).
    pub fn counters(&self) -> Vec<AllocationCounters> {
        self.counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The local address that routes to the world. Asks the routing table; sends nothing.
async fn route_to_the_world(any: IpAddr) -> Option<IpAddr> {
    let world: SocketAddr = if any.is_ipv4() {
        (std::net::Ipv4Addr::new(192, 0, 2, 1), 9).into()
    } else {
        (std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into()
    };
    let socket = UdpSocket::bind((any, 0)).await.ok()?;
    socket.connect(world).await.ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Binds one port for UDP and TCP. A free port for one may be taken for the other: tries a few.
async fn bind_both(listen: SocketAddr) -> std::io::Result<(UdpSocket, TcpListener)> {
    let mut tries = 10;
    loop {
        let udp = UdpSocket::bind(listen).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => {
                // A fresh socket does not know that it may write, and `try_send_to` would drop the first answer.
                udp.writable().await?;
                return Ok((udp, tcp));
            }
            Err(error) if listen.port() != 0 || tries == 0 => return Err(error),
            Err(_) => tries -= 1,
        }
    }
}
