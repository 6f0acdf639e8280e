//! JSON Patch (RFC 6902), with bounds: a few lines of it could otherwise grow a resource without end.

use super::Problem;
use json_patch::PatchOperation;
use serde_json::Value;

/// Operations of one patch at most.
const OPERATIONS_AT_MOST: usize = 1000;
/// A patched resource is no larger than one that can be sent, in bytes of JSON.
const RESULT_AT_MOST: usize = crate::routes::fhir::MAX_BODY;

/// A patch that was read.
#[derive(Debug, Clone)]
pub struct JsonPatch(Vec<PatchOperation>);

impl JsonPatch {
    /// Reads a patch.
    ///
    /// # Errors
    /// [`Problem::Bad`] where it is no JSON Patch, or too long.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let operations: Vec<PatchOperation> = serde_json::from_slice(body).map_err(|error| {
            Problem::Bad(format!(
                "not a JSON Patch: line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        if operations.len() > OPERATIONS_AT_MOST {
            return Err(Problem::Bad(format!(
                "a patch has at most {OPERATIONS_AT_MOST} operations"
            )));
        }
        Ok(Self(operations))
    }

    /// The resource after all operations.
    ///
    /// # Errors
    /// [`Problem::Patch`] where one cannot be carried out.
    pub fn apply(&self, mut resource: Value) -> Result<Value, Problem> {
        for operation in &self.0 {
            json_patch::patch(&mut resource, std::slice::from_ref(operation)).map_err(|_| {
                Problem::Patch(match operation {
                    PatchOperation::Test(_) => "a test of the patch does not hold",
                    PatchOperation::Add(_)
                    | PatchOperation::Remove(_)
                    | PatchOperation::Replace(_)
                    | PatchOperation::Move(_)
                    | PatchOperation::Copy(_) => "a path of the patch leads nowhere",
                })
            })?;
            // Only a copy makes more than the patch itself brings, and each may double it.
            if matches!(operation, PatchOperation::Copy(_)) && resource.to_string().len() > RESULT_AT_MOST {
                return Err(Problem::Patch("the resource would be too large"));
            }
        }
        Ok(resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn copies_of_copies_do_not_grow_without_end() {
        let copies: Vec<Value> = (0..200)
            .map(|n| json!({"op": "copy", "from": "/text", "path": format!("/text/div{n}")}))
            .collect();
        let patch = JsonPatch::read(json!(copies).to_string().as_bytes()).expect("a patch");

        let outcome = patch.apply(json!({"text": {"div": "x".repeat(100)}}));

        assert!(matches!(
            outcome,
            Err(Problem::Patch("the resource would be too large"))
        ));
    }
}
