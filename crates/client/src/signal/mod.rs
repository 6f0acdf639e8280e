//! Signalling: one session with the server over any number of connections, WebSocket first, long poll where
//! WebSockets do not get through.

mod poll;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use hms_core::call::signal::SignalSession;
use hms_model::wire::signal::{ToClient, ToServer};
use tokio::sync::mpsc;

use crate::client::Shared;
use crate::engine::Engine;

/// Messages to the server that wait for the task; the engine's loop never waits for it.
pub(crate) const OUT: usize = 256;
/// How often the link is told while connected.
const LINK_EVERY: Duration = Duration::from_secs(15);
/// Waits between connections.
const WAITS: [Duration; 4] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// Failed WebSockets in a row after which the long poll takes over for a while.
const SOCKETS_BEFORE_POLL: usize = 3;

/// How a connection ended.
enum End {
    /// It worked, and was cut.
    Cut,
    /// It never worked.
    Failed,
    /// The account is signed out.
    SignedOut,
}

/// Keeps the session for as long as the app is open.
pub(crate) async fn run(shared: Arc<Shared>, mut out: mpsc::Receiver<ToServer>) {
    let mut session = SignalSession::new(&shared.device.id());
    let mut failures = 0_usize;
    loop {
        let end = if failures > 0 && failures % (SOCKETS_BEFORE_POLL + 1) == SOCKETS_BEFORE_POLL {
            poll::serve(&shared, &mut session, &mut out).await
        } else {
            socket::serve(&shared, &mut session, &mut out).await
        };
        session.disconnected();
        shared
            .tell(async |engine: &mut Engine| engine.signal_connected(false).await)
            .await;
        let wait = match end {
            End::Cut => {
                failures = 0;
                WAITS.first().copied().unwrap_or_default()
            }
            End::Failed => {
                failures += 1;
                WAITS
                    .get(failures.min(WAITS.len()) - 1)
                    .copied()
                    .unwrap_or(Duration::from_secs(4))
            }
            End::SignedOut => Duration::from_secs(15),
        };
        // What is sent meanwhile goes into the session, and out with the next connection.
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => break,
                message = out.recv() => match message {
                    Some(message) => session.send(message),
                    None => return,
                },
            }
        }
    }
}

/// Hands a message of the server to the loop.
async fn deliver(shared: &Arc<Shared>, message: ToClient) {
    shared
        .tell(async move |engine: &mut Engine| engine.signal_arrived(message))
        .await;
}

fn link(shared: &Arc<Shared>) -> Option<ToServer> {
    let link = shared.http.link().wire()?;
    Some(ToServer::Link {
        rtt_ms: link.rtt_ms,
        loss_permille: link.loss_permille,
    })
}
