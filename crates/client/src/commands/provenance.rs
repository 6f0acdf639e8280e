//! Who settled which of two versions, as a record of its own: FHIR Provenance.

use hms_model::form::KeepForm;
use hms_store::ConflictRow;
use serde_json::{json, Value};

use crate::engine::Engine;
use crate::views::text;

impl Engine {
    /// The record of a settlement; `None` where nobody can be told whom it is about, or the role writes none.
    pub(super) fn provenance(&self, settled: &ConflictRow, keep: KeepForm) -> Option<Value> {
        use hms_model::role::Role::{Carrier, Clinician, Nurse};
        let identity = self.identity.as_ref()?;
        if !matches!(identity.role, Carrier | Clinician | Nurse) {
            return None;
        }
        let sides = [settled.local.as_ref(), settled.remote.as_ref()];
        let patient = sides.into_iter().flatten().find_map(patient_of)?;
        let code = match keep {
            KeepForm::Mine => "conflict-keep-mine",
            KeepForm::Theirs => "conflict-keep-theirs",
        };
        let system = hms_model::map::system::codes("activity");
        let mut provenance = json!({
            "resourceType": "Provenance",
            "id": uuid::Uuid::new_v4().to_string(),
            "target": [{ "reference": settled.id }, { "reference": patient }],
            "recorded": self.true_now().to_instant(),
            "activity": { "coding": [{ "system": system, "code": code }] },
            "agent": [{ "who": { "reference": identity.fhir } }],
        });
        // The server's version that the person saw: replaced, or kept.
        if let (Some(version), Some(map)) = (&settled.remote_version, provenance.as_object_mut()) {
            let what = json!({ "reference": format!("{}/_history/{version}", settled.id) });
            map.insert("entity".to_owned(), json!([{ "role": "revision", "what": what }]));
        }
        Some(provenance)
    }
}

fn patient_of(resource: &Value) -> Option<String> {
    let names = |element| text(resource, &[element, "reference"]).filter(|r| r.starts_with("Patient/"));
    ["subject", "for", "patient"]
        .into_iter()
        .find_map(names)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patient_is_found_whatever_the_element_is_called() {
        for element in ["subject", "for", "patient"] {
            let record = json!({ element: { "reference": "Patient/p" } });
            assert_eq!(patient_of(&record).as_deref(), Some("Patient/p"));
        }
        assert_eq!(
            patient_of(&json!({ "subject": { "reference": "Group/g" } })),
            None
        );
    }
}
