//! One side of a call as a process, for measuring: descriptions and figures as JSON lines.
//!
//! `peer --role offer|answer [--voice carrier|clinician | --wav FILE] [--picture small|medium|large | --y4m FILE | --no-picture]
//! [--seconds N] [--record HEARD.wav] [--luma SEEN] [--bind IP] [--turn URL USER PASSWORD] [--relay-only]`
//!
//! Out: `{"offer":…}`, `{"answer":…}`, events and (each 250 ms) figures, each with the wall clock `t` in ms; last `{"end":…}`.
//! In: `{"offer":…}` (also later, after the other side's restart), `{"answer":…}`, `{"do":"restart"}`, `{"do":"quit"}`.
//!
//! `peer make --y4m FILE --wav FILE [--seconds N] [--picture …] [--voice …]` writes what a stand-in sends, for other programs;
//! `peer likeness SEEN [--picture …]` compares pictures kept by `--luma` with what was sent.

mod arguments;
mod likeness;
mod make;
mod record;
mod seen;

use std::error::Error;
use std::io::BufRead;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hms_media::{Call, CallEvent, VideoFrame};
use serde_json::{json, Value};
use tokio::sync::{mpsc, watch};

use arguments::{Arguments, Mode};
use seen::Seen;

type Done = Result<(), Box<dyn Error>>;

const FIGURES_EVERY: Duration = Duration::from_millis(250);

#[tokio::main]
async fn main() -> Done {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    match arguments.mode {
        Mode::Make => make::make(&arguments),
        Mode::Likeness => likeness::print(&arguments),
        Mode::Offer | Mode::Answer => side(&arguments).await,
    }
}

/// A call, and when it came about.
struct Side {
    call: Call,
    /// The wall clock in ms, and this process's own.
    connected: Option<(f64, Instant)>,
    first_frame: Option<f64>,
}

async fn side(arguments: &Arguments) -> Done {
    let mut input = lines();
    // The microphone's file begins with the call's threads.
    let began;
    let call = if arguments.mode == Mode::Offer {
        began = wall_ms();
        let (call, offer) = Call::offer(arguments.config()?).await?;
        say(&json!({ "offer": offer, "t": wall_ms() }));
        call
    } else {
        let offer = wait_for(&mut input, "offer").await?;
        began = wall_ms();
        let (call, answer) = Call::answer(arguments.config()?, &offer).await?;
        say(&json!({ "answer": answer, "t": wall_ms() }));
        call
    };
    let recorder = arguments
        .record
        .as_ref()
        .map(|_| record::collect(call.remote_audio()));
    let looker = tokio::spawn(look(call.frames(), Seen::new(arguments.luma.as_deref())?));
    let mut side = Side {
        call,
        connected: None,
        first_frame: None,
    };
    side.run(arguments, input).await?;
    let (cpu_s, stopped) = (cpu_seconds(), wall_ms());
    let Side {
        call,
        connected,
        first_frame,
    } = side;
    let stats = call.stats().borrow().clone();
    // Ends the recorder and the looker, too.
    call.hang_up().await;
    let (frames, sizes) = looker.await?.end()?;
    if let (Some(path), Some(recorder), Some((_, connected))) = (&arguments.record, recorder, connected) {
        let blocks = recorder.join().map_err(|_| "the recorder panicked")?;
        std::fs::write(path, record::file(&blocks, connected))?;
    }
    say(&json!({ "end": {
        "t": wall_ms(), "stopped": stopped, "began": began, "connected": connected.map(|(wall, _)| wall), "first_frame": first_frame,
        "frames": frames, "sizes": sizes, "cpu_s": cpu_s, "peak_mb": peak_mb(), "stats": stats,
    }}));
    Ok(())
}

/// Takes each picture as it comes, on a task of its own.
async fn look(mut frames: watch::Receiver<Option<VideoFrame>>, mut seen: Seen) -> Seen {
    while frames.changed().await.is_ok() {
        if let Some(frame) = &*frames.borrow_and_update() {
            seen.take(frame, wall_ms());
        }
    }
    seen
}

impl Side {
    /// Until the time is over, the other side hangs up or the input says so.
    async fn run(&mut self, arguments: &Arguments, mut input: mpsc::Receiver<String>) -> Done {
        let mut events = self.call.events();
        let stats = self.call.stats();
        let mut figures = tokio::time::interval(FIGURES_EVERY);
        let mut until = Instant::now() + Duration::from_secs(arguments.seconds + 60);
        loop {
            tokio::select! {
                line = input.recv() => match line {
                    None => return Ok(()),
                    Some(line) if !self.obey(&line).await? => return Ok(()),
                    Some(_) => {}
                },
                Some(event) = events.recv() => {
                    say(&json!({ "event": format!("{event:?}"), "t": wall_ms() }));
                    match event {
                        CallEvent::Connected => {
                            self.connected = Some((wall_ms(), Instant::now()));
                            until = Instant::now() + Duration::from_secs(arguments.seconds);
                        }
                        CallEvent::FirstFrame => self.first_frame = Some(wall_ms()),
                        CallEvent::Ended(_) => return Ok(()),
                        _ => {}
                    }
                },
                _ = figures.tick() => say(&json!({ "stats": *stats.borrow(), "t": wall_ms() })),
                () = tokio::time::sleep_until(until.into()) => return Ok(()),
            }
        }
    }

    /// Does what a line says; false ends the call.
    async fn obey(&self, line: &str) -> Result<bool, Box<dyn Error>> {
        let order: Value = serde_json::from_str(line)?;
        if let Some(answer) = order["answer"].as_str() {
            self.call.accept_answer(answer).await?;
        } else if let Some(offer) = order["offer"].as_str() {
            let answer = self.call.accept_offer(offer).await?;
            say(&json!({ "answer": answer, "t": wall_ms() }));
        } else if order["do"] == "restart" {
            let offer = self.call.restart_ice().await?;
            say(&json!({ "offer": offer, "t": wall_ms() }));
        }
        Ok(order["do"] != "quit")
    }
}

async fn wait_for(input: &mut mpsc::Receiver<String>, what: &str) -> Result<String, Box<dyn Error>> {
    let line = input.recv().await.ok_or("the input ended")?;
    let said: Value = serde_json::from_str(&line)?;
    Ok(said[what].as_str().ok_or("another line was expected")?.to_owned())
}

/// Lines of the standard input.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn say(value: &Value) {
    println!("{value}");
}

/// The wall clock in ms: what processes of one machine share.
fn wall_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

/// Processor seconds of this process so far, user and system. Linux only; elsewhere none.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold blanks. Ticks are hundredths of a second on every Linux that we know.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

/// The most memory that this process had, in MB. Linux only.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kb: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kb / 1024.0)
}
