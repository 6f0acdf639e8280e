//! The search parameters of each resource type.

/// A search parameter of one resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchParam {
    /// The code used in a query: `birthdate`, `_id`.
    pub name: &'static str,
    /// How values are compared.
    pub kind: SearchKind,
    /// For a reference: the resource types it may point to.
    pub targets: Vec<&'static str>,
}

/// How a search parameter compares values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchKind {
    /// Codes and identifiers.
    Token,
    /// Links to other resources.
    Reference,
    /// Moments and periods.
    Date,
    /// Text, by its beginning, without case and accents.
    String,
    /// Plain numbers.
    Number,
    /// Amounts with a unit.
    Quantity,
    /// URIs, compared exactly.
    Uri,
}

/// The search parameters of a resource type, sorted by name; empty for an unknown type.
pub fn search_params(_type_name: &str) -> &'static [SearchParam] {
    &[]
}

/// One search parameter of a resource type.
pub fn search_param(type_name: &str, name: &str) -> Option<&'static SearchParam> {
    search_params(type_name).iter().find(|param| param.name == name)
}
