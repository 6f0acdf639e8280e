//! The relay's one task: it owns the protocol and every socket's writing side.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
#[cfg(not(fuzzing))]
use tokio::net::UdpSocket;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use turn_server_proto::api::{
    DelayedMessageOrChannelSend, SocketAllocateError, TcpConnectError, Transmit, TurnServerApi,
    TurnServerPollRet,
};
use turn_server_proto::server::TurnServer;
use turn_server_proto::types::stun::TransportType;
use turn_server_proto::types::transmit::TransmitBuild;
use turn_server_proto::types::{AddressFamily, Instant as RelayInstant};

use hms_core::call::framing::{padded, Framing};

#[cfg(fuzzing)]
use super::door::UdpSocket;
use super::{peers, AllocationCounters, ClientTransport, RelayUser};

const REALM: &str = "hms-ach";
/// Two for each of 200 calls, with as many to spare for restarts.
pub(super) const MAX_ALLOCATIONS: usize = 800;
/// TCP connections at most; a further one is closed at once.
const MAX_CONNECTIONS: usize = 800;
/// Allocations whose counters are remembered: more than can be open.
const COUNTERS_KEPT: usize = 2 * MAX_ALLOCATIONS;
/// Messages waiting for one TCP client. When full, the newest is dropped: media must be fresh.
const CLIENT_QUEUE: usize = 256;
/// Messages of all sockets waiting for this task. When full, readers wait and the kernel drops.
const INBOX: usize = 1024;
const MAX_DATAGRAM: usize = 2048;
/// A TCP client that says nothing for this long is gone: allocations are refreshed every few minutes.
const SILENT_CLIENT: Duration = Duration::from_secs(15 * 60);

/// A TCP client whose first bytes have not come within this is no client.
const GREETING: Duration = Duration::from_secs(10);
/// The first byte of a TLS handshake. A TURN message begins with 0 or 1, channel data with 64 to 79.
const TLS_HANDSHAKE: u8 = 22;

type Writer = Box<dyn AsyncWrite + Send + Unpin>;

pub(super) enum Incoming {
    Tcp {
        client: SocketAddr,
        message: Vec<u8>,
    },
    TcpClosed {
        client: SocketAddr,
    },
    Peer {
        relayed: SocketAddr,
        peer: SocketAddr,
        bytes: Vec<u8>,
    },
}

struct Allocation {
    socket: Arc<UdpSocket>,
    reader: AbortHandle,
    /// Its place in the counters.
    counter: Option<usize>,
}

pub(super) struct Worker {
    pub(super) began: Instant,
    listen: SocketAddr,
    advertised: Option<IpAddr>,
    /// The ports of the addresses that it gives; any where there is none.
    pub(super) ports: Option<RangeInclusive<u16>>,
    tls: Option<Arc<rustls::ServerConfig>>,
    udp: UdpSocket,
    udp_side: TurnServer,
    tcp_side: TurnServer,
    pub(super) clients: HashMap<SocketAddr, (mpsc::Sender<Vec<u8>>, [AbortHandle; 2])>,
    allocations: HashMap<SocketAddr, Allocation>,
    counters: Arc<Mutex<Vec<AllocationCounters>>>,
    inbox: mpsc::Sender<Incoming>,
    pub(super) tasks: JoinSet<()>,
}

/// What whoever starts a relay may set.
pub(super) struct Setting {
    pub(super) advertised: Option<IpAddr>,
    pub(super) ports: Option<RangeInclusive<u16>>,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
}

/// Runs the relay until its task is aborted; every task that it started ends with it.
pub(super) async fn run(
    udp: UdpSocket,
    tcp: TcpListener,
    listen: SocketAddr,
    setting: Setting,
    mut users: mpsc::UnboundedReceiver<RelayUser>,
    counters: Arc<Mutex<Vec<AllocationCounters>>>,
) {
    let (inbox, mut incoming) = mpsc::channel(INBOX);
    let mut worker = Worker::new(udp, listen, setting.advertised, counters, inbox);
    worker.ports = setting.ports;
    worker.tls = setting.tls;
    let mut buffer = [0u8; MAX_DATAGRAM];
    let mut due = Instant::now();
    loop {
        tokio::select! {
            // Users first, so that one who was let in is known when the first message comes.
            biased;
            Some(user) = users.recv() => worker.let_in(user),
            received = worker.udp.recv_from(&mut buffer) => {
                if let Ok((length, client)) = received {
                    let bytes = buffer.get(..length).unwrap_or(&[]).to_vec();
                    worker.take(ClientTransport::Udp, Transmit::new(bytes, TransportType::Udp, client, listen));
                }
            }
            Some(message) = incoming.recv() => worker.take_incoming(message),
            accepted = tcp.accept() => {
                if let Ok((stream, client)) = accepted {
                    worker.accept(stream, client);
                }
            }
            // Finished readers are only swept up.
            Some(_) = worker.tasks.join_next() => {}
            () = tokio::time::sleep_until(due.into()) => {}
        }
        due = worker.work().await;
    }
}

impl Worker {
    pub(super) fn new(
        udp: UdpSocket,
        listen: SocketAddr,
        advertised: Option<IpAddr>,
        counters: Arc<Mutex<Vec<AllocationCounters>>>,
        inbox: mpsc::Sender<Incoming>,
    ) -> Self {
        Self {
            began: Instant::now(),
            listen,
            advertised,
            ports: None,
            tls: None,
            udp,
            udp_side: TurnServer::new(TransportType::Udp, listen, REALM.into()),
            tcp_side: TurnServer::new(TransportType::Tcp, listen, REALM.into()),
            clients: HashMap::new(),
            allocations: HashMap::new(),
            counters,
            inbox,
            tasks: JoinSet::new(),
        }
    }

    pub(super) fn let_in(&mut self, user: RelayUser) {
        self.udp_side
            .add_user(user.username.clone(), user.password.clone());
        self.tcp_side.add_user(user.username, user.password);
    }

    fn side(&mut self, side: ClientTransport) -> &mut TurnServer {
        match side {
            ClientTransport::Udp => &mut self.udp_side,
            ClientTransport::Tcp => &mut self.tcp_side,
        }
    }

    fn time(&self) -> RelayInstant {
        RelayInstant::from_nanos(i64::try_from(self.began.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }

    pub(super) fn take(&mut self, side: ClientTransport, message: Transmit<Vec<u8>>) {
        let at = self.time();
        if let Some(answer) = self.side(side).recv(message, at) {
            self.forward(answer);
        }
    }

    pub(super) fn take_incoming(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Tcp { client, message } => {
                self.take(
                    ClientTransport::Tcp,
                    Transmit::new(message, TransportType::Tcp, client, self.listen),
                );
            }
            Incoming::TcpClosed { client } => {
                // An empty message is how the protocol is told of the end of a stream.
                self.take(
                    ClientTransport::Tcp,
                    Transmit::new(Vec::new(), TransportType::Tcp, client, self.listen),
                );
                self.drop_client(client);
            }
            Incoming::Peer { relayed, peer, bytes } => {
                let counter = self
                    .allocations
                    .get(&relayed)
                    .and_then(|allocation| allocation.counter);
                let length = bytes.len() as u64;
                let Some(side) = self.count(counter, |counters| {
                    counters.bytes_from_peers += length;
                    counters.packets_from_peers += 1;
                }) else {
                    return;
                };
                self.take(side, Transmit::new(bytes, TransportType::Udp, peer, relayed));
            }
        }
    }

    /// Changes the counters of an allocation; tells how its client is reached.
    fn count(
        &self,
        counter: Option<usize>,
        change: impl FnOnce(&mut AllocationCounters),
    ) -> Option<ClientTransport> {
        let mut all = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = all.get_mut(counter?)?;
        change(counters);
        Some(counters.transport)
    }

    fn forward(&mut self, message: TransmitBuild<DelayedMessageOrChannelSend<Vec<u8>>>) {
        let message = message.build();
        self.send(message);
    }

    fn send(&mut self, message: Transmit<Vec<u8>>) {
        if message.from == self.listen {
            match message.transport {
                TransportType::Udp => {
                    let _ = self.udp.try_send_to(&message.data, message.to);
                }
                TransportType::Tcp => {
                    if let Some((writer, _)) = self.clients.get(&message.to) {
                        let _ = writer.try_send(padded(message.data));
                    }
                }
            }
        } else if !peers::allowed(message.to, self.listen.ip(), self.advertised, |peer| {
            self.allocations.contains_key(peer)
        }) {
            tracing::debug!("A packet to a peer that is not served was dropped");
        } else if let Some(allocation) = self.allocations.get(&message.from) {
            let length = message.data.len() as u64;
            if allocation.socket.try_send_to(&message.data, message.to).is_ok() {
                self.count(allocation.counter, |counters| {
                    counters.bytes_to_peers += length;
                    counters.packets_to_peers += 1;
                });
            }
        }
    }

    /// Lets both sides of the protocol work; returns when they want to be called again.
    pub(super) async fn work(&mut self) -> Instant {
        let mut due = Instant::now() + Duration::from_secs(5);
        for side in [ClientTransport::Udp, ClientTransport::Tcp] {
            loop {
                let at = self.time();
                let next = self.side(side).poll(at);
                while let Some(message) = self.side(side).poll_transmit(at) {
                    self.send(message);
                }
                match next {
                    TurnServerPollRet::WaitUntil(until) => {
                        let wait = until.saturating_duration_since(at).max(Duration::from_millis(5));
                        due = due.min(Instant::now() + wait);
                        break;
                    }
                    TurnServerPollRet::AllocateSocket {
                        transport,
                        listen_addr,
                        client_addr,
                        allocation_transport,
                        family,
                    } => {
                        let opened = self.allocate(side, allocation_transport, family).await;
                        self.side(side).allocated_socket(
                            transport,
                            listen_addr,
                            client_addr,
                            allocation_transport,
                            family,
                            opened,
                            at,
                        );
                    }
                    TurnServerPollRet::TcpConnect {
                        relayed_addr,
                        peer_addr,
                        listen_addr,
                        client_addr,
                    } => {
                        let refused = Err(TcpConnectError::Forbidden);
                        self.side(side).tcp_connected(
                            relayed_addr,
                            peer_addr,
                            listen_addr,
                            client_addr,
                            refused,
                            at,
                        );
                    }
                    TurnServerPollRet::TcpClose { remote_addr, .. } => self.drop_client(remote_addr),
                    TurnServerPollRet::SocketClose { listen_addr, .. } => self.release(listen_addr),
                }
            }
        }
        due
    }

    async fn allocate(
        &mut self,
        side: ClientTransport,
        transport: TransportType,
        family: AddressFamily,
    ) -> Result<SocketAddr, SocketAllocateError> {
        let ours = if self.listen.is_ipv4() {
            AddressFamily::IPV4
        } else {
            AddressFamily::IPV6
        };
        if family != ours {
            return Err(SocketAllocateError::AddressFamilyNotSupported);
        }
        if transport != TransportType::Udp || self.allocations.len() >= MAX_ALLOCATIONS {
            return Err(SocketAllocateError::InsufficientCapacity);
        }
        let (socket, local) = open(self.listen.ip(), self.ports.clone())
            .await
            .map_err(|_| SocketAllocateError::InsufficientCapacity)?;
        let relayed = SocketAddr::new(self.advertised.unwrap_or(local.ip()), local.port());
        let reader = self
            .tasks
            .spawn(read_peers(Arc::clone(&socket), relayed, self.inbox.clone()));
        let counter = self.start_counting(side, relayed);
        self.allocations.insert(
            relayed,
            Allocation {
                socket,
                reader,
                counter,
            },
        );
        tracing::debug!(open = self.allocations.len(), "The relay gave an address");
        Ok(relayed)
    }

    fn start_counting(&self, transport: ClientTransport, relayed: SocketAddr) -> Option<usize> {
        let mut all = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = AllocationCounters {
            transport,
            relayed,
            bytes_to_peers: 0,
            bytes_from_peers: 0,
            packets_to_peers: 0,
            packets_from_peers: 0,
            open: true,
        };
        if all.len() < COUNTERS_KEPT {
            all.push(fresh);
            return Some(all.len() - 1);
        }
        // Full: a closed one makes room. There always is one, because fewer than these are open at once.
        let place = all.iter().position(|counters| !counters.open)?;
        *all.get_mut(place)? = fresh;
        Some(place)
    }

    fn release(&mut self, relayed: SocketAddr) {
        if let Some(allocation) = self.allocations.remove(&relayed) {
            allocation.reader.abort();
            self.count(allocation.counter, |counters| counters.open = false);
        }
    }

    fn accept(&mut self, stream: TcpStream, client: SocketAddr) {
        if self.clients.len() >= MAX_CONNECTIONS || stream.set_nodelay(true).is_err() {
            return;
        }
        let (to_client, mut messages) = mpsc::channel::<Vec<u8>>(CLIENT_QUEUE);
        let (opened, writer) = oneshot::channel::<Writer>();
        let writing = self.tasks.spawn(async move {
            let Ok(mut writer) = writer.await else { return };
            while let Some(message) = messages.recv().await {
                if writer.write_all(&message).await.is_err() || writer.flush().await.is_err() {
                    break;
                }
            }
        });
        let (tls, inbox) = (self.tls.clone(), self.inbox.clone());
        let reading = self.tasks.spawn(serve_client(stream, client, tls, opened, inbox));
        self.clients.insert(client, (to_client, [reading, writing]));
    }

    fn drop_client(&mut self, client: SocketAddr) {
        if let Some((writer, [reading, _])) = self.clients.remove(&client) {
            // The writing task ends by itself once what is queued is out.
            drop(writer);
            reading.abort();
        }
    }
}

async fn open(
    ip: IpAddr,
    ports: Option<RangeInclusive<u16>>,
) -> std::io::Result<(Arc<UdpSocket>, SocketAddr)> {
    let mut found = Err(std::io::Error::from(std::io::ErrorKind::AddrInUse));
    for port in ports.unwrap_or(0..=0) {
        found = UdpSocket::bind((ip, port)).await;
        if found.is_ok() {
            break;
        }
    }
    let socket = found?;
    let local = socket.local_addr()?;
    // As for the relay's own port: or the first packet to a peer would be dropped.
    socket.writable().await?;
    Ok((Arc::new(socket), local))
}

async fn read_peers(socket: Arc<UdpSocket>, relayed: SocketAddr, inbox: mpsc::Sender<Incoming>) {
    let mut buffer = [0u8; MAX_DATAGRAM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, peer)) => {
                let bytes = buffer.get(..length).unwrap_or(&[]).to_vec();
                if inbox.send(Incoming::Peer { relayed, peer, bytes }).await.is_err() {
                    return;
                }
            }
            // A peer that refuses is told here and may pass; do not spin on it.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Serves a TCP client, plain or in TLS, until it goes.
async fn serve_client(
    stream: TcpStream,
    client: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    opened: oneshot::Sender<Writer>,
    inbox: mpsc::Sender<Incoming>,
) {
    let mut first = [0u8];
    let greeted = tokio::time::timeout(GREETING, stream.peek(&mut first)).await;
    let (reader, writer): (Box<dyn AsyncRead + Send + Unpin>, Writer) = match (greeted, tls) {
        (Ok(Ok(1..)), Some(tls)) if first == [TLS_HANDSHAKE] => {
            let secured = TlsAcceptor::from(tls).accept(stream);
            let Ok(Ok(stream)) = tokio::time::timeout(GREETING, secured).await else {
                let _ = inbox.send(Incoming::TcpClosed { client }).await;
                return;
            };
            let (reader, writer) = tokio::io::split(stream);
            (Box::new(reader), Box::new(writer))
        }
        (Ok(Ok(1..)), _) => {
            let (reader, writer) = stream.into_split();
            (Box::new(reader), Box::new(writer))
        }
        _ => {
            let _ = inbox.send(Incoming::TcpClosed { client }).await;
            return;
        }
    };
    if opened.send(writer).is_ok() {
        read_client(reader, client, inbox).await;
    }
}

async fn read_client(mut reader: impl AsyncRead + Unpin, client: SocketAddr, inbox: mpsc::Sender<Incoming>) {
    let mut framing = Framing::default();
    let mut buffer = vec![0u8; 16 * 1024];
    'stream: while let Ok(Ok(length @ 1..)) =
        tokio::time::timeout(SILENT_CLIENT, reader.read(&mut buffer)).await
    {
        framing.push(buffer.get(..length).unwrap_or(&[]));
        loop {
            match framing.next_message() {
                Ok(Some(message)) => {
                    if inbox.send(Incoming::Tcp { client, message }).await.is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(_) => break 'stream,
            }
        }
    }
    let _ = inbox.send(Incoming::TcpClosed { client }).await;
}
