//! The first lane: what a clinician or nurse needs at once comes before everything else.
//!
//! On its first pass a device gets the records of its scope in the order of their commits, years of them. Before that
//! it gets the open entries of the queue with what they are about, emergencies first. All of it comes once more, the
//! same or newer, at its own place; so the lane moves no cursor, and leaving it out loses nothing. What leaves the scope
//! before its place is reached is withdrawn by the feed: the lane holds only what hangs on a patient, and a patient's
//! comings and goings are looked at since the cursor that the device has, the beginning.

use super::cursor::Cursor;
use super::feed::Page;
use super::scope::Scope;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::DbError;
use hms_model::role::Role;
use hms_model::wire::sync::ChangeBody;
use rusqlite::Connection;
use std::collections::HashSet;

/// People in the lane: with more, the rest comes at its place.
const PEOPLE: usize = 200;
/// What an entry is read with.
const WITH_AN_ENTRY: [&str; 4] = ["Patient", "Task", "QuestionnaireResponse", "RiskAssessment"];

/// Whether a device at this cursor gets the lane: at the very beginning, and only where others' work is held.
#[must_use]
pub fn is_due(actor: &Actor, cursor: &Cursor) -> bool {
    cursor.seq == 0 && cursor.first_until > 0 && matches!(actor.role, Role::Clinician | Role::Nurse)
}

/// The lane, as a page that ends where it began.
///
/// # Errors
/// A failed statement or a damaged body.
pub fn page(conn: &Connection, actor: &Actor, cursor: &Cursor) -> Result<Page, DbError> {
    let mut scope = Scope::new(conn, actor);
    let mut page = Page {
        changes: Vec::new(),
        cursor: cursor.clone(),
        done: false,
        patients: HashSet::new(),
    };
    for patient in table::task::queued_patients(conn, PEOPLE)? {
        let facts = scope.facts(&patient)?;
        if !facts.any(actor.role) {
            continue;
        }
        for stored in table::feed::compartment(conn, &patient)? {
            if stored.deleted || !WITH_AN_ENTRY.contains(&stored.kind.as_str()) {
                continue;
            }
            let body = stored.value()?;
            if scope.holds(&stored.kind, &stored.id, &body, Some(facts))? {
                page.changes.push(ChangeBody::Resource(body));
                page.patients.insert(patient.clone());
            }
        }
    }
    Ok(page)
}
