//! A way through a relay without a socket, for fuzzing alone: its messages come and go as bytes.

use super::*;

/// A [`RelayPath`] whose connection leads nowhere.
pub struct LooseRelay {
    path: RelayPath,
    sent: mpsc::Receiver<Vec<u8>>,
    allocated: bool,
}

impl LooseRelay {
    /// Asks for an address; what it says is in [`LooseRelay::said`].
    pub fn new(protocol: RelayProtocol, local: SocketAddr, relay: SocketAddr, began: Instant) -> Self {
        let config = TurnConfig::new(TurnCredentials::new("name", "word"));
        let client = match protocol {
            RelayProtocol::Udp => Client::Udp(TurnClientUdp::allocate(local, relay, config)),
            RelayProtocol::Tcp | RelayProtocol::Tls => {
                Client::Tcp(TurnClientTcp::allocate(local, relay, config))
            }
        };
        let (wire, sent) = mpsc::channel(QUEUE);
        let (_, inbox) = mpsc::channel(1);
        let path = RelayPath {
            client,
            began,
            protocol,
            relayed: relay,
            wire: Wire::Tcp(wire),
            inbox,
            asked: HashSet::new(),
            sent: HashMap::new(),
            held: Vec::new(),
            _tasks: JoinSet::new(),
        };
        let mut loose = Self {
            path,
            sent,
            allocated: false,
        };
        loose.pump(began);
        loose
    }

    /// Takes what the relay says; gives what peers sent.
    pub fn take(&mut self, now: Instant, bytes: Vec<u8>) -> Vec<(SocketAddr, Vec<u8>)> {
        let received = self.path.take(now, bytes);
        self.look();
        received
    }

    /// Sends to a peer.
    pub fn send(&mut self, now: Instant, peer: SocketAddr, bytes: Vec<u8>) {
        self.path.send(now, peer, bytes, Kind::Control);
    }

    /// Allows a peer.
    pub fn permit(&mut self, now: Instant, peer: IpAddr) {
        self.path.permit(now, peer);
    }

    /// Lets it work; gives when it wants to be called again.
    pub fn pump(&mut self, now: Instant) -> Instant {
        let due = self.path.pump(now);
        self.look();
        due
    }

    /// Gives the address back.
    pub fn give_back(&mut self, now: Instant) {
        self.path.give_back(now);
    }

    /// The address on the relay, once there is one.
    pub fn relayed(&self) -> Option<SocketAddr> {
        self.allocated.then(|| self.path.relayed())
    }

    /// What it has said to the relay since it was last asked, as a stream carries it.
    pub fn said(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.sent.try_recv().ok()).collect()
    }

    fn look(&mut self) {
        if self.allocated {
            self.path.read_events();
            return;
        }
        while let Some(event) = self.path.client.poll_event() {
            if let TurnEvent::AllocationCreated(_, relayed) = event {
                self.path.relayed = relayed;
                self.allocated = true;
            }
        }
    }
}
