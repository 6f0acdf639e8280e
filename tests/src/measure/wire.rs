//! A way to the server that counts every byte and can be thin and slow: what a report costs is read here, not computed.

use anyhow::Result;
use hms_link::{Line, Plan, Way};
use std::net::SocketAddr;
use std::time::Duration;

/// How slow the way is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Time of a byte from one end to the other.
    pub one_way: Duration,
    /// Bytes a second in each direction, all connections together; unlimited if absent.
    pub bytes_a_second: Option<u64>,
}

/// The way. Dropping it cuts it.
pub struct Wire {
    /// Where the client connects to.
    pub address: SocketAddr,
    line: Line,
}

impl Wire {
    /// Opens a way to a server on this machine; it starts fast.
    ///
    /// # Errors
    /// No port is free.
    pub async fn to(server: SocketAddr) -> Result<Self> {
        let line = Line::new(Plan::default());
        let address = line.tcp(([127, 0, 0, 1], 0).into(), server).await?;
        Ok(Self { address, line })
    }

    /// Closes every connection and lets none through. What waited for the line is gone and does not keep it busy.
    pub fn cut(&self) {
        self.line.cut();
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.line.restore();
    }

    /// Sets how slow it is from now on.
    pub fn pace(&self, pace: Pace) {
        let way = Way {
            kbit_s: pace.bytes_a_second.map(|bytes| bytes as f64 / 125.0),
            delay_ms: pace.one_way.as_secs_f64() * 1000.0,
            ..Way::default()
        };
        self.line.set(way, way);
    }

    /// Makes it as a plan has it from now on, but for cuts and outages.
    pub fn like(&self, plan: &Plan) {
        self.line.set(plan.up, plan.down);
    }

    /// Bytes that came out at the server's end so far.
    #[must_use]
    pub fn arrived_up(&self) -> u64 {
        self.line.report().up.arrived
    }

    /// Bytes so far: to the server, and back. TLS is in them; the heads of TCP and IP are not.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let report = self.line.report();
        (report.up.sent, report.down.sent)
    }
}
