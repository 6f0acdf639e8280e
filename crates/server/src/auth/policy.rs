//! The access policy: one table of rules, one pure decision. What no rule allows is refused.

use super::actor::Actor;
use super::relation::patient_of;
use hms_model::map::task::{self, TaskKind};
use hms_model::role::Role;
use serde_json::Value;

/// What is to be done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read, search, and read of earlier versions.
    Read,
    /// Make a new one.
    Create,
    /// Store a new version.
    Update,
    /// Delete.
    Delete,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 4] = [Self::Read, Self::Create, Self::Update, Self::Delete];
}

/// How an actor stands to a resource. Several may hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is about the actor.
    Own,
    /// It is about the actor, and a clinician has not finished writing it.
    OwnDraft,
    /// The actor wrote it about somebody else.
    Author,
    /// The actor has, or had, a Task or Encounter with its patient.
    Treating,
    /// Its patient has an open entry in the clinicians' queue.
    Queue,
    /// It is an open entry of the queue, the report that one is about, or was made with that report, and nobody
    /// knows yet whose it is.
    Unclaimed,
    /// Its patient works in the actor's district.
    District,
    /// It is a notice or decision for the actor's site.
    SiteNotice,
    /// It is about nobody: places, practitioners, questionnaires.
    General,
    /// None of these.
    Unrelated,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 10] = [
        Self::Own,
        Self::OwnDraft,
        Self::Author,
        Self::Treating,
        Self::Queue,
        Self::Unclaimed,
        Self::District,
        Self::SiteNotice,
        Self::General,
        Self::Unrelated,
    ];
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A rule allows it.
    Allow,
    /// No rule allows it.
    Deny,
}

struct Rule {
    role: Role,
    actions: &'static [Action],
    kinds: &'static [&'static str],
    standings: &'static [Standing],
}

const READ: &[Action] = &[Action::Read];
const CREATE: &[Action] = &[Action::Create];
const WRITE: &[Action] = &[Action::Create, Action::Update];

/// About places, people of the service and shared definitions; nothing about a patient.
const DIRECTORY: &[&str] = &[
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "HealthcareService",
    "Questionnaire",
    "Schedule",
    "Slot",
    "ValueSet",
    "CodeSystem",
];
/// What a chart is made of.
const CHART: &[&str] = &[
    "Patient",
    "QuestionnaireResponse",
    "Task",
    "DocumentReference",
    "Binary",
    "RiskAssessment",
    "Encounter",
    "Composition",
    "ServiceRequest",
    "Appointment",
    "Observation",
    "AllergyIntolerance",
    "MedicationStatement",
    "Condition",
    "Immunization",
    "Procedure",
    "DiagnosticReport",
    "Communication",
    "Consent",
    "Provenance",
    "Flag",
    "RelatedPerson",
];
/// What a carrier sends.
const CARRIER_SENDS: &[&str] = &[
    "QuestionnaireResponse",
    "Task",
    "DocumentReference",
    "Binary",
    "RiskAssessment",
    "Communication",
    "Consent",
];
/// What a carrier sends about a colleague. They do not get to read it afterwards.
const CARRIER_SENDS_FOR_OTHERS: &[&str] = &[
    "QuestionnaireResponse",
    "Task",
    "DocumentReference",
    "RiskAssessment",
];
/// What a clinician writes.
const CLINICIAN_WRITES: &[&str] = &[
    "Encounter",
    "Composition",
    "ServiceRequest",
    "Appointment",
    "Observation",
    "AllergyIntolerance",
    "MedicationStatement",
    "Condition",
    "Task",
    "Communication",
    "DocumentReference",
    "Binary",
    "RiskAssessment",
    "QuestionnaireResponse",
];
/// What a nurse writes.
const NURSE_WRITES: &[&str] = &["Task", "Communication", "Observation", "Appointment"];

/// All rules. A role that reads in a standing also finds in searches what stands so.
const RULES: &[Rule] = &[
    rule(Role::Carrier, READ, CHART, &[Standing::Own]),
    rule(Role::Carrier, READ, &["AuditEvent"], &[Standing::Own]),
    rule(Role::Carrier, READ, DIRECTORY, &[Standing::General]),
    rule(Role::Carrier, CREATE, CARRIER_SENDS, &[Standing::Own]),
    // Who settled which of two versions.
    rule(Role::Carrier, CREATE, &["Provenance"], &[Standing::Own]),
    rule(
        Role::Clinician,
        CREATE,
        &["Provenance"],
        &[Standing::Treating, Standing::Queue],
    ),
    rule(Role::Nurse, CREATE, &["Provenance"], &[Standing::District]),
    rule(
        Role::Carrier,
        CREATE,
        CARRIER_SENDS_FOR_OTHERS,
        &[Standing::Author],
    ),
    // The bytes of a colleague's photo: nothing in them says whose they are.
    rule(Role::Carrier, CREATE, &["Binary"], &[Standing::General]),
    rule(
        Role::Clinician,
        READ,
        CHART,
        &[Standing::Treating, Standing::Queue, Standing::Unclaimed],
    ),
    rule(Role::Clinician, READ, DIRECTORY, &[Standing::General]),
    rule(
        Role::Clinician,
        WRITE,
        CLINICIAN_WRITES,
        &[Standing::Treating, Standing::Queue, Standing::Unclaimed],
    ),
    rule(Role::Clinician, CREATE, &["Binary"], &[Standing::General]),
    rule(Role::Nurse, READ, CHART, &[Standing::District]),
    rule(
        Role::Nurse,
        READ,
        &[
            "Task",
            "QuestionnaireResponse",
            "RiskAssessment",
            "DocumentReference",
            "Binary",
        ],
        &[Standing::Unclaimed],
    ),
    rule(Role::Nurse, READ, DIRECTORY, &[Standing::General]),
    rule(Role::Nurse, WRITE, NURSE_WRITES, &[Standing::District]),
    rule(Role::Manager, READ, &["Task"], &[Standing::SiteNotice]),
    rule(
        Role::Manager,
        &[Action::Update],
        &["Task"],
        &[Standing::SiteNotice],
    ),
    rule(Role::Manager, READ, DIRECTORY, &[Standing::General]),
    rule(Role::Compliance, READ, &["AuditEvent"], &Standing::ALL),
    rule(Role::Administrator, READ, DIRECTORY, &[Standing::General]),
];

const fn rule(
    role: Role,
    actions: &'static [Action],
    kinds: &'static [&'static str],
    standings: &'static [Standing],
) -> Rule {
    Rule {
        role,
        actions,
        kinds,
        standings,
    }
}

/// Whether an actor may do something with a resource of a type in which they have these standings.
#[must_use]
pub fn allow(actor: &Actor, action: Action, kind: &str, standings: &[Standing]) -> Decision {
    let granted = granted(actor, action, kind);
    if standings.iter().any(|standing| granted.contains(standing)) {
        Decision::Allow
    } else {
        Decision::Deny
    }
}

/// The standings in which an actor may do something with resources of a type: what a search is narrowed to.
#[must_use]
pub fn granted(actor: &Actor, action: Action, kind: &str) -> Vec<Standing> {
    if actor.role == Role::System {
        let may = actor.scopes.iter().any(|scope| scope_allows(scope, action, kind));
        return if may { Standing::ALL.to_vec() } else { Vec::new() };
    }
    let mut found = Vec::new();
    let rules = RULES.iter().filter(|r| r.role == actor.role);
    for rule in rules.filter(|r| r.actions.contains(&action) && r.kinds.contains(&kind)) {
        for standing in rule.standings {
            if !found.contains(standing) {
                found.push(*standing);
            }
        }
    }
    found
}

/// SMART v2 scopes of system accounts: `system/Observation.rs`, `system/*.cruds`.
fn scope_allows(scope: &str, action: Action, kind: &str) -> bool {
    let Some((of, letters)) = scope.strip_prefix("system/").and_then(|s| s.split_once('.')) else {
        return false;
    };
    let letters = letters.split('?').next().unwrap_or_default();
    let wanted: &[char] = match action {
        Action::Read => &['r', 's'],
        Action::Create => &['c'],
        Action::Update => &['u'],
        Action::Delete => &['d'],
    };
    (of == "*" || of == kind) && !scope.contains('?') && wanted.iter().all(|w| letters.contains(*w))
}

/// Rules about content, beyond type and standing: what must not be written although its type may be.
///
/// `before` is the version that is replaced or deleted; `after` is the new one, `None` for a deletion.
#[must_use]
pub fn content_allowed(actor: &Actor, kind: &str, before: Option<&Value>, after: Option<&Value>) -> Decision {
    let status = |v: &Value| v.get("status").and_then(Value::as_str).map(str::to_owned);
    // Signed is signed, for everybody: additions are resources of their own.
    if kind == "Composition" && before.and_then(status).as_deref() == Some("final") {
        return Decision::Deny;
    }
    // Whose it is stays; where nobody knows, the service is asked (service/identify.rs) and not overwritten.
    if let (Some(before), Some(after)) = (before, after) {
        let moves = patient_of(after) != patient_of(before) || after.get("focus") != before.get("focus");
        let from_nobody = actor.role == Role::System && patient_of(before).is_none();
        if moves && !from_nobody {
            return Decision::Deny;
        }
    }
    let fine = match (actor.role, kind, after) {
        (Role::Carrier, _, Some(after)) if !names_nobody_else(actor, after) => false,
        // Nobody cares for nobody: what is about no patient comes from those who report.
        (Role::Clinician | Role::Nurse, kind, Some(after))
            if kind != "Binary" && is_of_nobody(before, after) =>
        {
            false
        }
        // What somebody did is said by themselves, once.
        (Role::Carrier | Role::Clinician | Role::Nurse, "Provenance", after) => {
            before.is_none() && after.is_some_and(|after| is_by(after, actor.fhir.as_deref()))
        }
        (Role::Carrier, "Task", Some(after)) => {
            task::kind(after) == Some(TaskKind::ReviewReport)
                && status(after).as_deref() == Some("requested")
                && after.get("owner").is_none()
        }
        // Notices and decisions are the service's and the managers': who recommends does not decide.
        (Role::Clinician | Role::Nurse, "Task", Some(after)) => {
            !before.is_some_and(is_for_managers) && !is_for_managers(after)
        }
        (Role::Clinician, "Composition", Some(after)) => {
            let signed = after.get("attester").is_some()
                || matches!(status(after).as_deref(), Some("final" | "amended"));
            !signed || signed_by(after, actor.fhir.as_deref())
        }
        (Role::Manager, "Task", Some(after)) => before.is_some_and(|before| {
            only_differs_in(
                before,
                after,
                &[
                    "status",
                    "output",
                    "owner",
                    "lastModified",
                    "executionPeriod",
                    "meta",
                ],
            )
        }),
        _ => true,
    };
    if fine {
        Decision::Allow
    } else {
        Decision::Deny
    }
}

/// Whether a person signed, nobody beside them, and what they signed bears their name.
fn signed_by(composition: &Value, person: Option<&str>) -> bool {
    let list = |element: &str| composition.get(element).and_then(Value::as_array);
    let (Some(person), Some(attesters), Some(authors)) = (person, list("attester"), list("author")) else {
        return false;
    };
    let party = |a: &Value| a.get("party")?.get("reference")?.as_str().map(str::to_owned);
    let is_person = |r: &Value| r.get("reference").and_then(Value::as_str) == Some(person);
    !attesters.is_empty()
        && attesters.iter().all(|a| party(a).as_deref() == Some(person))
        && !authors.is_empty()
        && authors.iter().all(is_person)
}

/// Whether a Provenance names this person as its only agent.
fn is_by(provenance: &Value, person: Option<&str>) -> bool {
    let agents = provenance.get("agent").and_then(Value::as_array);
    let is_person = |agent: &Value| {
        let who = agent
            .get("who")
            .and_then(|who| who.get("reference"))
            .and_then(Value::as_str);
        who.is_some() && who == person && agent.get("onBehalfOf").is_none()
    };
    agents.is_some_and(|agents| agents.len() == 1 && agents.iter().all(is_person))
}

/// Elements that say who is meant, and who speaks.
const PERSON_ELEMENTS: [&str; 12] = [
    "subject",
    "for",
    "patient",
    "author",
    "source",
    "requester",
    "performer",
    "sender",
    "authenticator",
    "recorder",
    "asserter",
    "owner",
];

/// A carrier sends in their own name, or for a colleague whom only the words of the report name.
fn names_nobody_else(actor: &Actor, resource: &Value) -> bool {
    let is_own = |r: &Value| match r.get("reference") {
        Some(reference) => reference.as_str() == actor.fhir.as_deref() && r.get("identifier").is_none(),
        None => r.get("identifier").is_none(),
    };
    let named = patient_of(resource);
    let nobody_else = named.is_none() || named.as_deref() == actor.patient().as_ref().map(|own| own.as_str());
    nobody_else
        && PERSON_ELEMENTS.iter().all(|element| match resource.get(element) {
            Some(Value::Array(list)) => list.iter().all(is_own),
            // Consent.performer and the like are references; a word or a code names nobody.
            Some(one) => is_own(one),
            None => true,
        })
}

/// Whether something new names no patient.
fn is_of_nobody(before: Option<&Value>, after: &Value) -> bool {
    before.is_none() && patient_of(after).is_none()
}

fn is_for_managers(resource: &Value) -> bool {
    matches!(
        task::kind(resource),
        Some(TaskKind::SupervisorNotice | TaskKind::DutyDecision)
    )
}

fn only_differs_in(before: &Value, after: &Value, free: &[&str]) -> bool {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return false;
    };
    before
        .keys()
        .chain(after.keys())
        .filter(|key| !free.contains(&key.as_str()))
        .all(|key| before.get(key) == after.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hms_model::ids::UserId;
    use serde_json::json;

    fn actor(role: Role) -> Actor {
        Actor {
            user: UserId::parse("u").expect("id"),
            name: "Ada".to_owned(),
            role,
            fhir: Some("Practitioner/ada".to_owned()),
            site: None,
            district: None,
            device: None,
            scopes: Vec::new(),
            family: String::new(),
        }
    }

    #[test]
    fn nobody_without_a_rule_gets_anything() {
        for role in [Role::Hr, Role::System] {
            for kind in CHART.iter().chain(DIRECTORY).chain(&["AuditEvent"]) {
                for action in Action::ALL {
                    assert_eq!(
                        allow(&actor(role), action, kind, &Standing::ALL),
                        Decision::Deny,
                        "{role:?} {kind}"
                    );
                }
            }
        }
    }

    #[test]
    fn only_compliance_and_the_person_read_the_audit() {
        for role in Role::ALL {
            let may = granted(&actor(role), Action::Read, "AuditEvent");
            match role {
                Role::Compliance => assert_eq!(may.len(), Standing::ALL.len()),
                Role::Carrier => assert_eq!(may, [Standing::Own]),
                _ => assert!(may.is_empty(), "{role:?}"),
            }
        }
    }

    #[test]
    fn managers_administrators_and_hr_reach_no_chart() {
        for role in [Role::Manager, Role::Administrator, Role::Hr, Role::Compliance] {
            for kind in CHART.iter().filter(|k| **k != "Task") {
                assert!(
                    granted(&actor(role), Action::Read, kind).is_empty(),
                    "{role:?} {kind}"
                );
            }
        }
    }

    #[test]
    fn a_system_account_has_its_scopes_and_no_more() {
        let mut lab = actor(Role::System);
        lab.scopes = vec![
            "system/Observation.rs".to_owned(),
            "system/Patient.cruds?name=x".to_owned(),
        ];

        assert_eq!(
            allow(&lab, Action::Read, "Observation", &[Standing::Unrelated]),
            Decision::Allow
        );
        assert_eq!(
            allow(&lab, Action::Create, "Observation", &[Standing::Unrelated]),
            Decision::Deny
        );
        assert_eq!(
            allow(&lab, Action::Read, "Patient", &[Standing::Unrelated]),
            Decision::Deny
        );
    }

    #[test]
    fn what_is_signed_is_never_changed() {
        let signed = json!({"resourceType": "Composition", "status": "final"});
        for role in Role::ALL {
            assert_eq!(
                content_allowed(&actor(role), "Composition", Some(&signed), None),
                Decision::Deny
            );
            assert_eq!(
                content_allowed(&actor(role), "Composition", Some(&signed), Some(&signed)),
                Decision::Deny
            );
        }
    }

    #[test]
    fn a_clinician_signs_only_in_their_own_name() {
        let by = |who: &str| {
            let person = json!({"reference": who});
            json!({"status": "final", "subject": {"reference": "Patient/p"}, "author": [person], "attester": [{"mode": "legal", "party": person}]})
        };
        let ada = actor(Role::Clinician);

        assert_eq!(
            content_allowed(&ada, "Composition", None, Some(&by("Practitioner/ada"))),
            Decision::Allow
        );
        assert_eq!(
            content_allowed(&ada, "Composition", None, Some(&by("Practitioner/bo"))),
            Decision::Deny
        );
    }

    #[test]
    fn a_manager_decides_but_does_not_rewrite_the_advice() {
        let before = json!({"status": "requested", "input": [1]});
        let decided = json!({"status": "completed", "input": [1], "output": [2]});
        let rewritten = json!({"status": "completed", "input": [3]});
        let boss = actor(Role::Manager);

        assert_eq!(
            content_allowed(&boss, "Task", Some(&before), Some(&decided)),
            Decision::Allow
        );
        assert_eq!(
            content_allowed(&boss, "Task", Some(&before), Some(&rewritten)),
            Decision::Deny
        );
    }
}
