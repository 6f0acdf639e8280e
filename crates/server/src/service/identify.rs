//! Whose a report is that names a person only in words: said by who cares for them, checked by the service.

use super::{claim, report, write};
use crate::auth::policy::Action;
use crate::auth::standing::Subject;
use crate::auth::Actor;
use crate::db::Tx;
use crate::fhir::{interact, Problem};
use hms_model::map;
use hms_model::map::report::ColleagueNamed;
use serde::Deserialize;

/// The longest number or name that is looked up, in bytes.
const LONGEST: usize = 200;

/// Who somebody says it is. Both must fit: a mistyped number must not point at somebody else.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// Employee number.
    pub number: String,
    /// Name, whole or in part.
    pub name: String,
}

/// Gives a report, its entry in the queue and what was made with it to the one person who has this number and name.
/// Returns the Patient's
/// id; `None` where no person, or more than one, has the number, or the name is not theirs.
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
    let words: Vec<&str> = named.name.split_whitespace().collect();
    let fits = named.number.len() <= LONGEST && named.name.len() <= LONGEST && !words.is_empty();
    let who = ColleagueNamed {
        numbers: vec![named.number.trim()],
        names: words,
    };
    let patient = if fits { report::identified(tx, &who)? } else { None };
    if let Some(patient) = &patient {
        claim::claim(tx, &stored, patient, &actor.audit_agent())?;
    }
    Ok(patient)
}
