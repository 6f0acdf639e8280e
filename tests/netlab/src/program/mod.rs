//! Arguments, commands, the end.

mod carry;
mod namespace;
mod nat;
mod stats;
mod sys;

use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{mpsc, Arc, Mutex, PoisonError};

use hms_netlab::Plan;
use serde::Deserialize;
use serde_json::{json, Value};

use carry::Lab;
use namespace::Namespace;

/// What can be asked on the standard input.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Order {
    /// A new link from time zero, with new counters.
    Plan { name: String, seed: u64 },
    /// Down in both directions whatever the plan says, or as the plan says again.
    Outage { on: bool },
    /// The counters.
    Stats,
    /// The end.
    Quit,
}

/// Sets all up, obeys until the end, and takes all away again.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let Arguments { name, plan, seed } = Arguments::read(arguments)?;
    // Before any thread: all of them inherit it.
    sys::block_end_signals();
    sys::end_with_parent();
    let spaces = [Namespace::make(&name, 1)?, Namespace::make(&name, 2)?];
    let lab = Arc::new(Mutex::new(Lab::new(plan, seed)));
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = [0, 1]
        .into_iter()
        .map(|way| {
            let (from, to) = (spaces[way].tun(), spaces[1 - way].tun());
            let (lab, stop) = (Arc::clone(&lab), Arc::clone(&stop));
            std::thread::spawn(move || carry::carry(way, &from, &to, &lab, &stop))
        })
        .collect();
    say(&json!({
        "ready": true,
        "namespaces": spaces.each_ref().map(Namespace::name),
        "addresses": [["10.77.0.1", "fd77::1"], ["10.77.0.2", "fd77::2"]],
    }));

    let orders = orders();
    while let Ok(Some(line)) = orders.recv() {
        match serde_json::from_str(&line) {
            Ok(Order::Quit) => break,
            Ok(order) => say(&obey(order, &lab)),
            Err(why) => say(&json!({ "error": why.to_string() })),
        }
    }
    stop.store(true, Relaxed);
    for thread in threads {
        // One that panicked has said so; the namespaces go either way.
        let _ = thread.join();
    }
    Ok(())
}

fn obey(order: Order, lab: &Mutex<Lab>) -> Value {
    let mut lab = lab.lock().unwrap_or_else(PoisonError::into_inner);
    match order {
        Order::Plan { name, seed } => match Plan::named(&name) {
            Some(plan) => {
                *lab = Lab::new(plan, seed);
                // The wall clock at time zero, for who measures against the plan's steps.
                let began = std::time::UNIX_EPOCH
                    .elapsed()
                    .map_or(0.0, |time| time.as_secs_f64() * 1000.0);
                json!({ "plan": name, "seed": seed, "began_ms": began })
            }
            None => json!({ "error": format!("there is no plan {name}") }),
        },
        Order::Outage { on } => {
            lab.force_down(on);
            json!({ "outage": on })
        }
        Order::Stats | Order::Quit => lab.report(),
    }
}

/// Lines of the standard input; none at its end and at a signal.
fn orders() -> mpsc::Receiver<Option<String>> {
    let (sender, receiver) = mpsc::channel();
    let by_signal = sender.clone();
    std::thread::spawn(move || {
        sys::wait_for_end_signal();
        let _ = by_signal.send(None);
    });
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(Some(line)).is_err() {
                return;
            }
        }
        let _ = sender.send(None);
    });
    receiver
}

fn say(value: &Value) {
    let mut out = std::io::stdout().lock();
    // Nobody may listen any more: then the input ends, too.
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

struct Arguments {
    name: String,
    plan: Plan,
    seed: u64,
}

impl Arguments {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self {
            name: format!("netlab-{}", std::process::id()),
            plan: Plan::named("clean").ok_or("no plan")?,
            seed: 1,
        };
        while let Some(argument) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value"))?;
            match argument.as_str() {
                "--name" => read.name = value,
                "--plan" => {
                    read.plan = Plan::named(&value).ok_or_else(|| {
                        format!("there is no plan {value}; there are: {}", Plan::NAMES.join(", "))
                    })?;
                }
                "--seed" => read.seed = value.parse().map_err(|e| format!("--seed {value}: {e}"))?,
                _ => return Err(format!("what is {argument}?")),
            }
        }
        Ok(read)
    }
}
