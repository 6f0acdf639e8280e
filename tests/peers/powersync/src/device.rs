//! The client's side, timed.

use crate::Record;
use anyhow::{ensure, Context, Result};
use async_trait::async_trait;
use futures_lite::StreamExt;
use powersync::env::PowerSyncEnvironment;
use powersync::error::PowerSyncError;
use powersync::http::{HttpClient, Request, Response, ResponseBody};
use powersync::schema::{Column, Schema, Table};
use powersync::{
    Authenticator, ConnectionPool, CrudTransaction, MutationUploader, PowerSyncDatabase, SyncOptions,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Changes that go up in one request.
const TOGETHER: usize = 500;
const PATIENCE: Duration = Duration::from_secs(900);

struct Http(reqwest::Client);

#[async_trait]
impl HttpClient for Http {
    async fn send(&self, request: Request) -> Result<Response, PowerSyncError> {
        let failed = |error: reqwest::Error| PowerSyncError::upload_error(error);
        let mut builder = match request.method {
            "GET" => self.0.get(request.url.as_str()),
            _ => self.0.post(request.url.as_str()),
        };
        for (name, value) in request.headers {
            builder = builder.header(name, value.as_ref());
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let response = builder.send().await.map_err(failed)?;
        let kind = response.headers().get("content-type");
        Ok(Response {
            status: response.status().as_u16(),
            content_type: kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned),
            body: ResponseBody {
                length: response.content_length(),
                reader: response
                    .bytes_stream()
                    .map(move |part| part.map_err(failed))
                    .boxed(),
            },
        })
    }
}

struct Token;

#[async_trait]
impl Authenticator for Token {
    async fn resolve_credentials(&self) -> Result<Arc<String>, PowerSyncError> {
        Ok(Arc::new("token".to_owned()))
    }
}

/// Sends what waits, many transactions in a request.
struct Uploader {
    db: PowerSyncDatabase,
    http: reqwest::Client,
    url: String,
}

#[async_trait]
impl MutationUploader for Uploader {
    async fn upload(&self) -> Result<(), PowerSyncError> {
        let (mut body, mut last, mut count) = (String::new(), None::<CrudTransaction<'_>>, 0);
        {
            let mut waiting = Box::pin(self.db.crud_transactions());
            while let Some(transaction) = waiting.next().await {
                let transaction = transaction?;
                for change in &transaction.crud {
                    body += &serde_json::json!({ "id": change.id, "data": change.data }).to_string();
                    body.push('\n');
                    count += 1;
                }
                last = Some(transaction);
                if count >= TOGETHER {
                    break;
                }
            }
        }
        let Some(last) = last else { return Ok(()) };
        let sent = self
            .http
            .post(format!("{}/crud", self.url))
            .body(body)
            .send()
            .await;
        sent.and_then(reqwest::Response::error_for_status)
            .map_err(PowerSyncError::upload_error)?;
        last.complete().await
    }
}

fn open(file: &str) -> Result<PowerSyncDatabase> {
    PowerSyncEnvironment::powersync_auto_extension()?;
    let pool = ConnectionPool::open(file)?;
    let environment =
        PowerSyncEnvironment::custom(Http(reqwest::Client::new()), pool, PowerSyncEnvironment::tokio());
    let mut schema = Schema::default();
    schema.tables.push(Table::create(
        "records",
        vec![Column::text("kind"), Column::text("body")],
        |_| {},
    ));
    Ok(PowerSyncDatabase::new(environment, schema))
}

pub async fn pull(url: &str, file: &str) -> Result<()> {
    let db = open(file)?;
    let begun = Instant::now();
    db.connect(SyncOptions::download_only(url, Token)).await;
    let synced = async {
        let mut status = Box::pin(db.watch_status());
        while let Some(now) = status.next().await {
            if let Some(error) = now.download_error() {
                anyhow::bail!("{error}");
            }
            if now.has_synced() {
                break;
            }
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, synced).await.context("no end")??;
    let took = begun.elapsed();
    let rows: i64 = db
        .reader()
        .await?
        .query_row("SELECT count(*) FROM records", [], |row| row.get(0))?;
    say(took, rows);
    Ok(())
}

pub async fn push(url: &str, file: &str, records: Vec<Record>) -> Result<()> {
    let db = open(file)?;
    let count = records.len() as i64;
    for record in records {
        let writer = db.writer().await?;
        writer.execute(
            "INSERT INTO records (id, kind, body) VALUES (?, ?, ?)",
            [record.id, record.kind, record.json],
        )?;
    }
    ensure!(waiting(&db).await? == count, "not all changes wait");
    let uploader = Uploader {
        db: db.clone(),
        http: reqwest::Client::new(),
        url: url.trim_end_matches('/').to_owned(),
    };
    let begun = Instant::now();
    db.connect(SyncOptions::new(url, Token, uploader)).await;
    while waiting(&db).await? > 0 {
        ensure!(begun.elapsed() < PATIENCE, "no end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    say(begun.elapsed(), count);
    Ok(())
}

async fn waiting(db: &PowerSyncDatabase) -> Result<i64> {
    let reader = db.reader().await?;
    Ok(reader.query_row("SELECT count(*) FROM ps_crud", [], |row| row.get(0))?)
}

/// Seconds, rows, and the most memory of this process in MB.
fn say(took: Duration, rows: i64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        })
        .map_or(0.0, |kib| kib * 1024.0 / 1e6);
    println!("done {:.3} {rows} {peak:.1}", took.as_secs_f64());
}
