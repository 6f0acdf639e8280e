//! The symptom checker's result: RiskAssessment, with the answers as QuestionnaireResponse.

use super::{concept, extension, reference, system};
use crate::ids::{PatientId, ReportId, TriageId};
use crate::time::Stamp;
use serde_json::{json, Value};

/// What a symptom check ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriageResult {
    /// Made on the device; the answers' QuestionnaireResponse has the id `{id}-answers`.
    pub id: TriageId,
    /// The person; `None` until claimed.
    pub patient: Option<PatientId>,
    /// The report it belongs to, if any.
    pub report: Option<ReportId>,
    /// Projected level: `emergency`, `urgent_video`, `clinic_24h`, `routine`, `self_care`.
    pub level: String,
    /// Urgency on the chain: `call_911` … `self_care`.
    pub urgency: String,
    /// Venue.
    pub venue: String,
    /// Reasons in the person's language.
    pub reasons: Vec<String>,
    /// Advice as shown.
    pub advice: Vec<String>,
    /// Question and answer as shown, in order.
    pub answers: Vec<(String, String)>,
    /// Answers as stored, for byte-identical replay.
    pub replay: String,
    /// SHA-256 of the pack.
    pub pack: String,
    /// When it ended.
    pub at: Stamp,
    /// Language of the words above.
    pub language: String,
}

/// The two resources: RiskAssessment and the answers.
#[must_use]
pub fn to_fhir(result: &TriageResult) -> [Value; 2] {
    let answers_id = format!("{}-answers", result.id);
    let mut basis = vec![reference("QuestionnaireResponse", &answers_id)];
    basis.extend(
        result
            .report
            .iter()
            .map(|r| reference("QuestionnaireResponse", r.as_str())),
    );
    let mut extensions = vec![
        json!({ "url": system::extension("triage-level"), "valueCode": result.level }),
        json!({ "url": system::extension("triage-venue"), "valueCode": result.venue }),
        json!({ "url": system::extension("triage-pack"), "valueString": result.pack }),
    ];
    extensions.extend(
        result
            .reasons
            .iter()
            .map(|r| json!({ "url": system::extension("triage-reason"), "valueString": r })),
    );
    // A check without sign-in has no subject yet; R4 wants one, so it is named in words until claimed.
    let subject = match &result.patient {
        Some(patient) => reference("Patient", patient.as_str()),
        None => json!({ "display": "not signed in" }),
    };
    let assessment = json!({
        "resourceType": "RiskAssessment",
        "id": result.id.as_str(),
        "language": result.language,
        "extension": extensions,
        "status": "final",
        "method": concept(&system::codes("risk-method"), "symptom-check"),
        "subject": subject,
        "occurrenceDateTime": result.at.to_datetime(),
        "basis": basis,
        "prediction": [{ "qualitativeRisk": concept(&system::codes("urgency"), &result.urgency) }],
        "mitigation": result.advice.join("\n"),
    });
    let items: Vec<Value> = result
        .answers
        .iter()
        .enumerate()
        .map(|(n, (question, answer))| {
            json!({ "linkId": format!("q{}", n + 1), "text": question, "answer": [{ "valueString": answer }] })
        })
        .collect();
    let mut answers = json!({
        "resourceType": "QuestionnaireResponse",
        "id": answers_id,
        "language": result.language,
        "extension": [{ "url": system::extension("triage-replay"), "valueString": result.replay }],
        "questionnaire": system::symptom_check(&result.pack),
        "status": "completed",
        "authored": result.at.to_datetime(),
    });
    if let Some(map) = answers.as_object_mut() {
        if let Some(patient) = &result.patient {
            map.insert("subject".into(), reference("Patient", patient.as_str()));
        }
        if !items.is_empty() {
            map.insert("item".into(), Value::Array(items));
        }
    }
    [assessment, answers]
}

/// Urgency word of a RiskAssessment.
#[must_use]
pub fn urgency(assessment: &Value) -> Option<&str> {
    super::code_in(
        assessment.get("prediction")?.get(0)?.get("qualitativeRisk")?,
        &system::codes("urgency"),
    )
}

/// Projected level of a RiskAssessment.
#[must_use]
pub fn level(assessment: &Value) -> Option<&str> {
    extension(assessment, "triage-level")?.get("valueCode")?.as_str()
}

/// Reasons of a RiskAssessment, as shown to the person.
#[must_use]
pub fn reasons(assessment: &Value) -> Vec<String> {
    let url = system::extension("triage-reason");
    let all = assessment.get("extension").and_then(Value::as_array);
    all.into_iter()
        .flatten()
        .filter(|e| e.get("url").and_then(Value::as_str) == Some(&url))
        .filter_map(|e| e.get("valueString")?.as_str().map(str::to_owned))
        .collect()
}

/// Answers as stored, of the answers' QuestionnaireResponse.
#[must_use]
pub fn replay(response: &Value) -> Option<&str> {
    extension(response, "triage-replay")?.get("valueString")?.as_str()
}

/// Question and answer pairs of the answers' QuestionnaireResponse.
#[must_use]
pub fn answers(response: &Value) -> Vec<(String, String)> {
    let items = response.get("item").and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| {
            let question = item.get("text")?.as_str()?.to_owned();
            let answer = item
                .get("answer")?
                .get(0)?
                .get("valueString")?
                .as_str()?
                .to_owned();
            Some((question, answer))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_reads_back() {
        let result = TriageResult {
            id: TriageId::parse("t1").expect("id"),
            patient: PatientId::parse("dana").ok(),
            report: ReportId::parse("r1").ok(),
            level: "urgent_video".into(),
            urgency: "today".into(),
            venue: "in_person".into(),
            reasons: vec!["Dog bite to the hand".into()],
            advice: vec!["Wash it for 15 minutes.".into()],
            answers: vec![("Is it bleeding?".into(), "No".into())],
            replay: "{}".into(),
            pack: "abc".into(),
            at: Stamp::parse("2026-11-21T10:50:00-06:00").expect("stamp"),
            language: "en".into(),
        };

        let [assessment, response] = to_fhir(&result);

        assert_eq!(urgency(&assessment), Some("today"));
        assert_eq!(level(&assessment), Some("urgent_video"));
        assert_eq!(reasons(&assessment), result.reasons);
        assert_eq!(answers(&response), result.answers);
        assert_eq!(replay(&response), Some("{}"));
        assert_eq!(hms_fhir::validate(&assessment), Ok(()));
        assert_eq!(hms_fhir::validate(&response), Ok(()));
    }
}
