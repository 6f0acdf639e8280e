//! Canonical JSON, references, compartments, bundles and outcomes.

use hms_fhir::bundle::{self, Answer, Found, FoundMode, Version};
use hms_fhir::{
    canonical_json, in_patient_compartment, outcome, references, replace_references, validate, IssueCode,
};
use serde_json::{json, Value};

#[test]
fn canonical_json_has_one_order_and_no_spaces() {
    let one = json!({
        "birthDate": "1990",
        "zz": { "b": 1, "a": 2 },
        "name": [{ "given": ["Ana \"A\""], "family": "R" }],
        "_birthDate": { "id": "x" },
        "id": "1",
        "resourceType": "Patient",
        "aa": null,
    });

    assert_eq!(
        canonical_json(&one),
        r#"{"resourceType":"Patient","id":"1","name":[{"family":"R","given":["Ana \"A\""]}],"birthDate":"1990","_birthDate":{"id":"x"},"aa":null,"zz":{"a":2,"b":1}}"#
    );
}

#[test]
fn references_are_listed_with_their_places_and_replaced() {
    let mut report = json!({
        "resourceType": "QuestionnaireResponse",
        "contained": [{ "resourceType": "Practitioner", "id": "p",
            "qualification": [{ "code": { "text": "RN" }, "issuer": { "reference": "Organization/o" } }] }],
        "subject": { "reference": "urn:uuid:5f0b0b5c-0000-4000-8000-000000000001" },
        "author": { "reference": "#p" },
        "item": [{ "linkId": "1", "answer": [{ "valueReference": { "reference": "Binary/b" } }] }],
    });
    let found = |resource: &Value| {
        references(resource)
            .into_iter()
            .map(|(path, text)| format!("{path} {text}"))
            .collect::<Vec<_>>()
    };

    assert_eq!(
        found(&report),
        [
            "QuestionnaireResponse.contained[0].qualification[0].issuer.reference Organization/o",
            "QuestionnaireResponse.subject.reference urn:uuid:5f0b0b5c-0000-4000-8000-000000000001",
            "QuestionnaireResponse.author.reference #p",
            "QuestionnaireResponse.item[0].answer[0].valueReference.reference Binary/b",
        ]
    );

    replace_references(&mut report, &|text| {
        text.starts_with("urn:uuid:").then(|| "Patient/dana".to_owned())
    });

    assert_eq!(report["subject"]["reference"], "Patient/dana");
    assert_eq!(report["author"]["reference"], "#p");
}

#[test]
fn a_photo_s_address_is_replaced_too() {
    let mut photo = json!({
        "resourceType": "DocumentReference",
        "content": [{ "attachment": { "url": "urn:uuid:a", "title": "urn:uuid:a" } }],
    });

    replace_references(&mut photo, &|text| {
        (text == "urn:uuid:a").then(|| "Binary/1".to_owned())
    });

    assert_eq!(
        photo["content"][0]["attachment"],
        json!({ "url": "Binary/1", "title": "urn:uuid:a" })
    );
}

#[test]
fn the_compartment_holds_what_names_the_patient_in_a_listed_role() {
    let about = |resource: Value| in_patient_compartment(&resource, "dana");
    let dana = json!({ "reference": "Patient/dana" });

    assert!(about(json!({ "resourceType": "Patient", "id": "dana" })));
    assert!(about(json!({ "resourceType": "Encounter", "subject": dana })));
    assert!(about(
        json!({ "resourceType": "AllergyIntolerance", "recorder": dana })
    ));
    assert!(about(
        json!({ "resourceType": "Appointment", "participant": [{ "actor": dana }] })
    ));
    assert!(about(
        json!({ "resourceType": "Patient", "id": "x", "link": [{ "other": dana }] })
    ));

    assert!(!about(json!({ "resourceType": "Patient", "id": "ada" })));
    assert!(!about(
        json!({ "resourceType": "Encounter", "subject": { "reference": "Patient/dana2" } })
    ));
    assert!(!about(
        json!({ "resourceType": "Encounter", "subject": { "reference": "https://x.example/Patient/dana" } })
    ));
    assert!(!about(
        json!({ "resourceType": "Encounter", "subject": { "reference": "Group/dana" } })
    ));
    assert!(
        !about(json!({ "resourceType": "Task", "for": dana })),
        "R4 puts no Task into a compartment"
    );
    assert!(!about(json!({})));
}

#[test]
fn bundles_and_outcomes_that_are_built_are_valid() {
    let patient = json!({ "resourceType": "Patient", "id": "1" });
    let found = |mode| Found {
        full_url: "https://x.example/Patient/1".into(),
        resource: patient.clone(),
        mode,
    };
    let links = [("self", "https://x.example/Patient?_id=1".to_owned())];
    let answer = Answer {
        status: "201 Created".into(),
        location: Some("Patient/1/_history/1".into()),
        etag: Some("W/\"1\"".into()),
        last_modified: Some("2024-01-01T00:00:00Z".into()),
        ..Answer::default()
    };
    let version = Version {
        full_url: "https://x.example/Patient/1".into(),
        resource: Some(patient.clone()),
        method: "PUT".into(),
        url: "Patient/1".into(),
        status: "200".into(),
        etag: "W/\"2\"".into(),
        last_modified: "2024-01-01T00:00:00Z".into(),
    };
    let broken =
        validate(&json!({ "resourceType": "Patient", "gender": "x", "foo": 1 })).expect_err("two mistakes");

    for built in [
        bundle::searchset(Some(1), &links, vec![found(FoundMode::Match)]),
        bundle::searchset(None, &[], vec![]),
        bundle::transaction_response(vec![answer.clone()]),
        bundle::batch_response(vec![Answer {
            outcome: Some(outcome::error("not-found", "gone")),
            ..answer
        }]),
        bundle::history(1, &links, vec![version]),
        outcome::from_issues(&broken),
        outcome::from_issues(&[]),
    ] {
        assert_eq!(validate(&built), Ok(()), "{built}");
    }
}

#[test]
fn an_issue_never_repeats_what_someone_entered() {
    let secret = "Dana's diagnosis";
    let resource = json!({
        "resourceType": "Patient",
        "gender": secret,
        "birthDate": secret,
        secret: 1,
        "generalPractitioner": [{ "reference": secret }],
        "maritalStatus": { "coding": secret },
    });

    let issues = validate(&resource).expect_err("all of it is wrong");

    assert_eq!(issues.len(), 5);
    assert!(!format!("{issues:?}").contains("diagnosis"), "{issues:?}");
}

#[test]
fn a_flood_of_mistakes_is_cut_off() {
    let items: Vec<Value> = (0..5000).map(|_| json!({ "linkId": 1 })).collect();

    let issues =
        validate(&json!({ "resourceType": "QuestionnaireResponse", "status": "completed", "item": items }));

    assert_eq!(issues.map_err(|issues| issues.len()), Err(100));
}

#[test]
fn what_is_not_a_resource_is_refused_at_its_type() {
    for (value, path, code) in [
        (json!(null), "", IssueCode::Structure),
        (json!([]), "", IssueCode::Structure),
        (json!({}), "resourceType", IssueCode::Required),
        (
            json!({ "resourceType": "Pateint" }),
            "resourceType",
            IssueCode::Unknown,
        ),
        (
            json!({ "resourceType": "DomainResource" }),
            "resourceType",
            IssueCode::Unknown,
        ),
        (
            json!({ "resourceType": "HumanName" }),
            "resourceType",
            IssueCode::Unknown,
        ),
        (
            json!({ "resourceType": "Patient.contact" }),
            "resourceType",
            IssueCode::Unknown,
        ),
    ] {
        let issues = validate(&value).expect_err("refused");

        assert_eq!(
            issues
                .iter()
                .map(|i| (i.path.as_str(), i.code))
                .collect::<Vec<_>>(),
            [(path, code)],
            "{value}"
        );
    }
}
