//! One exchange with a FHIR server that is not ours: changes up, what is new down. What to ask, and what an answer means,
//! is decided in [`hms_core::sync::plain`]; here it is asked and kept.

mod account;
mod line;
mod memory;
mod photo;
mod pull;
mod push;

#[cfg(test)]
mod tests;

use hms_core::sync::plain::Abilities;
use hms_model::time::Timestamp;
use hms_model::wire::sync::WireOp;
use hms_store::{Store, StoreError};

use crate::net::{Fault, Stop};
pub(crate) use account::{exchange, has_no_exchange, is_plain, is_service, known};
use line::Line;
use memory::Memory;
pub(crate) use photo::put_binary;
use pull::Pull;
use push::{Kept, Push};

/// Why an exchange with a plain server ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlainError {
    /// The line, or the server.
    #[error("the exchange with a plain server failed")]
    Fault(#[source] Fault, Option<i64>),
    /// The store.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl From<Stop> for PlainError {
    fn from(stop: Stop) -> Self {
        Self::Fault(stop.fault, stop.retry_after_ms)
    }
}

impl From<Fault> for PlainError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault, None)
    }
}

/// What an exchange starts with.
pub(crate) struct Plain<'a> {
    pub(crate) line: Line<'a>,
    pub(crate) store: &'a Store,
    pub(crate) ops: &'a [WireOp],
    /// `Patient/…` of a person who holds their own records only.
    pub(crate) patient: Option<&'a str>,
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
}

/// What an exchange brought, also where it ended early.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    /// Changes that were answered.
    pub(crate) answered: Vec<i64>,
    /// Each of them, with what became of it and its record.
    pub(crate) kept: Vec<Kept>,
    /// Records that are shown differently now.
    pub(crate) changed: Vec<String>,
}

impl Plain<'_> {
    /// Runs the exchange.
    pub(crate) async fn run(
        &self,
        abilities: &mut Abilities,
        brought: &mut Brought,
    ) -> Result<(), PlainError> {
        let mut memory = Memory::load(self.store).await?;
        let push = Push {
            line: self.line,
            store: self.store,
            now: self.now,
            seed: self.seed,
        };
        push.run(
            self.ops,
            abilities,
            &mut memory,
            &mut brought.answered,
            &mut brought.kept,
        )
        .await?;
        let pull = Pull {
            line: self.line,
            store: self.store,
            patient: self.patient,
            now: self.now,
        };
        pull.run(abilities, &memory, &mut brought.changed).await
    }
}

/// What the server can do: remembered, or asked for now.
pub(crate) async fn abilities(line: Line<'_>, store: &Store) -> Result<Abilities, PlainError> {
    if let Some(known) = memory::abilities(store, line.base).await? {
        return Ok(known);
    }
    let reply = line.get("metadata").await?;
    let read = reply.body.as_ref().and_then(|it| Abilities::read(line.base, it));
    let found = match (reply.status, read) {
        (200..=299, Some(found)) => found,
        // It says nothing of itself; what it does will show.
        (404 | 405 | 501, _) => Abilities::of(line.base),
        (200..=299, None) => return Err(Fault::NotOurServer.into()),
        (status @ 500.., _) => return Err(Fault::Server(status).into()),
        (status, _) => return Err(Fault::Refused(status).into()),
    };
    memory::keep(store, &found).await?;
    Ok(found)
}
