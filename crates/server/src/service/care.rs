//! The one hook: which commit has which consequence.

use super::queue::{self, Raise};
use super::{claim, duty, report, symptom, write};
use crate::audit::AuditAgent;
use crate::auth::relation::{derive, RelationKind};
use crate::db::sqlite::table;
use crate::db::{Changed, DbError, Hook, Prepared, Put, Stored, Tx, WriteError};
use hms_model::ids::ReportId;
use hms_model::map::report::AdditionKind;
use hms_model::map::task::{self, Priority, TaskKind};
use hms_model::map::{self, text_at, triage};
use serde_json::Value;

/// Everything that follows from commits of care.
#[derive(Debug, Clone, Copy)]
pub struct CareHook;

impl Hook for CareHook {
    fn storing(
        &self,
        tx: &mut Tx<'_>,
        resource: Prepared,
        before: Option<&Stored>,
    ) -> Result<Prepared, WriteError> {
        match resource.kind() {
            "QuestionnaireResponse" if map::report::is_report(resource.body()) => {
                report::with_number(tx, resource, before)
            }
            kind @ ("QuestionnaireResponse" | "RiskAssessment" | "DocumentReference") => {
                // What was sent as a report does not stop being one.
                report::keeps_words(resource.body(), before)?;
                duty::check(kind, resource.body(), before)?;
                // Sent by who does not know whose the report is, after somebody has said so.
                let known = if resource.patient().is_none() {
                    patient_of_report(tx, &resource)?
                } else {
                    None
                };
                Ok(match known {
                    Some(patient) => resource.with_element("subject", map::reference("Patient", &patient)),
                    None => resource,
                })
            }
            kind => {
                duty::check(kind, resource.body(), before)?;
                Ok(resource)
            }
        }
    }

    fn stored(
        &self,
        tx: &mut Tx<'_>,
        put: &Put,
        resource: &Value,
        before: Option<&Stored>,
    ) -> Result<(), WriteError> {
        let before = before.filter(|b| !b.deleted).map(Stored::value).transpose()?;
        let was = before.as_ref().and_then(|b| text_at(b, &["status"]));
        let status = text_at(resource, &["status"]);
        match put.kind.as_str() {
            "QuestionnaireResponse" if map::report::is_report(resource) => {
                let patient = subject(resource);
                let known_before = before.as_ref().and_then(|b| subject(b)).is_some();
                match patient {
                    Some(patient) if !known_before => {
                        if before.is_some() {
                            claim_with_report(tx, &put.id, patient)?;
                        }
                        report::notify_supervisors(tx, &put.id, resource, patient)
                    }
                    Some(_) => Ok(()),
                    None => report::notify_of_colleague(tx, &put.id, resource),
                }
            }
            "Composition" if status == Some("final") && was != Some("final") => {
                duty::ask_manager(tx, resource)
            }
            "Task" => task_stored(tx, &put.id, resource, was, status),
            "Appointment" if status == Some("booked") => Ok(duty::tell_hr_of_appointment(tx, resource)?),
            _ => Ok(()),
        }
    }

    fn finished(&self, tx: &mut Tx<'_>, stored: &[Changed]) -> Result<(), DbError> {
        for changed in stored.iter().filter(|c| !c.deleted) {
            match self.after(tx, changed) {
                Ok(()) => {}
                Err(WriteError::Db(error)) => return Err(error),
                // What a person sent is kept even if what should follow from it cannot be made.
                Err(error) => {
                    tracing::error!(%error, kind = changed.kind, id = changed.id, "A consequence was not made")
                }
            }
        }
        Ok(())
    }
}

impl CareHook {
    /// What depends on everything that came together: the Task may be in the same group as its report.
    fn after(self, tx: &mut Tx<'_>, changed: &Changed) -> Result<(), WriteError> {
        if changed.kind != "QuestionnaireResponse" && changed.kind != "RiskAssessment" {
            return Ok(());
        }
        let Some((stored, resource)) = write::live(tx, &changed.kind, &changed.id)? else {
            return Ok(());
        };
        let patient = subject(&resource).map(str::to_owned);
        let patient = patient.as_deref();
        if map::report::is_report(&resource) {
            let Ok(report) = ReportId::parse(&changed.id) else {
                return Ok(());
            };
            queue::ensure_entry(tx, patient, &report)?;
            return if stored.version == 1 {
                raise_by_checks(tx, patient, report.as_str())
            } else {
                Ok(())
            };
        }
        if let ("RiskAssessment", Some(patient)) = (changed.kind.as_str(), patient) {
            symptom::note(tx, &changed.id, &resource, patient)?;
        }
        // Raised once, by the first version: a claim later on is not news about the injury.
        if stored.version != 1 || stored.seq != changed.seq {
            return Ok(());
        }
        if let Some((report, AdditionKind::Worse, _)) = map::report::addition_of(&resource) {
            return queue::raise(tx, patient, report.as_str(), Raise::OneStep);
        }
        if changed.kind == "RiskAssessment" {
            if let Some(patient) = patient {
                claim_answers(tx, &changed.id, patient)?;
            }
            if let Some(report) = report_of_check(tx, &resource)? {
                return raise_by_check(tx, patient, &report, &resource);
            }
        }
        Ok(())
    }
}

fn task_stored(
    tx: &mut Tx<'_>,
    id: &str,
    resource: &Value,
    was: Option<&str>,
    status: Option<&str>,
) -> Result<(), WriteError> {
    match task::kind(resource) {
        Some(TaskKind::DutyDecision) if status == Some("completed") && was != Some("completed") => {
            Ok(duty::tell_hr(tx, resource)?)
        }
        // Somebody has it now: the nurses need not watch it any more.
        Some(TaskKind::ReviewReport) if was == Some("requested") && status != Some("requested") => {
            queue::close_follow_ups(tx, id, resource, TaskKind::Escalation)
        }
        Some(
            TaskKind::DutyDecision
            | TaskKind::ReviewReport
            | TaskKind::SupervisorNotice
            | TaskKind::CallBack
            | TaskKind::Escalation,
        )
        | None => Ok(()),
    }
}

/// The entry in the queue, and what was made with a report, follow it when it is claimed.
fn claim_with_report(tx: &mut Tx<'_>, report: &str, patient: &str) -> Result<(), WriteError> {
    let mut found = table::task::about(tx.conn(), None, &format!("QuestionnaireResponse/{report}"))?;
    for name in table::relation::objects(tx.conn(), RelationKind::OfReport.as_str(), report)? {
        if let Some((kind, id)) = name.split_once('/') {
            found.extend(tx.get(kind, id)?.filter(|stored| !stored.deleted));
        }
    }
    for stored in found {
        claim::claim(tx, &stored, patient, &AuditAgent::service())?;
    }
    Ok(())
}

/// Whose the report is that something belongs to which names no patient itself.
fn patient_of_report(tx: &Tx<'_>, resource: &Prepared) -> Result<Option<String>, DbError> {
    let patient = |kind: &str, id: &str| -> Result<Option<String>, DbError> {
        Ok(tx
            .get(kind, id)?
            .filter(|found| !found.deleted)
            .and_then(|found| found.patient))
    };
    for relation in derive(resource.body()) {
        if relation.kind == RelationKind::OfReport {
            if let Some(patient) = patient("QuestionnaireResponse", &relation.subject)? {
                return Ok(Some(patient));
            }
        }
    }
    // Answers are named by the check that they led to.
    match resource.id().and_then(|id| id.strip_suffix("-answers")) {
        Some(check) if resource.kind() == "QuestionnaireResponse" => patient("RiskAssessment", check),
        _ => Ok(None),
    }
}

/// The answers of a check that came before it, and before anybody knew whose they are.
fn claim_answers(tx: &mut Tx<'_>, check: &str, patient: &str) -> Result<(), WriteError> {
    let answers = tx.get("QuestionnaireResponse", &format!("{check}-answers"))?;
    match answers.filter(|found| !found.deleted) {
        Some(found) => claim::claim(tx, &found, patient, &AuditAgent::service()).map(drop),
        None => Ok(()),
    }
}

/// Checks that came before their report found no entry to raise.
fn raise_by_checks(tx: &mut Tx<'_>, patient: Option<&str>, report: &str) -> Result<(), WriteError> {
    let checks = match patient {
        Some(patient) => table::task::of_patient(tx.conn(), "RiskAssessment", patient)?,
        None => {
            let names = table::relation::objects(tx.conn(), RelationKind::OfReport.as_str(), report)?;
            let ids = names
                .iter()
                .filter_map(|name| name.strip_prefix("RiskAssessment/"));
            let found: Result<Vec<_>, _> = ids.map(|id| tx.get("RiskAssessment", id)).collect();
            found?
                .into_iter()
                .flatten()
                .filter(|stored| !stored.deleted)
                .collect()
        }
    };
    for stored in checks {
        let check = stored.value()?;
        if report_of_check(tx, &check)?.as_deref() == Some(report) {
            raise_by_check(tx, patient, report, &check)?;
        }
    }
    Ok(())
}

fn raise_by_check(
    tx: &mut Tx<'_>,
    patient: Option<&str>,
    report: &str,
    check: &Value,
) -> Result<(), WriteError> {
    match triage::urgency(check).map(Priority::of_urgency) {
        Some(priority) => queue::raise(tx, patient, report, Raise::AtLeast(priority)),
        None => Ok(()),
    }
}

fn subject(resource: &Value) -> Option<&str> {
    map::id_in(resource.get("subject")?, "Patient")
}

/// The report that a symptom check was made for.
fn report_of_check(tx: &Tx<'_>, assessment: &Value) -> Result<Option<String>, DbError> {
    let basis = assessment
        .get("basis")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for reference in basis {
        let Some(id) = map::id_in(reference, "QuestionnaireResponse") else {
            continue;
        };
        let found = write::live(tx, "QuestionnaireResponse", id)?;
        if found.is_some_and(|(_, body)| map::report::is_report(&body)) {
            return Ok(Some(id.to_owned()));
        }
    }
    Ok(None)
}
