//! What follows from a symptom check besides the queue: which pack and which answers it came from, as Provenance; and for an
//! emergency a Flag in the chart. Both are the service's own: no device writes them, and none has to carry them.

use super::{cause, write};
use crate::db::{Tx, WriteError};
use hms_model::map::{self, concept, reference, system, triage};
use hms_model::time::Timestamp;
use serde_json::{json, Value};

/// The Flag says "active" of so long: the time in which contacts are counted together.
const FLAGGED_MS: i64 = 72 * 3600 * 1000;

/// Makes both where they are not there yet. A check of nobody known waits for its claim.
///
/// # Errors
/// A failure of the database.
pub fn note(tx: &mut Tx<'_>, id: &str, check: &Value, patient: &str) -> Result<(), WriteError> {
    let recorded = Timestamp(tx.now_ms()).to_instant();
    write::make(tx, provenance(id, check, patient, &recorded))?;
    if triage::level(check) == Some("emergency") {
        let start = map::text_at(check, &["occurrenceDateTime"]).unwrap_or(&recorded);
        let from = Timestamp::parse(start).unwrap_or(Timestamp(tx.now_ms()));
        write::make(tx, flag(id, check, patient, start, from.plus_ms(FLAGGED_MS)))?;
    }
    Ok(())
}

fn provenance(id: &str, check: &Value, patient: &str, recorded: &str) -> Value {
    let mut entities = vec![json!({
        "role": "source",
        "what": reference("QuestionnaireResponse", &format!("{id}-answers")),
    })];
    let pack = map::extension(check, "triage-pack").and_then(|e| e.get("valueString")?.as_str());
    entities.extend(pack.map(|pack| {
        json!({ "role": "derivation", "what": {
            "identifier": { "system": system::codes("triage-pack"), "value": pack },
            "display": "Pack of the symptom checker (SHA-256)",
        }})
    }));
    json!({
        "resourceType": "Provenance",
        "id": cause::id("provenance", &["RiskAssessment", id]),
        "target": [reference("RiskAssessment", id), reference("Patient", patient)],
        "recorded": recorded,
        "activity": concept(&system::codes("activity"), "symptom-check"),
        "agent": [{
            "type": concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "assembler"),
            "who": { "display": "HMS-ACH symptom checker" },
            "onBehalfOf": reference("Patient", patient),
        }],
        "entity": entities,
    })
}

fn flag(id: &str, check: &Value, patient: &str, start: &str, until: Timestamp) -> Value {
    let urgency = triage::urgency(check).unwrap_or("ed_now");
    json!({
        "resourceType": "Flag",
        "id": cause::id("flag", &["RiskAssessment", id]),
        "status": "active",
        "category": [concept("http://terminology.hl7.org/CodeSystem/flag-category", "safety")],
        "code": concept(&system::codes("urgency"), urgency),
        "subject": reference("Patient", patient),
        "period": { "start": start, "end": until.to_instant() },
        "author": { "display": "HMS-ACH symptom checker" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_fhir_and_name_the_pack_and_the_answers() {
        let check = json!({
            "resourceType": "RiskAssessment", "id": "c",
            "extension": [{ "url": system::extension("triage-pack"), "valueString": "abc" }],
            "prediction": [{ "qualitativeRisk": concept(&system::codes("urgency"), "call_911") }],
        });
        let made = provenance("c", &check, "dana", "2026-11-22T10:00:00Z");
        assert_eq!(hms_fhir::validate(&made), Ok(()));
        assert_eq!(
            made["entity"][0]["what"]["reference"],
            "QuestionnaireResponse/c-answers"
        );
        assert_eq!(made["entity"][1]["what"]["identifier"]["value"], "abc");

        let flag = flag(
            "c",
            &check,
            "dana",
            "2026-11-22T10:00:00Z",
            Timestamp(4_000_000_000_000),
        );
        assert_eq!(hms_fhir::validate(&flag), Ok(()));
        assert_eq!(flag["code"]["coding"][0]["code"], "call_911");
    }
}
