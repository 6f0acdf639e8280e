//! Other sync engines on the same records, machine and link: PouchDB (npm) and the crate `powersync`. What each leaves out
//! that ours does (encryption on the way and on the disk, an audit) is in docs/benchmarks.md.

use super::super::Bench;
use crate::stage::process::Process;
use anyhow::{ensure, Context, Result};
use hms_link::{Line, Plan};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// Longest wait for a peer.
const PATIENCE: Duration = Duration::from_secs(1800);

/// What is synced.
#[derive(Clone, Copy)]
pub(super) enum Sync {
    /// So many records, for the first time.
    Pull(usize),
    /// So many changes made without a link.
    Push(usize),
}

/// What a sync of a peer took.
pub(super) struct Pulled {
    pub seconds: f64,
    pub peak_mb: f64,
}

/// A peer: how its server and its device are started.
struct Peer {
    name: &'static str,
    program: PathBuf,
    /// What comes before the words, for the server and the device.
    first: (Vec<String>, Vec<String>),
    /// What must be there for it.
    needs: PathBuf,
    /// Its server keeps files.
    files: bool,
}

/// The peers that can run here.
pub(super) struct Peers(Vec<Peer>);

impl Peers {
    /// The peers of a bench.
    pub fn of(bench: &Bench) -> Self {
        let pouch = bench.peers.join("pouchdb");
        let script = |name: &str| vec![pouch.join(name).to_string_lossy().into_owned()];
        let crate_bin = bench.program("peer-powersync");
        Self(vec![
            Peer {
                name: "PouchDB 9.0.0",
                program: PathBuf::from("node"),
                first: (script("serve.mjs"), script("device.mjs")),
                needs: pouch.join("node_modules/pouchdb"),
                files: true,
            },
            Peer {
                name: "powersync 0.2.0",
                program: crate_bin.clone(),
                first: (vec!["serve".to_owned()], Vec::new()),
                needs: crate_bin,
                files: false,
            },
        ])
    }

    /// What each takes for it, over a link.
    pub async fn each(
        &self,
        folder: &Path,
        records: &Path,
        what: Sync,
        plan: &str,
    ) -> Vec<(&'static str, Result<Pulled>)> {
        let mut all = Vec::new();
        for peer in &self.0 {
            all.push((peer.name, peer.run(folder, records, what, plan).await));
        }
        all
    }
}

impl Peer {
    async fn run(&self, folder: &Path, records: &Path, what: Sync, plan: &str) -> Result<Pulled> {
        ensure!(
            self.needs.exists(),
            "{} is not there; cargo xtask bench sync makes it",
            self.needs.display()
        );
        let (way, held) = match what {
            Sync::Pull(count) => ("pull", count),
            Sync::Push(_) => ("push", 0),
        };
        let folder = folder.join(format!("peer-{way}"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        for name in ["server", "device"] {
            std::fs::create_dir_all(folder.join(name))?;
        }
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut args = self.first.0.clone();
        if self.files {
            args.push(text(folder.join("server")));
        }
        args.extend([text(records.to_owned()), held.to_string()]);
        let server = Process::start("peer-server", &self.program, &args, &[], &folder)?;
        let done = self.device(&folder, records, what, plan).await;
        server.stop().await;
        let done = done?;
        std::fs::remove_dir_all(&folder)?;
        Ok(done)
    }

    async fn device(&self, folder: &Path, records: &Path, what: Sync, plan: &str) -> Result<Pulled> {
        let server = listening(&folder.join("peer-server.log")).await?;
        let line = Line::new(Plan::named(plan).context("no such plan")?);
        let at = line.tcp(([127, 0, 0, 1], 0).into(), server).await?;
        let profile = folder.join("device");
        let own = if self.files {
            profile
        } else {
            profile.join("records.db")
        };
        let mut command = Command::new(&self.program);
        // An address without its last stroke: PouchDB adds one.
        let address = format!("http://{at}");
        command.args(&self.first.1);
        match what {
            Sync::Pull(_) => command.arg("pull").arg(address).arg(own),
            Sync::Push(count) => {
                command.arg("push").arg(address).arg(own);
                command.arg(records).arg(count.to_string())
            }
        };
        command.kill_on_drop(true);
        let said = tokio::time::timeout(PATIENCE, command.output())
            .await
            .with_context(|| format!("not done after {PATIENCE:?}"))??;
        let words = String::from_utf8_lossy(&said.stdout);
        let line = words.lines().find_map(|line| line.strip_prefix("done "));
        let line = line.with_context(|| {
            let error = String::from_utf8_lossy(&said.stderr).into_owned();
            format!("it failed: {}", error.lines().last().unwrap_or("without a word"))
        })?;
        let numbers: Vec<f64> = line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        match numbers.as_slice() {
            [seconds, rows, peak_mb] if *rows > 0.0 => Ok(Pulled {
                seconds: *seconds,
                peak_mb: *peak_mb,
            }),
            _ => anyhow::bail!("it took no records"),
        }
    }
}

/// Where a server says that it listens.
async fn listening(log: &Path) -> Result<SocketAddr> {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let at = text
            .lines()
            .find_map(|line| line.strip_prefix("listening ")?.trim().parse().ok());
        if let Some(at) = at {
            return Ok(at);
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "its server does not listen: {}",
            text.lines().last().unwrap_or_default()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
