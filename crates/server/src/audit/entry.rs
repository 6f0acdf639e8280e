//! One audit event, and its form as a FHIR AuditEvent.

use hms_model::role::Role;
use hms_model::time::Timestamp;
use serde_json::{json, Map, Value};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// Created.
    Create,
    /// Read, searched or listed.
    Read,
    /// Changed.
    Update,
    /// Deleted.
    Delete,
    /// Signed in, refused, administered.
    Execute,
}

impl AuditAction {
    /// The code of AuditEvent.action.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "C",
            Self::Read => "R",
            Self::Update => "U",
            Self::Delete => "D",
            Self::Execute => "E",
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditAgent {
    /// `Patient/…`, `Practitioner/…`, or the account id where there is neither.
    pub reference: String,
    /// Name to show to the person whose record it is.
    pub name: String,
    /// Role; `None` before sign-in.
    pub role: Option<Role>,
    /// Device.
    pub device: Option<String>,
}

impl AuditAgent {
    /// The service itself: jobs and hooks.
    #[must_use]
    pub fn service() -> Self {
        Self {
            reference: "Device/ach-server".to_owned(),
            name: "HMS-ACH server".to_owned(),
            role: None,
            device: None,
        }
    }
}

/// An audit event before it has its time and place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// What was done.
    pub action: AuditAction,
    /// A word for it: `read`, `search-type`, `sign-in`.
    pub subtype: &'static str,
    /// Whether it was allowed and done.
    pub ok: bool,
    /// Who.
    pub agent: AuditAgent,
    /// The Patient concerned.
    pub patient: Option<String>,
    /// `Type/id`, or a type alone for a search.
    pub entity: Option<String>,
    /// How many resources were given out, for a search.
    pub count: Option<usize>,
}

impl AuditEntry {
    /// Id and canonical JSON of the AuditEvent.
    #[must_use]
    pub fn render(&self, now_ms: i64) -> (String, String) {
        let id = crate::random::id();
        let body = hms_fhir::canonical_json(&self.event(&id, now_ms));
        (id, body)
    }

    fn event(&self, id: &str, now_ms: i64) -> Value {
        let (system, kind) = if self.subtype == "sign-in" || self.subtype == "sign-out" {
            ("http://dicom.nema.org/resources/ontology/DCM", "110114")
        } else {
            ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest")
        };
        let mut who = Map::new();
        if self.agent.reference.contains('/') {
            who.insert("reference".to_owned(), json!(self.agent.reference));
        } else {
            who.insert("identifier".to_owned(), json!({"value": self.agent.reference}));
        }
        who.insert("display".to_owned(), json!(self.agent.name));
        let mut agent = Map::new();
        if let Some(role) = self.agent.role {
            agent.insert("role".to_owned(), json!([{"coding": [{"system": format!("{}/CodeSystem/role", hms_model::CANONICAL), "code": role.as_str()}]}]));
        }
        agent.insert("who".to_owned(), Value::Object(who));
        agent.insert("requestor".to_owned(), json!(true));
        if let Some(device) = &self.agent.device {
            agent.insert("network".to_owned(), json!({"address": device, "type": "5"}));
        }
        let mut event = json!({
            "resourceType": "AuditEvent",
            "id": id,
            "type": {"system": system, "code": kind},
            "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": self.subtype}],
            "action": self.action.as_str(),
            "recorded": Timestamp(now_ms).to_instant(),
            "outcome": if self.ok { "0" } else { "4" },
            "agent": [agent],
            "source": {"observer": {"display": "ach-server"}},
        });
        let mut entities = Vec::new();
        if let Some(patient) = &self.patient {
            entities.push(json!({
                "what": {"reference": format!("Patient/{patient}")},
                "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "1"},
                "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"},
            }));
        }
        if let Some(entity) = &self.entity {
            let mut what = Map::new();
            if entity.contains('/') {
                what.insert("what".to_owned(), json!({"reference": entity}));
            } else {
                what.insert("name".to_owned(), json!(entity));
            }
            what.insert(
                "type".to_owned(),
                json!({"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "2"}),
            );
            if let Some(count) = self.count {
                what.insert(
                    "detail".to_owned(),
                    json!([{"type": "count", "valueString": count.to_string()}]),
                );
            }
            entities.push(Value::Object(what));
        }
        if let (false, Some(object)) = (entities.is_empty(), event.as_object_mut()) {
            object.insert("entity".to_owned(), Value::Array(entities));
        }
        event
    }
}
