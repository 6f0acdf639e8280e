//! Tells what stays open (WebSockets, polls) that some sign-in was ended, so that each looks whether it was its own.
//!
//! The number of revocations is in the database, counted in the transaction of each: so the command line's count too,
//! which runs in a process of its own.

use crate::db::sqlite::table::counter;
use crate::db::{Db, DbError};
use rusqlite::Connection;
use std::time::Duration;
use tokio::sync::watch;

/// The counter's name.
const NAME: &str = "revocations";
/// How often the count is looked at: so long may a revocation by the command line take.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Counts a revocation.
///
/// # Errors
/// A failed statement.
pub fn count(conn: &Connection) -> Result<(), DbError> {
    counter::next(conn, NAME, 1).map(drop)
}

/// Whoever listens is told of revocations.
#[derive(Debug)]
pub struct Revocations(watch::Sender<i64>);

impl Default for Revocations {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Revocations {
    /// Something that changes with each revocation.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.0.subscribe()
    }

    /// Looks at the count until the server ends.
    pub async fn watch(&self, db: &Db) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            match db.read(|read| counter::current(read.conn(), NAME)).await {
                Ok(now) => drop(
                    self.0
                        .send_if_modified(|known| std::mem::replace(known, now) != now),
                ),
                Err(error) => tracing::warn!(%error, "Whether sign-ins were ended could not be read"),
            }
        }
    }
}
