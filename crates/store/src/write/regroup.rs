//! New numbers for changes that were answered and go again: the server remembers its answers by number.

use crate::table::{outbox, Key};
use crate::{OutboxRow, StoreError};
use hms_core::outbox::StuckReason;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Joins groups to one and gives its changes new numbers, at the end of the queue; of one record only the newest
/// change stays, because it holds all that the older ones said. Untried groups in between that touch the same
/// records join, too, and later ones are renumbered behind it. So the groups stay in one order, none waits for
/// itself, and no older words go out after newer ones.
///
/// What was sent and has no answer yet keeps its number and its place before the joined group.
pub(crate) fn regroup(conn: &Connection, groups: &BTreeSet<i64>, into: i64) -> Result<(), StoreError> {
    let all = Queue::read(conn)?;
    let mut joined = groups.clone();
    loop {
        let (low, high) = all.range(&joined);
        let between = all.sharing(&joined).filter(|row| row.op > low && row.op < high);
        let more: BTreeSet<i64> = between.map(|row| row.group).collect();
        if more.is_subset(&joined) {
            break;
        }
        joined.extend(more);
    }
    let mut behind = BTreeSet::new();
    loop {
        let both = joined.union(&behind).copied().collect();
        let (low, _) = all.range(&joined);
        let later = all
            .sharing(&both)
            .filter(|row| row.op > low && !joined.contains(&row.group));
        let more: BTreeSet<i64> = later.map(|row| row.group).collect();
        if more.is_subset(&behind) {
            break;
        }
        behind.extend(more);
    }
    drop_older(conn, &all, &joined)?;
    for row in all.of(&joined) {
        outbox::renumber(conn, row.op, into)?;
    }
    let mut order: Vec<i64> = behind.into_iter().collect();
    order.sort_by_key(|group| all.range(&BTreeSet::from([*group])).0);
    for group in order {
        for row in all.of(&BTreeSet::from([group])) {
            outbox::renumber(conn, row.op, group)?;
        }
    }
    Ok(())
}

/// Of each record keeps the newest change, on the version that the oldest one was made on.
fn drop_older(conn: &Connection, all: &Queue, joined: &BTreeSet<i64>) -> Result<(), StoreError> {
    let mut of_record: BTreeMap<&Key, Vec<&OutboxRow>> = BTreeMap::new();
    for (key, row) in all.rows.iter().filter(|(_, row)| joined.contains(&row.group)) {
        of_record.entry(key).or_default().push(row);
    }
    for rows in of_record.into_values() {
        if let [oldest, .., newest] = rows.as_slice() {
            outbox::set_body(conn, newest.op, oldest.base.as_deref(), newest.body.as_ref())?;
            if rows.iter().any(|row| row.stuck == Some(StuckReason::Conflict)) {
                outbox::set_stuck(conn, newest.op, &StuckReason::Conflict)?;
            }
            for row in rows.iter().filter(|row| row.op != newest.op) {
                outbox::delete(conn, row.op)?;
            }
        }
    }
    Ok(())
}

/// The outbox in the order of sending.
struct Queue {
    rows: Vec<(Key, OutboxRow)>,
    /// Groups that were sent and have no answer yet.
    in_flight: BTreeSet<i64>,
}

impl Queue {
    fn read(conn: &Connection) -> Result<Self, StoreError> {
        let rows = outbox::all(conn)?;
        let answered: BTreeSet<i64> = rows
            .iter()
            .filter(|(_, row)| row.stuck.is_some())
            .map(|(_, row)| row.group)
            .collect();
        let tried = rows
            .iter()
            .filter(|(_, row)| row.attempt > 0)
            .map(|(_, row)| row.group);
        // One answer of a group is the answer of all of it.
        let in_flight = tried.filter(|group| !answered.contains(group)).collect();
        Ok(Self { rows, in_flight })
    }

    fn of<'a>(&'a self, groups: &'a BTreeSet<i64>) -> impl Iterator<Item = &'a OutboxRow> {
        self.rows
            .iter()
            .map(|(_, row)| row)
            .filter(|row| groups.contains(&row.group))
    }

    /// First and last number in these groups.
    fn range(&self, groups: &BTreeSet<i64>) -> (i64, i64) {
        let ops = || self.of(groups).map(|row| row.op);
        (ops().min().unwrap_or(0), ops().max().unwrap_or(0))
    }

    /// Rows of records that these groups touch, other than in flight.
    fn sharing<'a>(&'a self, groups: &BTreeSet<i64>) -> impl Iterator<Item = &'a OutboxRow> {
        let keys: BTreeSet<&Key> = self
            .rows
            .iter()
            .filter(|(_, row)| groups.contains(&row.group))
            .map(|(key, _)| key)
            .collect();
        self.rows
            .iter()
            .filter(move |(key, row)| keys.contains(key) && !self.in_flight.contains(&row.group))
            .map(|(_, row)| row)
    }
}
