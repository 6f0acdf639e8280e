//! The content as FHIR R4: what other houses can open, run and review, and the way back to the tables.
//!
//! | resource | holds |
//! |---|---|
//! | Questionnaire | every question, one group a module, shown and hidden by SDC expressions |
//! | PlanDefinition `rules` | one action a rule: FHIRPath over the QuestionnaireResponse, urgency, source |
//! | PlanDefinition `lines` | advice and safety net, by urgency, and what the course over time says |
//! | ActivityDefinition | one per urgency: what is done when a rule asks for it |
//! | CodeSystem, ValueSet | findings, complaints with the words for them, danger phrases, urgencies, needs |
//! | ConceptMap | complaints to ICD-10-CM and OIICS |
//! | Library | the whole, with every source |
//!
//! The highest urgency among the actions that apply is the result; what the course over time adds
//! ([`crate::Course`]) is told in words only. A response holds answers to enabled questions alone, as SDC
//! asks; the conditions rest on that.

mod fhirpath;
mod import;
mod plan;
mod questionnaire;
mod response;
mod terms;

use serde_json::{json, Map, Value};

pub use fhirpath::Paths;
pub use import::{import, Imported};
pub use response::response;

use super::tables::Tables;
use super::AuthorError;
use crate::pack::Pack;
use crate::text::Text;

/// The address under which the resources are named. Nothing is served there.
pub const BASE: &str = "https://hms-ach.example/fhir";

/// One resource and the name of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// `Questionnaire-triage.json`.
    pub file: String,
    /// The resource.
    pub body: Value,
}

/// Makes the resources of tables and the pack that was built from them.
///
/// # Errors
/// [`AuthorError`] where a table and the pack do not fit, or where our validator refuses a resource.
pub fn export(tables: &Tables, pack: &Pack) -> Result<Vec<Resource>, AuthorError> {
    let known = |code: &str| pack.file().complaints.iter().any(|c| c.code == code);
    if let Some(row) = tables.codes.iter().find(|row| !known(&row.complaint)) {
        return Err(AuthorError::Row {
            row: "codes.yaml".to_owned(),
            what: format!("{} is not a complaint", row.complaint),
        });
    }
    let paths = Paths::new(tables, pack);
    let mut all = vec![questionnaire::questionnaire(tables, pack, &paths)];
    all.extend(plan::plans(tables, pack, &paths)?);
    all.extend(terms::terms(tables, pack));
    let mut out = Vec::with_capacity(all.len());
    for body in all {
        let name = |key: &str| {
            body.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let file = format!("{}-{}.json", name("resourceType"), name("id"));
        if let Err(issues) = hms_fhir::validate(&body) {
            let first = issues.first().map(ToString::to_string).unwrap_or_default();
            return Err(AuthorError::Row {
                row: file,
                what: format!("{} mistakes in FHIR, the first: {first}", issues.len()),
            });
        }
        out.push(Resource { file, body });
    }
    Ok(out)
}

/// Addresses of extensions: SDC's and FHIR's where there is one, else our own.
mod ext {
    pub const ENABLE_WHEN: &str =
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression";
    pub const HIDDEN: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden";
    pub const CONTROL: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl";
    pub const EXCLUSIVE: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive";
    pub const MIN: &str = "http://hl7.org/fhir/StructureDefinition/minValue";
    pub const MAX: &str = "http://hl7.org/fhir/StructureDefinition/maxValue";
    pub const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/translation";
    pub const OPEN_LABEL: &str = "https://hms-ach.example/fhir/StructureDefinition/unit";
    pub const KIND: &str = "https://hms-ach.example/fhir/StructureDefinition/question-kind";
    pub const MUST_ASK: &str = "https://hms-ach.example/fhir/StructureDefinition/must-ask";
    pub const RANK: &str = "https://hms-ach.example/fhir/StructureDefinition/rank";
    pub const MAP: &str = "https://hms-ach.example/fhir/StructureDefinition/map";
    pub const SETS: &str = "https://hms-ach.example/fhir/StructureDefinition/sets";
    pub const ALSO: &str = "https://hms-ach.example/fhir/StructureDefinition/also";
    pub const VITAL: &str = "https://hms-ach.example/fhir/StructureDefinition/vital";
    pub const AT_LEAST: &str = "https://hms-ach.example/fhir/StructureDefinition/at-least";
    pub const AT_MOST: &str = "https://hms-ach.example/fhir/StructureDefinition/at-most";
    pub const FROM: &str = "https://hms-ach.example/fhir/StructureDefinition/from-urgency";
    pub const TO: &str = "https://hms-ach.example/fhir/StructureDefinition/to-urgency";
    pub const WRITTEN: &str = "https://hms-ach.example/fhir/StructureDefinition/row-written";
    pub const REVIEWER: &str = "https://hms-ach.example/fhir/StructureDefinition/reviewer";
}

/// What every definition says of itself.
fn header(kind: &str, id: &str, title: &str, pack: &Pack) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("resourceType", json!(kind));
    put("id", json!(id));
    put("language", json!("en"));
    put("url", json!(format!("{BASE}/{kind}/{id}")));
    put("version", json!(pack.version()));
    put("name", json!(name(id)));
    put("title", json!(title));
    put("status", json!("draft"));
    put("experimental", json!(true));
    put("publisher", json!("HMS-ACH"));
    put(
        "description",
        json!(format!(
            "{title}. Symptom checker of HMS-ACH, pack {} ({}). Not reviewed by a licensed clinician unless a \
             signature says so.",
            pack.version(),
            pack.status()
        )),
    );
    out
}

/// `triage-findings` as a name for machines: `TriageFindings`.
fn name(id: &str) -> String {
    id.split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().chain(letters).collect::<String>()
            })
        })
        .collect()
}

fn system(id: &str) -> String {
    format!("{BASE}/CodeSystem/{id}")
}

/// A text with its Spanish twin, as the two members `key` and `_key`.
fn put_text(into: &mut Map<String, Value>, key: &str, text: &Text) {
    into.insert(key.to_owned(), json!(text.en));
    into.insert(format!("_{key}"), spanish(&text.es));
}

fn spanish(text: &str) -> Value {
    json!({"extension": [{"url": ext::TRANSLATION, "extension": [
        {"url": "lang", "valueCode": "es"},
        {"url": "content", "valueString": text},
    ]}]})
}

fn text_of(en: &str, es: &str) -> Text {
    Text {
        en: en.trim().to_owned(),
        es: es.trim().to_owned(),
    }
}

/// A FHIRPath condition; its description is the same condition in the grammar of the tables.
fn expression(path: &str, author: &str) -> Value {
    json!({"description": author, "language": "text/fhirpath", "expression": path})
}
