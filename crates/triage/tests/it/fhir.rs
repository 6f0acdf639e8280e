//! The content as FHIR: what comes out is sound, and what goes back in is the same pack.

use hms_triage::author::{self, fhir};
use hms_triage::Pack;
use serde_json::Value;

use crate::peer;
use crate::tables::tables;

fn exported() -> Vec<Value> {
    let all = fhir::export(&tables(), Pack::embedded()).unwrap();
    all.into_iter().map(|r| r.body).collect()
}

/// The first member of any depth that `change` takes.
fn change_first(value: &mut Value, change: &mut impl FnMut(&mut Value) -> bool) -> bool {
    if change(value) {
        return true;
    }
    match value {
        Value::Object(map) => map.values_mut().any(|v| change_first(v, change)),
        Value::Array(list) => list.iter_mut().any(|v| change_first(v, change)),
        _ => false,
    }
}

#[test]
fn the_pack_comes_back_from_fhir_byte_by_byte() {
    let pack = Pack::embedded();

    let back = fhir::import(&exported()).unwrap();

    let built = author::build(&tables(), pack.version()).unwrap();
    assert!(back.pack == built, "the imported pack differs");
    assert_eq!(Pack::from_bytes(&back.pack).unwrap().hash(), pack.hash());
    // The tables that came back say the same once more.
    let again = author::Tables::parse(back.files.iter().map(|(n, t)| (n.as_str(), t.as_str()))).unwrap();
    let resources = fhir::export(&again, pack).unwrap();
    let bodies: Vec<Value> = resources.into_iter().map(|r| r.body).collect();
    assert!(bodies == exported(), "the second export differs");
}

#[test]
fn an_edit_of_a_resource_comes_back_as_an_edit_of_the_tables() {
    let mut resources = exported();
    let edited = resources.iter_mut().any(|r| {
        change_first(r, &mut |v| match v["description"].as_str() {
            Some("bite.hand and bite.gaping") => {
                // Whoever edits a condition writes the FHIRPath anew by exporting again.
                v["description"] = "bite.hand and bite.puncture".into();
                true
            }
            _ => false,
        })
    });
    assert!(edited);

    let refused = fhir::import(&resources).unwrap_err();

    assert!(
        refused
            .to_string()
            .starts_with("bite.hand_deep: its FHIRPath does not say"),
        "{refused}"
    );
}

#[test]
fn an_edited_text_and_urgency_reach_the_pack() {
    let mut resources = exported();
    let plan = resources.iter_mut().find(|r| r["id"] == "rules").unwrap();
    change_first(plan, &mut |v| {
        let found = v["id"] == "bite.eye_any";
        if found {
            v["description"] = "Another reason.".into();
            v["code"][0]["coding"][0]["code"] = "call_911".into();
        }
        found
    });

    let back = Pack::from_bytes(&fhir::import(&resources).unwrap().pack).unwrap();

    let rule = back.file().rules.iter().find(|r| r.id == "bite.eye_any").unwrap();
    assert_eq!(rule.reason.en, "Another reason.");
    assert_eq!(rule.level, hms_triage::Urgency::Call911);
    assert_eq!(back.file().rules.len(), Pack::embedded().file().rules.len());
}

#[test]
fn every_rule_cites_its_source_with_title_address_and_how_it_was_read() {
    let resources = exported();
    let plan = resources.iter().find(|r| r["id"] == "rules").unwrap();
    let actions = plan["action"].as_array().unwrap().iter();
    let actions = actions.filter_map(|g| g["action"].as_array()).flatten();
    let mut count = 0;
    for action in actions {
        let cited = &action["documentation"][0];
        for key in ["label", "display", "url", "citation"] {
            assert!(
                cited[key].as_str().is_some_and(|s| !s.is_empty()),
                "{}: {key}",
                action["id"]
            );
        }
        count += 1;
    }
    assert_eq!(count, Pack::embedded().file().rules.len());
}

#[test]
fn a_validator_that_is_not_ours_finds_nothing() {
    let resources = exported();
    let mistakes = validated(&resources);
    assert_eq!(mistakes.len(), resources.len());
    for (resource, mistakes) in resources.iter().zip(mistakes) {
        assert_eq!(mistakes, Vec::<String>::new(), "{}", resource["url"]);
    }

    // It would find something.
    let mut wrong = resources[0].clone();
    wrong["status"] = Value::Null;
    wrong["subjectType"] = "Patient".into();
    assert!(!validated(&[wrong])[0].is_empty());
}

fn validated(resources: &[Value]) -> Vec<Vec<String>> {
    peer::ask(
        "@medplum/core",
        &["tests/peers/fhir-validate.mjs"],
        resources.iter(),
    )
}

#[test]
fn two_lines_of_one_name_are_found_by_the_linter() {
    let mut file = Pack::embedded().file().clone();
    file.safety_net[0].id = file.advice[0].id.clone();
    let pack = Pack::from_bytes(&serde_json::to_vec(&file).unwrap()).unwrap();

    let found = author::lint(&pack);

    let twice = |f: &&author::LintFinding| f.what == "is the name of two lines";
    assert_eq!(found.iter().filter(twice).count(), 1);
}
