//! As much of a PowerSync service as its client asks for: one bucket with all records, and a way up that is synced to the disk.

use crate::Record;
use anyhow::{Context, Result};
use serde_json::{json, Value};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Rows in one line of data, as its service has it.
const ROWS: usize = 1000;

struct Service {
    /// The lines of a first sync.
    lines: Vec<String>,
    /// What came up.
    taken: Mutex<std::fs::File>,
}

pub async fn serve(records: Vec<Record>) -> Result<()> {
    let taken = std::env::temp_dir().join(format!("peer-powersync-{}", std::process::id()));
    let service = Arc::new(Service {
        lines: lines(&records),
        taken: Mutex::new(std::fs::File::create(&taken)?),
    });
    // Nobody reads it: it is there so that an acknowledgement is one.
    std::fs::remove_file(taken)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            if let Err(error) = talk(stream, &service).await {
                eprintln!("peer-powersync: a connection ended: {error:#}");
            }
        });
    }
}

fn lines(records: &[Record]) -> Vec<String> {
    // The sums are of the protocol's kind, not of its making: each row says its own, the bucket their total.
    let sum = |n: usize| n as u32 * 7 + 1;
    let total = (1..=records.len()).fold(0_u32, |all, n| all.wrapping_add(sum(n)));
    let last = records.len().to_string();
    let mut lines = vec![json!({ "checkpoint": {
        "last_op_id": last, "write_checkpoint": null,
        "streams": [{ "name": "all", "is_default": true, "errors": [] }],
        "buckets": [{ "bucket": "all", "priority": 3, "checksum": total, "count": records.len(),
            "subscriptions": [{ "default": 0 }] }],
    }})
    .to_string()];
    for (page, rows) in records.chunks(ROWS).enumerate() {
        let data: Vec<Value> = rows
            .iter()
            .enumerate()
            .map(|(n, record)| {
                let n = page * ROWS + n + 1;
                let row = json!({ "kind": record.kind, "body": record.json }).to_string();
                json!({ "op_id": n.to_string(), "op": "PUT", "object_id": record.id, "object_type": "records",
                    "checksum": sum(n), "subkey": null, "data": row })
            })
            .collect();
        lines.push(json!({ "data": { "bucket": "all", "data": data } }).to_string());
    }
    lines.push(json!({ "checkpoint_complete": { "last_op_id": last } }).to_string());
    lines
}

async fn talk(stream: TcpStream, service: &Service) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if stream.read_line(&mut request).await? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut head = String::new();
            stream.read_line(&mut head).await?;
            let head = head.trim().to_ascii_lowercase();
            if head.is_empty() {
                break;
            }
            if let Some(value) = head.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let path = request.split_whitespace().nth(1).context("no path")?;
        if path.starts_with("/sync/stream") {
            return down(stream.into_inner(), service).await;
        }
        let answer = if path.starts_with("/write-checkpoint2.json") {
            json!({ "data": { "write_checkpoint": "1" } })
        } else {
            let mut file = service
                .taken
                .lock()
                .map_err(|_| anyhow::anyhow!("a write failed"))?;
            file.write_all(&body)?;
            file.sync_data()?;
            json!({})
        };
        let text = answer.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        stream.write_all((head + &text).as_bytes()).await?;
    }
}

/// All lines, and then the connection stays, as the service keeps it.
async fn down(mut stream: TcpStream, service: &Service) -> Result<()> {
    stream
        .write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n",
        )
        .await?;
    for line in &service.lines {
        stream
            .write_all(format!("{:x}\r\n{line}\n\r\n", line.len() + 1).as_bytes())
            .await?;
    }
    let mut end = [0; 16];
    while stream.read(&mut end).await? > 0 {}
    Ok(())
}
