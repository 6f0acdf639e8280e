//! What a person may hold on a device: what the policy lets them read, narrowed to their own work.

use crate::auth::policy::{self, Action, Standing};
use crate::auth::relation::{derive, patient_of, Relation, RelationKind};
use crate::auth::standing::is_unclaimed;
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::sqlite::table::feed::LiveRow;
use crate::db::DbError;
use hms_model::map::task::{self, TaskKind};
use hms_model::role::Role;
use rusqlite::Connection;
use serde_json::Value;
use std::collections::HashMap;

/// Directory resources that a device needs offline: names, and where to send someone.
const DIRECTORY_ON_DEVICE: [&str; 3] = ["Practitioner", "Organization", "Location"];

/// How an actor stands to a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// It is the actor.
    pub own: bool,
    /// The actor has or had a Task or Encounter with them.
    pub treating: bool,
    /// They have an open entry in the queue.
    pub queue: bool,
    /// They work in the actor's district.
    pub district: bool,
    /// They work at the actor's site.
    pub site: bool,
}

impl Facts {
    /// Every way to stand to a patient: what might have been seen once the patient was in scope.
    pub const ALL: Self = Self {
        own: true,
        treating: true,
        queue: true,
        district: true,
        site: true,
    };

    /// Whether a device of this role holds anything of the patient.
    #[must_use]
    pub fn any(self, role: Role) -> bool {
        match role {
            Role::Carrier => self.own,
            Role::Clinician => self.treating || self.queue,
            Role::Nurse => self.district,
            Role::Manager => self.site,
            Role::Hr | Role::Compliance | Role::Administrator | Role::System => false,
        }
    }
}

/// What one actor may hold on a device, with what was looked up already.
pub struct Scope<'a> {
    conn: &'a Connection,
    actor: &'a Actor,
    now: HashMap<String, Facts>,
}

impl<'a> Scope<'a> {
    /// The scope of an actor, as the database is now.
    #[must_use]
    pub fn new(conn: &'a Connection, actor: &'a Actor) -> Self {
        Self {
            conn,
            actor,
            now: HashMap::new(),
        }
    }

    /// How the actor stands to a patient now.
    ///
    /// # Errors
    /// A failed statement.
    pub fn facts(&mut self, patient: &str) -> Result<Facts, DbError> {
        if let Some(known) = self.now.get(patient) {
            return Ok(*known);
        }
        let holds = |kind: RelationKind, subject: &str| {
            table::relation::holds(self.conn, kind.as_str(), subject, patient)
        };
        let mut facts = Facts {
            own: self.is_self(patient),
            ..Facts::default()
        };
        match self.actor.role {
            Role::Clinician => {
                let subject = self.actor.fhir.clone().unwrap_or_default();
                facts.treating = holds(RelationKind::Treats, &subject)?;
                facts.queue = holds(RelationKind::Queue, "")?;
            }
            Role::Nurse | Role::Manager => {
                let sites = table::relation::subjects(self.conn, RelationKind::Site.as_str(), patient)?;
                for site in sites {
                    facts.site |= self.is_own_site(&site);
                    facts.district |= self.in_district(&site)?;
                }
            }
            Role::Carrier => {
                let me = self.actor.fhir.as_deref().unwrap_or_default();
                facts.own = facts.own || holds(RelationKind::SamePerson, me)?;
            }
            Role::Hr | Role::Compliance | Role::Administrator | Role::System => {}
        }
        self.now.insert(patient.to_owned(), facts);
        Ok(facts)
    }

    /// Whether a device of the actor held or should have held anything of a patient at any moment since `seq`,
    /// and whether at every one.
    ///
    /// # Errors
    /// A failed statement or a damaged body.
    pub fn held_since(&self, patient: &str, seq: i64) -> Result<Held, DbError> {
        let role = self.actor.role;
        if role == Role::Carrier {
            let own = self.is_self(patient);
            let me = self.actor.fhir.as_deref().unwrap_or_default();
            if own || !table::feed::ever_named(self.conn, "Patient", patient, me)? {
                return Ok(Held {
                    ever: own,
                    always: own,
                });
            }
        }
        let mut current: HashMap<i64, Vec<Relation>> = HashMap::new();
        let mut held: Option<Held> = None;
        let mut note = |facts: Facts| {
            let now = facts.any(role);
            let before = held.unwrap_or(Held {
                ever: false,
                always: true,
            });
            held = Some(Held {
                ever: before.ever || now,
                always: before.always && now,
            });
        };
        let mut started = false;
        for (at, key, body) in table::feed::deciding_versions(self.conn, patient)? {
            if at > seq && !started {
                started = true;
                note(self.facts_of(patient, &current)?);
            }
            let body: Option<Value> = body
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(DbError::Body)?;
            current.insert(key, body.as_ref().map(derive).unwrap_or_default());
            if at > seq {
                note(self.facts_of(patient, &current)?);
            }
        }
        if !started {
            note(self.facts_of(patient, &current)?);
        }
        Ok(held.unwrap_or(Held {
            ever: false,
            always: false,
        }))
    }

    fn facts_of(&self, patient: &str, stated: &HashMap<i64, Vec<Relation>>) -> Result<Facts, DbError> {
        let mut facts = Facts {
            own: self.is_self(patient),
            ..Facts::default()
        };
        let me = self.actor.fhir.as_deref().unwrap_or_default();
        for relation in stated.values().flatten().filter(|r| r.object == patient) {
            match relation.kind {
                RelationKind::Treats => facts.treating |= relation.subject == me,
                RelationKind::Queue => facts.queue = true,
                RelationKind::SamePerson => facts.own |= relation.subject == me,
                RelationKind::Site => {
                    facts.site |= self.is_own_site(&relation.subject);
                    facts.district |= self.in_district(&relation.subject)?;
                }
                RelationKind::QueueFocus
                | RelationKind::PartOf
                | RelationKind::OfReport
                | RelationKind::SiteNotice => {}
            }
        }
        Ok(facts)
    }

    /// Whether a resource belongs on the actor's device, given how the actor stands to its patient.
    ///
    /// # Errors
    /// A failed statement.
    pub fn holds(
        &mut self,
        kind: &str,
        id: &str,
        body: &Value,
        facts: Option<Facts>,
    ) -> Result<bool, DbError> {
        let granted = policy::granted(self.actor, Action::Read, kind);
        if granted.is_empty() || self.online_only(kind) {
            return Ok(false);
        }
        let Some(patient) = patient_of(body) else {
            return self.holds_without_patient(kind, id, body, &granted);
        };
        let facts = match facts {
            Some(facts) => facts,
            None => self.facts(&patient)?,
        };
        if !facts.any(self.actor.role) {
            return Ok(false);
        }
        let draft = kind == "Composition" && body.get("status").and_then(Value::as_str) != Some("final");
        let for_managers = kind == "Task"
            && matches!(
                task::kind(body),
                Some(TaskKind::SupervisorNotice | TaskKind::DutyDecision)
            );
        Ok(stands(facts, &granted, draft, for_managers))
    }

    /// As [`Self::holds`] of a resource as it is now; its body is read only where it decides.
    ///
    /// # Errors
    /// A failed statement or a damaged body.
    pub fn holds_row(&mut self, row: &LiveRow) -> Result<bool, DbError> {
        let granted = policy::granted(self.actor, Action::Read, &row.kind);
        if granted.is_empty() || self.online_only(&row.kind) {
            return Ok(false);
        }
        let facts = match &row.patient {
            Some(patient) => Some(self.facts(patient)?),
            None => None,
        };
        let decides = match (facts, row.kind.as_str()) {
            (Some(facts), _) if !facts.any(self.actor.role) => return Ok(false),
            (Some(_), kind) => matches!(kind, "Composition" | "Task"),
            (None, kind) => kind != "Binary" && !DIRECTORY_ON_DEVICE.contains(&kind),
        };
        if let (Some(facts), false) = (facts, decides) {
            return Ok(stands(facts, &granted, false, false));
        }
        let body = if decides {
            let text = table::feed::body(self.conn, row.seq)?.unwrap_or_default();
            serde_json::from_str(&text).map_err(DbError::Body)?
        } else {
            Value::Null
        };
        self.holds(&row.kind, &row.id, &body, facts)
    }

    fn holds_without_patient(
        &mut self,
        kind: &str,
        id: &str,
        body: &Value,
        granted: &[Standing],
    ) -> Result<bool, DbError> {
        match kind {
            "Task" if task::notice_site(body).is_some() => Ok(granted.contains(&Standing::SiteNotice)
                && task::notice_site(body) == self.actor.site.as_deref()),
            // A report that nobody has claimed yet, its entry in the queue, and what was made with it.
            "Task" | "QuestionnaireResponse" | "RiskAssessment" | "DocumentReference" => {
                Ok(granted.contains(&Standing::Unclaimed) && is_unclaimed(self.conn, kind, id, body)?)
            }
            // The bytes of a photo go where its description goes.
            "Binary" => {
                let Some(described) =
                    table::resource::get(self.conn, "DocumentReference", id)?.filter(|d| !d.deleted)
                else {
                    return Ok(false);
                };
                self.holds("DocumentReference", id, &described.value()?, None)
            }
            // Packs of the symptom checker and their recalls; forms in general are read online.
            "Questionnaire" => {
                Ok(granted.contains(&Standing::General) && hms_model::map::pack::is_release(body))
            }
            _ => Ok(granted.contains(&Standing::General) && DIRECTORY_ON_DEVICE.contains(&kind)),
        }
    }

    /// Whether something of a type is never kept on a device of this role. Spares reading its body.
    #[must_use]
    pub fn online_only(&self, kind: &str) -> bool {
        match self.actor.role {
            Role::Carrier | Role::Clinician | Role::Manager => false,
            // A district's photos are read one at a time.
            Role::Nurse => kind == "Binary",
            Role::Hr | Role::Compliance | Role::Administrator | Role::System => true,
        }
    }

    /// Whether a device of the actor holds resources of a type while nobody knows whose they are.
    #[must_use]
    pub fn sees_unclaimed(&self, kind: &str) -> bool {
        policy::granted(self.actor, Action::Read, kind).contains(&Standing::Unclaimed)
            && !self.online_only(kind)
    }

    /// The actor's role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.actor.role
    }

    fn is_self(&self, patient: &str) -> bool {
        self.actor.patient().is_some_and(|own| own.as_str() == patient)
    }

    fn is_own_site(&self, site: &str) -> bool {
        self.actor
            .site
            .as_deref()
            .is_some_and(|own| site.strip_prefix("Organization/") == Some(own))
    }

    fn in_district(&self, site: &str) -> Result<bool, DbError> {
        let Some(district) = self.actor.district.as_ref().map(|d| format!("Organization/{d}")) else {
            return Ok(false);
        };
        let id = site.strip_prefix("Organization/").unwrap_or_default();
        Ok(site == district
            || table::relation::holds(self.conn, RelationKind::PartOf.as_str(), &district, id)?)
    }
}

/// Whether one of the ways in which somebody stands to a patient is one of those that were granted.
fn stands(facts: Facts, granted: &[Standing], draft: bool, for_managers: bool) -> bool {
    let standings = [
        (facts.own && draft, Standing::OwnDraft),
        (facts.own && !draft, Standing::Own),
        (facts.treating, Standing::Treating),
        (facts.queue, Standing::Queue),
        (facts.district, Standing::District),
        (facts.site && for_managers, Standing::SiteNotice),
    ];
    standings
        .iter()
        .any(|(stands, standing)| *stands && granted.contains(standing))
}

/// Whether a patient's data was in scope over a stretch of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// At some moment.
    pub ever: bool,
    /// At every moment.
    pub always: bool,
}
