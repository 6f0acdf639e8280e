//! The carrier's link: forwards TCP and UDP, and can be cut, silenced and restored. Bytes pass unchanged.

use anyhow::Result;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;

/// What the link does with what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Passes it on.
    Up,
    /// Closes connections, as a phone without a network does.
    Cut,
    /// Holds TCP back and drops UDP, as a tunnel does: nobody is told.
    Silent,
}

/// A link that can be cut. Dropping it cuts it for good.
pub struct Link {
    /// Where the phone connects to.
    pub address: SocketAddr,
    /// Where the phone reaches the relay for calls.
    pub relay: SocketAddr,
    state: watch::Sender<State>,
}

impl Link {
    /// Opens a link to a server and to a relay on this machine.
    ///
    /// # Errors
    /// No port is free.
    pub async fn to(server: SocketAddr, relay: SocketAddr) -> Result<Self> {
        let (state, seen) = watch::channel(State::Up);
        let (_, address) = listen(server, &seen).await?;
        // The relay has one port for both protocols.
        let (port, relay_address) = listen(relay, &seen).await?;
        let udp = UdpSocket::bind(("127.0.0.1", port)).await?;
        tokio::spawn(carry_datagrams(Arc::new(udp), relay, seen));
        Ok(Self {
            address,
            relay: relay_address,
            state,
        })
    }

    /// Closes every connection and lets none through.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Nothing passes and nobody is told.
    pub fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Lets everything through again.
    pub fn restore(&self) {
        self.state.send_replace(State::Up);
    }
}

async fn listen(to: SocketAddr, seen: &watch::Receiver<State>) -> Result<(u16, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let state = seen.clone();
    tokio::spawn(async move {
        while let Ok((phone, _)) = listener.accept().await {
            // While cut, a connection is closed as soon as it is made: no byte reaches the server.
            if *state.borrow() != State::Cut {
                tokio::spawn(forward(phone, to, state.clone()));
            }
        }
    });
    Ok((address.port(), address))
}

async fn forward(phone: TcpStream, to: SocketAddr, mut state: watch::Receiver<State>) {
    let Ok(onward) = TcpStream::connect(to).await else {
        return;
    };
    let (up, down) = (state.clone(), state.clone());
    let ((phone_in, phone_out), (far_in, far_out)) = (phone.into_split(), onward.into_split());
    tokio::select! {
        () = async {
            tokio::join!(
                carry(phone_in, far_out, up),
                carry(far_in, phone_out, down),
            );
        } => {}
        _ = state.wait_for(|state| *state == State::Cut) => {}
    }
}

/// One direction. While silent, bytes wait; TCP would send them again.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 || state.wait_for(|state| *state != State::Silent).await.is_err() {
            break;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// Datagrams of all phones, each with a socket of its own towards the relay, as behind a router.
async fn carry_datagrams(near: Arc<UdpSocket>, relay: SocketAddr, state: watch::Receiver<State>) {
    let mut ways: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok((count, phone)) = near.recv_from(&mut buffer).await {
        if *state.borrow() != State::Up {
            continue;
        }
        let way = match ways.get(&phone) {
            Some(way) => Arc::clone(way),
            None => {
                let Ok(socket) = UdpSocket::bind(("127.0.0.1", 0)).await else {
                    continue;
                };
                if socket.connect(relay).await.is_err() {
                    continue;
                }
                let way = Arc::new(socket);
                ways.insert(phone, Arc::clone(&way));
                tokio::spawn(carry_back(
                    Arc::clone(&way),
                    Arc::clone(&near),
                    phone,
                    state.clone(),
                ));
                way
            }
        };
        let _ = way.send(&buffer[..count]).await;
    }
}

async fn carry_back(
    way: Arc<UdpSocket>,
    near: Arc<UdpSocket>,
    phone: SocketAddr,
    state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count) = way.recv(&mut buffer).await {
        if *state.borrow() == State::Up {
            let _ = near.send_to(&buffer[..count], phone).await;
        }
    }
}
