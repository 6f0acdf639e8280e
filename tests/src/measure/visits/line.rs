//! One side's media: packets of sound at a steady pace, straight to the other side or through a relay.

use anyhow::{bail, Context, Result};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use turn_client_proto::api::{Transmit, TurnClientApi, TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::types::{Instant as RelayInstant, TransportType, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;

/// Sound as the app sends it: a packet every 60 ms.
pub(super) const PACE: Duration = Duration::from_millis(60);
/// 30 kbit/s at that pace.
pub(super) const PAYLOAD: usize = 225;
/// Asking for an address and for a channel, each.
const PATIENCE: Duration = Duration::from_secs(20);
/// An answer to a farewell is not waited for any longer.
const FAREWELL: Duration = Duration::from_millis(300);
/// A port of this machine comes again: its last owner's address on the relay may not have been given back yet.
const TRIES: usize = 3;
/// How often the protocol is asked whether something is to be refreshed.
const REFRESH: Duration = Duration::from_secs(2);

/// A relay and the right to use it.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub relay: SocketAddr,
    pub username: String,
    pub credential: String,
}

/// When the load begins, when it counts, and when it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub epoch: Instant,
    pub from: Duration,
    pub until: Duration,
    /// What is late by more than this is lost.
    pub grace: Duration,
}

/// What one side counted.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Packets sent while it counted.
    pub sent: usize,
    /// From sending to arrival, of what the other side sent while it counted.
    pub delays: Vec<Duration>,
}

/// One side.
pub(super) struct Line {
    socket: UdpSocket,
    local: SocketAddr,
    turn: Option<TurnClientUdp>,
    began: Instant,
    /// Where the other side is reached.
    peer: SocketAddr,
    buffer: Vec<u8>,
}

impl Line {
    /// A socket, and an address on the relay where there is one.
    pub(super) async fn open(pass: Option<Pass>) -> Result<Self> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match Self::try_open(pass.clone()).await {
                Err(_) if tries > 0 => {}
                done => return done,
            }
        }
    }

    async fn try_open(pass: Option<Pass>) -> Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        let local = socket.local_addr()?;
        let turn = pass.map(|pass| {
            let config = TurnConfig::new(TurnCredentials::new(&pass.username, &pass.credential));
            TurnClientUdp::allocate(local, pass.relay, config)
        });
        let mut line = Self {
            socket,
            local,
            turn,
            began: Instant::now(),
            peer: local,
            buffer: vec![0; 2048],
        };
        if line.turn.is_some() {
            line.local = line
                .event(|event| match event {
                    TurnEvent::AllocationCreated(_, relayed) => Some(Ok(relayed)),
                    TurnEvent::AllocationCreateFailed(_) => Some(Err("the relay gave no address")),
                    _ => None,
                })
                .await?;
        }
        Ok(line)
    }

    /// Where this side is reached.
    pub(super) fn address(&self) -> SocketAddr {
        self.local
    }

    /// Makes the way to the other side ready: through a relay, with a channel.
    pub(super) async fn meet(&mut self, peer: SocketAddr) -> Result<()> {
        self.peer = peer;
        let at = self.time();
        if let Some(turn) = &mut self.turn {
            turn.bind_channel(TransportType::Udp, peer, at)
                .map_err(|e| anyhow::anyhow!("no channel: {e}"))?;
            self.event(|event| match event {
                TurnEvent::ChannelCreated(_, at) => Some(Ok(at)),
                TurnEvent::ChannelCreateFailed(..) => Some(Err("the relay gave no channel")),
                _ => None,
            })
            .await?;
        }
        Ok(())
    }

    /// Sends and counts by the plan.
    pub(super) async fn flow(mut self, plan: Plan, offset: Duration) -> Result<Seen> {
        let mut seen = Seen::default();
        let mut payload = [0u8; PAYLOAD];
        let end = plan.epoch + plan.until + plan.grace;
        let mut send = tokio::time::interval_at((plan.epoch + offset).into(), PACE);
        let mut refresh = tokio::time::interval(REFRESH);
        let over = tokio::time::sleep_until(end.into());
        tokio::pin!(over);
        loop {
            tokio::select! {
                got = self.socket.recv_from(&mut self.buffer) => {
                    let (length, from) = got?;
                    let now = Instant::now();
                    if let Some(sent) = self.received(length, from).and_then(stamp) {
                        if (plan.from..plan.until).contains(&sent) {
                            seen.delays.push((now - plan.epoch).saturating_sub(sent));
                        }
                    }
                }
                _ = send.tick() => {
                    let since = plan.epoch.elapsed();
                    if since < plan.until {
                        payload[..8].copy_from_slice(&(since.as_nanos() as u64).to_be_bytes());
                        self.send(&payload);
                        seen.sent += usize::from(since >= plan.from);
                    }
                }
                _ = refresh.tick() => self.pump(),
                () = &mut over => break,
            }
        }
        self.give_back().await;
        Ok(seen)
    }

    /// Gives the address on the relay back, so that the next round begins with none.
    async fn give_back(&mut self) {
        if self.turn.is_none() {
            return;
        }
        let at = self.time();
        if let Some(turn) = &mut self.turn {
            let _ = turn.delete(at);
        }
        // A relay may ask for a newer nonce first.
        for _ in 0..3 {
            self.pump();
            let answer = tokio::time::timeout(FAREWELL, self.socket.recv_from(&mut self.buffer)).await;
            match answer {
                Ok(Ok((length, from))) => drop(self.received(length, from)),
                _ => return,
            }
        }
    }

    fn send(&mut self, payload: &[u8]) {
        let at = self.time();
        // What the kernel does not take at once is lost, as it would be in a call.
        match &mut self.turn {
            None => {
                let _ = self.socket.try_send_to(payload, self.peer);
            }
            Some(turn) => {
                if let Ok(Some(message)) = turn.send_to(TransportType::Udp, self.peer, payload, at) {
                    let message = message.build();
                    let _ = self.socket.try_send_to(&message.data, message.to);
                }
            }
        }
    }

    /// What the other side sent, out of what came.
    fn received(&mut self, length: usize, from: SocketAddr) -> Option<Vec<u8>> {
        let at = self.time();
        let bytes = self.buffer.get(..length)?.to_vec();
        let Some(turn) = &mut self.turn else {
            return Some(bytes);
        };
        let to = turn.local_addr();
        match turn.recv(Transmit::new(bytes, TransportType::Udp, from, to), at) {
            TurnRecvRet::PeerData(data) => Some(data.data().to_vec()),
            _ => None,
        }
    }

    /// Lets the protocol say what it wants to.
    fn pump(&mut self) {
        let at = self.time();
        let Some(turn) = &mut self.turn else { return };
        let _: TurnPollRet = turn.poll(at);
        while let Some(message) = turn.poll_transmit(at) {
            let _ = self.socket.try_send_to(&message.data, message.to);
        }
        while turn.poll_event().is_some() {}
    }

    async fn event(
        &mut self,
        wanted: impl Fn(TurnEvent) -> Option<Result<SocketAddr, &'static str>>,
    ) -> Result<SocketAddr> {
        let begun = Instant::now();
        self.socket.writable().await?;
        loop {
            if begun.elapsed() > PATIENCE {
                bail!("the relay did not answer");
            }
            let at = self.time();
            let turn = self.turn.as_mut().context("no relay")?;
            let _: TurnPollRet = turn.poll(at);
            while let Some(message) = turn.poll_transmit(at) {
                let _ = self.socket.try_send_to(&message.data, message.to);
            }
            while let Some(event) = turn.poll_event() {
                if let Some(done) = wanted(event) {
                    return done.map_err(|why| anyhow::anyhow!(why));
                }
            }
            let waited = Duration::from_millis(20);
            let got = tokio::time::timeout(waited, self.socket.recv_from(&mut self.buffer)).await;
            if let Ok(got) = got {
                let (length, from) = got?;
                self.received(length, from);
            }
        }
    }

    fn time(&self) -> RelayInstant {
        RelayInstant::from_nanos(i64::try_from(self.began.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }
}

/// When a packet was sent, since the plan's epoch.
fn stamp(payload: Vec<u8>) -> Option<Duration> {
    let bytes = payload.first_chunk::<8>()?;
    (payload.len() == PAYLOAD).then(|| Duration::from_nanos(u64::from_be_bytes(*bytes)))
}
