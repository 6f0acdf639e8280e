//! The crate `powersync` on the records of our benches.
//!
//! `peer-powersync serve RECORDS COUNT` · `peer-powersync pull URL FILE` · `peer-powersync push URL FILE RECORDS COUNT`
//!
//! Its real server is a service of its own beside a database; this one speaks as much of its protocol as the crate needs,
//! from memory, without encryption on the way, as its client keeps its file without encryption.

mod device;
mod serve;

use anyhow::{bail, Context, Result};
use serde_json::Value;
use std::io::BufRead;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", records, count] => serve::serve(read(records, count.parse()?)?).await,
        ["pull", url, file] => device::pull(url, file).await,
        ["push", url, file, records, count] => device::push(url, file, read(records, count.parse()?)?).await,
        _ => bail!("serve RECORDS COUNT, pull URL FILE, or push URL FILE RECORDS COUNT"),
    }
}

/// A record: its id and its JSON as one text.
pub struct Record {
    id: String,
    kind: String,
    json: String,
}

/// The first records of an NDJSON file.
fn read(file: &str, count: usize) -> Result<Vec<Record>> {
    let file = std::fs::File::open(file).with_context(|| format!("open {file}"))?;
    let mut all = Vec::with_capacity(count);
    for line in std::io::BufReader::new(file).lines().take(count) {
        let json = line?;
        let value: Value = serde_json::from_str(&json)?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        all.push(Record {
            id: text("id"),
            kind: text("resourceType"),
            json,
        });
    }
    Ok(all)
}
