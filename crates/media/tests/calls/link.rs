//! A bad link between two sides: a UDP proxy that can be cut and loses packets by a seed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::side::Way;

struct End {
    /// What the other side is told to send to.
    socket: UdpSocket,
    /// Where this side really is.
    real: OnceLock<SocketAddr>,
}

pub struct Link {
    /// Stands for the side that made the offer, and the one that answers.
    ends: Arc<[End; 2]>,
    cut: Arc<AtomicBool>,
    lost_per_mille: Arc<AtomicU32>,
    dropped: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Link {
    pub async fn new(seed: u64) -> Self {
        let end = || async {
            let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
            End {
                socket,
                real: OnceLock::new(),
            }
        };
        let ends = Arc::new([end().await, end().await]);
        let (cut, lost_per_mille, dropped) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU32::new(0)),
            Arc::new(AtomicU64::new(0)),
        );
        let mut tasks = JoinSet::new();
        for at in 0..2 {
            let (ends, cut, dropped) = (Arc::clone(&ends), Arc::clone(&cut), Arc::clone(&dropped));
            let lost_per_mille = Arc::clone(&lost_per_mille);
            let mut state = seed + at as u64;
            tasks.spawn(async move {
                let mut buffer = [0u8; 2048];
                loop {
                    let Ok((length, _)) = ends[at].socket.recv_from(&mut buffer).await else {
                        continue;
                    };
                    let lost = next(&mut state) % 1000 < u64::from(lost_per_mille.load(Relaxed));
                    if cut.load(Relaxed) || lost {
                        dropped.fetch_add(1, Relaxed);
                        continue;
                    }
                    // Came to the stand-in of one side: goes to that side, from the stand-in of the other.
                    if let Some(real) = ends[at].real.get() {
                        let _ = ends[1 - at].socket.send_to(&buffer[..length], real).await;
                    }
                }
            });
        }
        Self {
            ends,
            cut,
            lost_per_mille,
            dropped,
            _tasks: tasks,
        }
    }

    /// Puts the stand-in's address into a description.
    pub fn rewrite(&self, way: Way, sdp: &str) -> String {
        let end = match way {
            Way::Offer => &self.ends[0],
            Way::Answer => &self.ends[1],
        };
        let stand_in = end.socket.local_addr().unwrap().port();
        let line = |line: &str| {
            let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            if line.starts_with("a=candidate:") {
                let real = format!("{}:{}", words[4], words[5]).parse().expect("an address");
                end.real.set(real).expect("one candidate");
                words[5] = stand_in.to_string();
            }
            words.join(" ")
        };
        let mut lines: Vec<String> = Vec::new();
        for one in sdp.split("\r\n") {
            // The candidate is repeated for each line of media.
            match lines
                .iter()
                .any(|had| one.starts_with("a=candidate:") && had.starts_with("a=candidate:"))
            {
                true => {}
                false => lines.push(line(one)),
            }
        }
        lines.join("\r\n")
    }

    pub fn set_cut(&self, cut: bool) {
        self.cut.store(cut, Relaxed);
    }

    pub fn set_loss(&self, per_mille: u32) {
        self.lost_per_mille.store(per_mille, Relaxed);
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
