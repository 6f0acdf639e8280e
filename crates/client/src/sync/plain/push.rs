//! Changes of the outbox to a plain server, step by step, each result kept as it comes.

use std::collections::{BTreeMap, BTreeSet};

use hms_core::outbox::classify;
use hms_core::outbox::{Answer, Failure};
use hms_core::sync::plain::{waves, Abilities, Cursor, Errand, Outcome};
use hms_model::time::Timestamp;
use hms_model::wire::sync::{WireOp, WireResult};
use hms_store::{Applied, Note, Store};

use super::line::Line;
use super::memory::{keep, Memory};
use super::PlainError;

/// What sending works with.
pub(super) struct Push<'a> {
    pub(super) line: Line<'a>,
    pub(super) store: &'a Store,
    pub(super) now: Timestamp,
    pub(super) seed: u64,
}

/// A result that was kept, and the record it is of.
pub(super) type Kept = (Applied, String);

impl Push<'_> {
    /// Sends changes. What was answered is in `answered`, also where it ends early; `kept` is told of each.
    pub(super) async fn run(
        &self,
        ops: &[WireOp],
        abilities: &mut Abilities,
        memory: &mut Memory,
        answered: &mut Vec<i64>,
        kept: &mut Vec<Kept>,
    ) -> Result<(), PlainError> {
        let here: BTreeSet<i64> = ops.iter().map(|op| op.op).collect();
        let rows = self.store.outbox().await?;
        let absent: BTreeSet<String> = rows
            .into_iter()
            .filter(|row| row.base.is_none() && !here.contains(&row.op))
            .map(|row| row.id)
            .collect();
        let mut failed = Failed::default();
        for wave in waves(ops, &absent) {
            let (held, going): (Vec<WireOp>, Vec<WireOp>) = wave.into_iter().partition(|op| failed.holds(op));
            for op in held {
                if failed.refuses(&op) {
                    let result = with_group(&op);
                    answered.push(op.op);
                    kept.push((
                        self.store.apply_result(&result, self.now, self.seed).await?,
                        op.id,
                    ));
                }
            }
            let mut errands: Vec<Errand> = going
                .into_iter()
                .map(|op| Errand::new(op, abilities, &memory.names))
                .collect();
            while !errands.is_empty() {
                let known = abilities.clone();
                let asks: Vec<_> = errands.iter().filter_map(|it| it.ask(&memory.names)).collect();
                let replies = self.line.all(&asks, abilities).await;
                if *abilities != known {
                    keep(self.store, abilities).await?;
                }
                let replies = replies?;
                for ((errand, ask), reply) in errands.iter_mut().zip(&asks).zip(&replies) {
                    if matches!(reply.status, 405 | 501) {
                        abilities.downgrade(&ask.kind(), reply.status);
                    }
                    errand.answer(reply, abilities, &memory.names);
                }
                let mut on_their_way = Vec::with_capacity(errands.len());
                for errand in errands {
                    match errand.outcome() {
                        None => on_their_way.push(errand),
                        Some(outcome) => {
                            failed.note(errand.op(), outcome.result.status);
                            let applied = self.apply(errand.op(), outcome, memory).await?;
                            answered.push(errand.op().op);
                            kept.push((applied, errand.op().id.clone()));
                        }
                    }
                }
                errands = on_their_way;
                // What was found out is kept with what it was found out by.
                if *abilities != known {
                    keep(self.store, abilities).await?;
                }
            }
        }
        Ok(())
    }

    async fn apply(
        &self,
        op: &WireOp,
        outcome: &Outcome,
        memory: &mut Memory,
    ) -> Result<Applied, PlainError> {
        let base = self.line.base;
        let mut notes: Vec<Note> = Vec::new();
        if let Some(there) = &outcome.given {
            notes.push(memory.name(&op.id, there));
        }
        if let (Some(sent), Some(written)) = (&op.resource, &outcome.written) {
            notes.push(memory.form(base, &op.id, sent, written));
        }
        let store = self.store;
        let applied = store
            .apply_result_and_notes(&outcome.result, notes, self.now, self.seed)
            .await?;
        // What stands there instead comes with its result: what both wanted is merged, or a person is asked.
        if let Some(change) = outcome.instead.as_ref().and_then(|it| memory.change(base, it)) {
            let cursor = match store.cursor().await? {
                Some(cursor) => cursor,
                None => Cursor::read(base, None).write(),
            };
            store.apply_page(vec![change], cursor, self.now).await?;
        }
        Ok(applied)
    }
}

/// Answered with another change of its group that was refused.
fn with_group(op: &WireOp) -> WireResult {
    WireResult {
        op: op.op,
        status: 424,
        version: None,
        receipt: None,
        outcome: None,
    }
}

/// What did not get there in this exchange, and what therefore waits.
#[derive(Default)]
struct Failed {
    /// Groups, and whether a person has to act.
    groups: BTreeMap<i64, bool>,
    records: BTreeSet<String>,
}

impl Failed {
    fn note(&mut self, op: &WireOp, status: u16) {
        let Some(failure) = classify(Answer::Status(status)) else {
            return;
        };
        if let Some(group) = op.group {
            let stuck = matches!(failure, Failure::Rejected | Failure::Conflict);
            self.groups.insert(group, stuck);
        }
        self.records.insert(op.id.clone());
    }

    /// What belongs to, is, or refers to what did not get there.
    fn holds(&self, op: &WireOp) -> bool {
        let refers = |op: &WireOp| {
            let found = op.resource.as_ref().map(hms_core::sync::plain::references_of);
            found.is_some_and(|found| found.iter().any(|id| self.records.contains(id)))
        };
        op.group.is_some_and(|group| self.groups.contains_key(&group))
            || self.records.contains(&op.id)
            || (!self.records.is_empty() && refers(op))
    }

    fn refuses(&self, op: &WireOp) -> bool {
        op.group.and_then(|group| self.groups.get(&group)) == Some(&true)
    }
}
