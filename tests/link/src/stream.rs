//! TCP over a link.

use super::lane::{Lane, Place};
use super::plan::Direction;
use super::{Doors, Shared, State};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Packets on their way in one direction of one connection; beyond them the sender waits, as for a window.
const ON_THE_WAY: usize = 512;
/// How far ahead of the line a sender may put something on it.
const AHEAD: Duration = Duration::from_millis(20);
/// What the link's own end of a thin connection holds, in bytes: a phone does not hand megabytes to its modem.
const HELD: usize = 32 * 1024;

/// Lets connections through until the link is gone.
pub(super) async fn accept(listener: TcpListener, to: SocketAddr, shared: Arc<Shared>) {
    let mut doors = shared.doors.subscribe();
    loop {
        let near = tokio::select! {
            near = listener.accept() => near,
            _ = doors.wait_for(|doors| doors.state() == State::Gone) => return,
        };
        let Ok((near, _)) = near else {
            // No descriptor is free at this moment.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        shared.begin();
        // While cut, a connection is closed as soon as it is made: no byte reaches the server.
        if shared.doors.borrow().state() >= State::Cut {
            shared.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        shared.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(carry(near, to, Arc::clone(&shared)));
    }
}

async fn carry(near: TcpStream, to: SocketAddr, shared: Arc<Shared>) {
    let mut doors = shared.doors.subscribe();
    let leaves = Instant::now() + shared.plan().round_trip();
    let Ok(far) = TcpStream::connect(to).await else {
        return;
    };
    for (end, direction) in [(&near, Direction::Up), (&far, Direction::Down)] {
        let _ = end.set_nodelay(true);
        if shared.lane(direction).packet() < HELD / 8 {
            let _ = socket2::SockRef::from(end).set_recv_buffer_size(HELD);
        }
    }
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    let both = async {
        tokio::join!(
            one_way(from_near, to_far, &shared, Direction::Up, leaves),
            one_way(from_far, to_near, &shared, Direction::Down, leaves),
        )
    };
    tokio::select! {
        _ = both => {}
        _ = doors.wait_for(|doors| doors.state() >= State::Cut) => {}
    }
}

async fn one_way(
    from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    shared: &Arc<Shared>,
    direction: Direction,
    leaves: Instant,
) {
    let lane = shared.lane(direction);
    let (sender, mut packets) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let mut doors = shared.doors.subscribe();
    let write = async move {
        while let Some((arrives, packet)) = packets.recv().await {
            // The timer counts whole milliseconds: an open link must not pay for one.
            if arrives > Instant::now() {
                tokio::time::sleep_until(arrives).await;
            }
            if !passes(&mut doors).await {
                return;
            }
            let (length, cut) = lane.arrive(packet.len());
            let whole = packet.get(..length).unwrap_or(&packet);
            let written = to.write_all(whole).await.is_ok() && to.flush().await.is_ok();
            if let Some(cut) = cut {
                shared.broken(cut);
                return;
            }
            if !written {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read(from, sender, lane, leaves), write);
}

/// Puts on the line what comes, no faster than the line takes it.
async fn read(
    mut from: impl AsyncReadExt + Unpin,
    sender: mpsc::Sender<(Instant, Vec<u8>)>,
    lane: &Lane,
    leaves: Instant,
) {
    let mut place = Place::default();
    loop {
        let mut packet = vec![0; lane.packet()];
        let Ok(length @ 1..) = from.read(&mut packet).await else {
            return;
        };
        packet.truncate(length);
        while let Some(free) = lane.free_at().filter(|free| *free > Instant::now() + AHEAD) {
            tokio::time::sleep_until(free - AHEAD).await;
        }
        let arrives = lane.stream(&mut place, Instant::now().max(leaves), length);
        if sender.send((arrives, packet)).await.is_err() {
            return;
        }
    }
}

/// Waits while the link is silent; false once it is cut.
async fn passes(doors: &mut watch::Receiver<Doors>) -> bool {
    let there = doors.wait_for(|doors| doors.state() != State::Silent).await;
    there.is_ok_and(|doors| doors.state() == State::Up)
}
