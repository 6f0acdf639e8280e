//! The long poll: for networks that let no WebSocket through.

use std::sync::Arc;
use std::time::Duration;

use hms_core::call::signal::SignalSession;
use hms_model::wire::signal::{ToClient, ToServer, WirePolled};
use reqwest::Method;
use tokio::sync::mpsc;

use super::{deliver, link, End};
use crate::client::Shared;
use crate::engine::Engine;
use crate::net::{read_json, Fault, Tries};

/// After this many polls that were answered the WebSocket is tried again.
const ROUNDS: usize = 8;

/// Polls for a while.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    session: &mut SignalSession,
    out: &mut mpsc::Receiver<ToServer>,
) -> End {
    let mut worked = false;
    let mut rounds = 0;
    // A poll that is ended to say something does not count: a busy call stays on the way that works.
    while rounds < ROUNDS {
        if let Some(link) = link(shared).filter(|_| session.is_live()) {
            session.send(link);
        }
        while let Ok(message) = out.try_recv() {
            session.send(message);
        }
        let body = session.poll_body();
        let poll = shared.authorized(
            |token| {
                shared
                    .http
                    .request(Method::POST, "/signal/poll", Some(token))
                    .json(&body)
            },
            Tries::Patient,
        );
        tokio::pin!(poll);
        let answer = tokio::select! {
            answer = &mut poll => answer,
            // Something to say ends the wait: the next poll carries it.
            message = out.recv() => match message {
                Some(message) => {
                    session.send(message);
                    continue;
                }
                None => return End::Cut,
            },
        };
        rounds += 1;
        match answer {
            Ok(response) => {
                let Ok(polled) = read_json::<WirePolled>(response).await else {
                    return End::Failed;
                };
                if !worked {
                    worked = true;
                    shared
                        .tell(async |engine: &mut Engine| engine.signal_connected(true).await)
                        .await;
                }
                for message in session.polled(polled) {
                    if !matches!(message, ToClient::Welcome { .. }) {
                        deliver(shared, message).await;
                    }
                }
            }
            Err(Fault::SignInNeeded) => return End::SignedOut,
            Err(fault) => {
                tracing::debug!(%fault, "No signalling by long poll");
                tokio::time::sleep(Duration::from_millis(200)).await;
                return if worked { End::Cut } else { End::Failed };
            }
        }
    }
    End::Cut
}
