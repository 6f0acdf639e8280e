//! A line that breaks: each connection after so many bytes, both ways counted together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The line. Its port stays the same, so that it is one server to the phone.
#[derive(Clone)]
pub struct Breaking {
    pub port: u16,
    after: Arc<Mutex<Vec<usize>>>,
    pub cuts: Arc<AtomicUsize>,
    passed: Arc<watch::Sender<usize>>,
}

impl Breaking {
    /// Before a server of this machine.
    pub async fn before(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let line = Self {
            port: listener.local_addr().expect("address").port(),
            after: Arc::default(),
            cuts: Arc::default(),
            passed: Arc::new(watch::Sender::new(0)),
        };
        let own = line.clone();
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                let cut = own.after.lock().expect("list").pop();
                let line = own.clone();
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", to)).await.expect("the server");
                    line.carry(phone, server, cut).await;
                });
            }
        });
        line
    }

    /// The next connections break after so many bytes; those after them hold.
    pub fn break_after(&self, bytes: &[usize]) {
        *self.after.lock().expect("list") = bytes.iter().rev().copied().collect();
    }

    /// Ends once so many more bytes have passed.
    pub async fn passes(&self, bytes: usize) {
        let until = *self.passed.borrow() + bytes;
        let _ = self.passed.subscribe().wait_for(|passed| *passed >= until).await;
    }

    async fn carry(&self, phone: TcpStream, server: TcpStream, cut: Option<usize>) {
        let left = AtomicUsize::new(cut.unwrap_or(usize::MAX));
        let (mut from_phone, mut to_phone) = phone.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::select! {
            () = self.pass(&mut from_phone, &mut to_server, &left) => {}
            () = self.pass(&mut from_server, &mut to_phone, &left) => {}
        }
        if left.load(Ordering::Relaxed) == 0 {
            self.cuts.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn pass(
        &self,
        from: &mut (impl AsyncReadExt + Unpin),
        to: &mut (impl AsyncWriteExt + Unpin),
        left: &AtomicUsize,
    ) {
        let mut part = [0; 1024];
        while let Ok(n @ 1..) = from.read(&mut part).await {
            let had = left.load(Ordering::Relaxed);
            let goes = n.min(had);
            if to.write_all(&part[..goes]).await.is_err() {
                return;
            }
            self.passed.send_modify(|passed| *passed += goes);
            if had != usize::MAX {
                left.store(had - goes, Ordering::Relaxed);
            }
            if goes == had {
                let _ = to.flush().await;
                return;
            }
        }
    }
}
