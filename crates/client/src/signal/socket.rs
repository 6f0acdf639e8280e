//! The WebSocket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hms_core::call::signal::SignalSession;
use hms_core::proxy::Proxies;
use hms_model::secret::Secret;
use hms_model::wire::signal::{Frame, ToClient, ToServer};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::WebSocketStream;
use url::Url;

use super::{deliver, link, End, LINK_EVERY};
use crate::client::Shared;
use crate::engine::Engine;
use crate::net::Fault;

const PATIENCE: Duration = Duration::from_secs(10);
/// The server pings every 15 s: longer silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(40);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Connects and carries frames until the connection ends.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    session: &mut SignalSession,
    out: &mut mpsc::Receiver<ToServer>,
) -> End {
    let socket = match connect(shared).await {
        Ok(socket) => socket,
        Err(Fault::SignInNeeded) => return End::SignedOut,
        Err(fault) => {
            tracing::debug!(%fault, "No signalling by WebSocket");
            return End::Failed;
        }
    };
    let (mut sink, mut stream) = socket.split();
    session.connected();
    let mut links = tokio::time::interval(LINK_EVERY);
    let mut welcomed = false;
    loop {
        while let Some(frame) = session.poll_frame() {
            let Ok(text) = serde_json::to_string(&frame) else {
                continue;
            };
            let sent = tokio::time::timeout(PATIENCE, sink.send(Message::text(text))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return if welcomed { End::Cut } else { End::Failed };
            }
        }
        tokio::select! {
            incoming = tokio::time::timeout(SILENCE, stream.next()) => {
                let text = match incoming {
                    Ok(Some(Ok(Message::Text(text)))) => text,
                    Ok(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => continue,
                    Ok(Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None) | Err(_) => {
                        return if welcomed { End::Cut } else { End::Failed };
                    }
                };
                let Ok(frame) = serde_json::from_str::<Frame<ToClient>>(&text) else { continue };
                let Some(message) = session.arrived(frame) else { continue };
                if matches!(message, ToClient::Welcome { .. }) && !welcomed {
                    welcomed = true;
                    shared.tell(async |engine: &mut Engine| engine.signal_connected(true).await).await;
                }
                deliver(shared, message).await;
            }
            message = out.recv() => match message {
                Some(message) => session.send(message),
                // The app was locked: the connection ends with the task.
                None => return End::Cut,
            },
            () = shared.moved.notified() => return if welcomed { End::Cut } else { End::Failed },
            _ = links.tick() => {
                if let Some(link) = link(shared).filter(|_| session.is_live()) {
                    session.send(link);
                }
            }
        }
    }
}

async fn connect(shared: &Arc<Shared>) -> Result<WebSocketStream<Box<dyn Stream>>, Fault> {
    let token = shared.tokens.access(None).await?;
    match handshake(shared, &token).await {
        Err(Fault::SignInNeeded) => {
            let token = shared.tokens.access(Some(token)).await?;
            handshake(shared, &token).await
        }
        other => other,
    }
}

/// A connection to the server, through the proxy where there is one to it.
async fn reach(proxies: &Proxies, host: &str, port: u16) -> Result<TcpStream, Fault> {
    let proxy = proxies.to(host);
    let first = proxy.map_or((host, port), |proxy| (proxy.host(), proxy.port()));
    let mut tcp = TcpStream::connect(first).await.map_err(|_| Fault::Unreachable)?;
    let _ = tcp.set_nodelay(true);
    if let Some(proxy) = proxy {
        let opened = hms_media::open_tunnel(&mut tcp, proxy, host, port).await;
        opened.map_err(|error| {
            tracing::debug!(%error, "No way to the server through the proxy");
            Fault::Proxy
        })?;
    }
    Ok(tcp)
}

async fn handshake(
    shared: &Arc<Shared>,
    token: &Secret<String>,
) -> Result<WebSocketStream<Box<dyn Stream>>, Fault> {
    let base = Url::parse(shared.http.base()).map_err(|_| Fault::Unreachable)?;
    let secure = base.scheme() == "https";
    let host = base
        .host_str()
        .ok_or(Fault::Unreachable)?
        .trim_matches(['[', ']'])
        .to_owned();
    let port = base.port_or_known_default().ok_or(Fault::Unreachable)?;
    let address = format!("{}/signal", shared.http.base().replacen("http", "ws", 1));
    let mut request = address.into_client_request().map_err(|_| Fault::Unreachable)?;
    let bearer = format!("Bearer {}", token.expose())
        .parse()
        .map_err(|_| Fault::SignInNeeded)?;
    request.headers_mut().insert("authorization", bearer);
    let open = async {
        let tcp = reach(shared.http.proxies(), &host, port).await?;
        let stream: Box<dyn Stream> = if secure {
            let name = ServerName::try_from(host.clone()).map_err(|_| Fault::NotTrusted)?;
            let connector = tokio_rustls::TlsConnector::from(shared.http.socket_tls());
            Box::new(
                connector
                    .connect(name, tcp)
                    .await
                    .map_err(|_| Fault::NotTrusted)?,
            )
        } else {
            Box::new(tcp)
        };
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) if response.status().as_u16() == 401 => Err(Fault::SignInNeeded),
            Err(Error::Http(_)) => Err(Fault::NotOurServer),
            Err(_) => Err(Fault::Cut),
        }
    };
    tokio::time::timeout(PATIENCE, open)
        .await
        .map_err(|_| Fault::Slow)?
}
