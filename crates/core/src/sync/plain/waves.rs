//! Which changes may go beside each other: the entries of a batch have no order, so what depends on another goes after it.

use super::names::references_of;
use hms_model::wire::sync::WireOp;
use std::collections::{BTreeMap, BTreeSet};

/// The changes in steps; `absent` are records that others of the outbox still have to create. What refers to one of those
/// is in no step: the server would refuse it for a reason that is not its own.
#[must_use]
pub fn waves(ops: &[WireOp], absent: &BTreeSet<String>) -> Vec<Vec<WireOp>> {
    let mut step_of: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    let mut last_of_group: BTreeMap<i64, Option<usize>> = BTreeMap::new();
    let mut steps: Vec<Vec<WireOp>> = Vec::new();
    for op in ops {
        let needs = op.resource.as_ref().map(references_of).unwrap_or_default();
        let mut step = Some(0);
        for needed in needs.iter().filter(|needed| **needed != op.id) {
            let after = match step_of.get(needed.as_str()) {
                Some(step) => step.map(|step| step + 1),
                None if absent.contains(needed) => None,
                None => Some(0),
            };
            step = step.zip(after).map(|(a, b)| a.max(b));
        }
        // Of one group, and of one record, each goes after the one before it.
        let before = op.group.and_then(|group| last_of_group.get(&group));
        for before in before.into_iter().chain(step_of.get(op.id.as_str())) {
            step = step.zip(*before).map(|(a, b)| a.max(b + 1));
        }
        step_of.insert(&op.id, step);
        if let Some(group) = op.group {
            last_of_group.insert(group, step);
        }
        if let Some(step) = step {
            steps.resize_with(steps.len().max(step + 1), Vec::new);
            if let Some(step) = steps.get_mut(step) {
                step.push(op.clone());
            }
        }
    }
    steps
}
