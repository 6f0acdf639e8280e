//! A recording over a thin line that breaks: how much of the line's time is lost to the cuts.
//!
//! Packets as on a real line: what is on its way when the line breaks is gone, and a packet that has not wholly come
//! through does not count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hms_client::Provisioning;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::uploads::{assert_stored_once, phone_behind_line, report_with, Dice};
use crate::world::{is_sent, until, World};

/// Bytes of a packet.
const PACKET: usize = 1_400;
/// Packets that wait for the line; beyond them the sender waits.
const WAITING: usize = 48;
const BYTES_A_SECOND: u64 = 256_000 / 8;
/// How long each cut lasts.
const CUT: Duration = Duration::from_millis(300);

#[derive(Default)]
struct Lane {
    arrived: AtomicU64,
    free_at: Mutex<Option<Instant>>,
}

/// The line: thin in both directions once it is made so.
struct Thin {
    address: String,
    open: watch::Sender<bool>,
    thin: watch::Sender<Option<Duration>>,
    up: Arc<Lane>,
}

impl Thin {
    async fn before(server: &Provisioning) -> Self {
        let upstream = server.base_url.trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address").to_string();
        let (open, state) = watch::channel(true);
        let (thin, pace) = watch::channel(None);
        let (up, down) = (Arc::<Lane>::default(), Arc::<Lane>::default());
        let lanes = (Arc::clone(&up), down);
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                if !*state.borrow() {
                    continue;
                }
                let (lanes, pace, mut state, upstream) =
                    (lanes.clone(), pace.clone(), state.clone(), upstream.clone());
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(upstream).await else {
                        return;
                    };
                    let _ = (phone.set_nodelay(true), server.set_nodelay(true));
                    let ((from_phone, to_phone), (from_server, to_server)) =
                        (phone.into_split(), server.into_split());
                    let both = async {
                        tokio::join!(
                            carry(from_phone, to_server, &lanes.0, &pace),
                            carry(from_server, to_phone, &lanes.1, &pace)
                        )
                    };
                    tokio::select! {
                        _ = both => {}
                        _ = state.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self {
            address,
            open,
            thin,
            up,
        }
    }

    fn provisioning(&self, server: &Provisioning) -> Provisioning {
        Provisioning {
            base_url: format!("https://{}", self.address),
            ..server.clone()
        }
    }

    fn cut(&self) {
        self.open.send_replace(false);
        *self.up.free_at.lock().expect("a lane") = None;
    }

    fn arrived(&self) -> u64 {
        self.up.arrived.load(Ordering::Relaxed)
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    lane: &Lane,
    pace: &watch::Receiver<Option<Duration>>,
) {
    let (sender, mut packets) = mpsc::channel::<(Instant, Vec<u8>)>(WAITING);
    let read = async move {
        let mut packet = [0; PACKET];
        while let Ok(length @ 1..) = from.read(&mut packet).await {
            let now = Instant::now();
            let arrives = match *pace.borrow() {
                None => now,
                Some(one_way) => {
                    let takes = Duration::from_secs_f64(length as f64 / BYTES_A_SECOND as f64);
                    let mut free_at = lane.free_at.lock().expect("a lane");
                    let sent = free_at.map_or(now, |free| free.max(now)) + takes;
                    *free_at = Some(sent);
                    sent + one_way
                }
            };
            if sender.send((arrives, packet[..length].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((arrives, packet)) = packets.recv().await {
            tokio::time::sleep_until(arrives).await;
            if to.write_all(&packet).await.is_err() {
                return;
            }
            lane.arrived.fetch_add(packet.len() as u64, Ordering::Relaxed);
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

/// Sends so many bytes over a line that breaks so often; gives the share of its time that was lost, cuts not counted.
async fn lost(world: &World, name: &str, size: usize, cuts: u64, round_trip: Duration) -> f64 {
    let direct = world.provisioning();
    let line = Thin::before(&direct).await;
    let (phone, _profile) = phone_behind_line(world, name, line.provisioning(&direct)).await;
    line.cut();
    let file = Dice(size as u64).recording(size);
    let (report, ids) = report_with(&phone, std::slice::from_ref(&file)).await;
    line.thin.send_replace(Some(round_trip / 2));
    line.open.send_replace(true);
    until(&phone, async || {
        phone.sync_now().await.ok()?;
        let report = phone.report(report.clone()).await.expect("there");
        is_sent(&report.send).then_some(())
    })
    .await;
    let (begun, before) = (Instant::now(), line.arrived());
    let mut dice = Dice(7);
    let (mut away, mut back) = (Duration::ZERO, Vec::new());
    let (every, mut looked) = (size as u64 / cuts, begun);
    for number in 0..cuts {
        let at = before + number * every + dice.roll(every);
        while line.arrived() < at {
            tokio::time::sleep(Duration::from_millis(2)).await;
            if looked.elapsed() > Duration::from_secs(5) {
                // Somebody looks on: an app that nobody touches locks.
                phone.report(report.clone()).await.expect("there");
                looked = Instant::now();
            }
        }
        let cut = Instant::now();
        line.cut();
        tokio::time::sleep(CUT).await;
        let came = line.arrived();
        line.open.send_replace(true);
        away += cut.elapsed();
        let open = Instant::now();
        while line.arrived() == came {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        back.push(open.elapsed());
    }
    while !phone.outbox().await.expect("outbox").is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        phone.report(report.clone()).await.expect("there");
    }
    let took = begun.elapsed().saturating_sub(away).as_secs_f64();
    let lost = 1.0 - size as f64 / BYTES_A_SECOND as f64 / took;
    let over = (line.arrived() - before) as f64 / size as f64 - 1.0;
    println!(
        "{size} bytes at 256 kbit/s, {round_trip:?}, {cuts} cuts: {took:.1} s, {:.1} % of the time lost, {:.1} % more bytes, \
         back after {:?} at most",
        lost * 100.0,
        over * 100.0,
        back.iter().max()
    );
    assert_stored_once(world, &ids[0], &file).await;
    phone.shutdown().await;
    lost
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thin_line_that_breaks_often_is_used_well() {
    let world = World::new().await;
    if std::env::var_os("HMS_DEEP").is_none() {
        // On a busy machine a try comes late; a piece that is begun anew at each cut would still show.
        let lost = lost(&world, "dana", 300_000, 4, Duration::from_millis(100)).await;
        assert!(lost < 0.6, "{lost}");
        return;
    }
    for round_trip in [100, 300] {
        let name = format!("dana-{round_trip}");
        let lost = lost(&world, &name, 5_000_000, 30, Duration::from_millis(round_trip)).await;
        assert!(lost < 0.3, "{lost}");
    }
}
