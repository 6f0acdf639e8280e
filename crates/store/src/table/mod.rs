//! One file per table: all SQL of the client.

pub(crate) mod acked;
pub(crate) mod attachment;
pub(crate) mod audit;
pub(crate) mod conflict;
pub(crate) mod draft;
pub(crate) mod gather;
pub(crate) mod index;
pub(crate) mod lookup;
pub(crate) mod meta;
pub(crate) mod outbox;
pub(crate) mod receipt;
pub(crate) mod resource;
pub(crate) mod unseen;
pub(crate) mod usage;

use crate::StoreError;
use serde_json::Value;

/// A resource's type and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub kind: String,
    pub id: String,
}

impl Key {
    /// Reads `Type/id`.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let (kind, id) = text.split_once('/').ok_or(StoreError::BadId)?;
        Self::new(kind, id)
    }

    pub fn new(kind: &str, id: &str) -> Result<Self, StoreError> {
        let fits = |text: &str, most: usize| {
            !text.is_empty()
                && text.len() <= most
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        };
        if fits(kind, 64) && fits(id, 80) {
            Ok(Self {
                kind: kind.to_owned(),
                id: id.to_owned(),
            })
        } else {
            Err(StoreError::BadId)
        }
    }

    /// The key of a resource itself.
    pub fn of(resource: &Value) -> Result<Self, StoreError> {
        let text = |name| resource.get(name).and_then(Value::as_str).unwrap_or_default();
        Self::new(text("resourceType"), text("id"))
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// Reads a stored body.
pub(crate) fn body(text: Option<String>) -> Result<Option<Value>, StoreError> {
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(StoreError::Body)
}
