//! The carrier's link on the stage: to the server over TCP, to the relay over both protocols, as one that is cut whole.

use anyhow::Result;
use hms_link::{Line, Plan, Way};
use std::net::SocketAddr;

/// A link that can be cut. Dropping it cuts it for good.
pub struct Link {
    /// Where the phone connects to.
    pub address: SocketAddr,
    /// Where the phone reaches the relay for calls.
    pub relay: SocketAddr,
    line: Line,
}

impl Link {
    /// Opens a link to a server and to a relay on this machine.
    ///
    /// # Errors
    /// No port is free.
    pub async fn to(server: SocketAddr, relay: SocketAddr) -> Result<Self> {
        let line = Line::new(Plan::default());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = line.tcp(any, server).await?;
        // The relay has one port for both protocols.
        let at = line.tcp(any, relay).await?;
        line.udp(at, relay).await?;
        Ok(Self {
            address,
            relay: at,
            line,
        })
    }

    /// From now on it is so in both directions, for the call as for everything else.
    pub fn set(&self, way: Way) {
        self.line.set(way, way);
    }

    /// Closes every connection and lets none through.
    pub fn cut(&self) {
        self.line.cut();
    }

    /// Nothing passes and nobody is told.
    pub fn silence(&self) {
        self.line.silence();
    }

    /// Lets everything through again.
    pub fn restore(&self) {
        self.line.restore();
    }
}
