//! The server alone: how soon it is ready, how much memory it takes, how fast it answers.

use super::memory;
use super::row::{Row, Times};
use super::Bench;
use crate::stage::process::{free_port, Process};
use anyhow::{ensure, Context, Result};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Megabytes.
const GOAL_MB: f64 = 150.0;
const READS: usize = 1_000;

/// A server that answers, and how it is asked.
pub(super) struct Ready {
    pub process: Process,
    pub http: reqwest::Client,
    pub demo: Value,
    took: Duration,
}

/// `measure server`.
pub(super) async fn server(bench: &Bench) -> Result<Vec<Row>> {
    let folder = bench.fresh("server")?;
    let data = folder.join("data");
    let first = launch(bench, &data, &folder).await?;
    let seeded = first.took.as_secs_f64();
    let after_seeding = first.settled().await?;
    first.process.stop().await;

    let again = launch(bench, &data, &folder).await?;
    let restarted = again.took.as_secs_f64();
    let after_restart = again.settled().await?;

    let carrier = again.demo["users"]["carrier"]["fhir_id"]
        .as_str()
        .context("the carrier's id")?
        .to_owned();
    let (mut reads, mut searches) = (Vec::new(), Vec::new());
    for _ in 0..READS {
        reads.push(
            again
                .answer("carrier", &format!("fhir/Patient/{carrier}"))
                .await?,
        );
        let search = format!("fhir/QuestionnaireResponse?patient=Patient/{carrier}&_count=20");
        searches.push(again.answer("carrier", &search).await?);
    }
    let after_load = again.settled().await?;
    again.process.stop().await;
    std::fs::remove_dir_all(&folder)?;

    let memory = |what: &str, mb: f64| {
        Row::new(format!("server's memory (resident) after {what}"), mb, "MB").at_most(GOAL_MB)
    };
    let mut rows = vec![
        Row::new(
            "server, first start with the made-up district to its first answer",
            seeded,
            "s",
        ),
        Row::new("server, later start to its first answer", restarted, "s"),
        memory("seeding", after_seeding),
        memory("a later start", after_restart),
        memory(&format!("{} requests", READS * 2), after_load),
    ];
    for (what, times) in [
        ("FHIR read over TLS with its audit entry", reads),
        ("FHIR search (a carrier's reports)", searches),
    ] {
        let times = Times::of(times);
        rows.push(Row::new(
            format!("{what}, median of {READS}"),
            times.median(),
            "ms",
        ));
        rows.push(Row::new(format!("{what}, p99"), times.percentile(99), "ms"));
    }
    Ok(rows)
}

/// Starts the server and waits for its first answer.
pub(super) async fn launch(bench: &Bench, data: &Path, logs: &Path) -> Result<Ready> {
    let listen = format!("127.0.0.1:{}", free_port()?);
    let args = [
        "serve".to_owned(),
        "--data".to_owned(),
        data.to_string_lossy().into_owned(),
        "--listen".to_owned(),
        listen.clone(),
        "--http-loopback".to_owned(),
        format!("127.0.0.1:{}", free_port()?),
        "--demo".to_owned(),
    ];
    let begun = Instant::now();
    let mut process = Process::start("server", &bench.program("ach-server"), &args, &[], logs)?;
    let file = data.join("demo.json");
    process.wait_for_file(&file, Duration::from_secs(180)).await?;
    let mut demo = Value::Null;
    // A reader may be faster than the writer, and after a restart an older file is there first.
    while !text(&demo["base_url"]).contains(&listen) && begun.elapsed() < Duration::from_secs(180) {
        demo = serde_json::from_slice(&std::fs::read(&file)?).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ca = std::fs::read(demo["ca_file"].as_str().context("demo.json names no ca_file")?)?;
    let http = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(&ca)?)
        .timeout(Duration::from_secs(30))
        .build()?;
    let mut ready = Ready {
        process,
        http,
        demo,
        took: Duration::ZERO,
    };
    // It writes the file before it listens.
    while let Err(error) = ready.answer("clinician", "fhir/metadata").await {
        if begun.elapsed() > Duration::from_secs(180) {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ready.took = begun.elapsed();
    Ok(ready)
}

impl Ready {
    /// Memory once the work is over.
    async fn settled(&self) -> Result<f64> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        memory::resident_mb(self.process.id().context("the server ended")?)
    }

    /// Where it listens.
    pub fn address(&self) -> Result<std::net::SocketAddr> {
        let address = text(&self.demo["base_url"])
            .trim_start_matches("https://")
            .trim_end_matches('/');
        address
            .parse()
            .with_context(|| format!("{address} is no address"))
    }

    /// What it answers to a role.
    pub async fn read(&self, role: &str, path: &str) -> Result<Value> {
        Ok(self.get(role, path).await?.json().await?)
    }

    async fn answer(&self, role: &str, path: &str) -> Result<Duration> {
        let begun = Instant::now();
        self.get(role, path).await?.bytes().await?;
        Ok(begun.elapsed())
    }

    async fn get(&self, role: &str, path: &str) -> Result<reqwest::Response> {
        let base = text(&self.demo["base_url"]).trim_end_matches('/');
        let token = text(&self.demo["users"][role]["token"]);
        let asked = self.http.get(format!("{base}/{path}")).bearer_auth(token);
        let answer = asked.send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "GET {path} as {role}: {status}");
        Ok(answer)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
