//! A resource that is checked and indexed, ready to be stored. Preparing needs no database, so it
//! happens outside the one writer.

use crate::auth::relation::{self, Relation};
use hms_fhir::{Issue, IssueCode};
use serde_json::Value;

/// A valid resource with everything that is derived from it.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
    pub(crate) body: Value,
    pub(crate) index: Vec<hms_fhir::IndexEntry>,
    pub(crate) patient: Option<String>,
    pub(crate) relations: Vec<Relation>,
}

/// Types that are exchanged but that nobody stores: audit events are written by the server only, and a
/// subscription that nobody serves would be a promise that is not kept.
const NOT_STORED: [&str; 5] = [
    "AuditEvent",
    "CapabilityStatement",
    "OperationOutcome",
    "Parameters",
    "Subscription",
];

/// Whether clients may store resources of this type.
#[must_use]
pub fn is_stored_type(kind: &str) -> bool {
    hms_fhir::is_known_type(kind) && !NOT_STORED.contains(&kind)
}

impl Prepared {
    /// Checks a resource and derives its index, its patient and its relations.
    ///
    /// # Errors
    /// Every mistake found, with its path.
    pub fn new(body: Value) -> Result<Self, Vec<Issue>> {
        let kind = body
            .get("resourceType")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| {
                vec![issue(
                    "resourceType",
                    IssueCode::Required,
                    "a resource names its type",
                )]
            })?;
        if !is_stored_type(&kind) {
            return Err(vec![issue(
                "resourceType",
                IssueCode::Unknown,
                "this resource type is not kept here",
            )]);
        }
        hms_fhir::validate(&body)?;
        let id = body.get("id").and_then(Value::as_str).map(str::to_owned);
        let index = hms_fhir::index(&body);
        let patient = relation::patient_of(&body);
        let relations = relation::derive(&body);
        Ok(Self {
            kind,
            id,
            body,
            index,
            patient,
            relations,
        })
    }

    /// The resource type.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The id that the sender chose.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The resource.
    #[must_use]
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// The Patient whose compartment it is in.
    #[must_use]
    pub fn patient(&self) -> Option<&str> {
        self.patient.as_deref()
    }

    /// Gives it another id: a server-made one for a create.
    #[must_use]
    pub fn with_id(mut self, id: String) -> Self {
        if self.id.as_deref() == Some(&id) {
            return self;
        }
        // Index and relations may rest on the id (a Patient is its own compartment).
        self = self.with_element("id", Value::String(id.clone()));
        self.id = Some(id);
        self
    }

    /// Sets an element that the server gives, such as a receipt number.
    #[must_use]
    pub fn with_element(mut self, element: &str, value: Value) -> Self {
        if let Some(object) = self.body.as_object_mut() {
            object.insert(element.to_owned(), value);
        }
        self.index = hms_fhir::index(&self.body);
        self.patient = relation::patient_of(&self.body);
        self.relations = relation::derive(&self.body);
        self
    }
}

fn issue(path: &str, code: IssueCode, detail: &str) -> Issue {
    Issue {
        path: path.to_owned(),
        code,
        detail: detail.to_owned(),
    }
}
