//! What is wrong with a resource, and where.

/// One reason why a resource is refused.
///
/// Neither field ever holds a value from the resource, so an issue may be logged and returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Where, as a FHIRPath-like path from the resource type: `Patient.contact[0].gender`.
    ///
    /// An element is named as in the JSON (`valueQuantity`), without the underscore of a
    /// primitive's sibling. A missing or doubled choice is named as in the definition: `value[x]`.
    pub path: String,
    /// What kind of mistake.
    pub code: IssueCode,
    /// What was expected, for the person who wrote the sending program.
    pub detail: String,
}

impl std::fmt::Display for Issue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.detail)
    }
}

/// The kinds of mistake that validation tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IssueCode {
    /// The JSON has the wrong shape: an object for a list, an empty object, a wrong type.
    Structure,
    /// An element that must be there is missing.
    Required,
    /// A primitive does not have the form its type asks for.
    Value,
    /// A rule about several elements is broken.
    Invariant,
    /// A code is not in the value set that the definition requires.
    CodeInvalid,
    /// More values than the definition allows, or two answers to one choice.
    TooMany,
    /// An element or a resource type that the definition does not know.
    Unknown,
    /// A reference that cannot be read, or points to a type that is not allowed here.
    Reference,
}

impl IssueCode {
    /// The code for `OperationOutcome.issue.code` (value set `issue-type`).
    pub fn as_fhir(self) -> &'static str {
        match self {
            IssueCode::Structure | IssueCode::TooMany | IssueCode::Unknown => "structure",
            IssueCode::Required => "required",
            IssueCode::Value | IssueCode::Reference => "value",
            IssueCode::Invariant => "invariant",
            IssueCode::CodeInvalid => "code-invalid",
        }
    }
}
