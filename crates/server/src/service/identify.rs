//! Whose a report is that names a person only in words: said by who cares for them, checked by the service.

use super::{claim, report, write};
use crate::audit::{AuditAction, AuditEntry};
use crate::auth::policy::Action;
use crate::auth::standing::Subject;
use crate::auth::Actor;
use crate::db::{DbError, Tx};
use crate::fhir::{interact, Problem};
use hms_model::map;
use serde::Deserialize;

/// The longest number or name that is looked up, in bytes.
const LONGEST: usize = 200;

/// Who somebody says it is. Both must fit: a mistyped number must not point at somebody else.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// Employee number.
    pub number: String,
    /// Name: two words of it at least.
    pub name: String,
}

/// Gives a report, its entry in the queue and what was made with it to the one person who has this number and name.
/// Returns the Patient's
/// id; `None` where no person, or more than one, has the number, or the name is not theirs.
/// A try that finds nobody is in the audit.
///
/// # Errors
/// [`Problem::NotFound`] where the actor has no such report; [`Problem::Conflict`] `already-identified`.
pub fn identify(tx: &mut Tx<'_>, actor: &Actor, id: &str, named: &Named) -> Result<Option<String>, Problem> {
    let kind = "QuestionnaireResponse";
    let found = write::live(tx, kind, id)?;
    let Some((stored, body)) = found.filter(|(_, body)| map::report::is_report(body)) else {
        return Err(Problem::NotFound);
    };
    let of = Subject {
        kind,
        id,
        patient: stored.patient.as_deref(),
        body: &body,
    };
    if !interact::allowed(tx.conn(), actor, Action::Read, of)? {
        return Err(Problem::NotFound);
    }
    if claim::is_claimed(&body) {
        return Err(Problem::Conflict("already-identified"));
    }
    let patient = if named.number.len() <= LONGEST && named.name.len() <= LONGEST {
        person(tx, named)?
    } else {
        None
    };
    match &patient {
        Some(patient) => drop(claim::claim(tx, &stored, patient, &actor.audit_agent())?),
        // Who guesses leaves a trace.
        None => tx.audit(&AuditEntry {
            action: AuditAction::Execute,
            subtype: "identify",
            ok: false,
            agent: actor.audit_agent(),
            patient: None,
            entity: Some(format!("{kind}/{id}")),
            count: None,
        })?,
    }
    Ok(patient)
}

/// The person with this number, if all that was typed of the name is theirs, and it is more than a first name.
fn person(tx: &Tx<'_>, named: &Named) -> Result<Option<String>, DbError> {
    let typed: Vec<String> = named.name.split_whitespace().map(hms_fhir::fold).collect();
    let holder = report::with_number_of(tx, named.number.trim())?;
    Ok(holder
        .filter(|(_, name)| typed.len() >= name.len().min(2) && typed.iter().all(|word| name.contains(word)))
        .map(|(patient, _)| patient))
}
