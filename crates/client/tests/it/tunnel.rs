//! A phone that reaches the server only through an HTTP proxy: the server's name is one that nobody but the proxy can look up.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hms_client::{Client, Provisioning};
use hms_model::view::NetworkProblem;
use hms_server::cli::{serve, ServeOptions};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::line::Head;
use crate::world::{browse, is_sent, report_bite, sign_in, until, until_sent, Profile, World, PASSPHRASE};

const NAME: &str = "clinic.test";
/// `post:box 7`
const WORD: &str = "Basic cG9zdDpib3ggNw==";

/// The proxy. It ends with the test.
struct Proxy {
    address: SocketAddr,
    /// Heads of the requests that got a tunnel.
    tunnels: Arc<Mutex<Vec<String>>>,
    /// What every request is answered with, and open tunnels are cut by; none lets them through.
    refusal: watch::Sender<Option<&'static str>>,
}

impl Proxy {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let (refusal, refused) = watch::channel(None);
        let tunnels = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&tunnels);
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                let (list, refused) = (Arc::clone(&list), refused.clone());
                // A tunnel that is cut is what it is here for.
                tokio::spawn(async move { carry(phone, server, &list, refused).await });
            }
        });
        Self {
            address,
            tunnels,
            refusal,
        }
    }

    fn setting(&self, user: &str) -> Option<String> {
        Some(format!("http://{user}{}", self.address))
    }

    /// Tunnels so far: those of requests, those that the app itself asked for (the WebSocket's).
    fn counts(&self) -> (usize, usize) {
        let all = self.tunnels.lock().expect("list");
        let own = all.iter().filter(|head| head.contains("User-Agent: HMS-ACH\r\n"));
        let own = own.count();
        (all.len() - own, own)
    }
}

async fn carry(
    mut phone: TcpStream,
    server: SocketAddr,
    tunnels: &Mutex<Vec<String>>,
    mut refused: watch::Receiver<Option<&'static str>>,
) -> std::io::Result<()> {
    let head = Head::read(&mut phone).await?;
    let refusal = *refused.borrow_and_update();
    let answer = match refusal {
        Some(refusal) => refusal,
        None if head.line != format!("CONNECT {NAME}:443 HTTP/1.1") => "HTTP/1.1 404 Not here",
        None if head.header("proxy-authorization").as_deref() != Some(WORD) => "HTTP/1.1 407 Who?",
        None => "HTTP/1.1 200 Connected",
    };
    phone.write_all(format!("{answer}\r\n\r\n").as_bytes()).await?;
    if !answer.contains(" 200 ") {
        return phone.shutdown().await;
    }
    let mut server = TcpStream::connect(server).await?;
    tunnels.lock().expect("list").push(head.as_it_came().to_owned());
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut phone, &mut server) => {}
        _ = refused.changed() => {}
    }
    Ok(())
}

/// A server whose certificate is for the name, and the proxy to it.
async fn world() -> (World, Provisioning, Proxy) {
    let dir = tempfile::tempdir().expect("dir");
    let names = [NAME, "127.0.0.1"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let server = serve(ServeOptions {
        data: dir.path().join("server"),
        listen: "127.0.0.1:0".parse().expect("address"),
        http_loopback: None,
        demo: true,
        tls_cert: Some(cert.clone()),
        tls_key: Some(key),
        external: Default::default(),
        hr_url: None,
        relay: None,
        staff_page: None,
    })
    .await
    .expect("a server");
    let proxy = Proxy::to(server.address).await;
    let demo = dir.path().join("server/demo.json");
    let world = World {
        server: Some(server),
        dir,
        demo,
    };
    let provisioning = Provisioning {
        ca_file: Some(cert),
        ..world.provisioning()
    };
    (world, provisioning, proxy)
}

/// A phone that knows the server by its name, and the proxy.
fn behind(world: &World, server: &Provisioning, proxy: Option<String>) -> Profile {
    let mut profile = world.profile("dana");
    profile.server = Provisioning {
        base_url: format!("https://{NAME}"),
        proxy,
        ..server.clone()
    };
    profile
}

/// Reports that the server has.
async fn stored(world: &World) -> usize {
    world.stored("QuestionnaireResponse").await.len()
}

async fn problem(phone: &Client) -> Option<NetworkProblem> {
    phone.app_state().await.expect("state").network.problem
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_behind_a_proxy_signs_in_sends_and_rings() {
    let (world, server, proxy) = world().await;
    let had = stored(&world).await;
    let profile = behind(&world, &server, proxy.setting("post:box%207@"));
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    let report = report_bite(&dana).await;
    until_sent(&dana, &report.id).await;
    assert_eq!(stored(&world).await, had + 1);
    let (requests, _) = proxy.counts();
    assert!(requests > 0);

    // Whoever is not behind it sees the phone: a call would ring.
    let mut desk = world.profile("ada");
    desk.server = server;
    let ada = desk.start().await;
    sign_in(&ada, &desk, "ada").await;
    until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        let entry = queue.items.into_iter().find(|item| item.name == "Dana Reyes")?;
        let live = entry.signal.is_some_and(|signal| signal.connected);
        // By the WebSocket, not by the long poll that steps in for it.
        (live && proxy.counts().1 > 0).then_some(())
    })
    .await;
    for client in [dana, ada] {
        client.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_is_named_and_what_is_entered_waits() {
    let (world, server, proxy) = world().await;
    let profile = behind(&world, &server, proxy.setting("post:box%207@"));
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;
    let had = stored(&world).await;

    let refusals = [
        "HTTP/1.1 403 No",
        "HTTP/1.1 407 Who?",
        "HTTP/1.1 503 Later\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nhtml",
        "SSH-2.0-No",
        "",
    ];
    let mut reports = Vec::new();
    for refusal in refusals {
        proxy.refusal.send_replace(Some(refusal));
        reports.push(report_bite(&dana).await.id);
        until(&dana, async || {
            let _ = dana.sync_now().await;
            (problem(&dana).await == Some(NetworkProblem::ProxyRefused)).then_some(())
        })
        .await;
        for report in &reports {
            let kept = dana.report(report.clone()).await.expect("there");
            assert!(!is_sent(&kept.send), "{refusal}");
        }
    }
    assert_eq!(stored(&world).await, had);

    proxy.refusal.send_replace(None);
    for report in &reports {
        until(&dana, async || {
            let _ = dana.sync_now().await;
            let kept = dana.report(report.clone()).await.expect("there");
            is_sent(&kept.send).then_some(())
        })
        .await;
    }
    assert_eq!(stored(&world).await, had + refusals.len());
    dana.shutdown().await;

    // Another password: nothing gets through, and the reason is named.
    let stranger = behind(&world, &server, proxy.setting("post:guessed@"));
    let before = proxy.counts();
    let dana = stranger.start().await;
    assert!(dana.unlock(PASSPHRASE.into()).await.expect("an answer").open);
    until(&dana, async || {
        let _ = dana.sync_now().await;
        (problem(&dana).await == Some(NetworkProblem::ProxyRefused)).then_some(())
    })
    .await;
    assert_eq!(proxy.counts(), before);
    dana.shutdown().await;
}

/// A server on this machine is reached directly, whatever the setting says.
#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_reached_without_the_proxy() {
    let world = World::new().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let mut profile = world.profile("dana");
    profile.server.proxy = Some(nobody.local_addr().expect("address").to_string());
    drop(nobody);
    let dana = profile.start().await;
    browse(&dana, &profile, "dana").await;
    dana.shutdown().await;
}
