//! Pictures of a call go to the window over a WebSocket on this machine's loopback: raw RGBA, newest wins.
//!
//! The address holds a secret made for this run, and only pages of the app may connect (`Origin`).

use std::net::Ipv4Addr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hms_media::VideoFrame;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// The newest picture of each side; `None` where there is none.
#[derive(Clone)]
pub(crate) struct Screens {
    pub(crate) remote: watch::Sender<Option<VideoFrame>>,
    pub(crate) own: watch::Sender<Option<VideoFrame>>,
}

impl Default for Screens {
    fn default() -> Self {
        Self {
            remote: watch::Sender::new(None),
            own: watch::Sender::new(None),
        }
    }
}

/// The server of pictures.
pub(crate) struct FramesServer {
    listener: TcpListener,
    secret: String,
    screens: Screens,
}

/// Windows at once: a few, plus what reconnects.
const CONNECTIONS: usize = 16;
/// A window that takes no picture for this long is gone.
const STUCK: Duration = Duration::from_secs(10);

impl FramesServer {
    /// Opens the port.
    pub(crate) async fn bind(screens: Screens) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let secret = format!(
            "{}{}",
            uuid::Uuid::new_v4().simple(),
            uuid::Uuid::new_v4().simple()
        );
        Ok(Self {
            listener,
            secret,
            screens,
        })
    }

    /// `ws://127.0.0.1:port/secret`; append `/remote` or `/self`.
    pub(crate) fn url(&self) -> std::io::Result<String> {
        Ok(format!("ws://{}/{}", self.listener.local_addr()?, self.secret))
    }

    /// Serves until dropped.
    pub(crate) async fn run(self) {
        let mut windows = tokio::task::JoinSet::new();
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            while windows.try_join_next().is_some() {}
            if windows.len() < CONNECTIONS {
                windows.spawn(serve(stream, self.secret.clone(), self.screens.clone()));
            }
        }
    }
}

async fn serve(stream: TcpStream, secret: String, screens: Screens) {
    let _ = stream.set_nodelay(true);
    let mut wanted = None;
    #[expect(clippy::result_large_err, reason = "the library's callback has this shape")]
    let check = |request: &Request, response: Response| {
        wanted = screen(request, &secret, &screens);
        if wanted.is_some() {
            Ok(response)
        } else {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = StatusCode::FORBIDDEN;
            Err(refusal)
        }
    };
    let accepted = tokio::time::timeout(STUCK, tokio_tungstenite::accept_hdr_async(stream, check)).await;
    let (Ok(Ok(socket)), Some(mut frames)) = (accepted, wanted) else {
        return;
    };
    // A window that opens late sees the newest picture at once, with its age.
    frames.mark_changed();
    let (mut out, mut input) = socket.split();
    let mut count: u32 = 0;
    loop {
        tokio::select! {
            changed = frames.changed() => {
                if changed.is_err() {
                    return;
                }
                let Some(frame) = frames.borrow_and_update().clone() else { continue };
                count = count.wrapping_add(1);
                let sent = tokio::time::timeout(STUCK, out.send(Message::Binary(message(&frame, count)))).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
            // Windows send nothing; reading answers pings and notices a close.
            incoming = input.next() => {
                if !matches!(incoming, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
}

/// The screen that a request asks for, if it may.
fn screen(request: &Request, secret: &str, screens: &Screens) -> Option<watch::Receiver<Option<VideoFrame>>> {
    let origin = request.headers().get("origin")?.to_str().ok()?;
    if !is_ours(origin) {
        return None;
    }
    let (given, side) = request.uri().path().strip_prefix('/')?.split_once('/')?;
    // Both are hex of one length; a comparison that leaks timing would still need 2^256 guesses.
    if given != secret {
        return None;
    }
    match side {
        "remote" => Some(screens.remote.subscribe()),
        "self" => Some(screens.own.subscribe()),
        _ => None,
    }
}

/// Pages of the app: as Tauri serves them, and from the development server on this machine.
fn is_ours(origin: &str) -> bool {
    if [
        "tauri://localhost",
        "http://tauri.localhost",
        "https://tauri.localhost",
    ]
    .contains(&origin)
    {
        return true;
    }
    let host = origin
        .strip_prefix("http://")
        .map(|rest| rest.split(':').next().unwrap_or_default());
    matches!(host, Some("127.0.0.1" | "localhost"))
}

/// 20 bytes (width, height, number, flags, age in milliseconds; little endian), then RGBA. Flag 1: the number was read
/// from the picture. Flag 2: it is a still.
fn message(frame: &VideoFrame, count: u32) -> Bytes {
    let mut bytes = Vec::with_capacity(20 + frame.rgba.len());
    let flags = u32::from(frame.number.is_some()) | (u32::from(frame.still) << 1);
    let age_ms = u32::try_from(frame.taken.elapsed().as_millis()).unwrap_or(u32::MAX);
    let number = frame.number.unwrap_or(count);
    for word in [frame.width, frame.height, number, flags, age_ms] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend_from_slice(&frame.rgba);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;

    use super::*;

    async fn connect(url: &str, origin: &str) -> Option<tokio_tungstenite::WebSocketStream<TcpStream>> {
        let address = url.strip_prefix("ws://")?.split('/').next()?.to_owned();
        let mut request = url.into_client_request().ok()?;
        request.headers_mut().insert("origin", origin.parse().ok()?);
        let stream = TcpStream::connect(address).await.ok()?;
        tokio_tungstenite::client_async(request, stream)
            .await
            .ok()
            .map(|(socket, _)| socket)
    }

    #[tokio::test]
    async fn pictures_reach_the_app_and_nobody_else() {
        let screens = Screens::default();
        let server = FramesServer::bind(screens.clone()).await.expect("port");
        let url = server.url().expect("url");
        let serving = tokio::spawn(server.run());

        assert!(connect(&format!("{url}/remote"), "https://evil.example")
            .await
            .is_none());
        assert!(connect(&format!("{url}x/remote"), "tauri://localhost")
            .await
            .is_none());
        assert!(connect(&format!("{url}/other"), "tauri://localhost")
            .await
            .is_none());

        let mut window = connect(&format!("{url}/remote"), "tauri://localhost")
            .await
            .expect("connects");
        let frame = VideoFrame {
            width: 2,
            height: 1,
            rgba: vec![9; 8].into(),
            number: Some(7),
            at_ms: 0,
            taken: std::time::Instant::now()
                .checked_sub(Duration::from_secs(70))
                .expect("the machine runs for longer"),
            still: true,
        };
        screens.remote.send_replace(Some(frame));
        let message = tokio::time::timeout(Duration::from_secs(5), window.next())
            .await
            .expect("in time");
        let bytes = message.expect("open").expect("message").into_data();

        assert_eq!(&bytes[..16], &[2, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0]);
        let age_ms = u32::from_le_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]);
        assert!((70_000..80_000).contains(&age_ms), "{age_ms} ms old");
        assert_eq!(&bytes[20..], &[9; 8]);

        let mut late = connect(&format!("{url}/remote"), "tauri://localhost")
            .await
            .expect("connects");
        let message = tokio::time::timeout(Duration::from_secs(5), late.next())
            .await
            .expect("a window that opens late sees the newest picture");
        assert_eq!(message.expect("open").expect("message").into_data()[20..], [9; 8]);
        serving.abort();
    }
}
