//! The carrier's link to the server: forwards TCP, and can be cut and restored. Bytes pass unchanged.

use anyhow::Result;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A link that can be cut. Dropping it cuts it for good.
pub struct Link {
    /// Where the phone connects to.
    pub address: SocketAddr,
    up: watch::Sender<bool>,
}

impl Link {
    /// Opens a link to a server on this machine.
    ///
    /// # Errors
    /// No port is free.
    pub async fn to(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (up, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                // While cut, a connection is closed as soon as it is made: no byte reaches the server.
                if *state.borrow() {
                    tokio::spawn(forward(phone, server, state.clone()));
                }
            }
        });
        Ok(Self { address, up })
    }

    /// Closes every connection and lets none through.
    pub fn cut(&self) {
        self.up.send_replace(false);
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.up.send_replace(true);
    }
}

async fn forward(mut phone: TcpStream, server: SocketAddr, mut state: watch::Receiver<bool>) {
    let Ok(mut onward) = TcpStream::connect(server).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut phone, &mut onward) => {}
        _ = state.wait_for(|up| !up) => {}
    }
}
