//! One person's signalling, as the app does it: a WebSocket over TLS with the client's own session.

use anyhow::{bail, Context, Result};
use futures_util::{SinkExt, StreamExt};
use hms_core::call::signal::SignalSession;
use hms_model::wire::signal::{ToClient, ToServer};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::client::TlsStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::WebSocketStream;

/// As the app: how often it tells its link.
const LINK_EVERY: Duration = Duration::from_secs(15);
/// No step of a visit may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// How the server is reached.
#[derive(Clone)]
pub(super) struct Door {
    pub address: SocketAddr,
    pub tls: TlsConnector,
}

/// A person who is connected.
pub(super) struct Person {
    to_server: mpsc::UnboundedSender<ToServer>,
    heard: mpsc::UnboundedReceiver<(Instant, ToClient)>,
}

impl Person {
    /// Connects, and waits for the welcome.
    pub(super) async fn connect(door: &Door, token: &str, device: &str) -> Result<Self> {
        let socket = tokio::time::timeout(PATIENCE, open(door, token))
            .await
            .context("no connection in time")??;
        let (to_server, inbox) = mpsc::unbounded_channel();
        let (told, heard) = mpsc::unbounded_channel();
        tokio::spawn(carry(socket, SignalSession::new(device), inbox, told));
        let mut person = Self { to_server, heard };
        person
            .until(|message| matches!(message, ToClient::Welcome { .. }))
            .await?;
        Ok(person)
    }

    /// Says something.
    pub(super) fn say(&self, message: ToServer) {
        // Where the connection is gone, whoever waits for an answer notices.
        let _ = self.to_server.send(message);
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Result<(Instant, ToClient)> {
        let next = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        next.context("nothing was heard in time")?
            .context("the connection ended")
    }

    /// Waits for a message of a kind; what comes before it is passed over, but for a refusal and an end.
    pub(super) async fn until(&mut self, kind: impl Fn(&ToClient) -> bool) -> Result<(Instant, ToClient)> {
        loop {
            let (at, message) = self.next().await?;
            if kind(&message) {
                return Ok((at, message));
            }
            if let ToClient::Refused { what, code } = &message {
                bail!("{what} was refused: {code}");
            }
            if let ToClient::Ended { why, .. } = &message {
                bail!("the visit ended: {why:?}");
            }
        }
    }
}

async fn open(door: &Door, token: &str) -> Result<Socket> {
    let tcp = TcpStream::connect(door.address).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::from(door.address.ip());
    let stream = door.tls.connect(name, tcp).await?;
    let mut request = format!("wss://{}/signal", door.address).into_client_request()?;
    let bearer = format!("Bearer {token}").parse()?;
    request.headers_mut().insert("authorization", bearer);
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket)
}

/// Carries messages until the person or the server is gone.
async fn carry(
    mut socket: Socket,
    mut session: SignalSession,
    mut inbox: mpsc::UnboundedReceiver<ToServer>,
    told: mpsc::UnboundedSender<(Instant, ToClient)>,
) {
    session.connected();
    let mut links = tokio::time::interval(LINK_EVERY);
    loop {
        while let Some(frame) = session.poll_frame() {
            let Ok(text) = serde_json::to_string(&frame) else {
                return;
            };
            if socket.send(Message::text(text)).await.is_err() {
                return;
            }
        }
        tokio::select! {
            incoming = socket.next() => {
                let text = match incoming {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return,
                };
                let now = Instant::now();
                let message = serde_json::from_str(&text).ok().and_then(|frame| session.arrived(frame));
                if let Some(message) = message {
                    let _ = told.send((now, message));
                }
            }
            message = inbox.recv() => match message {
                Some(message) => session.send(message),
                None => return,
            },
            _ = links.tick() => {
                if session.is_live() {
                    session.send(ToServer::Link { rtt_ms: 40, loss_permille: 0 });
                }
            }
        }
    }
}
