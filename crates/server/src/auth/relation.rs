//! Who has to do with whom, derived from the resources themselves: access follows care, and ends with it.

use hms_model::map::report;
use hms_model::map::task::{self, TaskKind};
use serde_json::Value;

/// The kinds of relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// A patient (object) has an entry in the clinicians' queue that is not closed. Subject is empty.
    Queue,
    /// A resource (object: its id) is what an open entry of the queue is about. Subject is empty.
    QueueFocus,
    /// A practitioner (subject) has a Task or Encounter with a patient (object).
    Treats,
    /// A patient (object) works at a site (subject: Organization).
    Site,
    /// An organization (object) is part of another (subject).
    PartOf,
    /// A resource (object: `Type/id`) belongs to a report (subject: its id), and names no patient: a check, its
    /// answers, a photo and its bytes, an addition.
    OfReport,
    /// A patient (object) turned out to be another one (subject: `Patient/…`) who goes on: what was written of the first
    /// stays where it is, and is the second one's own, too.
    SamePerson,
    /// A notice (object: its id) about nobody known is for the supervisors of a site (subject: Organization).
    SiteNotice,
}

impl RelationKind {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::QueueFocus => "queue-focus",
            Self::Treats => "treats",
            Self::Site => "site",
            Self::PartOf => "part-of",
            Self::OfReport => "of-report",
            Self::SamePerson => "same-person",
            Self::SiteNotice => "site-notice",
        }
    }
}

/// One relation that a resource states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Kind.
    pub kind: RelationKind,
    /// `Practitioner/…`, `Organization/…`, or empty.
    pub subject: String,
    /// Id of a Patient, or of the resource meant.
    pub object: String,
}

/// The id of the Patient whose compartment a resource is in, `None` for people's directories and places.
#[must_use]
pub fn patient_of(resource: &Value) -> Option<String> {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    if text("resourceType") == Some("Patient") {
        return text("id").map(str::to_owned);
    }
    for element in [
        "subject",
        "patient",
        "for",
        "beneficiary",
        "securityContext",
        "individual",
    ] {
        if let Some(id) = resource.get(element).and_then(|r| local_id(r, "Patient")) {
            return Some(id);
        }
    }
    // Provenance names its patient among what it is about.
    let targets = resource
        .get("target")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    if let Some(id) = targets.into_iter().find_map(|target| local_id(target, "Patient")) {
        return Some(id);
    }
    // Appointment and AppointmentResponse name their patient among the participants.
    let participants = resource
        .get("participant")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    participants
        .filter_map(|p| p.get("actor"))
        .chain(resource.get("actor"))
        .find_map(|actor| local_id(actor, "Patient"))
}

/// The relations that a resource states in this version.
#[must_use]
pub fn derive(resource: &Value) -> Vec<Relation> {
    match resource.get("resourceType").and_then(Value::as_str) {
        Some("Patient") => of_patient(resource),
        Some("Task") => of_task(resource),
        Some("Encounter") => of_encounter(resource),
        Some("Organization") => of_organization(resource),
        Some("RiskAssessment" | "DocumentReference" | "QuestionnaireResponse") => of_report(resource),
        _ => Vec::new(),
    }
}

fn of_patient(patient: &Value) -> Vec<Relation> {
    let id = patient.get("id").and_then(Value::as_str);
    let site = patient
        .get("managingOrganization")
        .and_then(|r| local_id(r, "Organization"));
    let links = patient
        .get("link")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let goes_on_as = links
        .filter(|link| link.get("type").and_then(Value::as_str) == Some("replaced-by"))
        .filter_map(|link| local_id(link.get("other")?, "Patient"))
        .filter_map(|other| relation(RelationKind::SamePerson, Some(format!("Patient/{other}")), id));
    relation(RelationKind::Site, site.map(|s| format!("Organization/{s}")), id)
        .into_iter()
        .chain(goes_on_as)
        .collect()
}

fn of_organization(organization: &Value) -> Vec<Relation> {
    let id = organization.get("id").and_then(Value::as_str);
    let parent = organization
        .get("partOf")
        .and_then(|r| local_id(r, "Organization"));
    relation(
        RelationKind::PartOf,
        parent.map(|p| format!("Organization/{p}")),
        id,
    )
    .into_iter()
    .collect()
}

fn of_task(task: &Value) -> Vec<Relation> {
    // Notices and decisions are for managers; they give nobody a relation of care.
    match task::kind(task) {
        Some(TaskKind::ReviewReport | TaskKind::CallBack | TaskKind::Escalation) => {}
        Some(TaskKind::SupervisorNotice) => return of_notice(task),
        Some(TaskKind::DutyDecision) | None => return Vec::new(),
    }
    let status = task.get("status").and_then(Value::as_str).unwrap_or_default();
    if matches!(status, "cancelled" | "rejected" | "entered-in-error") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let patient = task.get("for").and_then(|r| local_id(r, "Patient"));
    let owner = task.get("owner").and_then(|r| local_id(r, "Practitioner"));
    found.extend(relation(
        RelationKind::Treats,
        owner.map(|o| format!("Practitioner/{o}")),
        patient.as_deref(),
    ));
    if !matches!(status, "completed" | "failed") {
        found.extend(relation(
            RelationKind::Queue,
            Some(String::new()),
            patient.as_deref(),
        ));
        let focus = task
            .get("focus")
            .and_then(|r| local_id(r, "QuestionnaireResponse"));
        found.extend(relation(
            RelationKind::QueueFocus,
            Some(String::new()),
            focus.as_deref(),
        ));
    }
    found
}

/// What was made with a report goes where the report goes, as long as nobody has said whose they are.
fn of_report(resource: &Value) -> Vec<Relation> {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    let (Some(kind), Some(id), None) = (text("resourceType"), text("id"), patient_of(resource)) else {
        return Vec::new();
    };
    let linked = |references: Option<&Value>| -> Vec<String> {
        let references = references.and_then(Value::as_array).into_iter().flatten();
        references
            .filter_map(|r| local_id(r, "QuestionnaireResponse"))
            .collect()
    };
    let name = format!("{kind}/{id}");
    let (reports, names) = match kind {
        "RiskAssessment" => {
            // Its basis is its answers, which lead to no report themselves, and the report.
            let answers = format!("{id}-answers");
            let mut reports = linked(resource.get("basis"));
            reports.retain(|report| *report != answers);
            (reports, vec![name, format!("QuestionnaireResponse/{answers}")])
        }
        "DocumentReference" => {
            let related = resource.get("context").and_then(|c| c.get("related"));
            (linked(related), vec![name, format!("Binary/{id}")])
        }
        _ => {
            let added_to = report::addition_of(resource).map(|(to, _, _)| to.to_string());
            (added_to.into_iter().collect(), vec![name])
        }
    };
    let of =
        |report: &String, name: &String| relation(RelationKind::OfReport, Some(report.clone()), Some(name));
    reports
        .iter()
        .flat_map(|report| names.iter().filter_map(move |name| of(report, name)))
        .collect()
}

/// A notice about somebody known is for the supervisors of their site; another one names its site.
fn of_notice(notice: &Value) -> Vec<Relation> {
    let site = task::notice_site(notice).filter(|_| patient_of(notice).is_none());
    let id = notice.get("id").and_then(Value::as_str);
    relation(
        RelationKind::SiteNotice,
        site.map(|s| format!("Organization/{s}")),
        id,
    )
    .into_iter()
    .collect()
}

fn of_encounter(encounter: &Value) -> Vec<Relation> {
    let status = encounter
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if matches!(status, "cancelled" | "entered-in-error") {
        return Vec::new();
    }
    let patient = encounter.get("subject").and_then(|r| local_id(r, "Patient"));
    let participants = encounter
        .get("participant")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    participants
        .filter_map(|p| local_id(p.get("individual")?, "Practitioner"))
        .filter_map(|p| {
            relation(
                RelationKind::Treats,
                Some(format!("Practitioner/{p}")),
                patient.as_deref(),
            )
        })
        .collect()
}

fn relation(kind: RelationKind, subject: Option<String>, object: Option<&str>) -> Option<Relation> {
    Some(Relation {
        kind,
        subject: subject?,
        object: object?.to_owned(),
    })
}

/// The id in a relative reference of a type, without a version.
fn local_id(reference: &Value, kind: &str) -> Option<String> {
    let text = reference.get("reference")?.as_str()?;
    let id = text.strip_prefix(kind)?.strip_prefix('/')?;
    let id = id.split('/').next().unwrap_or_default();
    (!id.is_empty()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hms_model::map::system;
    use serde_json::json;

    fn review(status: &str) -> Value {
        json!({"resourceType": "Task", "status": status, "for": {"reference": "Patient/dana"},
               "owner": {"reference": "Practitioner/ada"},
               "code": {"coding": [{"system": system::codes("task"), "code": "review-report"}]}})
    }

    fn kinds(resource: &Value) -> Vec<RelationKind> {
        derive(resource).into_iter().map(|r| r.kind).collect()
    }

    #[test]
    fn an_open_task_puts_its_patient_in_the_queue_and_a_closed_one_takes_them_out() {
        assert_eq!(
            kinds(&review("accepted")),
            [RelationKind::Treats, RelationKind::Queue]
        );
        assert_eq!(kinds(&review("completed")), [RelationKind::Treats]);
        assert_eq!(kinds(&review("cancelled")), []);
    }

    #[test]
    fn a_notice_to_the_supervisor_gives_nobody_a_relation_of_care() {
        let mut notice = review("requested");
        notice["code"]["coding"][0]["code"] = json!("supervisor-notice");

        assert_eq!(kinds(&notice), []);
    }

    #[test]
    fn what_was_made_with_a_report_belongs_to_it_until_its_patient_is_known() {
        let mut check = json!({"resourceType": "RiskAssessment", "id": "c", "subject": {"display": "not signed in"},
            "basis": [{"reference": "QuestionnaireResponse/c-answers"}, {"reference": "QuestionnaireResponse/r"}]});
        let objects = |v: &Value| {
            derive(v)
                .into_iter()
                .map(|r| (r.subject, r.object))
                .collect::<Vec<_>>()
        };
        let of = |name: &str| ("r".to_owned(), name.to_owned());
        assert_eq!(
            objects(&check),
            [of("RiskAssessment/c"), of("QuestionnaireResponse/c-answers")]
        );
        let photo = json!({"resourceType": "DocumentReference", "id": "p",
            "context": {"related": [{"reference": "QuestionnaireResponse/r"}]}});
        assert_eq!(objects(&photo), [of("DocumentReference/p"), of("Binary/p")]);

        check["subject"] = json!({"reference": "Patient/dana"});
        assert_eq!(objects(&check), []);
    }

    #[test]
    fn the_patient_of_a_resource_is_found_wherever_its_type_keeps_it() {
        let of = |v: Value| patient_of(&v);
        assert_eq!(
            of(json!({"resourceType": "Patient", "id": "p"})).as_deref(),
            Some("p")
        );
        assert_eq!(
            of(json!({"resourceType": "Task", "for": {"reference": "Patient/p/_history/2"}})).as_deref(),
            Some("p")
        );
        assert_eq!(
            of(json!({"resourceType": "Appointment", "participant": [
                {"actor": {"reference": "Practitioner/x"}}, {"actor": {"reference": "Patient/p"}}]}))
            .as_deref(),
            Some("p")
        );
        assert_eq!(of(json!({"resourceType": "Location", "id": "p"})), None);
    }
}
