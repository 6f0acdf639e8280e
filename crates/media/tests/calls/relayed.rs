//! Two sides that may only meet at a relay.

use std::net::SocketAddr;

use hms_media::{CallEvent, PathKind, PictureFormat, RelayProtocol, TurnServer, Voice};

use crate::relay::{ClientTransport, Relay, RelayUser};
use crate::side::{config, join};

pub async fn relay() -> Relay {
    let user = RelayUser {
        username: "visit".into(),
        password: "long and random".into(),
    };
    Relay::start(SocketAddr::from(([127, 0, 0, 1], 0)), None, None, [user])
        .await
        .expect("a free port")
}

pub fn server(relay: &Relay, protocol: RelayProtocol) -> TurnServer {
    let transport = match protocol {
        RelayProtocol::Udp => "udp",
        RelayProtocol::Tcp => "tcp",
    };
    TurnServer {
        url: format!("turn:{}?transport={transport}", relay.addr()),
        username: "visit".into(),
        credential: "long and random".into(),
    }
}

async fn call_through(protocol: RelayProtocol) {
    let relay = relay().await;
    let with_relay = |voice| hms_media::CallConfig {
        turn: vec![server(&relay, protocol)],
        relay_only: true,
        ..config(voice, PictureFormat::SMALL)
    };
    let (mut carrier, mut clinician) = join(
        with_relay(Voice::Carrier),
        with_relay(Voice::Clinician),
        |way, sdp| {
            assert!(!sdp.contains("typ host"), "{way:?} must not name this machine");
            assert!(sdp.contains("typ relay"));
            sdp
        },
    )
    .await;

    clinician.event(&CallEvent::FirstFrame).await;
    let (hears_clinician, hears_carrier) =
        tokio::join!(carrier.hears(Voice::Clinician), clinician.hears(Voice::Carrier));
    let far = clinician
        .until("100 frames", |stats| stats.distinct_remote_frames >= 100)
        .await;
    let near = carrier
        .until("100 frames", |stats| stats.distinct_remote_frames >= 100)
        .await;
    let counted = relay.counters();
    println!("{far:?}\n{counted:?}");

    assert!(hears_clinician >= 0.8, "{hears_clinician}");
    assert!(hears_carrier >= 0.8, "{hears_carrier}");
    for stats in [&near, &far] {
        assert_eq!((stats.path, stats.relay), (Some(PathKind::Relay), Some(protocol)));
    }
    let wished = match protocol {
        RelayProtocol::Udp => ClientTransport::Udp,
        RelayProtocol::Tcp => ClientTransport::Tcp,
    };
    assert_eq!(counted.len(), 2);
    assert!(counted.iter().all(|allocation| allocation.transport == wished));
    let sent = near.bytes_out + far.bytes_out;
    let through: u64 = counted.iter().map(|allocation| allocation.bytes_to_peers).sum();
    assert!(
        through * 10 >= sent * 9,
        "{through} of {sent} bytes went through the relay"
    );

    carrier.call.hang_up().await;
    clinician.call.hang_up().await;
}

#[tokio::test]
async fn a_call_through_the_relay_over_udp() {
    call_through(RelayProtocol::Udp).await;
}

#[tokio::test]
async fn a_call_through_the_relay_over_tcp() {
    call_through(RelayProtocol::Tcp).await;
}

#[tokio::test]
async fn a_wrong_password_and_a_dead_relay_are_told_at_once() {
    let relay = relay().await;
    let mut wrong = server(&relay, RelayProtocol::Udp);
    wrong.credential = "guessed".into();
    let dead = TurnServer {
        url: "turn:127.0.0.1:9?transport=tcp".into(),
        ..wrong.clone()
    };

    let config = hms_media::CallConfig {
        turn: vec![wrong, dead],
        relay_only: true,
        ..config(Voice::Carrier, PictureFormat::SMALL)
    };
    let refused = hms_media::Call::offer(config).await;

    assert!(matches!(refused, Err(hms_media::CallError::NoRelay)));
}
