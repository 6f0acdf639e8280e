//! Measuring the release build from outside: what a person waits for, what the line carries, what the memory holds.
//! docs/benchmarks.md has the goals and what was seen.

mod keys;
mod machine;
mod memory;
mod package;
mod person;
mod phone_mode;
mod ring;
mod row;
mod save;
mod screen;
mod server;
mod start;
mod store;
mod syncing;
mod upload;
mod validate;
mod visits;
mod wire;

pub use machine::describe as machine;
pub use row::{print_table, Row};
pub use syncing::{desk, DESK};
pub use upload::{phone, PHONE};

use crate::stage::cast::{Cast, Setting};
use anyhow::{bail, Context, Result};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The benches in the order in which they run.
pub const NAMES: &[&str] = &[
    "validate", "keys", "store", "save", "sync", "upload", "server", "visits", "start", "ring", "package",
];

/// Where the programs are and where there is room.
#[derive(Debug, Clone)]
pub struct Bench {
    /// Folder of the built programs.
    pub bin_dir: PathBuf,
    /// Folder for what a bench needs; on the disk that is measured.
    pub work: PathBuf,
    /// Folder of the peers that are no Rust: `tests/peers`.
    pub peers: PathBuf,
    /// Only the small sizes.
    pub quick: bool,
    /// Sizes that take long, too.
    pub large: bool,
}

impl Bench {
    /// Runs one bench.
    ///
    /// # Errors
    /// It could not be measured; a goal that is missed is no error, the row says so.
    pub async fn run(&self, name: &str) -> Result<Vec<Row>> {
        match name {
            "validate" => validate::validate(),
            "keys" => keys::keys(),
            "store" => store::store(self),
            "save" => save::save(self).await,
            "sync" => syncing::sync(self).await,
            "upload" => upload::upload(self).await,
            "server" => server::server(self).await,
            "visits" => visits::visits(self).await,
            "start" => start::start(self).await,
            "ring" => ring::ring(self).await,
            "package" => package::package(self),
            _ => bail!("there is no bench {name}; there are: {}", NAMES.join(", ")),
        }
        .with_context(|| format!("bench {name}"))
    }

    /// Server, HR's receiver and, where asked for, a screen.
    async fn cast(&self, headless: bool) -> Result<Cast> {
        Cast::assemble(Setting {
            bin_dir: self.bin_dir.clone(),
            work: self.stage(),
            headless,
            relay_only: None,
            sabotage: None,
            staff_page: None,
        })
        .await
    }

    /// Folder of the stage.
    fn stage(&self) -> PathBuf {
        self.work.join("stage")
    }

    /// What the server of the stage tells clients of itself.
    fn demo_json(&self) -> PathBuf {
        self.stage().join("server/demo.json")
    }

    /// Where the server of the stage listens.
    fn server_address(&self, cast: &Cast) -> Result<SocketAddr> {
        let url = cast.demo["base_url"]
            .as_str()
            .context("demo.json names no base_url")?;
        let address = url.trim_start_matches("https://").trim_end_matches('/');
        address
            .parse()
            .with_context(|| format!("{address} is no address"))
    }

    fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }

    /// A new, empty folder.
    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let folder = self.work.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}
