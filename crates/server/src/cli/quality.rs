//! `ach-server quality`: how visits went, from what their sides told afterwards.

use super::Data;
use crate::db::sqlite::table;
use crate::service::quality::table_of;
use clap::Args;

const MS_PER_DAY: i64 = 86_400_000;

#[derive(Debug, Args)]
pub(super) struct QualityOptions {
    /// The visits of how many days before now.
    #[arg(long, default_value_t = 28, value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
    #[command(flatten)]
    data: Data,
}

pub(super) fn run(options: &QualityOptions) -> anyhow::Result<()> {
    let (_, app) = options.data.open()?;
    let since = app.clock.now().0 - i64::from(options.days) * MS_PER_DAY;
    let bodies = app
        .db
        .read_blocking(|read| table::quality::since(read.conn(), since))?;
    // What an older server kept in another form is passed over.
    let told: Vec<_> = bodies
        .iter()
        .filter_map(|body| serde_json::from_str(body).ok())
        .collect();
    if told.is_empty() {
        anyhow::bail!(
            "no side of a visit has told how it went in the last {} days; --days looks further back",
            options.days
        );
    }
    print!("{}", table_of(&told, options.days));
    Ok(())
}
