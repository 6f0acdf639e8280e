//! Which queued changes go out next.

use crate::table::outbox::{self, Light};
use crate::table::Key;
use crate::StoreError;
use hms_core::backoff::LONGEST_MS;
use hms_model::time::Timestamp;
use hms_model::wire::sync::WireOp;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Takes whole groups that are due, words before media, and counts the try of each change. At least one group
/// is taken where one is due, however large. Changes of a record go one after the other: a later one needs the
/// version that the earlier one gets.
pub(crate) fn take(
    conn: &Connection,
    now: Timestamp,
    max_ops: usize,
    max_bytes: u64,
) -> Result<Vec<WireOp>, StoreError> {
    let rows = outbox::light(conn)?;
    let mut taken = choose(&rows, now, max_ops, max_bytes);
    taken.sort_unstable();
    let mut ops = Vec::with_capacity(taken.len());
    for op in taken {
        let Some((key, row)) = outbox::find(conn, op)? else {
            continue;
        };
        outbox::tried(conn, op, now)?;
        let grouped = rows.iter().filter(|light| light.group == row.group).count() > 1;
        ops.push(WireOp {
            op,
            id: key.to_string(),
            base: row.base,
            resource: row.body,
            group: grouped.then_some(row.group),
        });
    }
    Ok(ops)
}

fn choose(rows: &[Light], now: Timestamp, max_ops: usize, max_bytes: u64) -> Vec<i64> {
    let groups = sendable(rows);
    let mut order: Vec<&Vec<&Light>> = groups.values().collect();
    order.sort_by_key(|group| (lane(group), group.first().map_or(0, |row| row.op)));
    let first_of = first_rows(rows);
    let (mut taken, mut bytes, mut lane_taken) = (Vec::new(), 0_u64, None);
    for group in order {
        // A wait longer than there are was set by a clock that was wrong, perhaps by years: it does not hold.
        let longest = now.plus_ms(LONGEST_MS);
        let due = group
            .iter()
            .all(|row| row.not_before <= now || row.not_before > longest);
        let blocked = group
            .iter()
            .any(|row| first_of.get(&row.key).is_some_and(|first| *first < row.op));
        // Media go by themselves: the answers to words do not wait for a photo.
        if !due || blocked || lane_taken.is_some_and(|taken| taken != lane(group)) {
            continue;
        }
        let size: u64 = group.iter().map(|row| row.bytes).sum();
        let fits = taken.len() + group.len() <= max_ops && bytes.saturating_add(size) <= max_bytes;
        if !fits && !taken.is_empty() {
            break;
        }
        bytes = bytes.saturating_add(size);
        lane_taken = Some(lane(group));
        taken.extend(group.iter().map(|row| row.op));
    }
    taken
}

/// Each group's changes that can go. A group goes whole; but where some of it was answered already and some of the
/// answers were lost, the rest asks again for its remembered answer.
fn sendable(rows: &[Light]) -> BTreeMap<i64, Vec<&Light>> {
    let answered: BTreeSet<i64> = rows.iter().filter(|row| row.stuck).map(|row| row.group).collect();
    let mut groups: BTreeMap<i64, Vec<&Light>> = BTreeMap::new();
    for row in rows {
        if !row.stuck && (row.tried || !answered.contains(&row.group)) {
            groups.entry(row.group).or_default().push(row);
        }
    }
    groups
}

/// A group travels in the slowest lane of its members.
fn lane(group: &[&Light]) -> i64 {
    group.iter().map(|row| row.lane).max().unwrap_or(0)
}

/// The first queued number of each record, not counting later rows of the same group.
fn first_rows(rows: &[Light]) -> BTreeMap<&Key, i64> {
    let mut first = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        if seen.insert(&row.key) {
            first.insert(&row.key, row.op);
        }
    }
    first
}

/// When the next group could be taken; a moment in the past is now. `None` where nothing goes by itself: then only
/// a person, a result or a newer version can set something going.
pub(crate) fn next_due(conn: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let rows = outbox::light(conn)?;
    let first_of = first_rows(&rows);
    let blocked = |row: &&Light| first_of.get(&row.key).is_some_and(|first| *first < row.op);
    let groups = sendable(&rows);
    let free = groups.values().filter(|group| !group.iter().any(blocked));
    Ok(free
        .filter_map(|group| group.iter().map(|row| row.not_before).max())
        .min())
}
