//! `GET /api/relay`: what the relay for calls has carried, without who or where.

use super::{route, Access, Route};
use crate::app::App;
use crate::relay::ClientTransport;
use axum::extract::State;
use axum::http::Method;
use axum::routing::get;
use axum::Json;
use hms_model::role::Role;
use serde::Serialize;

/// The rows.
#[must_use]
pub fn routes() -> Vec<Route> {
    const WHO: &[Role] = &[Role::Administrator];
    vec![route(
        Method::GET,
        "/api/relay",
        Access::Roles(WHO),
        get(counters),
    )]
}

/// Answer of `GET /api/relay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WireRelay {
    /// Whether this server runs a relay.
    pub running: bool,
    /// One for each use of it, oldest first.
    pub allocations: Vec<WireAllocation>,
}

/// One use of the relay. Bytes and packets of media, without the relay's own headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WireAllocation {
    /// `udp` or `tcp`.
    pub transport: &'static str,
    /// Bytes from its client.
    pub bytes_to_peers: u64,
    /// Bytes to its client.
    pub bytes_from_peers: u64,
    /// Packets from its client.
    pub packets_to_peers: u64,
    /// Packets to its client.
    pub packets_from_peers: u64,
    /// Whether it is still in use.
    pub open: bool,
}

async fn counters(State(app): State<App>) -> Json<WireRelay> {
    let counters = app.signal.relay_counters();
    let running = counters.is_some();
    let allocations = counters
        .unwrap_or_default()
        .into_iter()
        .map(|c| WireAllocation {
            transport: match c.transport {
                ClientTransport::Udp => "udp",
                ClientTransport::Tcp => "tcp",
            },
            bytes_to_peers: c.bytes_to_peers,
            bytes_from_peers: c.bytes_from_peers,
            packets_to_peers: c.packets_to_peers,
            packets_from_peers: c.packets_from_peers,
            open: c.open,
        })
        .collect();
    Json(WireRelay { running, allocations })
}
