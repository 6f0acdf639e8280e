//! A thousand seeded mutations of each type are refused, each with the exact path and code.

#[path = "support/definitions.rs"]
mod definitions;
#[path = "support/mutate.rs"]
mod mutate;
mod support;

use definitions::Definitions;
use hms_fhir::{resource_types, validate};
use mutate::{mutations, Mutation};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use support::{corpus, label, type_of, Chance};

const PER_TYPE: usize = 1000;

/// Larger examples only repeat what smaller ones have, and each mutation copies the whole.
const LARGEST: usize = 12_000;

#[test]
fn a_thousand_mutations_of_each_type_are_refused_at_the_exact_path() {
    let definitions = Definitions::read();
    let mut examples = corpus();
    examples.push(parameters());
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();

    for (number, name) in resource_types().enumerate() {
        let mut own: Vec<&Value> = examples
            .iter()
            .filter(|example| type_of(example) == name)
            .collect();
        own.sort_by_key(|example| example.to_string().len());
        let small = own
            .iter()
            .filter(|example| example.to_string().len() <= LARGEST)
            .count();
        own.truncate(small.max(1));
        let plans: Vec<_> = own
            .iter()
            .map(|example| (*example, by_kind(mutations(example, &definitions))))
            .collect();
        let mut chance = Chance(0x0ACE_0000 + number as u64);

        for _ in 0..PER_TYPE {
            let (example, plan) = chance.pick(&plans);
            // First the kind of damage, so that rare kinds are tried as often as common ones.
            let same_kind = chance.pick(plan);
            let mutation = chance.pick(same_kind);
            *kinds.entry(mutation.kind).or_default() += 1;
            check(example, mutation);
        }
    }

    println!("{kinds:#?}");
    assert_eq!(kinds.values().sum::<usize>(), PER_TYPE * resource_types().count());
    assert_eq!(kinds.len(), 21, "each kind of damage is tried: {kinds:?}");
}

fn by_kind(mutations: Vec<Mutation>) -> Vec<Vec<Mutation>> {
    let mut groups: BTreeMap<&str, Vec<Mutation>> = BTreeMap::new();
    for mutation in mutations {
        groups.entry(mutation.kind).or_default().push(mutation);
    }
    groups.into_values().collect()
}

fn check(example: &Value, mutation: &Mutation) {
    let issues = validate(&mutation.apply(example)).err().unwrap_or_default();

    let paths: Vec<&str> = issues.iter().map(|issue| issue.path.as_str()).collect();
    assert!(!paths.is_empty(), "{} accepted: {mutation:?}", label(example));
    assert!(
        paths.iter().all(|path| *path == mutation.path),
        "{}: {mutation:?}\n{issues:#?}",
        label(example)
    );
    assert!(
        issues.iter().any(|issue| issue.code == mutation.code),
        "{mutation:?}\n{issues:#?}"
    );
}

/// HL7 publishes no Parameters of its own.
fn parameters() -> Value {
    json!({
        "resourceType": "Parameters",
        "id": "p1",
        "meta": { "lastUpdated": "2024-02-01T10:00:00Z" },
        "parameter": [
            { "name": "since", "valueInstant": "2024-02-01T10:00:00Z" },
            { "name": "who", "valueReference": { "reference": "Patient/1", "display": "Dana" } },
            { "name": "limit", "part": [
                { "name": "count", "valuePositiveInt": 5 },
                { "name": "code", "valueCodeableConcept": { "coding": [{ "system": "http://example.org", "code": "a" }] } },
            ] },
            { "name": "resource", "resource": {
                "resourceType": "Patient",
                "gender": "female",
                "extension": [{ "url": "http://example.org/x", "valueBoolean": true }],
            } },
        ],
    })
}
