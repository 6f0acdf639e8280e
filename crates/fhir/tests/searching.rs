//! What is extracted for searches, from small resources of the story.

use hms_fhir::{index, number_range, search_param, search_params, IndexValue, SearchKind};
use serde_json::{json, Value};

/// The values of one parameter.
fn values(resource: &Value, param: &str) -> Vec<IndexValue> {
    index(resource)
        .into_iter()
        .filter(|entry| entry.param == param)
        .map(|entry| entry.value)
        .collect()
}

fn token(system: Option<&str>, code: &str) -> IndexValue {
    IndexValue::Token {
        system: system.map(str::to_owned),
        code: code.to_owned(),
    }
}

fn words(folded: &str) -> IndexValue {
    IndexValue::Text {
        folded: folded.to_owned(),
    }
}

fn reference(target_type: &str, target_id: &str) -> IndexValue {
    IndexValue::Reference {
        target_type: target_type.to_owned(),
        target_id: target_id.to_owned(),
    }
}

fn dana() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "dana",
        "meta": {
            "lastUpdated": "1970-01-01T00:00:01.500Z",
            "tag": [{ "system": "http://example.org/tags", "code": "demo" }],
            "profile": ["http://example.org/profile"],
        },
        "identifier": [{ "system": "http://example.org/employee", "value": "E-7" }],
        "active": true,
        "name": [{ "family": "Núñez", "given": ["Dana", "José"], "text": "Dana Núñez" }],
        "telecom": [
            { "system": "phone", "value": "+1 555 0100" },
            { "system": "email", "value": "dana@example.org" },
        ],
        "gender": "female",
        "birthDate": "1970-01",
        "address": [{ "line": ["1 Main  St"], "city": "Reno" }],
        "generalPractitioner": [{ "reference": "Practitioner/ada/_history/3" }],
        "managingOrganization": { "reference": "https://other.example/fhir/Organization/1" },
    })
}

#[test]
fn a_patient_is_found_by_names_numbers_and_dates() {
    let dana = dana();

    assert_eq!(values(&dana, "_id"), [token(None, "dana")]);
    assert_eq!(
        values(&dana, "_tag"),
        [token(Some("http://example.org/tags"), "demo")]
    );
    assert_eq!(
        values(&dana, "_profile"),
        [IndexValue::Uri("http://example.org/profile".to_owned())]
    );
    assert_eq!(
        values(&dana, "_lastUpdated"),
        [IndexValue::Date {
            start_ms: 1500,
            end_ms: 1500
        }]
    );
    assert_eq!(
        values(&dana, "identifier"),
        [token(Some("http://example.org/employee"), "E-7")]
    );
    assert_eq!(values(&dana, "active"), [token(None, "true")]);
    assert_eq!(values(&dana, "gender"), [token(None, "female")]);
    assert_eq!(
        values(&dana, "name"),
        [words("nunez"), words("dana nunez"), words("dana"), words("jose")]
    );
    assert_eq!(values(&dana, "given"), [words("dana"), words("jose")]);
    assert_eq!(values(&dana, "email"), [token(None, "dana@example.org")]);
    assert_eq!(values(&dana, "phone"), [token(None, "+1 555 0100")]);
    assert_eq!(values(&dana, "address"), [words("reno"), words("1 main st")]);
    assert_eq!(
        values(&dana, "birthdate"),
        [IndexValue::Date {
            start_ms: 0,
            end_ms: 31 * 86_400_000 - 1
        }]
    );
    assert_eq!(
        values(&dana, "general-practitioner"),
        [reference("Practitioner", "ada")]
    );
}

#[test]
fn an_absolute_reference_points_to_another_server() {
    let elsewhere = "https://other.example/fhir/Organization/1".to_owned();

    assert_eq!(values(&dana(), "organization"), [IndexValue::Uri(elsewhere)]);
}

#[test]
fn a_patient_of_whom_no_death_is_recorded_is_alive() {
    let mut dana = dana();
    assert_eq!(values(&dana, "deceased"), [token(None, "false")]);

    dana["deceasedBoolean"] = json!(false);
    assert_eq!(values(&dana, "deceased"), [token(None, "false")]);

    dana.as_object_mut().expect("an object").remove("deceasedBoolean");
    dana["deceasedDateTime"] = json!("2024-01-01");
    assert_eq!(values(&dana, "deceased"), [token(None, "true")]);
    assert_eq!(values(&dana, "death-date").len(), 1);
}

#[test]
fn the_queue_finds_a_task_by_status_owner_and_time() {
    let task = json!({
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": { "coding": [{ "system": "http://example.org/tasks", "code": "injury" }], "text": "Injury" },
        "for": { "reference": "Patient/dana" },
        "focus": { "reference": "QuestionnaireResponse/r1" },
        "owner": { "reference": "PractitionerRole/ada" },
        "executionPeriod": { "start": "1970-01-01T00:00:00Z" },
    });

    assert_eq!(values(&task, "status"), [token(None, "requested")]);
    assert_eq!(
        values(&task, "code"),
        [token(Some("http://example.org/tasks"), "injury")]
    );
    assert_eq!(values(&task, "patient"), [reference("Patient", "dana")]);
    assert_eq!(values(&task, "subject"), [reference("Patient", "dana")]);
    assert_eq!(values(&task, "focus"), [reference("QuestionnaireResponse", "r1")]);
    assert_eq!(
        values(&task, "period"),
        [IndexValue::Date {
            start_ms: 0,
            end_ms: i64::MAX
        }]
    );
}

#[test]
fn a_parameter_that_names_a_type_leaves_other_types_out() {
    let visit = json!({
        "resourceType": "Appointment",
        "participant": [
            { "actor": { "reference": "Patient/dana" } },
            { "actor": { "reference": "Practitioner/ada" } },
            { "actor": { "reference": "Location/reno" } },
        ],
    });

    assert_eq!(values(&visit, "patient"), [reference("Patient", "dana")]);
    assert_eq!(values(&visit, "practitioner"), [reference("Practitioner", "ada")]);
    assert_eq!(values(&visit, "location"), [reference("Location", "reno")]);
    assert_eq!(values(&visit, "actor").len(), 3);
}

#[test]
fn amounts_are_ranges_with_units() {
    let quantity = |value: Value| {
        let observation = json!({ "resourceType": "Observation", "valueQuantity": value });
        values(&observation, "value-quantity")
    };
    let expected = |code: &str, low: f64, high: f64| IndexValue::Quantity {
        system: Some("http://unitsofmeasure.org".to_owned()),
        code: Some(code.to_owned()),
        low,
        high,
    };
    let ucum = "http://unitsofmeasure.org";

    assert_eq!(
        quantity(json!({ "value": 38.5, "system": ucum, "code": "Cel" })),
        [expected("Cel", 38.5, 38.5)]
    );
    assert_eq!(
        quantity(json!({ "value": 90, "comparator": "<", "system": ucum, "code": "%" })),
        [expected("%", f64::NEG_INFINITY, 90.0)]
    );
    assert_eq!(quantity(json!({ "unit": "mg" })), []);
}

#[test]
fn a_probability_is_a_number_and_a_canonical_an_address() {
    let risk = json!({ "resourceType": "RiskAssessment", "prediction": [{ "probabilityDecimal": 0.4 }] });
    let answers =
        json!({ "resourceType": "QuestionnaireResponse", "questionnaire": "http://example.org/q|1" });

    assert_eq!(
        values(&risk, "probability"),
        [IndexValue::Number { low: 0.4, high: 0.4 }]
    );
    assert_eq!(
        values(&answers, "questionnaire"),
        ["http://example.org/q|1", "http://example.org/q"].map(|text| IndexValue::Uri(text.to_owned()))
    );
}

#[test]
fn a_broken_resource_is_indexed_as_far_as_it_can_be_read() {
    let broken = json!({
        "resourceType": "Patient",
        "id": 5,
        "name": "Dana",
        "birthDate": "soon",
        "gender": ["female", null, {}],
        "generalPractitioner": [{ "reference": "nobody" }],
    });

    assert_eq!(
        index(&broken),
        [
            hms_fhir::IndexEntry {
                param: "deceased",
                value: token(None, "false")
            },
            hms_fhir::IndexEntry {
                param: "gender",
                value: token(None, "female")
            },
        ]
    );
    assert_eq!(index(&json!({ "resourceType": "Pateint" })), []);
    assert_eq!(index(&json!(null)), []);
}

#[test]
fn every_kept_type_has_parameters_sorted_by_name() {
    for name in hms_fhir::resource_types() {
        let names: Vec<&str> = search_params(name).iter().map(|param| param.name).collect();

        assert!(names.is_sorted(), "{name}");
        assert!(
            names.contains(&"_id") && names.contains(&"_lastUpdated"),
            "{name}"
        );
    }
    assert!(
        search_params("Medication").is_empty(),
        "only enclosed in other resources"
    );
}

#[test]
fn targets_are_those_of_the_type() {
    let targets = |name, param| search_param(name, param).map(|found| found.targets.clone());

    assert_eq!(targets("AllergyIntolerance", "patient"), Some(vec!["Patient"]));
    assert_eq!(targets("Task", "part-of"), Some(vec!["Task"]));
    assert!(targets("Task", "focus").is_some_and(|all| all.len() > 100));
    assert_eq!(search_param("Patient", "phonetic").map(|param| param.kind), None);
    assert_eq!(
        search_param("Patient", "birthdate").map(|param| param.kind),
        Some(SearchKind::Date)
    );
}

#[test]
fn a_number_in_a_query_means_a_range_by_its_precision() {
    for (text, low, high) in [
        ("100", 99.5, 100.5),
        ("5.4", 5.35, 5.45),
        ("1e2", 50.0, 150.0),
        ("-2", -2.5, -1.5),
    ] {
        let (from, to) = number_range(text).expect(text);

        assert!(
            (from - low).abs() < 1e-9 && (to - high).abs() < 1e-9,
            "{text}: {from} {to}"
        );
    }
    for text in ["", "x", "inf", "NaN", "1e999", "1e", "0x1"] {
        assert_eq!(number_range(text), None, "{text}");
    }
}
