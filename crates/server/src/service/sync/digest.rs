//! Whether a device holds what its person may hold: sums over ranges, and single records again.
//!
//! Made by one walk over the current rows, whose bodies are read only where they decide whose they are.

use super::cursor::Cursor;
use super::{feed, scope::Scope};
use crate::auth::relation::patient_of;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::DbError;
use hms_core::sync::digest::{leaf_of, Leaves};
use hms_model::wire::digest::{WireDigest, WireLeaf};
use hms_model::wire::sync::{ChangeBody, GoneWhy};
use rusqlite::Connection;
use std::collections::{BTreeMap, HashSet};

/// Ranges that are listed in one answer. The device mends what it is told, and asks again.
const MOST_LEAVES: usize = 32;

/// What a comparison found.
#[derive(Debug)]
pub struct Compared {
    /// Ranges that differ, with all that belongs in them.
    pub leaves: Vec<WireLeaf>,
    /// The end of the answer.
    pub end: WireDigest,
}

/// Compares what an actor may hold now with the sums of what their device holds at a cursor.
///
/// # Errors
/// A failed statement or a damaged body.
pub fn compare(
    conn: &Connection,
    actor: &Actor,
    cursor: Option<&Cursor>,
    theirs: &Leaves,
) -> Result<Compared, DbError> {
    let behind = |behind| Compared {
        leaves: Vec::new(),
        end: WireDigest {
            behind,
            records: 0,
            differ: 0,
        },
    };
    let Some(cursor) = cursor else {
        return Ok(behind(true));
    };
    // In the same snapshot: what is compared is the state that the device's cursor stands for.
    let new = feed::page(conn, actor, cursor)?;
    if !new.changes.is_empty() || !new.done {
        return Ok(behind(true));
    }
    let mut ours = Leaves::default();
    let mut rows = Vec::new();
    let mut scope = Scope::new(conn, actor);
    for row in table::feed::live(conn)? {
        if scope.holds_row(&row)? {
            let id = format!("{}/{}", row.kind, row.id);
            let version = row.version.to_string();
            ours.add(&id, &version);
            rows.push((id, version));
        }
    }
    let differ = ours.differ(theirs);
    let mut leaves: BTreeMap<u8, BTreeMap<String, String>> = differ
        .iter()
        .take(MOST_LEAVES)
        .map(|leaf| (*leaf, BTreeMap::new()))
        .collect();
    if !leaves.is_empty() {
        for (id, version) in rows {
            if let Some(holds) = leaves.get_mut(&leaf_of(&id)) {
                holds.insert(id, version);
            }
        }
    }
    Ok(Compared {
        leaves: leaves
            .into_iter()
            .map(|(leaf, holds)| WireLeaf { leaf, holds })
            .collect(),
        end: WireDigest {
            behind: false,
            records: ours.records(),
            differ: u32::try_from(differ.len()).unwrap_or(u32::MAX),
        },
    })
}

/// Records by `Type/id`, as the actor may hold them: what is not there and what is not for them is answered alike.
/// Gives also the patients whose data it is, for the audit.
///
/// # Errors
/// A failed statement or a damaged body.
pub fn records(
    conn: &Connection,
    actor: &Actor,
    ids: &[String],
) -> Result<(Vec<ChangeBody>, HashSet<String>), DbError> {
    let mut scope = Scope::new(conn, actor);
    let (mut changes, mut patients) = (Vec::new(), HashSet::new());
    for name in ids {
        let (kind, id) = name.split_once('/').unwrap_or_default();
        let stored = table::resource::get(conn, kind, id)?.filter(|stored| !stored.deleted);
        let body = stored.map(|stored| stored.value()).transpose()?;
        let held = match body {
            Some(body) if scope.holds(kind, id, &body, None)? => Some(body),
            Some(_) | None => None,
        };
        changes.push(match held {
            Some(body) => {
                patients.extend(patient_of(&body));
                ChangeBody::Resource(body)
            }
            None => ChangeBody::Gone {
                id: name.clone(),
                why: GoneWhy::OutOfScope,
            },
        });
    }
    Ok((changes, patients))
}
