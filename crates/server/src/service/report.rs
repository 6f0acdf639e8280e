//! What follows from a report: its number, and the notice to the supervisor.

use super::{cause, write};
use crate::auth::relation::{patient_of, RelationKind};
use crate::db::sqlite::table;
use crate::db::{DbError, Prepared, Stored, Tx, WriteError};
use hms_fhir::{Issue, IssueCode};
use hms_model::ids::{PatientId, TaskId};
use hms_model::map::report::ColleagueNamed;
use hms_model::map::{code_in, report, system, task, text_at};
use hms_model::time::Timestamp;
use serde_json::{json, Value};

/// The first receipt number of a new server.
const FIRST_NUMBER: i64 = 1001;

/// Gives a new report its number; a stored one keeps it, and keeps its words.
///
/// # Errors
/// [`WriteError::Conflict`] where the words of a stored report would change; [`WriteError::Invalid`] for a new one
/// that cannot be read.
pub fn with_number(
    tx: &mut Tx<'_>,
    resource: Prepared,
    before: Option<&Stored>,
) -> Result<Prepared, WriteError> {
    let live = before.filter(|b| !b.deleted).map(Stored::value).transpose()?;
    if live.is_none() {
        can_be_read(resource.body())?;
    }
    let number = match &live {
        Some(live) => {
            if !same_words(live, resource.body()) {
                return Err(WriteError::Conflict {
                    code: "report-is-final",
                });
            }
            live.get("identifier").cloned()
        }
        None => None,
    };
    let number = match number {
        Some(number) => number,
        None => {
            let n = tx.next_number("receipt", FIRST_NUMBER)?;
            let received = Timestamp(tx.now_ms()).to_instant();
            json!({ "system": system::receipt(), "value": format!("HMS-{n}"), "period": { "start": received } })
        }
    };
    let reporter = reporter_with_name(tx, resource.body())?;
    let resource = resource.with_element("identifier", number);
    Ok(match reporter {
        Some(reporter) => resource.with_element("author", reporter),
        None => resource,
    })
}

/// A number is a promise that somebody reads the report: one that no screen could show gets none.
fn can_be_read(resource: &Value) -> Result<(), WriteError> {
    report::from_fhir(resource).map(drop).map_err(|lacks| {
        WriteError::Invalid(vec![Issue {
            path: format!("QuestionnaireResponse.{}", lacks.element),
            code: IssueCode::Required,
            detail: "an injury report needs safe, what, where and when, in the codes of its Questionnaire"
                .to_owned(),
        }])
    })
}

/// Who reported for a colleague, with their name as the service knows it: whoever cares for the colleague can ask them,
/// and has no other way to their record.
fn reporter_with_name(tx: &Tx<'_>, resource: &Value) -> Result<Option<Value>, DbError> {
    let author = resource
        .get("author")
        .filter(|_| report::colleague_named(resource).is_some());
    let Some(id) = author.and_then(|author| hms_model::map::id_in(author, "Patient")) else {
        return Ok(None);
    };
    let mut reporter = hms_model::map::reference("Patient", id);
    if let (Some(name), Some(map)) = (name_of(tx, id)?, reporter.as_object_mut()) {
        map.insert("display".into(), json!(name));
    }
    Ok(Some(reporter))
}

/// Refuses to change the words of what a carrier sent beside a report: additions, a symptom check and its answers.
///
/// # Errors
/// [`WriteError::Conflict`] where they would change.
pub fn keeps_words(resource: &Value, before: Option<&Stored>) -> Result<(), WriteError> {
    let live = before.filter(|b| !b.deleted).map(Stored::value).transpose()?;
    match live {
        Some(live) if is_sent(&live) && !same_words(&live, resource) => Err(WriteError::Conflict {
            code: "report-is-final",
        }),
        Some(_) | None => Ok(()),
    }
}

/// Whether a stored version is what a carrier sent: a report, an addition, a symptom check, its answers.
fn is_sent(resource: &Value) -> bool {
    let check = system::symptom_check("");
    let method = resource.get("method");
    report::is_report(resource)
        || report::is_addition(resource)
        || text_at(resource, &["questionnaire"]).is_some_and(|q| q.starts_with(&check))
        || method.and_then(|m| code_in(m, &system::codes("risk-method"))) == Some("symptom-check")
}

/// Whether two versions say the same; only whose it is, and who wrote it, may become known later.
fn same_words(before: &Value, after: &Value) -> bool {
    let words = |v: &Value| {
        let mut v = v.clone();
        if let Some(map) = v.as_object_mut() {
            for element in ["meta", "identifier", "text"] {
                map.shift_remove(element);
            }
            if patient_of(before).is_none() {
                map.shift_remove("subject");
            }
            if before.get("author").is_none() {
                map.shift_remove("author");
            }
        }
        v
    };
    words(before) == words(after)
}

/// Tells the supervisors of the patient's site: who, when, where.
///
/// # Errors
/// As [`Tx::put`].
pub fn notify_supervisors(
    tx: &mut Tx<'_>,
    report_id: &str,
    resource: &Value,
    patient: &str,
) -> Result<(), WriteError> {
    let Ok(patient_id) = PatientId::parse(patient) else {
        return Ok(());
    };
    let name = name_of(tx, patient)?;
    let managers = managers_of(tx, patient)?;
    tell(tx, report_id, resource, &patient_id, managers, |mut notice| {
        if let (Some(name), Some(person)) = (&name, notice.get_mut("for").and_then(Value::as_object_mut)) {
            person.insert("display".into(), json!(name));
        }
        notice
    })
}

/// Tells of a report for a colleague: the colleague's supervisors where the report says who that is, else the
/// reporter's, who can ask.
///
/// # Errors
/// As [`Tx::put`].
pub fn notify_of_colleague(tx: &mut Tx<'_>, report_id: &str, resource: &Value) -> Result<(), WriteError> {
    let Some(named) = report::colleague_named(resource) else {
        return Ok(());
    };
    if let Some(patient) = identified(tx, &named)? {
        return notify_supervisors(tx, report_id, resource, &patient);
    }
    let reporter = resource
        .get("author")
        .and_then(|author| hms_model::map::id_in(author, "Patient"));
    let Some(reporter) = reporter.and_then(|id| PatientId::parse(id).ok()) else {
        // Made without sign-in: told when somebody claims it.
        return Ok(());
    };
    let name = name_of(tx, reporter.as_str())?.unwrap_or_default();
    let sites = table::relation::subjects(tx.conn(), RelationKind::Site.as_str(), reporter.as_str())?;
    for site in sites.iter().filter_map(|s| s.strip_prefix("Organization/")) {
        let managers = table::task::managers(tx.conn(), site)?;
        tell(tx, report_id, resource, &reporter, managers, |notice| {
            task::about_unknown_colleague(notice, &reporter, &name, site)
        })?;
    }
    Ok(())
}

/// The one person who has a number that was given, if the name that was given fits theirs: a mistyped number must
/// not point at somebody else.
fn identified(tx: &Tx<'_>, named: &ColleagueNamed<'_>) -> Result<Option<String>, DbError> {
    for number in &named.numbers {
        let Some((patient, words)) = with_number_of(tx, number)? else {
            continue;
        };
        let fits = named.names.iter().any(|n| words.contains(&hms_fhir::fold(n)));
        if fits || named.names.is_empty() {
            return Ok(Some(patient));
        }
    }
    Ok(None)
}

/// The one person who has an employee number, with the folded words of their name.
///
/// # Errors
/// A failed statement.
pub fn with_number_of(tx: &Tx<'_>, number: &str) -> Result<Option<(String, Vec<String>)>, DbError> {
    let system = system::codes("employee-number");
    for number in [number.to_owned(), number.to_uppercase()] {
        let found = table::index::with_token(tx.conn(), "Patient", "identifier", &system, &number)?;
        let [patient] = found.as_slice() else {
            continue;
        };
        if let Some(name) = name_of(tx, patient)? {
            let words = name.split_whitespace().map(hms_fhir::fold).collect();
            return Ok(Some((patient.clone(), words)));
        }
    }
    Ok(None)
}

/// Makes a notice for each of these managers; a site without a manager's account still gets its own, so that whoever
/// supervises it next finds it.
fn tell(
    tx: &mut Tx<'_>,
    report_id: &str,
    resource: &Value,
    patient: &PatientId,
    managers: Vec<String>,
    finish: impl Fn(Value) -> Value,
) -> Result<(), WriteError> {
    let happened = text_answer(resource, "when", "valueDateTime");
    let place = text_answer(resource, "place", "valueString").or_else(|| map_text(resource));
    let received = Timestamp(tx.now_ms());
    let happened = happened.unwrap_or_else(|| received.to_instant());
    let owners: Vec<Option<&str>> = if managers.is_empty() {
        vec![None]
    } else {
        managers.iter().map(|m| Some(m.as_str())).collect()
    };
    for owner in owners {
        let Ok(id) = TaskId::parse(&cause::id(
            "supervisor-notice",
            &[report_id, owner.unwrap_or("site")],
        )) else {
            continue;
        };
        let mut notice = task::supervisor_notice(
            &id,
            patient,
            owner.unwrap_or_default(),
            &happened,
            place.as_deref(),
            received,
        );
        if let (None, Some(map)) = (owner, notice.as_object_mut()) {
            map.shift_remove("owner");
        }
        write::make(tx, finish(notice))?;
    }
    Ok(())
}

/// The practitioner ids of the managers of a patient's site.
///
/// # Errors
/// A failed statement.
pub fn managers_of(tx: &Tx<'_>, patient: &str) -> Result<Vec<String>, DbError> {
    let mut managers = Vec::new();
    for site in table::relation::subjects(tx.conn(), RelationKind::Site.as_str(), patient)? {
        if let Some(site) = site.strip_prefix("Organization/") {
            managers.extend(table::task::managers(tx.conn(), site)?);
        }
    }
    Ok(managers)
}

/// The name of a patient as shown to their supervisor.
///
/// # Errors
/// A failed statement.
pub fn name_of(tx: &Tx<'_>, patient: &str) -> Result<Option<String>, DbError> {
    let Some((_, body)) = write::live(tx, "Patient", patient)? else {
        return Ok(None);
    };
    Ok(person_name(&body))
}

/// The first name of a Patient or Practitioner, in one line.
#[must_use]
pub fn person_name(body: &Value) -> Option<String> {
    let name = body.get("name")?.get(0)?;
    if let Some(text) = name.get("text").and_then(Value::as_str) {
        return Some(text.to_owned());
    }
    let given = name
        .get("given")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let parts: Vec<&str> = given.chain(name.get("family").and_then(Value::as_str)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn text_answer(resource: &Value, link: &str, key: &str) -> Option<String> {
    let item = resource
        .get("item")?
        .as_array()?
        .iter()
        .find(|i| i.get("linkId") == Some(&json!(link)))?;
    item.get("answer")?.get(0)?.get(key)?.as_str().map(str::to_owned)
}

/// Position in words, where the phone gave one and the person typed no place.
fn map_text(resource: &Value) -> Option<String> {
    let position = report::from_fhir(resource).ok()?.position?;
    Some(format!("{:.4}, {:.4}", position.latitude, position.longitude))
}
