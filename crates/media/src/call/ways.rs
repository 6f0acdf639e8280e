//! The ways out of this machine that a call may take: a socket of its own and addresses on relays. Found when the call begins,
//! and again, beside those in use, when the machine has another network or no way works any more.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::socket::{self, Marks};
use crate::engine::LocalAddress;
use crate::turn::{RelayAddress, RelayPath};
use crate::{CallConfig, CallError};

/// How long the call waits for further relays after one has answered.
const RELAY_GRACE: Duration = Duration::from_secs(1);
/// A relay in TLS is asked only where none has answered plainly by then.
const LAST_RESORT_AFTER: Duration = Duration::from_millis(1_500);
/// How often the routing table is asked which address leads out. Nothing is sent for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A socket of this call.
pub(super) struct Own {
    pub(super) socket: UdpSocket,
    pub(super) local: SocketAddr,
    pub(super) marks: Marks,
}

/// What was found at one time.
pub(super) struct Ways {
    pub(super) own: Own,
    pub(super) relays: Vec<RelayPath>,
}

impl Ways {
    /// Opens a socket and asks all relays for addresses.
    ///
    /// # Errors
    /// No socket can be opened there, or only relays may be used and none answers.
    pub(super) async fn find(config: &CallConfig, ip: IpAddr, began: Instant) -> Result<Self, CallError> {
        let socket = socket::open(ip, config.ports.clone())
            .await
            .map_err(CallError::OpenSocket)?;
        let local = socket.local_addr().map_err(CallError::OpenSocket)?;
        // A fresh socket does not know that it may write, and `try_send_to` would drop the first packets.
        socket.writable().await.map_err(CallError::OpenSocket)?;
        let own = Own {
            socket,
            local,
            marks: Marks::default(),
        };
        let bind = config.bind.map(|_| ip);
        let relays = open_relays(config, bind, began).await?;
        if config.relay_only && relays.is_empty() {
            return Err(CallError::NoRelay);
        }
        Ok(Self { own, relays })
    }

    /// The addresses that the far side may be told.
    pub(super) fn addresses(&self, relay_only: bool) -> Vec<LocalAddress> {
        let own = (!relay_only).then_some(LocalAddress::Host(self.own.local));
        let relays = self
            .relays
            .iter()
            .map(|relay| LocalAddress::Relay(relay.relayed()));
        own.into_iter().chain(relays).collect()
    }
}

/// Opens all relays at once; one that does not answer, or much later than another, is left out.
async fn open_relays(
    config: &CallConfig,
    bind: Option<IpAddr>,
    began: Instant,
) -> Result<Vec<RelayPath>, CallError> {
    let mut opening = tokio::task::JoinSet::new();
    for (index, server) in config.turn.iter().enumerate() {
        let address = RelayAddress::parse(&server.url).ok_or(CallError::RelayAddress { index })?;
        let alone = config.turn.len() == 1;
        let (server, ports, tls) = (server.clone(), config.ports.clone(), config.tls.clone());
        let proxies = config.proxies.clone();
        opening.spawn(async move {
            if address.is_last_resort() && !alone {
                tokio::time::sleep(LAST_RESORT_AFTER).await;
            }
            (
                index,
                RelayPath::open(server, bind, ports, tls, &proxies, began).await,
            )
        });
    }
    let mut opened = Vec::new();
    let mut patience = Duration::MAX;
    while let Ok(Some(done)) = tokio::time::timeout(patience, opening.join_next()).await {
        match done {
            Ok((index, Some(path))) => {
                opened.push((index, path));
                patience = RELAY_GRACE;
            }
            Ok((index, None)) => tracing::warn!(index, "A relay did not answer"),
            Err(_) => tracing::warn!("Opening a relay failed"),
        }
    }
    opened.sort_by_key(|(index, _)| *index);
    Ok(opened.into_iter().map(|(_, path)| path).collect())
}

/// Where the call wants to get to: the first relay, or else the world.
pub(super) struct Goals(Vec<SocketAddr>);

impl Goals {
    pub(super) async fn of(config: &CallConfig) -> Self {
        let world = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
        let first = config.turn.first();
        let relay = match first.and_then(|server| RelayAddress::parse(&server.url)) {
            Some(address) => address.first_hop(&config.proxies).await,
            None => None,
        };
        Self(relay.into_iter().chain([world]).collect())
    }

    /// The local address that leads there. Asks the routing table; sends nothing.
    pub(super) async fn route(&self) -> Option<IpAddr> {
        for goal in &self.0 {
            let any: IpAddr = if goal.is_ipv4() {
                Ipv4Addr::UNSPECIFIED.into()
            } else {
                Ipv6Addr::UNSPECIFIED.into()
            };
            if let Ok(socket) = UdpSocket::bind((any, 0)).await {
                if socket.connect(goal).await.is_ok() {
                    if let Ok(local) = socket.local_addr() {
                        return Some(local.ip());
                    }
                }
            }
        }
        None
    }

    /// Tells each change of the address that leads there, from this one on. A machine without any network has none: what it had
    /// may come back.
    pub(super) fn watch(self, mut now: IpAddr) -> mpsc::Receiver<IpAddr> {
        let (tell, changes) = mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                match self.route().await {
                    Some(ip) if ip != now => {
                        now = ip;
                        if tell.send(ip).await.is_err() {
                            return;
                        }
                    }
                    _ if tell.is_closed() => return,
                    _ => {}
                }
            }
        });
        changes
    }
}
