//! OperationOutcome: what a server says about a request.

use crate::issue::Issue;
use serde_json::{json, Value};

/// The outcome that lists every mistake found in a resource.
pub fn from_issues(issues: &[Issue]) -> Value {
    let issues: Vec<Value> = issues
        .iter()
        .map(|issue| {
            let mut said =
                json!({ "severity": "error", "code": issue.code.as_fhir(), "diagnostics": issue.detail });
            // What is no resource at all has no path, and FHIR no empty text.
            if !issue.path.is_empty() {
                said["expression"] = json!([issue.path]);
            }
            said
        })
        .collect();
    if issues.is_empty() {
        return single("information", "informational", "no issues found");
    }
    json!({ "resourceType": "OperationOutcome", "issue": issues })
}

/// An outcome with one issue. `severity` is fatal, error, warning or information; `code` is of the
/// value set `issue-type`, such as `not-found`, `conflict`, `forbidden` or `processing`.
pub fn single(severity: &str, code: &str, diagnostics: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": severity, "code": code, "diagnostics": diagnostics }],
    })
}

/// An outcome with one error.
pub fn error(code: &str, diagnostics: &str) -> Value {
    single("error", code, diagnostics)
}
