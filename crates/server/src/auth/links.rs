//! To whose reports something may be added.

use super::Actor;
use crate::db::sqlite::table;
use crate::db::DbError;
use hms_model::map::{id_in, report};
use hms_model::role::Role;
use rusqlite::Connection;
use serde_json::Value;

/// Whether a carrier would add to a report that neither is about them nor was written by them: to know its id is not
/// enough. A report of nobody, which a phone took before anybody signed in on it, may be added to.
///
/// # Errors
/// A failed statement or a damaged body.
pub fn stray(conn: &Connection, actor: &Actor, resource: &Value) -> Result<bool, DbError> {
    if actor.role != Role::Carrier {
        return Ok(false);
    }
    let me = actor
        .fhir
        .as_deref()
        .and_then(|fhir| fhir.strip_prefix("Patient/"));
    for (_, link) in hms_fhir::references(resource) {
        let Some(id) = link.strip_prefix("QuestionnaireResponse/") else {
            continue;
        };
        let found = table::resource::get(conn, "QuestionnaireResponse", id)?.filter(|r| !r.deleted);
        let Some((stored, body)) = found.map(|r| r.value().map(|body| (r, body))).transpose()? else {
            continue;
        };
        if !report::is_report(&body) {
            continue;
        }
        let author = body.get("author").and_then(|author| id_in(author, "Patient"));
        let nobodys = stored.patient.is_none() && author.is_none();
        if !nobodys && stored.patient.as_deref() != me && author != me {
            return Ok(true);
        }
    }
    Ok(false)
}
