//! A side that comes to another network in the middle of a call.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hms_media::{CallConfig, CallEvent, PictureFormat, RelayProtocol, TurnServer, Voice};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::relayed::{relay, server};
use crate::side::{config, join, Side};

/// New ways are found in less than a second here, and used within about three.
const GOES_ON_WITHIN: Duration = Duration::from_secs(15);

/// Stands before a relay, and can turn away whoever comes from one network.
struct Gate {
    addr: SocketAddr,
    closed: Arc<Mutex<Option<IpAddr>>>,
    _task: JoinSet<()>,
}

impl Gate {
    async fn before(relay: SocketAddr) -> Self {
        let front = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a free port"));
        let addr = front.local_addr().expect("it is bound");
        let closed = Arc::new(Mutex::new(None));
        let shut = Arc::clone(&closed);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut backs: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
            let mut inner = JoinSet::new();
            let mut buffer = [0u8; 2048];
            while let Ok((length, from)) = front.recv_from(&mut buffer).await {
                if *shut.lock().unwrap() == Some(from.ip()) {
                    continue;
                }
                if let std::collections::hash_map::Entry::Vacant(new) = backs.entry(from) {
                    let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a free port"));
                    back.connect(relay).await.expect("this machine");
                    new.insert(Arc::clone(&back));
                    inner.spawn(answers(back, Arc::clone(&front), from, Arc::clone(&shut)));
                }
                let _ = backs[&from].send(&buffer[..length]).await;
            }
        });
        Self {
            addr,
            closed,
            _task: tasks,
        }
    }

    fn close_for(&self, ip: IpAddr) {
        *self.closed.lock().unwrap() = Some(ip);
    }
}

async fn answers(
    back: Arc<UdpSocket>,
    front: Arc<UdpSocket>,
    to: SocketAddr,
    shut: Arc<Mutex<Option<IpAddr>>>,
) {
    let mut buffer = [0u8; 2048];
    while let Ok(length) = back.recv(&mut buffer).await {
        if *shut.lock().unwrap() != Some(to.ip()) {
            let _ = front.send_to(&buffer[..length], to).await;
        }
    }
}

fn at(ip: &str) -> IpAddr {
    ip.parse().unwrap()
}

/// The carrier on Wi-Fi, at 127.0.0.2, and the clinician: both may only meet at the relay.
async fn on_wifi(gate: &Gate, turn: TurnServer) -> (Side, Side) {
    let with = |voice, ip, url: String| CallConfig {
        turn: vec![TurnServer { url, ..turn.clone() }],
        relay_only: true,
        bind: Some(at(ip)),
        ..config(voice, PictureFormat::SMALL)
    };
    let through = format!("turn:{}?transport=udp", gate.addr);
    let (mut carrier, mut clinician) = join(
        with(Voice::Carrier, "127.0.0.2", through),
        with(Voice::Clinician, "127.0.0.1", turn.url.clone()),
        |_, sdp| sdp,
    )
    .await;
    carrier.until("frames", |stats| stats.frames_decoded > 10).await;
    clinician.until("frames", |stats| stats.frames_decoded > 10).await;
    (carrier, clinician)
}

/// Waits until both get sound and picture that was not there yet.
async fn goes_on(carrier: &mut Side, clinician: &mut Side) -> Duration {
    let began = tokio::time::Instant::now();
    for side in [carrier, clinician] {
        let (seen, heard) = {
            let stats = side.stats.borrow();
            (stats.frames_decoded, stats.audio_packets)
        };
        side.until("more sound and picture", |stats| {
            stats.frames_decoded > seen + 10 && stats.audio_packets > heard + 20 && stats.connected
        })
        .await;
    }
    began.elapsed()
}

/// As it is with signalling: the side that moved says so, and descriptions go both ways.
#[tokio::test]
async fn from_wifi_to_mobile_the_same_call_goes_on() {
    let relay = relay().await;
    let gate = Gate::before(relay.addr()).await;
    let (mut carrier, mut clinician) = on_wifi(&gate, server(&relay, RelayProtocol::Udp)).await;

    gate.close_for(at("127.0.0.2"));
    carrier.call.move_to(at("127.0.0.3")).await.expect("it goes on");
    carrier.event(&CallEvent::Moved).await;
    let offer = clinician.call.restart_ice().await.expect("an offer");
    let answer = carrier.call.accept_offer(&offer).await.expect("an answer");
    clinician.call.accept_answer(&answer).await.expect("it fits");

    let took = goes_on(&mut carrier, &mut clinician).await;
    println!("went on after {took:?}");
    assert!(took < GOES_ON_WITHIN, "{took:?}");
    assert!(clinician.hears(Voice::Carrier).await >= 0.8);
    carrier.call.hang_up().await;
    clinician.call.hang_up().await;
}
