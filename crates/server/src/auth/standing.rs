//! How an actor stands to a resource, looked up in the relations.

use super::actor::Actor;
use super::policy::Standing;
use super::relation::RelationKind;
use crate::db::sqlite::table;
use crate::db::DbError;
use hms_model::map::task::{self, TaskKind};
use rusqlite::Connection;
use serde_json::Value;

/// A resource as far as access depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Resource type.
    pub kind: &'a str,
    /// Resource id.
    pub id: &'a str,
    /// The Patient whose compartment it is in.
    pub patient: Option<&'a str>,
    /// Its content.
    pub body: &'a Value,
}

/// All standings that hold; [`Standing::Unrelated`] alone where none does.
///
/// # Errors
/// A failed statement.
pub fn standings(conn: &Connection, actor: &Actor, of: Subject<'_>) -> Result<Vec<Standing>, DbError> {
    let mut found = Vec::new();
    let photo_owner = match (of.kind, of.patient) {
        ("Binary", None) => table::resource::get(conn, "DocumentReference", of.id)?.and_then(|d| d.patient),
        _ => None,
    };
    let patient = of.patient.or(photo_owner.as_deref());
    match patient {
        Some(patient) => about_patient(conn, actor, of, patient, &mut found)?,
        None => about_nobody(conn, actor, of, &mut found)?,
    }
    if wrote(actor, of.body) && !found.contains(&Standing::Own) {
        found.push(Standing::Author);
    }
    if found.is_empty() {
        found.push(Standing::Unrelated);
    }
    Ok(found)
}

fn about_patient(
    conn: &Connection,
    actor: &Actor,
    of: Subject<'_>,
    patient: &str,
    found: &mut Vec<Standing>,
) -> Result<(), DbError> {
    let same = match actor.patient() {
        Some(own) if own.as_str() == patient => true,
        Some(own) => {
            let same = RelationKind::SamePerson.as_str();
            table::relation::holds(conn, same, &format!("Patient/{own}"), patient)?
        }
        None => false,
    };
    if same {
        let draft =
            of.kind == "Composition" && of.body.get("status").and_then(Value::as_str) != Some("final");
        found.push(if draft { Standing::OwnDraft } else { Standing::Own });
    }
    if let Some(practitioner) = actor.practitioner() {
        let subject = format!("Practitioner/{practitioner}");
        if table::relation::holds(conn, RelationKind::Treats.as_str(), &subject, patient)? {
            found.push(Standing::Treating);
        }
    }
    if table::relation::holds(conn, RelationKind::Queue.as_str(), "", patient)? {
        found.push(Standing::Queue);
    }
    let site = actor.site.as_ref().map(|s| format!("Organization/{s}"));
    let district = actor.district.as_ref().map(|d| format!("Organization/{d}"));
    if site.is_none() && district.is_none() {
        return Ok(());
    }
    for place in table::relation::subjects(conn, RelationKind::Site.as_str(), patient)? {
        if let Some(district) = &district {
            let id = place.strip_prefix("Organization/").unwrap_or_default();
            if place == *district
                || table::relation::holds(conn, RelationKind::PartOf.as_str(), district, id)?
            {
                found.push(Standing::District);
            }
        }
        let for_managers = of.kind == "Task"
            && matches!(
                task::kind(of.body),
                Some(TaskKind::SupervisorNotice | TaskKind::DutyDecision)
            );
        if for_managers && site.as_ref() == Some(&place) {
            found.push(Standing::SiteNotice);
        }
    }
    Ok(())
}

fn about_nobody(
    conn: &Connection,
    actor: &Actor,
    of: Subject<'_>,
    found: &mut Vec<Standing>,
) -> Result<(), DbError> {
    if of.kind == "Task" {
        if let Some(site) = task::notice_site(of.body) {
            // Like a notice about somebody known: for the site's supervisors and nobody else.
            found.extend((actor.site.as_deref() == Some(site)).then_some(Standing::SiteNotice));
            return Ok(());
        }
    }
    let unclaimed = is_unclaimed(conn, of.kind, of.id, of.body)?;
    if unclaimed {
        found.push(Standing::Unclaimed);
    }
    // Bytes say of nobody that they are theirs, whatever describes them.
    if !unclaimed || of.kind == "Binary" {
        found.push(Standing::General);
    }
    Ok(())
}

/// Whether a resource without a patient is an open entry of the queue, the report that one is about, or was made with
/// that report.
///
/// # Errors
/// A failed statement.
pub fn is_unclaimed(conn: &Connection, kind: &str, id: &str, body: &Value) -> Result<bool, DbError> {
    let queue = RelationKind::QueueFocus;
    match kind {
        "Task" => Ok(super::relation::derive(body).iter().any(|r| r.kind == queue)),
        "QuestionnaireResponse" if table::relation::holds(conn, queue.as_str(), "", id)? => Ok(true),
        "QuestionnaireResponse" | "RiskAssessment" | "DocumentReference" | "Binary" => {
            let of_report = RelationKind::OfReport.as_str();
            for report in table::relation::subjects(conn, of_report, &format!("{kind}/{id}"))? {
                if table::relation::holds(conn, queue.as_str(), "", &report)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// Whether the resource names the actor as its author.
fn wrote(actor: &Actor, body: &Value) -> bool {
    let Some(person) = actor.fhir.as_deref() else {
        return false;
    };
    let is_person = |r: &Value| r.get("reference").and_then(Value::as_str) == Some(person);
    ["author", "source", "requester", "performer", "sender"]
        .iter()
        .any(|element| match body.get(element) {
            Some(Value::Array(list)) => list.iter().any(is_person),
            Some(one) => is_person(one),
            None => false,
        })
}
