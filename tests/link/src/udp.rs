//! Datagrams over a link: each sender has a socket of its own towards the other end, as behind a router.

use super::plan::Direction;
use super::{Shared, State};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::time::Instant;

/// The longest datagram.
const LONGEST: usize = 64 * 1024;

/// Carries datagrams until the link is gone.
pub(super) async fn carry(near: Arc<UdpSocket>, to: SocketAddr, shared: Arc<Shared>) {
    let mut doors = shared.doors.subscribe();
    let mut ways: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buffer = vec![0; LONGEST];
    loop {
        let came = tokio::select! {
            came = near.recv_from(&mut buffer) => came,
            _ = doors.wait_for(|doors| doors.state() == State::Gone) => return,
        };
        // An earlier datagram that nobody took is told as a failure of this one.
        let Ok((length, who)) = came else { continue };
        shared.begin();
        let way = match ways.get(&who) {
            Some(way) => Arc::clone(way),
            None => {
                let Some(way) = connect(to).await else { continue };
                ways.insert(who, Arc::clone(&way));
                tokio::spawn(back(
                    Arc::clone(&way),
                    Arc::clone(&near),
                    who,
                    Arc::clone(&shared),
                ));
                way
            }
        };
        let datagram = buffer.get(..length).unwrap_or_default().to_vec();
        pass(&shared, Direction::Up, way, None, datagram).await;
    }
}

async fn connect(to: SocketAddr) -> Option<Arc<UdpSocket>> {
    let own: SocketAddr = if to.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let socket = UdpSocket::bind(own).await.ok()?;
    socket.connect(to).await.ok()?;
    Some(Arc::new(socket))
}

async fn back(way: Arc<UdpSocket>, near: Arc<UdpSocket>, who: SocketAddr, shared: Arc<Shared>) {
    let mut doors = shared.doors.subscribe();
    let mut buffer = vec![0; LONGEST];
    loop {
        let came = tokio::select! {
            came = way.recv(&mut buffer) => came,
            _ = doors.wait_for(|doors| doors.state() == State::Gone) => return,
        };
        let Ok(length) = came else { continue };
        let datagram = buffer.get(..length).unwrap_or_default().to_vec();
        pass(&shared, Direction::Down, Arc::clone(&near), Some(who), datagram).await;
    }
}

/// Sends a datagram when its time has come, each time that it comes; drops it where the link is down.
async fn pass(
    shared: &Arc<Shared>,
    direction: Direction,
    socket: Arc<UdpSocket>,
    who: Option<SocketAddr>,
    datagram: Vec<u8>,
) {
    if shared.doors.borrow().state() != State::Up {
        return;
    }
    let now = Instant::now();
    for arrives in shared.lane(direction).datagram(now, datagram.len()) {
        let (shared, socket, datagram) = (Arc::clone(shared), Arc::clone(&socket), datagram.clone());
        let send = async move {
            tokio::time::sleep_until(arrives).await;
            if shared.doors.borrow().state() != State::Up {
                return;
            }
            let sent = match who {
                Some(who) => socket.send_to(&datagram, who).await,
                None => socket.send(&datagram).await,
            };
            if sent.is_ok() {
                shared.lane(direction).arrive_datagram(datagram.len());
            }
        };
        if arrives <= now {
            send.await;
        } else {
            tokio::spawn(send);
        }
    }
}
