//! Nothing that a network can deliver makes the crate panic, loop or contradict itself.

mod support;

use hms_fhir::{
    canonical_json, in_patient_compartment, index, outcome, parse_date_range, patch, references,
    replace_references, validate,
};
use serde_json::{json, Value};
use support::{corpus, Chance};

const ROUNDS: usize = 3000;

#[test]
fn spliced_examples_are_handled_without_a_panic() {
    let examples: Vec<Value> = corpus()
        .into_iter()
        .filter(|e| e.to_string().len() < 8000)
        .collect();
    let mut chance = Chance(7);
    let mut refused = 0;

    for _ in 0..ROUNDS {
        let mut broken = chance.pick(&examples).clone();
        for _ in 0..=chance.below(3) {
            let donor = chance.pick(&examples).clone();
            let piece = any_part(&donor, &mut chance).clone();
            *any_part_mut(&mut broken, &mut chance) = piece;
        }
        refused += usize::from(exercise(&broken));
    }

    assert!(refused > ROUNDS / 2, "most splices are wrong: {refused}");
}

#[test]
fn random_text_is_handled_without_a_panic() {
    let mut chance = Chance(11);
    let letters: Vec<char> = "0123456789-:TZ+.[]#/<>&;=\"' \u{0}\u{a0}éß日\u{1F600}abdiv?|"
        .chars()
        .collect();

    for _ in 0..20_000 {
        let length = chance.below(24);
        let text: String = (0..length).map(|_| *chance.pick(&letters)).collect();
        parse_date_range(&text);
        hms_fhir::fold(&text);
        hms_fhir::number_range(&text);
        let mut patient = json!({
            "resourceType": "Patient",
            "id": text,
            "birthDate": text,
            "text": { "status": "generated", "div": format!("<div{text}") },
            "managingOrganization": { "reference": text },
        });
        exercise(&patient);
        let _ = patch::replace(&mut patient, &text, Some(json!("x")));
    }
}

#[test]
fn what_is_nested_as_deep_as_json_may_be_is_handled() {
    let mut extension = json!({ "url": "http://a", "valueString": "x" });
    for _ in 0..60 {
        extension = json!({ "url": "http://a", "extension": [extension] });
    }
    let patient = json!({ "resourceType": "Patient", "extension": [extension] }).to_string();
    let patient: Value = serde_json::from_str(&patient).expect("within serde_json's limit of 128 levels");

    assert_eq!(validate(&patient), Ok(()));
    assert_eq!(
        serde_json::from_str::<Value>(&canonical_json(&patient)).ok(),
        Some(patient)
    );
}

/// Calls everything; tells whether the resource was refused.
fn exercise(resource: &Value) -> bool {
    let issues = validate(resource).err().unwrap_or_default();
    assert_eq!(validate(&outcome::from_issues(&issues)), Ok(()));
    for issue in &issues {
        let _ = patch::get(resource, &issue.path);
    }
    index(resource);
    references(resource);
    in_patient_compartment(resource, "example");
    let mut same = resource.clone();
    replace_references(&mut same, &|text| Some(text.to_owned()));
    assert_eq!(&same, resource);
    let canonical = canonical_json(resource);
    assert_eq!(
        serde_json::from_str::<Value>(&canonical).ok().as_ref(),
        Some(resource)
    );
    !issues.is_empty()
}

/// A random part, the deeper the less likely.
fn any_part<'v>(value: &'v Value, chance: &mut Chance) -> &'v Value {
    if chance.below(4) == 0 {
        return value;
    }
    match value {
        Value::Object(map) if !map.is_empty() => {
            let at = chance.below(map.len());
            map.values()
                .nth(at)
                .map_or(value, |child| any_part(child, chance))
        }
        Value::Array(list) if !list.is_empty() => any_part(&list[chance.below(list.len())], chance),
        _ => value,
    }
}

fn any_part_mut<'v>(value: &'v mut Value, chance: &mut Chance) -> &'v mut Value {
    let length = match &*value {
        Value::Object(map) => map.len(),
        Value::Array(list) => list.len(),
        _ => 0,
    };
    if length == 0 || chance.below(4) == 0 {
        return value;
    }
    let at = chance.below(length);
    let child = match value {
        Value::Object(map) => map.values_mut().nth(at),
        Value::Array(list) => list.get_mut(at),
        _ => None,
    };
    any_part_mut(child.expect("the position is within"), chance)
}
