//! `measure sync`: everything that passes between a device and the server, against the goals and beside other sync engines.

mod desk;
mod district;
mod first;
mod hundred;
mod idle;
mod peers;
mod queued;

pub use desk::{desk, DESK};

use super::row::Row;
use super::Bench;
use anyhow::Result;

/// `measure sync`.
pub(super) async fn sync(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = hundred::hundred(bench).await?;
    rows.extend(idle::idle(bench).await?);
    rows.extend(queued::queued(bench).await?);
    rows.extend(first::first(bench).await?);
    Ok(rows)
}
