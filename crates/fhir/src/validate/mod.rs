//! Checks a resource against its R4 definition.

mod invariant;
mod path;
mod reference;
mod walk;
pub(crate) mod xhtml;

pub(crate) use invariant::{rule_for, Rule};

use crate::issue::{Issue, IssueCode};
use crate::tables::tables;
use path::Path;
use serde_json::Value;

/// A resource with more mistakes than this is hopeless; a flood of them must not fill the memory.
const MAX_ISSUES: usize = 100;

/// Checks a resource against its R4 definition.
///
/// Covers unknown elements, cardinality, lists and objects, the form of primitives, choices,
/// required codes, references and their targets, contained resources, extensions, narrative, and
/// the rules in `invariant.rs`. A code in a value set that is not *required* is not looked up.
///
/// # Errors
/// Every mistake found (up to 100), each with its exact path, in the order of the document.
pub fn validate(resource: &Value) -> Result<(), Vec<Issue>> {
    let mut check = Check::new();
    let name = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match tables().resource(name) {
        Some(def) => check.resource(resource, &Path::Root(def.name), walk::Place::Top),
        None => check.resource(resource, &Path::Root(""), walk::Place::Top),
    }
    if check.issues.is_empty() {
        Ok(())
    } else {
        Err(check.issues)
    }
}

/// One pass over a resource.
struct Check<'v> {
    issues: Vec<Issue>,
    /// Id and type of the resources contained in the one being checked.
    contained: Vec<(&'v str, &'v str)>,
    /// Whether a conditional reference (`Patient?identifier=…`) may stand: in a transaction only.
    in_bundle: bool,
}

impl Check<'_> {
    fn new() -> Self {
        Check {
            issues: Vec::new(),
            contained: Vec::new(),
            in_bundle: false,
        }
    }

    fn refuse(&mut self, path: &Path<'_>, code: IssueCode, detail: impl Into<String>) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue {
                path: path.to_string(),
                code,
                detail: detail.into(),
            });
        }
    }

    fn full(&self) -> bool {
        self.issues.len() >= MAX_ISSUES
    }
}
