//! The way through a TURN relay, over UDP or one connection, plain or in TLS.
//!
//! The protocol is `turn-client-proto`, sans-IO; here are its sockets. Everything that waits is a task of the
//! call's own runtime and ends with it.

#[cfg(fuzzing)]
pub(crate) mod loose;

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use turn_client_proto::api::{Transmit, TurnClientApi, TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::tcp::TurnClientTcp;
use turn_client_proto::types::{TransportType, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;

use crate::call::socket::{self, Marks};
use crate::rate::Kind;
use crate::tunnel::open_tunnel;
use crate::{RelayProtocol, TurnServer};
use hms_core::call::framing::{padded, Framing};
use hms_core::proxy::{Proxies, Proxy};

turn_client_proto::impl_client!(Client, (Udp, TurnClientUdp), (Tcp, TurnClientTcp));

type RelayInstant = turn_client_proto::types::Instant;

/// A relay that does not answer within this is not waited for.
const OPEN_TIMEOUT: Duration = Duration::from_secs(4);
/// Messages that wait in each direction. When full, the newest is dropped: media must be fresh, and everything
/// else is repeated.
const QUEUE: usize = 256;
/// Keeps the kernel from holding seconds of stale media on a slow TCP connection.
const TCP_SEND_BUFFER: u32 = 64 * 1024;
/// Packets to one peer after which a channel is bound: it saves 32 bytes on each further one.
const CHANNEL_AFTER: u32 = 16;
/// Packets that wait for their peers to be allowed: checks and the first handshake, which would else be repeated
/// only after half a second.
const HELD: usize = 32;
const MAX_DATAGRAM: usize = 2048;

/// Where a relay is, from its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelayAddress {
    host: String,
    port: u16,
    protocol: RelayProtocol,
}

impl RelayAddress {
    /// Reads `turn:host:port?transport=udp|tcp` and `turns:host:port?transport=tcp`. `None` if it is something else.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (rest, usual, port) = match url.strip_prefix("turns:") {
            Some(rest) => (rest, "transport=tcp", 5349),
            None => (url.strip_prefix("turn:")?, "transport=udp", 3478),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, usual));
        let protocol = match (query.strip_prefix("transport=")?, port) {
            ("udp", 3478) => RelayProtocol::Udp,
            ("tcp", 3478) => RelayProtocol::Tcp,
            ("tcp", _) => RelayProtocol::Tls,
            _ => return None,
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && (!host.contains(':') || host.ends_with(']')) => {
                (host, port.parse().ok()?)
            }
            _ => (place, port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        (!host.is_empty()).then_some(Self { host, port, protocol })
    }

    /// Is it only tried where no plain one answers? It costs two round trips more.
    pub(crate) fn is_last_resort(&self) -> bool {
        self.protocol == RelayProtocol::Tls
    }

    /// The proxy to the relay, if a connection to it goes through one.
    fn proxy<'p>(&self, proxies: &'p Proxies) -> Option<&'p Proxy> {
        match self.protocol {
            RelayProtocol::Udp => None,
            RelayProtocol::Tcp | RelayProtocol::Tls => proxies.to(&self.host),
        }
    }

    /// What is nearest on the way to the relay: a proxy to its host, also where this URL would not use it, or the relay. A
    /// network that has a proxy often knows no names of the world.
    pub(crate) async fn first_hop(&self, proxies: &Proxies) -> Option<SocketAddr> {
        match proxies.to(&self.host) {
            Some(proxy) => resolve(proxy.host(), proxy.port()).await,
            None => resolve(&self.host, self.port).await,
        }
    }
}

/// A socket address of a host, IPv4 first.
async fn resolve(host: &str, port: u16) -> Option<SocketAddr> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await.ok()?.collect();
    found
        .iter()
        .find(|at| at.is_ipv4())
        .or_else(|| found.first())
        .copied()
}

/// An allocation on a relay.
pub(crate) struct RelayPath {
    client: Client,
    began: Instant,
    protocol: RelayProtocol,
    relayed: SocketAddr,
    wire: Wire,
    inbox: mpsc::Receiver<Vec<u8>>,
    asked: HashSet<IpAddr>,
    sent: HashMap<SocketAddr, u32>,
    held: Vec<(SocketAddr, Vec<u8>)>,
    _tasks: JoinSet<()>,
}

enum Wire {
    Udp(Arc<UdpSocket>, Marks),
    Tcp(mpsc::Sender<Vec<u8>>),
}

impl Wire {
    fn send(&mut self, bytes: Vec<u8>, kind: Kind) {
        match self {
            Self::Udp(socket, marks) => {
                marks.set(socket, kind);
                let _ = socket.try_send(&bytes);
            }
            Self::Tcp(writer) => {
                let _ = writer.try_send(padded(bytes));
            }
        }
    }
}

impl RelayPath {
    /// Asks a relay for an address. `None` if it does not answer in time or refuses.
    pub(crate) async fn open(
        server: TurnServer,
        bind: Option<IpAddr>,
        ports: Option<RangeInclusive<u16>>,
        tls: Option<Arc<rustls::ClientConfig>>,
        proxies: &Proxies,
        began: Instant,
    ) -> Option<Self> {
        let address = RelayAddress::parse(&server.url)?;
        let proxy = address.proxy(proxies).cloned();
        let allocating = Self::allocate(server, address, bind, ports, (tls, proxy), began);
        tokio::time::timeout(OPEN_TIMEOUT, allocating).await.ok()?
    }

    async fn allocate(
        server: TurnServer,
        address: RelayAddress,
        bind: Option<IpAddr>,
        ports: Option<RangeInclusive<u16>>,
        (tls, proxy): (Option<Arc<rustls::ClientConfig>>, Option<Proxy>),
        began: Instant,
    ) -> Option<Self> {
        // Through a proxy, the relay's name is the proxy's to look up; what the protocol notes as the far end is the proxy then.
        let at = match &proxy {
            Some(proxy) => resolve(proxy.host(), proxy.port()).await?,
            None => resolve(&address.host, address.port).await?,
        };
        let config = TurnConfig::new(TurnCredentials::new(&server.username, &server.credential));
        let mut tasks = JoinSet::new();
        let (to_inbox, inbox) = mpsc::channel(QUEUE);
        let (client, wire) = match address.protocol {
            RelayProtocol::Udp => {
                let socket = Arc::new(connect_udp(at, bind, ports).await?);
                let local = socket.local_addr().ok()?;
                tasks.spawn(read_udp(Arc::clone(&socket), to_inbox));
                (
                    Client::Udp(TurnClientUdp::allocate(local, at, config)),
                    Wire::Udp(socket, Marks::default()),
                )
            }
            RelayProtocol::Tcp | RelayProtocol::Tls => {
                let mut stream = connect_tcp(at, bind).await?;
                if let Some(proxy) = &proxy {
                    let opened = open_tunnel(&mut stream, proxy, &address.host, address.port).await;
                    opened
                        .inspect_err(|error| tracing::warn!(%error, "No way to a relay through the proxy"))
                        .ok()?;
                }
                let local = stream.local_addr().ok()?;
                let to_writer = match address.protocol {
                    RelayProtocol::Tls => {
                        carry(secured(stream, &address.host, tls?).await?, &mut tasks, to_inbox)
                    }
                    _ => carry(stream, &mut tasks, to_inbox),
                };
                (
                    Client::Tcp(TurnClientTcp::allocate(local, at, config)),
                    Wire::Tcp(to_writer),
                )
            }
        };
        let mut path = Self {
            client,
            began,
            protocol: address.protocol,
            relayed: at,
            wire,
            inbox,
            asked: HashSet::new(),
            sent: HashMap::new(),
            held: Vec::new(),
            _tasks: tasks,
        };
        path.wait_for_allocation().await.then_some(path)
    }

    async fn wait_for_allocation(&mut self) -> bool {
        loop {
            let deadline = self.pump(Instant::now());
            while let Some(event) = self.client.poll_event() {
                match event {
                    TurnEvent::AllocationCreated(_, relayed) => {
                        self.relayed = relayed;
                        return true;
                    }
                    TurnEvent::AllocationCreateFailed(_) => return false,
                    _ => {}
                }
            }
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(bytes) => {
                        self.take(Instant::now(), bytes);
                    }
                    None => return false,
                },
                () = tokio::time::sleep_until(deadline.into()) => {}
            }
        }
    }

    /// The address on the relay.
    pub(crate) fn relayed(&self) -> SocketAddr {
        self.relayed
    }

    /// How the relay is reached.
    pub(crate) fn protocol(&self) -> RelayProtocol {
        self.protocol
    }

    /// Waits for the relay's next message; `None` when the connection is gone.
    pub(crate) fn poll_inbox(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Vec<u8>>> {
        self.inbox.poll_recv(context)
    }

    /// Takes a message of the relay; returns what peers sent through it.
    pub(crate) fn take(&mut self, now: Instant, bytes: Vec<u8>) -> Vec<(SocketAddr, Vec<u8>)> {
        let at = self.time(now);
        let message = Transmit::new(
            bytes,
            self.client.transport(),
            self.client.remote_addr(),
            self.client.local_addr(),
        );
        let mut received = Vec::new();
        if let TurnRecvRet::PeerData(data) = self.client.recv(message, at) {
            received.push((data.peer, data.data().to_vec()));
        }
        while let Some(data) = self.client.poll_recv(at) {
            received.push((data.peer, data.data().to_vec()));
        }
        self.pump(now);
        self.send_held(now);
        received
    }

    fn send_held(&mut self, now: Instant) {
        if self
            .held
            .iter()
            .any(|(peer, _)| self.client.have_permission(TransportType::Udp, peer.ip()))
        {
            for (peer, bytes) in std::mem::take(&mut self.held) {
                // What waited was a path check: nothing else goes before there is permission.
                self.send(now, peer, bytes, Kind::Control);
            }
        }
    }

    /// Allows a peer to send through the relay.
    pub(crate) fn permit(&mut self, now: Instant, peer: IpAddr) {
        let same_family = peer.is_ipv4() == self.relayed.is_ipv4();
        if same_family && self.asked.insert(peer) {
            // Refused only if it exists already.
            let _ = self
                .client
                .create_permission(TransportType::Udp, peer, self.time(now));
            self.pump(now);
        }
    }

    /// Sends to a peer through the relay. The first packets wait until the relay has allowed the peer.
    pub(crate) fn send(&mut self, now: Instant, peer: SocketAddr, bytes: Vec<u8>, kind: Kind) {
        let at = self.time(now);
        self.permit(now, peer.ip());
        if !self.client.have_permission(TransportType::Udp, peer.ip()) {
            if self.held.len() < HELD {
                self.held.push((peer, bytes));
            }
            return;
        }
        let count = self.sent.entry(peer).or_default();
        *count = count.saturating_add(1);
        if *count == CHANNEL_AFTER {
            let _ = self.client.bind_channel(TransportType::Udp, peer, at);
        }
        if let Ok(Some(message)) = self.client.send_to(TransportType::Udp, peer, bytes, at) {
            self.wire.send(message.build().data, kind);
        }
        self.pump(now);
    }

    /// Lets the protocol work; returns when it wants to be called again.
    pub(crate) fn pump(&mut self, now: Instant) -> Instant {
        let at = self.time(now);
        loop {
            let next = self.client.poll(at);
            while let Some(message) = self.client.poll_transmit(at) {
                self.wire.send(message.data.to_vec(), Kind::Control);
            }
            match next {
                TurnPollRet::WaitUntil(until) => {
                    let wait = until.saturating_duration_since(at);
                    return now + wait.clamp(Duration::from_millis(5), Duration::from_secs(5));
                }
                TurnPollRet::Closed => return now + Duration::from_secs(5),
                // Only for TCP allocations, which are never asked for.
                TurnPollRet::AllocateTcpSocket { .. } | TurnPollRet::TcpClose { .. } => {}
            }
        }
    }

    /// Forgets peers that the relay refused, so that they are asked for again.
    pub(crate) fn read_events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            if let TurnEvent::PermissionCreateFailed(_, peer) = event {
                self.asked.remove(&peer);
            }
        }
    }

    /// Gives the address back.
    pub(crate) fn give_back(&mut self, now: Instant) {
        let _ = self.client.delete(self.time(now));
        self.pump(now);
    }

    fn time(&self, now: Instant) -> RelayInstant {
        let since = now.saturating_duration_since(self.began);
        RelayInstant::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}

async fn connect_udp(
    at: SocketAddr,
    bind: Option<IpAddr>,
    ports: Option<RangeInclusive<u16>>,
) -> Option<UdpSocket> {
    let socket = socket::open(local_for(at, bind), ports).await.ok()?;
    socket.connect(at).await.ok()?;
    // A fresh socket does not know that it may write, and `try_send` would drop the first message.
    socket.writable().await.ok()?;
    Some(socket)
}

async fn connect_tcp(at: SocketAddr, bind: Option<IpAddr>) -> Option<TcpStream> {
    let socket = if at.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }
    .ok()?;
    socket.set_send_buffer_size(TCP_SEND_BUFFER).ok()?;
    socket.bind((local_for(at, bind), 0).into()).ok()?;
    let stream = socket.connect(at).await.ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// TLS with the relay, whose certificate has to be for this host and from an authority that the app trusts.
async fn secured(
    stream: TcpStream,
    host: &str,
    tls: Arc<rustls::ClientConfig>,
) -> Option<tokio_rustls::client::TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).ok()?;
    // What the server's other connections speak is not what a relay does.
    let mut tls = (*tls).clone();
    tls.alpn_protocols = Vec::new();
    let secured = tokio_rustls::TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await;
    if let Err(error) = &secured {
        tracing::warn!(%error, "A relay's certificate or its TLS was refused");
    }
    secured.ok()
}

/// Reads and writes a connection; gives where to put what is to be written.
fn carry(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    tasks: &mut JoinSet<()>,
    to_inbox: mpsc::Sender<Vec<u8>>,
) -> mpsc::Sender<Vec<u8>> {
    let (reader, mut writer) = tokio::io::split(stream);
    let (to_writer, mut from_us) = mpsc::channel::<Vec<u8>>(QUEUE);
    tasks.spawn(read_stream(reader, to_inbox));
    tasks.spawn(async move {
        while let Some(bytes) = from_us.recv().await {
            if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
                break;
            }
        }
    });
    to_writer
}

/// The wished local address if it is of the relay's family, else any.
fn local_for(at: SocketAddr, bind: Option<IpAddr>) -> IpAddr {
    let any = if at.is_ipv4() {
        IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)
    };
    bind.filter(|bind| bind.is_ipv4() == at.is_ipv4()).unwrap_or(any)
}

async fn read_udp(socket: Arc<UdpSocket>, inbox: mpsc::Sender<Vec<u8>>) {
    let mut buffer = [0u8; MAX_DATAGRAM];
    while !inbox.is_closed() {
        match socket.recv(&mut buffer).await {
            Ok(length) => {
                let _ = inbox.try_send(buffer.get(..length).unwrap_or(&[]).to_vec());
            }
            // A refused port is told here and may pass; do not spin on it.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn read_stream(mut reader: impl AsyncRead + Unpin, inbox: mpsc::Sender<Vec<u8>>) {
    let mut framing = Framing::default();
    let mut buffer = vec![0u8; 16 * 1024];
    while let Ok(length @ 1..) = reader.read(&mut buffer).await {
        framing.push(buffer.get(..length).unwrap_or(&[]));
        loop {
            match framing.next_message() {
                // A stream must not lose bytes: wait for room.
                Ok(Some(message)) => {
                    if inbox.send(message).await.is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, port: u16, protocol: RelayProtocol) -> Option<RelayAddress> {
        Some(RelayAddress {
            host: host.into(),
            port,
            protocol,
        })
    }

    #[test]
    fn urls_are_read_or_refused() {
        use RelayProtocol::{Tcp, Tls, Udp};

        assert_eq!(
            RelayAddress::parse("turn:relay.example:5000"),
            address("relay.example", 5000, Udp)
        );
        assert_eq!(
            RelayAddress::parse("turn:10.0.0.1?transport=tcp"),
            address("10.0.0.1", 3478, Tcp)
        );
        assert_eq!(
            RelayAddress::parse("turn:[::1]:40?transport=udp"),
            address("::1", 40, Udp)
        );
        assert_eq!(
            RelayAddress::parse("turns:relay.example:443?transport=tcp"),
            address("relay.example", 443, Tls)
        );
        assert_eq!(
            RelayAddress::parse("turns:relay.example"),
            address("relay.example", 5349, Tls)
        );
        for bad in [
            "turns:relay:443?transport=udp",
            "turn:",
            "http://relay",
            "turn:a:b",
            "turn:a?transport=sctp",
        ] {
            assert_eq!(RelayAddress::parse(bad), None, "{bad}");
        }
    }
}
