//! `GET /signal` (WebSocket) and `POST /signal/poll` (long poll): two ways to the same signalling.

use super::outcome::Refusal;
use super::{route, Access, Route};
use crate::app::App;
use crate::auth::{tokens, Actor};
use crate::signal::hub::{ConnId, Greeting, Input, Transport};
use crate::signal::visit::Party;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::Json;
use hms_model::ids::DeviceId;
use hms_model::wire::signal::{Frame, ToClient, ToServer, WirePoll, WirePolled};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Where the WebSocket is.
pub(super) const SOCKET: &str = "/signal";
/// The largest frame: an SDP of 64 kB, escaped.
const LARGEST_FRAME: usize = 256 * 1024;
/// Where a frame is read into; grows to what a frame needs. What the library begins with (128 kB each way) was most of a visit's memory.
const BUFFER: usize = 4 * 1024;
/// What is spoken, for those who have to name a subprotocol.
const SUBPROTOCOL: &str = "hms.signal";
/// How long a client may take for its hello, and to take a frame.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a quiet WebSocket is asked whether it is there.
const PING: Duration = Duration::from_secs(15);
/// How often the account behind a WebSocket is looked at again: it may have been disabled, or its device revoked.
const RECHECK: Duration = Duration::from_secs(30);
/// How long a poll waits for something to say.
const POLL: Duration = Duration::from_secs(25);
/// After the first frame of a poll, how long others may follow it.
const POLL_MORE: Duration = Duration::from_millis(15);

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, SOCKET, Access::SignedIn, get(socket)),
        route(
            Method::POST,
            "/signal/poll",
            Access::SignedIn,
            post(poll).layer(DefaultBodyLimit::max(2 * LARGEST_FRAME)),
        ),
    ]
}

async fn socket(State(app): State<App>, actor: Actor, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        // Pages name it beside their token; what names none gets none.
        .protocols([SUBPROTOCOL])
        .max_message_size(LARGEST_FRAME)
        .max_frame_size(LARGEST_FRAME)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .on_upgrade(move |socket| serve(app, actor, socket))
}

/// The party behind a connection. A token that was given to a device speaks for that one only.
fn party(actor: &Actor, said: &str) -> Option<Party> {
    let device = match &actor.device {
        Some(bound) => bound.to_string(),
        None if said.is_empty() => String::new(),
        None => DeviceId::parse(said).ok()?.to_string(),
    };
    Some(Party {
        user: actor.user.to_string(),
        device,
    })
}

async fn serve(app: App, actor: Actor, mut socket: WebSocket) {
    let Some((hello, device, resume)) = greeting(&mut socket).await else {
        return;
    };
    let Some(party) = party(&actor, &device).filter(|p| !p.device.is_empty()) else {
        return;
    };
    let conn = app.signal.next_conn();
    let opened = Greeting {
        conn,
        transport: Transport::Socket,
        party: party.clone(),
        resume,
        fresh: crate::random::token("sig_"),
        seq: hello.seq,
        ack: hello.ack,
    };
    let out = app.signal.open(opened).await;
    let _closed = Closing {
        app: app.clone(),
        conn,
    };
    converse(&app, &actor, &party, conn, socket, out).await;
}

async fn greeting(socket: &mut WebSocket) -> Option<(Frame<ToServer>, String, Option<String>)> {
    let text = loop {
        match timeout(PATIENCE, socket.recv()).await.ok()??.ok()? {
            Message::Text(text) => break text,
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Binary(_) | Message::Close(_) => return None,
        }
    };
    let frame: Frame<ToServer> = serde_json::from_str(&text).ok()?;
    let Some(ToServer::Hello { device, session }) = frame.message.clone() else {
        return None;
    };
    Some((frame, device, session))
}

async fn converse(
    app: &App,
    actor: &Actor,
    party: &Party,
    conn: ConnId,
    mut socket: WebSocket,
    mut out: mpsc::Receiver<Frame<ToClient>>,
) {
    let mut ping = tokio::time::interval(PING);
    let mut recheck = tokio::time::interval(RECHECK);
    recheck.reset();
    let mut revoked = app.revocations.subscribe();
    // What was revoked between the request and here changed nothing that is still to come.
    if !still_good(app, actor).await {
        app.signal.tell(Input::Revoked { party: party.clone() }).await;
        return;
    }
    loop {
        tokio::select! {
            frame = out.recv() => {
                let Some(text) = frame.and_then(|f| serde_json::to_string(&f).ok()) else { break };
                if !send(&mut socket, Message::Text(text.into())).await {
                    break;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match serde_json::from_str::<Frame<ToServer>>(&text) {
                    Ok(frame) => app.signal.tell(Input::Frame { conn, frame }).await,
                    Err(_) => break,
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return,
            },
            _ = ping.tick() => {
                if !send(&mut socket, Message::Ping(Vec::new().into())).await {
                    return;
                }
            }
            () = due(&mut recheck, &mut revoked) => {
                if !still_good(app, actor).await {
                    app.signal.tell(Input::Revoked { party: party.clone() }).await;
                    break;
                }
            }
        }
    }
    let _ = send(&mut socket, Message::Close(None)).await;
}

async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(())))
}

/// Waits until the sign-in should be looked at again.
async fn due(recheck: &mut tokio::time::Interval, revoked: &mut tokio::sync::watch::Receiver<i64>) {
    tokio::select! {
        _ = recheck.tick() => {}
        // The sender lives as long as the server.
        _ = revoked.changed() => {}
    }
}

async fn still_good(app: &App, actor: &Actor) -> bool {
    let who = actor.clone();
    let good = app
        .db
        .read(move |read| tokens::still_good(read.conn(), &who))
        .await;
    // A database that does not answer now is no reason to end a call.
    good.unwrap_or(true)
}

/// Tells the hub that a connection ended, however it ended.
struct Closing {
    app: App,
    conn: ConnId,
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.app.signal.tell_now(Input::Closed { conn: self.conn });
    }
}

async fn poll(State(app): State<App>, actor: Actor, Json(poll): Json<WirePoll>) -> Response {
    let hello = poll.frames.iter().find_map(|f| match &f.message {
        Some(ToServer::Hello { device, session }) => Some((f.seq, device.clone(), session.clone())),
        _ => None,
    });
    let (seq, device, resume) = match (&poll.session, hello) {
        (Some(session), None) => (0, String::new(), Some(session.clone())),
        (session, Some((seq, device, resume))) => (seq, device, session.clone().or(resume)),
        (None, None) => (0, String::from("poll"), None),
    };
    let Some(party) = party(&actor, &device) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let whose = party.clone();
    let conn = app.signal.next_conn();
    let fresh = crate::random::token("sig_");
    let ack = poll.frames.iter().map(|f| f.ack).max().unwrap_or_default();
    let opened = Greeting {
        conn,
        transport: Transport::Poll,
        party,
        resume: resume.clone(),
        fresh: fresh.clone(),
        seq,
        ack,
    };
    let mut out = app.signal.open(opened).await;
    let closed = Closing {
        app: app.clone(),
        conn,
    };
    for frame in poll.frames {
        if !matches!(frame.message, Some(ToServer::Hello { .. })) {
            app.signal.tell(Input::Frame { conn, frame }).await;
        }
    }
    let mut frames = Vec::new();
    if let Ok(Some(first)) = timeout(POLL, out.recv()).await {
        frames.push(first);
        while let Ok(Some(frame)) = timeout(POLL_MORE, out.recv()).await {
            frames.push(frame);
        }
    }
    drop(closed);
    if !still_good(&app, &actor).await {
        app.signal.tell(Input::Revoked { party: whose }).await;
        return Refusal::SignIn.respond(false);
    }
    let welcomed = frames.iter().find_map(|f| match &f.message {
        Some(ToClient::Welcome { session, .. }) => Some(session.clone()),
        _ => None,
    });
    let session = welcomed.or(resume).unwrap_or(fresh);
    Json(WirePolled { session, frames }).into_response()
}
