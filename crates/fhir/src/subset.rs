//! Parts of a resource: `_summary` and `_elements`.

use crate::tables::tables;
use serde_json::{json, Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Which part of a resource is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subset {
    /// `_summary=true`: the elements that the definition marks.
    Summary,
    /// `_summary=text`: the narrative.
    Text,
    /// `_summary=data`: all but the narrative.
    Data,
    /// `_elements`: these.
    Elements(Vec<String>),
}

static SUMMARIES: LazyLock<BTreeMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    include_str!("../tables/summary.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(kind, elements)| (kind, elements.split(' ').collect()))
        .collect()
});

/// Whether a resource type has an element of this name right below it; a choice is named without its type.
pub fn has_element(type_name: &str, element: &str) -> bool {
    tables()
        .resource(type_name)
        .is_some_and(|def| def.elements.iter().any(|e| e.stem() == element))
}

/// The part of a resource that was asked for, marked as a part. What must be there stays, and id and `meta`.
///
/// Elements are kept or left out as a whole: a summary of a nested element is the element.
pub fn subset(resource: &Value, part: &Subset) -> Value {
    let (Some(map), Some(def)) = (
        resource.as_object(),
        resource
            .get("resourceType")
            .and_then(Value::as_str)
            .and_then(|name| tables().resource(name)),
    ) else {
        return resource.clone();
    };
    let wanted = |stem: &str, required: bool| match part {
        Subset::Summary => {
            required
                || SUMMARIES
                    .get(def.name)
                    .is_some_and(|elements| elements.contains(&stem))
        }
        Subset::Text => required || stem == "text",
        Subset::Data => stem != "text",
        Subset::Elements(elements) => required || elements.iter().any(|e| e == stem),
    };
    let keep = |key: &str| {
        if matches!(key, "resourceType" | "id" | "meta") {
            return true;
        }
        // Extensions of a primitive go where it goes.
        let element = def
            .prop(key.strip_prefix('_').unwrap_or(key))
            .and_then(|prop| def.elements.get(usize::from(prop.element)));
        element.is_some_and(|e| wanted(e.stem(), e.required))
    };
    let mut found: Map<String, Value> = map
        .iter()
        .filter(|(key, _)| keep(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    mark(&mut found);
    Value::Object(found)
}

/// Says that it is a part: nobody should store it as the whole.
fn mark(resource: &mut Map<String, Value>) {
    let tag = json!({
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED",
    });
    let meta = resource.entry("meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        if let Some(tags) = meta.entry("tag").or_insert_with(|| json!([])).as_array_mut() {
            tags.push(tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Value {
        json!({"resourceType": "Observation", "id": "o", "meta": {"versionId": "2"}, "text": {"status": "empty"},
            "status": "final", "code": {"text": "t"}, "valueQuantity": {"value": 1}, "note": [{"text": "n"}],
            "_issued": {"id": "x"}})
    }

    fn keys(part: &Subset) -> Vec<String> {
        let found = subset(&reading(), part);
        assert_eq!(found["meta"]["tag"][0]["code"], "SUBSETTED");
        let mut keys: Vec<String> = found.as_object().expect("object").keys().cloned().collect();
        keys.sort();
        keys
    }

    #[test]
    fn what_was_asked_for_stays_with_what_must_be_there() {
        assert_eq!(
            keys(&Subset::Summary),
            [
                "_issued",
                "code",
                "id",
                "meta",
                "resourceType",
                "status",
                "valueQuantity"
            ]
        );
        assert_eq!(
            keys(&Subset::Text),
            ["code", "id", "meta", "resourceType", "status", "text"]
        );
        assert!(!keys(&Subset::Data).contains(&"text".to_owned()));
        assert_eq!(
            keys(&Subset::Elements(vec!["value".to_owned()])),
            ["code", "id", "meta", "resourceType", "status", "valueQuantity"]
        );
        assert!(has_element("Observation", "value") && !has_element("Observation", "valueQuantity"));
    }
}
