//! A server with many made-up clinicians and carriers, and connections to it.

use super::person::Door;
use crate::measure::memory;
use crate::measure::Bench;
use crate::stage::process::{free_port, Process};
use anyhow::{ensure, Context, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_rustls::TlsConnector;

/// A first start takes seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two people and what the one calls the other about.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pair {
    /// The queue entry.
    pub task: String,
    /// The clinician's token.
    pub clinician: String,
    /// The carrier's token.
    pub carrier: String,
}

/// The server and its people.
pub(super) struct Crowd {
    process: Process,
    folder: PathBuf,
    pub pairs: Vec<Pair>,
    pub door: Door,
}

impl Crowd {
    /// Makes up the people and starts the server.
    pub(super) async fn make(bench: &Bench, folder: &Path, visits: usize) -> Result<Self> {
        let out = folder.join("crowd.json");
        let mut command = tokio::process::Command::new(bench.program("examples/crowd"));
        command.arg("--data").arg(folder.join("data"));
        command
            .args(["--visits", &visits.to_string()])
            .arg("--out")
            .arg(&out);
        let status = command
            .status()
            .await
            .context("the program crowd (cargo xtask bench visits builds it)")?;
        ensure!(status.success(), "the people could not be made up: {status}");
        let pairs = serde_json::from_slice(&std::fs::read(&out)?)?;
        Self::start(bench, folder, pairs).await
    }

    /// The same people and a new process.
    pub(super) async fn again(self, bench: &Bench) -> Result<Self> {
        let (folder, pairs) = (self.folder.clone(), self.pairs.clone());
        self.stop().await;
        Self::start(bench, &folder, pairs).await
    }

    async fn start(bench: &Bench, folder: &Path, pairs: Vec<Pair>) -> Result<Self> {
        let data = folder.join("data");
        let address: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
        let args = [
            "serve".to_owned(),
            "--data".to_owned(),
            data.to_string_lossy().into_owned(),
            "--listen".to_owned(),
            address.to_string(),
            "--relay".to_owned(),
            "127.0.0.1:0".to_owned(),
        ];
        let process = Process::start("server", &bench.program("ach-server"), &args, &[], folder)?;
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            ensure!(begun.elapsed() < PATIENCE, "the server does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(data.join("ca.pem")).context("the server's authority")?)?;
        let tls = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            process,
            folder: folder.to_owned(),
            pairs,
            door: Door {
                address,
                tls: TlsConnector::from(Arc::new(tls)),
            },
        })
    }

    /// The server's process.
    pub(super) fn id(&self) -> Result<u32> {
        self.process.id().context("the server ended")
    }

    /// Its memory now, in MB.
    pub(super) fn memory(&self) -> Result<f64> {
        memory::resident_mb(self.id()?)
    }

    pub(super) async fn stop(self) {
        self.process.stop().await;
    }
}
