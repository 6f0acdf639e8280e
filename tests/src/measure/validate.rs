//! Checking resources against FHIR R4.

use super::row::Row;
use anyhow::{ensure, Result};
use serde_json::{json, Value};
use std::time::{Duration, Instant};

/// How long is measured.
const LONG: Duration = Duration::from_secs(2);

/// `measure validate`.
pub(super) fn validate() -> Result<Vec<Row>> {
    let report = report();
    ensure!(hms_fhir::validate(&report).is_ok(), "the example is not valid");
    let bytes = serde_json::to_vec(&report)?.len();
    let begun = Instant::now();
    let mut times = 0_u32;
    while begun.elapsed() < LONG {
        for _ in 0..100 {
            ensure!(
                hms_fhir::validate(std::hint::black_box(&report)).is_ok(),
                "not valid"
            );
        }
        times += 100;
    }
    let each = begun.elapsed().as_secs_f64() * 1e6 / f64::from(times);
    Ok(vec![Row::new(
        "FHIR validation of a report, per kB of JSON",
        each / (bytes as f64 / 1000.0),
        "µs",
    )])
}

fn report() -> Value {
    let answer = |link: &str, code: &str| {
        json!({ "linkId": link, "answer": [{ "valueCoding": {
            "system": "https://hms-ach.example/fhir/CodeSystem/what-happened", "code": code } }] })
    };
    json!({
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "questionnaire": "https://hms-ach.example/fhir/Questionnaire/injury-report|1",
        "status": "completed",
        "authored": "2026-11-21T10:42:00-06:00",
        "subject": { "reference": "Patient/dana" },
        "item": [
            answer("safe", "safe"),
            answer("what", "animal"),
            { "linkId": "note", "answer": [{ "valueString": "a dog came out of the yard ".repeat(20) }] },
        ],
    })
}
