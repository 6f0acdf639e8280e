//! A snapshot of the records that a view is computed from.

use std::collections::BTreeMap;

use hms_model::time::Timestamp;
use serde_json::Value;

/// Records by type.
#[derive(Debug, Default)]
pub struct Records(BTreeMap<String, Vec<Value>>);

impl Records {
    /// These records; those without a type are left out.
    #[must_use]
    pub fn of(resources: Vec<Value>) -> Self {
        let mut found = Self::default();
        for resource in resources {
            if let Some(kind) = text(&resource, &["resourceType"]).map(str::to_owned) {
                found.add(&kind, [resource]);
            }
        }
        found
    }

    /// Adds records of a type.
    pub fn add(&mut self, kind: &str, found: impl IntoIterator<Item = Value>) {
        self.0.entry(kind.to_owned()).or_default().extend(found);
    }

    /// All records of a type.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.get(kind).into_iter().flatten()
    }

    /// One record.
    #[must_use]
    pub fn get(&self, kind: &str, id: &str) -> Option<&Value> {
        self.all(kind)
            .find(|resource| text(resource, &["id"]) == Some(id))
    }

    /// Records of a type about a patient.
    pub fn about<'a>(&'a self, kind: &str, patient: &'a str) -> impl Iterator<Item = &'a Value> {
        self.all(kind).filter(move |resource| {
            ["subject", "patient", "for"]
                .iter()
                .filter_map(|element| resource.get(*element))
                .any(|reference| reference_id(reference, "Patient") == Some(patient))
        })
    }
}

/// Text at a path of keys.
#[must_use]
pub fn text<'a>(resource: &'a Value, path: &[&str]) -> Option<&'a str> {
    hms_model::map::text_at(resource, path)
}

/// The id in a reference of a type; a version behind it is left out.
#[must_use]
pub fn reference_id<'a>(reference: &'a Value, kind: &str) -> Option<&'a str> {
    hms_model::map::id_in(reference, kind).map(|id| id.split('/').next().unwrap_or(id))
}

/// A moment at a path of keys.
#[must_use]
pub fn moment(resource: &Value, path: &[&str]) -> Option<Timestamp> {
    text(resource, path).and_then(partial)
}

/// A FHIR `dateTime`, `date` or `instant`; a partial one is its beginning in UTC.
fn partial(text: &str) -> Option<Timestamp> {
    let filled = match text.len() {
        4 => format!("{text}-01-01T00:00:00Z"),
        7 => format!("{text}-01T00:00:00Z"),
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    Timestamp::parse(&filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_date_is_its_beginning() {
        assert_eq!(partial("1970"), Some(Timestamp(0)));
        assert_eq!(partial("1970-01-02"), Some(Timestamp(86_400_000)));
        assert_eq!(partial("soon"), None);
    }
}
