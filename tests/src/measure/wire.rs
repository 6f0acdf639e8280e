//! A way to the server that counts every byte and can be thin and slow: what a report costs is read here, not computed.

use anyhow::Result;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;
/// Chunks on their way in one direction of one connection; beyond them the sender waits, as on a real link.
const IN_FLIGHT: usize = 64;

/// How slow the way is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Time of a byte from one end to the other.
    pub one_way: Duration,
    /// Bytes a second in each direction, all connections together; unlimited if absent.
    pub bytes_a_second: Option<u64>,
}

/// Bytes in one direction.
#[derive(Default)]
struct Lane {
    bytes: AtomicU64,
    /// Of these, what came out at the other end.
    arrived: AtomicU64,
    /// When the line is free again.
    free_at: Mutex<Option<Instant>>,
}

/// The way. Dropping it cuts it.
pub struct Wire {
    /// Where the client connects to.
    pub address: SocketAddr,
    open: watch::Sender<bool>,
    pace: watch::Sender<Pace>,
    up: Arc<Lane>,
    down: Arc<Lane>,
}

impl Wire {
    /// Opens a way to a server on this machine; it starts fast.
    ///
    /// # Errors
    /// No port is free.
    pub async fn to(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (open, state) = watch::channel(true);
        let (pace, paced) = watch::channel(Pace::default());
        let (up, down) = (Arc::new(Lane::default()), Arc::new(Lane::default()));
        let lanes = (Arc::clone(&up), Arc::clone(&down));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if state.has_changed().is_err() {
                    // The way itself is gone.
                    return;
                }
                // While cut, a connection is closed as soon as it is made: no byte reaches the server.
                if *state.borrow() {
                    let (lanes, paced, state) = (lanes.clone(), paced.clone(), state.clone());
                    tokio::spawn(carry(client, server, lanes, paced, state));
                }
            }
        });
        Ok(Self {
            address,
            open,
            pace,
            up,
            down,
        })
    }

    /// Closes every connection and lets none through. What waited for the line is gone and does not keep it busy.
    pub fn cut(&self) {
        self.open.send_replace(false);
        for lane in [&self.up, &self.down] {
            *lane.free_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.open.send_replace(true);
    }

    /// Sets how slow it is from now on.
    pub fn pace(&self, pace: Pace) {
        self.pace.send_replace(pace);
    }

    /// Bytes that came out at the server's end so far.
    #[must_use]
    pub fn arrived_up(&self) -> u64 {
        self.up.arrived.load(Ordering::Relaxed)
    }

    /// Bytes so far: to the server, and back. TLS is in them; the heads of TCP and IP are not.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (
            self.up.bytes.load(Ordering::Relaxed),
            self.down.bytes.load(Ordering::Relaxed),
        )
    }
}

async fn carry(
    client: TcpStream,
    server: SocketAddr,
    (up, down): (Arc<Lane>, Arc<Lane>),
    pace: watch::Receiver<Pace>,
    mut state: watch::Receiver<bool>,
) {
    let Ok(onward) = TcpStream::connect(server).await else {
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = onward.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = onward.into_split();
    let both = async {
        tokio::join!(
            one_way(from_client, to_server, &up, &pace),
            one_way(from_server, to_client, &down, &pace),
        )
    };
    tokio::select! {
        _ = both => {}
        _ = state.wait_for(|open| !open) => {}
    }
}

async fn one_way(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    lane: &Lane,
    pace: &watch::Receiver<Pace>,
) {
    let (sender, mut chunks) = mpsc::channel::<(Instant, Vec<u8>)>(IN_FLIGHT);
    let read = async move {
        let mut buffer = vec![0; CHUNK];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            lane.bytes.fetch_add(length as u64, Ordering::Relaxed);
            let arrives = lane.arrival(Instant::now(), length, *pace.borrow());
            let chunk = buffer.get(..length).unwrap_or_default().to_vec();
            if sender.send((arrives, chunk)).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((arrives, chunk)) = chunks.recv().await {
            tokio::time::sleep_until(arrives).await;
            if to.write_all(&chunk).await.is_err() {
                return;
            }
            lane.arrived.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

impl Lane {
    /// When the last of these bytes is at the other end.
    fn arrival(&self, now: Instant, length: usize, pace: Pace) -> Instant {
        let Some(rate) = pace.bytes_a_second else {
            return now + pace.one_way;
        };
        let takes = Duration::from_secs_f64(length as f64 / rate as f64);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = free_at.map_or(now, |free| free.max(now)) + takes;
        *free_at = Some(sent);
        sent + pace.one_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thin_line_carries_no_more_than_it_can() {
        let lane = Lane::default();
        let pace = Pace {
            one_way: Duration::from_millis(150),
            bytes_a_second: Some(125_000),
        };
        let begun = Instant::now();

        let first = lane.arrival(begun, 12_500, pace) - begun;
        let second = lane.arrival(begun, 12_500, pace) - begun;

        assert_eq!(first, Duration::from_millis(250));
        assert_eq!(second, Duration::from_millis(350));
    }
}
