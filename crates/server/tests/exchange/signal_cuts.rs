//! A call's words over a line that breaks at every byte, up and down: the client's own session (`hms_core`) against the
//! real server. Each message is heard once, in its order, on both sides.

use crate::world::{claimed, text, Device, World};
use futures_util::{SinkExt, StreamExt};
use hms_core::call::signal::SignalSession;
use hms_model::wire::signal::{EndedWhy, Frame, SdpKind, ToClient, ToServer};
use hms_server::jobs::Jobs;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::WebSocketStream;

/// How long a state may take to come about.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many bytes went over a line, and at how many it breaks.
#[derive(Debug)]
struct Meter {
    up: AtomicUsize,
    down: AtomicUsize,
    up_to: usize,
    down_to: usize,
}

impl Meter {
    fn cut(up_to: usize, down_to: usize) -> Arc<Self> {
        Arc::new(Self {
            up: AtomicUsize::new(0),
            down: AtomicUsize::new(0),
            up_to,
            down_to,
        })
    }

    fn endless() -> Arc<Self> {
        Self::cut(usize::MAX, usize::MAX)
    }
}

/// A connection that lets so many bytes through, and then none.
struct Line {
    tcp: TcpStream,
    meter: Arc<Meter>,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let left = self.meter.down_to - self.meter.down.load(Ordering::Relaxed).min(self.meter.down_to);
        if left == 0 {
            // The end, as a dead connection shows it.
            return Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        let mut bytes = [0; 2048];
        let room = bytes.len().min(left).min(buffer.remaining());
        let mut part = ReadBuf::new(&mut bytes[..room]);
        match Pin::new(&mut self.tcp).poll_read(context, &mut part) {
            Poll::Ready(Ok(())) => {
                self.meter.down.fetch_add(part.filled().len(), Ordering::Relaxed);
                buffer.put_slice(part.filled());
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let left = self.meter.up_to - self.meter.up.load(Ordering::Relaxed).min(self.meter.up_to);
        if left == 0 {
            return Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()));
        }
        let part = &bytes[..bytes.len().min(left)];
        let written = Pin::new(&mut self.tcp).poll_write(context, part);
        if let Poll::Ready(Ok(n)) = &written {
            self.meter.up.fetch_add(*n, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

/// One end of the call, as the client holds it.
struct Side {
    address: SocketAddr,
    token: String,
    session: SignalSession,
    socket: Option<WebSocketStream<Line>>,
    /// The line of the next connection; those after it do not break.
    next: Arc<Meter>,
    connections: usize,
    heard: Vec<ToClient>,
}

impl Side {
    fn new(address: SocketAddr, who: &Device, meter: Arc<Meter>) -> Self {
        Self {
            address,
            token: who.token.clone(),
            session: SignalSession::new(&who.device),
            socket: None,
            next: meter,
            connections: 0,
            heard: Vec::new(),
        }
    }

    async fn connect(&mut self) {
        while self.socket.is_none() {
            let meter = std::mem::replace(&mut self.next, Meter::endless());
            self.connections += 1;
            let mut request = format!("ws://{}/signal", self.address)
                .into_client_request()
                .expect("a request");
            let bearer = format!("Bearer {}", self.token).parse().expect("a header");
            request.headers_mut().insert("authorization", bearer);
            let tcp = TcpStream::connect(self.address).await.expect("connected");
            tcp.set_nodelay(true).expect("a socket");
            let line = Line { tcp, meter };
            if let Ok((socket, _)) = tokio_tungstenite::client_async(request, line).await {
                self.session.connected();
                self.socket = Some(socket);
            }
        }
    }

    fn lost(&mut self) {
        self.session.disconnected();
        self.socket = None;
    }

    /// Sends what is to be sent, and takes the next frame in. Reconnects where the line is gone.
    async fn turn(&mut self) {
        self.connect().await;
        while let Some(frame) = self.session.poll_frame() {
            let text = serde_json::to_string(&frame).expect("json");
            let socket = self.socket.as_mut().expect("connected");
            if socket.send(Message::text(text)).await.is_err() {
                return self.lost();
            }
        }
        let socket = self.socket.as_mut().expect("connected");
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let frame: Frame<ToClient> = serde_json::from_str(&text).expect("a frame");
                if let Some(message) = self.session.arrived(frame) {
                    self.heard.push(message);
                }
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => self.lost(),
        }
    }

    fn count(&self, wanted: impl Fn(&ToClient) -> bool) -> usize {
        self.heard.iter().filter(|message| wanted(message)).count()
    }
}

/// Both sides, until this holds.
async fn until(ada: &mut Side, dana: &mut Side, what: &str, holds: impl Fn(&Side, &Side) -> bool) {
    let wait = async {
        loop {
            if holds(ada, dana) {
                return;
            }
            // What is read only in part stays in its socket's buffer: a turn that is dropped loses nothing.
            tokio::select! {
                () = ada.turn() => {}
                () = dana.turn() => {}
            }
        }
    };
    if tokio::time::timeout(PATIENCE, wait).await.is_err() {
        panic!("never {what}: ada {:?}, dana {:?}", ada.heard, dana.heard);
    }
}

/// Rings, answers, exchanges offer, answer and words, and hangs up, over this line of the phone.
async fn call(server: &Server, ada: &mut Side, n: usize, meter: Arc<Meter>) -> usize {
    let visit = format!("visit-{n}");
    let mut dana = Side::new(server.address, &server.dana, meter);
    ada.heard.clear();
    until(ada, &mut dana, "welcomed", |a, d| {
        a.session.is_live() && d.session.is_live()
    })
    .await;

    let task = server.task.clone();
    ada.session.send(ToServer::Call {
        visit: visit.clone(),
        task,
    });
    let ring = |m: &ToClient| matches!(m, ToClient::Ring { .. });
    until(ada, &mut dana, "ringing", |_, d| d.count(ring) > 0).await;
    dana.session.send(ToServer::Accept { visit: visit.clone() });
    let accepted = |m: &ToClient| matches!(m, ToClient::Accepted { .. });
    until(ada, &mut dana, "answered", |a, d| {
        a.count(accepted) > 0 && d.count(accepted) > 0
    })
    .await;
    let sdp = |kind| ToServer::Sdp {
        visit: visit.clone(),
        kind,
        sdp: "v=0".into(),
    };
    let word = |text: &str| ToServer::Text {
        number: 0,
        visit: visit.clone(),
        text: text.into(),
    };
    ada.session.send(sdp(SdpKind::Offer));
    ada.session.send(word("can you see me?"));
    dana.session.send(word("I can read you"));
    dana.session.send(sdp(SdpKind::Answer));
    let texts = |m: &ToClient| matches!(m, ToClient::Text { .. });
    let sdps = |m: &ToClient| matches!(m, ToClient::Sdp { .. });
    until(ada, &mut dana, "exchanged", |a, d| {
        a.count(texts) > 0 && d.count(texts) > 0 && a.count(sdps) > 0 && d.count(sdps) > 0
    })
    .await;
    dana.session.send(ToServer::Leave { visit, lost: false });
    let ended = |m: &ToClient| {
        let why = EndedWhy::Left;
        matches!(m, ToClient::Ended { why: found, .. } if *found == why)
    };
    until(ada, &mut dana, "ended", |a, _| a.count(ended) > 0).await;

    for (side, name) in [(&*ada, "ada"), (&dana, "dana")] {
        for (what, found) in [
            ("accepted", side.count(accepted)),
            ("text", side.count(texts)),
            ("sdp", side.count(sdps)),
        ] {
            assert_eq!(
                found, 1,
                "cut {n}: {name} heard {what} so often: {:?}",
                side.heard
            );
        }
        let refused = side.count(|m| matches!(m, ToClient::Refused { .. }));
        assert_eq!(refused, 0, "cut {n}: {name}: {:?}", side.heard);
    }
    // Who comes back while it rings is told so again; the app takes the second for the first.
    let rings = dana.count(ring);
    assert!(
        (1..=dana.connections).contains(&rings),
        "cut {n}: {:?}",
        dana.heard
    );
    dana.connections
}

struct Server {
    address: SocketAddr,
    dana: Device,
    task: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calls_words_cut_at_any_byte_are_each_heard_once() {
    let w = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let jobs = Jobs::start(&w.app, None).await.expect("jobs");
    let router = w.app.router();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
    w.put(crate::world::bite("r1", Some("dana"))).await;
    let entry = w.tasks("review-report").await.pop().expect("an entry");
    w.put(claimed(entry, "ada")).await;
    let task = text(w.tasks("review-report").await.first().expect("an entry"), "id").to_owned();
    let server = Server {
        address,
        dana: w.device("dana", "phone").await,
        task,
    };
    let mut ada = Side::new(address, &w.device("ada", "desk").await, Meter::endless());

    // How many bytes a call is, on a line that does not break.
    let whole = Meter::endless();
    assert_eq!(call(&server, &mut ada, 0, Arc::clone(&whole)).await, 1);
    let (up, down) = (
        whole.up.load(Ordering::Relaxed),
        whole.down.load(Ordering::Relaxed),
    );

    let stride = if std::env::var_os("HMS_DEEP").is_some() {
        1
    } else {
        29
    };
    let (mut cuts, mut n) = (0, 1);
    for at in (0..up).step_by(stride) {
        let connections = call(&server, &mut ada, n, Meter::cut(at, usize::MAX)).await;
        cuts += usize::from(connections > 1);
        n += 1;
    }
    for at in (0..down).step_by(stride) {
        let connections = call(&server, &mut ada, n, Meter::cut(usize::MAX, at)).await;
        cuts += usize::from(connections > 1);
        n += 1;
    }
    // The last bytes of a call may never be waited for: a line that breaks there was not used any more.
    assert!(cuts * 10 > (n - 1) * 9, "{cuts} of {n}");
    println!("counts: signalling: {cuts} cuts over {up} bytes up and {down} down of a call, every {stride}: each message heard once");
    serving.abort();
    jobs.stop().await;
}
