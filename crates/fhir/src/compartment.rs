//! Which resources are about a patient, by R4's definition of the patient compartment.

use crate::index::values;
use crate::index::IndexValue;
use crate::search::search_param;
use serde_json::Value;

const COMPARTMENTS: &str = include_str!("../tables/compartments.tsv");

/// The search parameters that place a resource type in a patient's compartment; none if it has none.
pub fn patient_compartment_params(type_name: &str) -> impl Iterator<Item = &'static str> {
    let row = COMPARTMENTS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .find(|(name, _)| *name == type_name);
    row.map_or("", |(_, params)| params)
        .split(' ')
        .filter(|param| !param.is_empty())
}

/// Whether a resource belongs to a patient's compartment.
///
/// The patient's own record does. So does each resource that names the patient in one of the roles
/// that the definition lists. A Task or a Device never does: access to them needs another reason.
pub fn in_patient_compartment(resource: &Value, patient_id: &str) -> bool {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    let Some(name) = text("resourceType") else {
        return false;
    };
    if name == "Patient" && text("id") == Some(patient_id) {
        return true;
    }
    patient_compartment_params(name)
        .filter_map(|param| search_param(name, param))
        .any(|param| {
            values(resource, param).iter().any(|value| match value {
                IndexValue::Reference {
                    target_type,
                    target_id,
                } => target_type == "Patient" && target_id == patient_id,
                IndexValue::Token { .. }
                | IndexValue::Uri(_)
                | IndexValue::Text { .. }
                | IndexValue::Date { .. }
                | IndexValue::Number { .. }
                | IndexValue::Quantity { .. } => false,
            })
        })
}
