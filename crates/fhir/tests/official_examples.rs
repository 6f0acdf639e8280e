//! HL7's own examples are accepted, survive canonical JSON, and are indexed without a crash.

mod support;

use hms_fhir::{
    canonical_json, index, index_version, references, resource_types, search_param, validate, words,
    IndexValue,
};
use serde_json::Value;
use support::{corpus, label, type_of};

#[test]
fn every_official_example_is_accepted() {
    for example in corpus() {
        let refused = validate(&example).err();

        assert_eq!(refused, None, "{}", label(&example));
    }
}

#[test]
fn every_kept_type_but_parameters_has_an_official_example() {
    let examples = corpus();

    let without: Vec<&str> = resource_types()
        .filter(|kind| !examples.iter().any(|example| type_of(example) == *kind))
        .collect();

    // HL7 publishes no Parameters on its own, only inside bundles.
    assert_eq!(without, ["Parameters"]);
}

/// Stores keep what was extracted, and build it anew only when the version says so.
#[test]
fn another_extraction_has_another_version() {
    let mut digest = 0xCBF2_9CE4_8422_2325_u64;
    for example in corpus() {
        for byte in format!("{:?}{:?}", index(&example), words(&example)).bytes() {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    assert_eq!(
        (index_version(), digest),
        (7_848_067_298_732_570_221, 5_946_414_907_063_579_921),
        "raise EXTRACTION in src/index/mod.rs, then put the new pair here"
    );
}

#[test]
fn canonical_json_keeps_the_content_and_forgets_the_order_of_keys() {
    for example in corpus() {
        let canonical = canonical_json(&example);
        let again: Value = serde_json::from_str(&canonical).expect("canonical JSON is JSON");

        assert_eq!(again, example, "{}", label(&example));
        assert_eq!(canonical_json(&again), canonical, "{}", label(&example));
        assert_eq!(
            canonical_json(&reversed(&example)),
            canonical,
            "{}",
            label(&example)
        );
    }
}

#[test]
fn every_index_value_belongs_to_a_parameter_of_its_type() {
    for example in corpus() {
        for entry in index(&example) {
            let param = search_param(type_of(&example), entry.param);

            assert!(param.is_some(), "{}: {}", label(&example), entry.param);
            if let IndexValue::Date { start_ms, end_ms } = entry.value {
                assert!(start_ms <= end_ms, "{}: {}", label(&example), entry.param);
            }
        }
        assert!(
            index(&example).iter().any(|entry| entry.param == "_id"),
            "{}",
            label(&example)
        );
    }
}

#[test]
fn every_reference_of_an_example_is_listed() {
    for example in corpus() {
        // The walk by definition must find as many as a blind walk over the JSON.
        assert_eq!(
            references(&example).len(),
            blind_count(&example),
            "{}",
            label(&example)
        );
    }
}

/// Counts objects with a textual `reference`, leaving out Consent.provision.data, which has an
/// element of that name, because its value is an object.
fn blind_count(value: &Value) -> usize {
    match value {
        Value::Object(map) => {
            usize::from(map.get("reference").is_some_and(Value::is_string))
                + map.values().map(blind_count).sum::<usize>()
        }
        Value::Array(list) => list.iter().map(blind_count).sum(),
        _ => 0,
    }
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .rev()
            .map(|(key, value)| (key.clone(), reversed(value)))
            .collect(),
        Value::Array(list) => list.iter().map(reversed).collect(),
        other => other.clone(),
    }
}
