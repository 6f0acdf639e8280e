//! References: their form, and the types they may point to.

use super::path::Path;
use super::Check;
use crate::issue::IssueCode;
use crate::references::Link;
use crate::tables::tables;
use serde_json::{Map, Value};

impl Check<'_> {
    /// Checks what a Reference points to, as far as the resource itself can tell.
    pub(super) fn reference(&mut self, map: &Map<String, Value>, targets: &[&str], path: &Path<'_>) {
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        if let Some(name) = text("type") {
            if tables().is_resource_name(name) && !allowed(targets, name) {
                self.refuse(&path.key("type"), IssueCode::Reference, wanted(targets));
            }
        }
        let Some(reference) = text("reference") else {
            return;
        };
        let here = path.key("reference");
        let target = match Link::parse(reference) {
            Some(Link::Contained("")) | Some(Link::Elsewhere) => return,
            Some(Link::Contained(id)) => match self.contained.iter().find(|(known, _)| *known == id) {
                Some((_, name)) => name,
                None => {
                    return self.refuse(
                        &here,
                        IssueCode::Reference,
                        "ref-1: nothing contained has this id",
                    );
                }
            },
            Some(Link::Conditional { .. }) if !self.in_bundle => {
                return self.refuse(
                    &here,
                    IssueCode::Reference,
                    "a conditional reference needs a transaction",
                );
            }
            Some(Link::Conditional { target_type } | Link::Literal { target_type, .. }) => target_type,
            None => {
                return self.refuse(
                    &here,
                    IssueCode::Reference,
                    "must be Type/id, an absolute address, urn:uuid: or #contained",
                );
            }
        };
        if !allowed(targets, target) {
            self.refuse(&here, IssueCode::Reference, wanted(targets));
        }
    }
}

fn allowed(targets: &[&str], name: &str) -> bool {
    targets.is_empty() || targets.contains(&name)
}

fn wanted(targets: &[&str]) -> String {
    format!("must point to {}", targets.join(", "))
}
