//! Two sides that may only meet at a relay.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use hms_media::{CallEvent, PathKind, PictureFormat, RelayProtocol, TurnServer, Voice};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::relay::{ClientTransport, Relay, RelayUser};
use crate::side::{config, join};

fn user() -> RelayUser {
    RelayUser {
        username: "visit".into(),
        password: "long and random".into(),
    }
}

pub async fn relay() -> Relay {
    relay_in(None).await
}

async fn relay_in(tls: Option<rustls::ServerConfig>) -> Relay {
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    Relay::start(here, None, None, tls.map(Arc::new), [user()])
        .await
        .expect("a free port")
}

/// A certificate for this name, and what trusts it.
fn certificate(name: &str) -> (rustls::ServerConfig, Arc<rustls::ClientConfig>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("they fit");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("an authority");
    let client = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, Arc::new(client))
}

pub fn server(relay: &Relay, protocol: RelayProtocol) -> TurnServer {
    let (scheme, transport) = match protocol {
        RelayProtocol::Udp => ("turn", "udp"),
        RelayProtocol::Tcp => ("turn", "tcp"),
        RelayProtocol::Tls => ("turns", "tcp"),
    };
    TurnServer {
        url: format!("{scheme}:{}?transport={transport}", relay.addr()),
        username: "visit".into(),
        credential: "long and random".into(),
    }
}

async fn call_through(protocol: RelayProtocol) {
    let (served, trusted) = certificate("127.0.0.1");
    let relay = relay_in(Some(served)).await;
    let with_relay = |voice| hms_media::CallConfig {
        turn: vec![server(&relay, protocol)],
        tls: Some(Arc::clone(&trusted)),
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
        RelayProtocol::Tcp | RelayProtocol::Tls => ClientTransport::Tcp,
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
async fn a_call_through_the_relay_in_tls() {
    call_through(RelayProtocol::Tls).await;
}

/// A relay that shows somebody else's certificate gets neither a name nor a packet.
#[tokio::test]
async fn a_relay_whose_certificate_is_not_its_own_is_not_used() {
    let (_, trusted) = certificate("127.0.0.1");
    let (other, _) = certificate("127.0.0.1");
    let (elsewhere, trusts_elsewhere) = certificate("relay.example");
    for (served, trusted) in [(other, trusted), (elsewhere, trusts_elsewhere)] {
        let relay = relay_in(Some(served)).await;
        let config = hms_media::CallConfig {
            turn: vec![server(&relay, RelayProtocol::Tls)],
            tls: Some(trusted),
            relay_only: true,
            ..config(Voice::Carrier, PictureFormat::SMALL)
        };
        let refused = hms_media::Call::offer(config).await;

        assert!(matches!(refused, Err(hms_media::CallError::NoRelay)));
        assert!(relay.counters().is_empty());
    }
}

/// Where nothing but TLS gets through, the call finds that by itself.
#[tokio::test]
async fn where_plain_relays_do_not_answer_the_one_in_tls_is_asked() {
    let (served, trusted) = certificate("127.0.0.1");
    let relay = relay_in(Some(served)).await;
    let nobody = |url: &str| TurnServer {
        url: url.into(),
        ..server(&relay, RelayProtocol::Udp)
    };
    // Port 9 of this machine: datagrams vanish, connections are refused.
    let blocked = [
        nobody("turn:127.0.0.1:9?transport=udp"),
        nobody("turn:127.0.0.1:9?transport=tcp"),
    ];
    let with_relay = |voice| hms_media::CallConfig {
        turn: blocked
            .iter()
            .cloned()
            .chain([server(&relay, RelayProtocol::Tls)])
            .collect(),
        tls: Some(Arc::clone(&trusted)),
        relay_only: true,
        ..config(voice, PictureFormat::SMALL)
    };
    let (carrier, mut clinician) = join(
        with_relay(Voice::Carrier),
        with_relay(Voice::Clinician),
        |_, sdp| sdp,
    )
    .await;
    let stats = clinician
        .until("frames", |stats| {
            stats.frames_decoded > 5 && stats.relay.is_some()
        })
        .await;
    assert_eq!(stats.relay, Some(RelayProtocol::Tls));
    carrier.call.hang_up().await;
    clinician.call.hang_up().await;
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

/// Lets everybody through to the relay who asks for it by a name that only this proxy knows; gives its address, and counts. With
/// `refuses`, nobody.
async fn proxy(relay: SocketAddr, refuses: bool) -> (hms_core::proxy::Proxies, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let at = listener.local_addr().expect("an address");
    let tunnels = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tunnels);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.expect("a request"));
                }
                counted.fetch_add(1, Ordering::SeqCst);
                if refuses || !head.starts_with(b"CONNECT relay.test:3478 HTTP/1.1\r\n") {
                    let _ = client.write_all(b"HTTP/1.1 403 No\r\n\r\n").await;
                    return;
                }
                let mut server = tokio::net::TcpStream::connect(relay).await.expect("the relay");
                let _ = client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await;
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let proxy = hms_core::proxy::Proxy::parse(&at.to_string()).expect("an address");
    (hms_core::proxy::Proxies::new(proxy, ""), tunnels)
}

/// Where the world is reached through an HTTP proxy alone, a call goes through it, plainly and in TLS.
#[tokio::test]
async fn a_call_through_the_relay_behind_a_proxy() {
    let (served, trusted) = certificate("relay.test");
    let relay = relay_in(Some(served)).await;
    let (proxies, tunnels) = proxy(relay.addr(), false).await;
    let named = |url: &str| TurnServer {
        url: url.into(),
        ..server(&relay, RelayProtocol::Tcp)
    };
    let with_relay = |voice, url| hms_media::CallConfig {
        turn: vec![named(url)],
        tls: Some(Arc::clone(&trusted)),
        proxies: proxies.clone(),
        relay_only: true,
        ..config(voice, PictureFormat::SMALL)
    };
    let (mut carrier, mut clinician) = join(
        with_relay(Voice::Carrier, "turns:relay.test:3478?transport=tcp"),
        with_relay(Voice::Clinician, "turn:relay.test:3478?transport=tcp"),
        |_, sdp| sdp,
    )
    .await;
    let stats = clinician
        .until("frames", |stats| {
            stats.frames_decoded > 5 && stats.relay.is_some()
        })
        .await;
    assert_eq!(stats.relay, Some(RelayProtocol::Tcp));
    let stats = carrier.until("a relay", |stats| stats.relay.is_some()).await;
    assert_eq!(stats.relay, Some(RelayProtocol::Tls));
    assert_eq!(tunnels.load(Ordering::SeqCst), 2);
    assert_eq!(relay.counters().len(), 2);
    carrier.call.hang_up().await;
    clinician.call.hang_up().await;
}

/// UDP never goes by a proxy, nor does what is on this machine; a proxy that refuses is no way to a relay.
#[tokio::test]
async fn a_proxy_carries_what_it_is_for_or_nothing() {
    let relay = relay().await;
    let (proxies, tunnels) = proxy(relay.addr(), true).await;
    let offer = async |server: TurnServer| {
        hms_media::Call::offer(hms_media::CallConfig {
            turn: vec![server],
            proxies: proxies.clone(),
            relay_only: true,
            ..config(Voice::Carrier, PictureFormat::SMALL)
        })
        .await
    };
    for protocol in [RelayProtocol::Udp, RelayProtocol::Tcp] {
        let (call, _) = offer(server(&relay, protocol)).await.expect("a way");
        call.hang_up().await;
    }
    assert_eq!(tunnels.load(Ordering::SeqCst), 0);

    let refused = offer(TurnServer {
        url: "turn:relay.test:3478?transport=tcp".into(),
        ..server(&relay, RelayProtocol::Tcp)
    })
    .await;
    assert!(matches!(refused, Err(hms_media::CallError::NoRelay)));
    assert_eq!(tunnels.load(Ordering::SeqCst), 1);
}
