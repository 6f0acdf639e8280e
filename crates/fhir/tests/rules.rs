//! Rules about several elements: each is broken once and kept once.

use hms_fhir::validate;
use serde_json::{json, Value};

fn check(resource: Value, expected: Option<&str>) {
    let paths = validate(&resource)
        .err()
        .map(|issues| issues.into_iter().map(|issue| issue.path).collect::<Vec<_>>());

    assert_eq!(paths, expected.map(|path| vec![path.to_owned()]), "{resource}");
}

#[test]
fn an_extension_has_a_value_or_extensions() {
    let patient = |extension: Value| json!({ "resourceType": "Patient", "extension": [extension] });

    check(patient(json!({ "url": "http://a", "valueString": "x" })), None);
    check(
        patient(
            json!({ "url": "http://a", "_valueString": { "extension": [{ "url": "b", "valueCode": "x" }] } }),
        ),
        None,
    );
    check(
        patient(json!({ "url": "http://a", "extension": [{ "url": "b", "valueCode": "x" }] })),
        None,
    );
    check(
        patient(json!({ "url": "http://a" })),
        Some("Patient.extension[0]"),
    );
    check(
        patient(
            json!({ "url": "http://a", "valueString": "x", "extension": [{ "url": "b", "valueCode": "x" }] }),
        ),
        Some("Patient.extension[0]"),
    );
    check(
        patient(json!({ "valueString": "x" })),
        Some("Patient.extension[0].url"),
    );
}

#[test]
fn a_primitive_may_carry_only_extensions() {
    let absent = json!({ "extension": [{ "url": "http://a", "valueCode": "unknown" }] });

    check(json!({ "resourceType": "Patient", "_birthDate": absent }), None);
    check(
        json!({ "resourceType": "Patient", "birthDate": "1990", "_birthDate": { "id": "b" } }),
        None,
    );
    check(
        json!({ "resourceType": "Patient", "_birthDate": { "id": "b" } }),
        Some("Patient.birthDate"),
    );
    check(
        json!({ "resourceType": "Patient", "birthDate": "1990", "_birthDate": {} }),
        Some("Patient.birthDate"),
    );
    check(
        json!({ "resourceType": "Observation", "_status": absent, "code": { "text": "x" } }),
        None,
    );
    check(
        json!({ "resourceType": "Patient", "name": [{ "given": ["A", null], "_given": [null, absent] }] }),
        None,
    );
    check(
        json!({ "resourceType": "Patient", "name": [{ "given": ["A", null] }] }),
        Some("Patient.name[0].given[1]"),
    );
    check(
        json!({ "resourceType": "Patient", "name": [{ "given": ["A", null], "_given": [null, null] }] }),
        Some("Patient.name[0].given[1]"),
    );
    check(
        json!({ "resourceType": "Patient", "name": [{ "given": ["A"], "_given": [null, absent] }] }),
        Some("Patient.name[0].given"),
    );
}

#[test]
fn what_is_contained_is_found_typed_and_not_nested() {
    let report = |contained: Value, reference: &str| {
        json!({
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "contained": [contained],
            "author": { "reference": reference },
        })
    };
    let ada = json!({ "resourceType": "Practitioner", "id": "ada" });

    check(report(ada.clone(), "#ada"), None);
    check(
        report(ada, "#ida"),
        Some("QuestionnaireResponse.author.reference"),
    );
    check(
        report(json!({ "resourceType": "Location", "id": "l" }), "#l"),
        Some("QuestionnaireResponse.author.reference"),
    );
    check(
        report(json!({ "resourceType": "Practitioner" }), "Patient/1"),
        Some("QuestionnaireResponse.contained[0].id"),
    );
    check(
        report(
            json!({ "resourceType": "Practitioner", "id": "a", "meta": { "versionId": "1" } }),
            "#a",
        ),
        Some("QuestionnaireResponse.contained[0].meta.versionId"),
    );
}

#[test]
fn an_allergy_says_whether_it_is_current_unless_entered_in_error() {
    let coded = |system: &str, code: &str| json!({ "coding": [{ "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code }] });
    let allergy = |key: &str, value: Value| json!({ "resourceType": "AllergyIntolerance", "patient": { "reference": "Patient/1" }, key: value });

    check(
        allergy("clinicalStatus", coded("allergyintolerance-clinical", "active")),
        None,
    );
    check(
        allergy(
            "verificationStatus",
            coded("allergyintolerance-verification", "entered-in-error"),
        ),
        None,
    );
    check(
        allergy(
            "verificationStatus",
            coded("allergyintolerance-verification", "confirmed"),
        ),
        Some("AllergyIntolerance.clinicalStatus"),
    );
    check(
        allergy("clinicalStatus", coded("allergyintolerance-clinical", "gone")),
        Some("AllergyIntolerance.clinicalStatus.coding"),
    );
}

#[test]
fn an_appointment_has_both_ends_in_order() {
    let visit = |start: Option<&str>, end: Option<&str>, status: &str| {
        let mut visit = json!({
            "resourceType": "Appointment",
            "status": status,
            "participant": [{ "actor": { "reference": "Patient/1" }, "status": "accepted" }],
        });
        for (key, value) in [("start", start), ("end", end)] {
            if let Some(value) = value {
                visit[key] = json!(value);
            }
        }
        visit
    };
    let (ten, eleven) = ("2024-01-01T10:00:00Z", "2024-01-01T12:00:00+01:00");

    check(visit(Some(ten), Some(eleven), "booked"), None);
    check(visit(None, None, "proposed"), None);
    check(visit(None, None, "booked"), Some("Appointment.start"));
    check(visit(Some(ten), None, "booked"), Some("Appointment.end"));
    check(
        visit(Some("2024-01-01T12:00:00Z"), Some(eleven), "booked"),
        Some("Appointment.end"),
    );
}

#[test]
fn a_transaction_asks_and_its_answer_answers() {
    let bundle =
        |kind: &str, entry: Value| json!({ "resourceType": "Bundle", "type": kind, "entry": [entry] });
    let resource = json!({ "resourceType": "Patient" });
    let request = json!({ "method": "POST", "url": "Patient" });

    check(
        bundle("transaction", json!({ "resource": resource, "request": request })),
        None,
    );
    check(
        bundle("transaction", json!({ "resource": resource })),
        Some("Bundle.entry[0].request"),
    );
    check(
        bundle("collection", json!({ "request": request })),
        Some("Bundle.entry[0].request"),
    );
    check(
        bundle("batch-response", json!({ "resource": resource })),
        Some("Bundle.entry[0].response"),
    );
    check(
        bundle("collection", json!({ "fullUrl": "urn:uuid:a" })),
        Some("Bundle.entry[0]"),
    );
}

#[test]
fn a_conditional_reference_stands_only_in_a_bundle() {
    let flag = json!({
        "resourceType": "Flag",
        "status": "active",
        "code": { "text": "x" },
        "subject": { "reference": "Patient?identifier=7" },
    });
    let entry = json!({ "resource": flag, "request": { "method": "POST", "url": "Flag" } });

    check(
        json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] }),
        None,
    );
    check(flag, Some("Flag.subject.reference"));
}

#[test]
fn smaller_rules_hold() {
    let patient = |key: &str, value: Value| json!({ "resourceType": "Patient", key: value });

    check(
        patient("contact", json!([{ "gender": "female" }])),
        Some("Patient.contact[0]"),
    );
    check(
        patient("telecom", json!([{ "value": "1" }])),
        Some("Patient.telecom[0].system"),
    );
    check(
        patient("name", json!([{ "period": { "start": "2024", "end": "2023" } }])),
        Some("Patient.name[0].period.end"),
    );
    check(
        patient(
            "name",
            json!([{ "period": { "start": "2024-05", "end": "2024" } }]),
        ),
        None,
    );
    check(
        patient("photo", json!([{ "data": "aGk=" }])),
        Some("Patient.photo[0].contentType"),
    );
    check(
        json!({ "resourceType": "Questionnaire", "status": "active", "item": [
            { "linkId": "1", "type": "string" }, { "linkId": "1", "type": "string" } ] }),
        Some("Questionnaire.item"),
    );
    check(
        json!({ "resourceType": "Questionnaire", "status": "active", "item": [{ "type": "string" }] }),
        Some("Questionnaire.item[0].linkId"),
    );
    check(
        json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" },
            "valueString": "x", "dataAbsentReason": { "text": "y" } }),
        Some("Observation.dataAbsentReason"),
    );
    check(
        json!({ "resourceType": "Task", "status": "requested", "intent": "order",
            "authoredOn": "2024-02-01", "lastModified": "2024-01-01" }),
        Some("Task.lastModified"),
    );
}
