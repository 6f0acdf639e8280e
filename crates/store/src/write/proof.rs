//! Whether this device holds what the server gives its person, and what is done where it does not.
//!
//! Compared is what is known of the server's side of each record: the version that local changes stand on, or the newer
//! one that is kept beside them. What was made here and never acknowledged is not compared.

use super::page;
use crate::table::{audit, outbox, resource, Key};
use crate::{AuditRow, PageReport, StoreError};
use hms_core::sync::digest::{leaf_of, Leaves};
use hms_model::time::Timestamp;
use hms_model::wire::digest::WireLeaf;
use hms_model::wire::sync::{ChangeBody, WireChange};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// The sums over all that the server is known to have given.
pub(crate) fn leaves(conn: &Connection) -> Result<Leaves, StoreError> {
    let mut leaves = Leaves::default();
    for (id, version) in resource::versions(conn)? {
        leaves.add(&id, &version);
    }
    Ok(leaves)
}

/// Records of these ranges that are not here as the server has them.
pub(crate) fn differing(conn: &Connection, listed: &[WireLeaf]) -> Result<Vec<String>, StoreError> {
    let ranges: BTreeSet<u8> = listed.iter().map(|leaf| leaf.leaf).collect();
    let here: BTreeMap<String, String> = resource::versions(conn)?
        .into_iter()
        .filter(|(id, _)| ranges.contains(&leaf_of(id)))
        .collect();
    let there: BTreeMap<&String, &String> = listed.iter().flat_map(|leaf| &leaf.holds).collect();
    let mut found = Vec::new();
    for (id, version) in &there {
        // Made here and arrived, while its result did not: that comes by itself.
        let unanswered = !here.contains_key(*id) && !outbox::of_resource(conn, &Key::parse(id)?)?.is_empty();
        if here.get(*id) != Some(*version) && !unanswered {
            found.push((*id).clone());
        }
    }
    found.extend(here.into_keys().filter(|id| !there.contains_key(id)));
    Ok(found)
}

/// Takes records as the server has them now. What is unsent stays, and is merged or kept beside as ever.
pub(crate) fn mend(
    conn: &Connection,
    changes: &[WireChange],
    now: Timestamp,
) -> Result<PageReport, StoreError> {
    let mut needed = Vec::new();
    for change in changes {
        let (key, version) = match &change.change {
            ChangeBody::Resource(body) => (Key::of(body)?, page::version_of(body)),
            ChangeBody::Gone { id, .. } => (Key::parse(id)?, None),
        };
        if resource::known_version(conn, &key)?.as_deref() != version {
            needed.push(change.clone());
        }
    }
    page::take(conn, &needed, now)
}

/// Writes down how a check ended.
pub(crate) fn note(conn: &Connection, row: &AuditRow, now: Timestamp) -> Result<(), StoreError> {
    audit::insert(conn, row, now)
}
