//! The server's name points to another address from one request to the next.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Http, Tries};
use crate::config::{Provisioning, SystemClock};

/// Names that move when they are told to.
struct Flip(Arc<AtomicBool>);

impl Resolve for Flip {
    fn resolve(&self, _name: Name) -> Resolving {
        let last = if self.0.load(Ordering::SeqCst) { 2 } else { 1 };
        Box::pin(async move {
            let address = SocketAddr::new(IpAddr::from([127, 0, 0, last]), 0);
            let found: Addrs = Box::new(std::iter::once(address));
            Ok(found)
        })
    }
}

/// Answers every request with its own name, and keeps connections open.
fn serve(listener: TcpListener, word: &'static str) -> JoinHandle<()> {
    tokio::spawn(async move {
        // Its connections end with it, as those of a machine that is switched off.
        let mut all = tokio::task::JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            all.spawn(async move {
                let mut bytes = [0_u8; 4096];
                while stream.read(&mut bytes).await.is_ok_and(|n| n > 0) {
                    let body = format!("{{\"who\":\"{word}\"}}");
                    let length = body.len();
                    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    })
}

#[tokio::test]
async fn a_name_that_points_elsewhere_is_followed_at_the_next_request() {
    let first = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = first.local_addr().expect("an address").port();
    let second = TcpListener::bind(("127.0.0.2", port))
        .await
        .expect("the same port");
    let (first, _second) = (serve(first, "first"), serve(second, "second"));
    let moved = Arc::new(AtomicBool::new(false));
    let server = Provisioning {
        base_url: format!("http://clinic.test:{port}"),
        ca_file: None,
        hpke_public_key: None,
        help_phone: String::new(),
        demo: false,
        proxy: Some("direct".into()),
        pack_trust: None,
    };
    let builder = reqwest::Client::builder().dns_resolver(Arc::new(Flip(Arc::clone(&moved))));
    let http = Http::with(builder, &server, Arc::new(SystemClock)).expect("a client");
    let who = async || -> Option<String> {
        let answer: Value = http.get("/who", None, Tries::Quick).await.ok()?;
        Some(answer.get("who")?.as_str()?.to_owned())
    };
    assert_eq!(who().await.as_deref(), Some("first"));

    moved.store(true, Ordering::SeqCst);
    first.abort();
    let _ended = first.await;

    // What was open may be noticed dead first; the next request asks for the address anew.
    let found = match who().await {
        None => who().await,
        found => found,
    };
    assert_eq!(found.as_deref(), Some("second"));
}
