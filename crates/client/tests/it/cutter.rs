//! A line in front of the real server that breaks uploads off at chosen bytes, as they pass.
//!
//! Requests to `/api/uploads` go one on a connection and are counted byte by byte; everything else passes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hms_client::Provisioning;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::line::{behind, Head, Upstream};

/// Where a line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// After so many bytes on the way up.
    Up(usize),
    /// After so many bytes on the way down.
    Down(usize),
}

/// When the next cut is taken from the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    /// When an upload begins.
    Upload,
    /// When the last cut was made.
    Cut,
}

/// What went over the line.
#[derive(Debug, Default)]
pub struct Seen {
    cuts: VecDeque<Cut>,
    now: Option<Cut>,
    begun: HashSet<String>,
    reached: HashMap<String, u64>,
    /// Cuts that were made.
    pub made: usize,
    /// Bytes of pieces that came from the phone.
    pub pieces: u64,
    /// Bytes of all requests of uploads, heads and pieces.
    pub up: u64,
    /// Bytes that came twice after each interruption.
    pub twice: Vec<u64>,
    /// First lines of requests of uploads.
    pub lines: Vec<String>,
}

/// The line. It ends with the test.
pub struct Cutter {
    address: String,
    seen: Arc<Mutex<Seen>>,
    open: Arc<watch::Sender<bool>>,
}

#[derive(Clone)]
struct Line {
    upstream: Upstream,
    seen: Arc<Mutex<Seen>>,
    open: watch::Receiver<bool>,
    each: Each,
    pause: Duration,
}

impl Cutter {
    /// In front of a server. `pause` is how long a line is busy with 4 KiB of a piece.
    pub async fn before(server: &Provisioning, each: Each, cuts: Vec<Cut>, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address").to_string();
        let mut cuts = VecDeque::from(cuts);
        let now = if each == Each::Cut { cuts.pop_front() } else { None };
        let seen = Arc::new(Mutex::new(Seen {
            cuts,
            now,
            ..Seen::default()
        }));
        let open = Arc::new(watch::Sender::new(true));
        let line = Line {
            upstream: Upstream::of(server),
            seen: Arc::clone(&seen),
            open: open.subscribe(),
            each,
            pause,
        };
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                let line = line.clone();
                tokio::spawn(async move {
                    // A connection that ends early is what it is here for.
                    let _ = line.carry(phone).await;
                });
            }
        });
        Self { address, seen, open }
    }

    /// The server as the phone gets to know it.
    pub fn provisioning(&self, server: &Provisioning) -> Provisioning {
        behind(&self.address, server)
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("seen")
    }

    /// Breaks every upload off and lets none through.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// Lets uploads through again.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

/// How one direction of a request ended.
enum End {
    Cut,
    Over,
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Over
    }
}

impl Line {
    async fn carry(mut self, mut phone: TcpStream) -> std::io::Result<()> {
        let head = Head::read(&mut phone).await?;
        let uploads = head.line.contains(" /api/uploads");
        if uploads && !*self.open.borrow() {
            return Ok(());
        }
        let mut server = self.upstream.connect().await?;
        if !uploads {
            server.write_all(head.closing().as_bytes()).await?;
            tokio::io::copy_bidirectional(&mut phone, &mut server).await?;
            return Ok(());
        }
        self.note(&head);
        let came = head.as_it_came().as_bytes();
        if let Some(cut) = self.cut_up(came.len()) {
            server.write_all(&came[..cut]).await?;
            return server.flush().await;
        }
        server.write_all(head.closing().as_bytes()).await?;
        let of = head.line.starts_with("PATCH").then_some(head.line.clone());
        let (mut from_phone, mut to_phone) = phone.split();
        let (mut from_server, mut to_server) = tokio::io::split(server);
        let up = async {
            let (mut left, mut part) = (head.length(), [0; 4096]);
            while left > 0 {
                let n = from_phone.read(&mut part).await?;
                if n == 0 {
                    return Err(End::Over);
                }
                left -= n.min(left);
                self.came(of.as_deref(), n);
                if let Some(cut) = self.cut_up(n) {
                    to_server.write_all(&part[..cut]).await?;
                    to_server.flush().await?;
                    return Err(End::Cut);
                }
                to_server.write_all(&part[..n]).await?;
                to_server.flush().await?;
                if !self.pause.is_zero() {
                    tokio::time::sleep(self.pause).await;
                }
            }
            Ok::<(), End>(())
        };
        let down = async {
            let mut part = [0; 4096];
            loop {
                let n = from_server.read(&mut part).await?;
                if n == 0 {
                    return Err::<(), End>(End::Over);
                }
                if let Some(cut) = self.cut_down(n) {
                    to_phone.write_all(&part[..cut]).await?;
                    return Err(End::Cut);
                }
                to_phone.write_all(&part[..n]).await?;
            }
        };
        let mut open = self.open.clone();
        tokio::select! {
            _ = async { tokio::try_join!(up, down) } => {}
            _ = open.wait_for(|open| !open) => {}
        }
        Ok(())
    }

    fn note(&mut self, head: &Head) {
        let mut seen = self.seen.lock().expect("seen");
        seen.lines.push(head.line.clone());
        if let (Each::Upload, Some(metadata)) = (self.each, head.header("upload-metadata")) {
            if seen.begun.insert(metadata) {
                seen.now = seen.cuts.pop_front();
            }
        }
        if let Some(offset) = head.header("upload-offset").and_then(|o| o.parse::<u64>().ok()) {
            if let Some(reached) = seen.reached.insert(head.line.clone(), offset) {
                let twice = reached.saturating_sub(offset);
                seen.twice.push(twice);
            }
        }
    }

    fn came(&self, piece_of: Option<&str>, n: usize) {
        let mut seen = self.seen.lock().expect("seen");
        if let Some(line) = piece_of {
            seen.pieces += n as u64;
            *seen.reached.entry(line.to_owned()).or_default() += n as u64;
        }
    }

    /// How many of these bytes still pass, where the line breaks among them.
    fn cut_up(&self, n: usize) -> Option<usize> {
        let mut seen = self.seen.lock().expect("seen");
        seen.up += n as u64;
        match seen.now {
            Some(Cut::Up(left)) if left < n => Some(seen.cut(left, self.each)),
            Some(Cut::Up(left)) => {
                seen.now = Some(Cut::Up(left - n));
                None
            }
            Some(Cut::Down(_)) | None => None,
        }
    }

    fn cut_down(&self, n: usize) -> Option<usize> {
        let mut seen = self.seen.lock().expect("seen");
        match seen.now {
            Some(Cut::Down(left)) if left < n => Some(seen.cut(left, self.each)),
            Some(Cut::Down(left)) => {
                seen.now = Some(Cut::Down(left - n));
                None
            }
            Some(Cut::Up(_)) | None => None,
        }
    }
}

impl Seen {
    fn cut(&mut self, left: usize, each: Each) -> usize {
        self.made += 1;
        self.now = match each {
            Each::Cut => self.cuts.pop_front(),
            Each::Upload => None,
        };
        left
    }
}
