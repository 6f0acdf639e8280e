//! Findings, complaints and danger phrases as code systems; their sets, their codes elsewhere, and the library.

use serde_json::{json, Map, Value};

use super::plan::citation;
use super::{header, put_text, spanish, system, text_of, BASE};
use crate::author::tables::Tables;
use crate::author::words;
use crate::differential::Band;
use crate::level::{Need, Urgency};
use crate::pack::Pack;
use crate::text::Lang;

pub(super) const SEARCH_WORD: &str = "search-word";
pub(super) const PHRASE: &str = "danger-phrase";
/// How many who come with the complaint have the condition.
pub(super) const BEFORE: &str = "before";
pub(super) const GATE: &str = "gate";
pub(super) const SOURCE: &str = "source";
pub(super) const ICD: &str = "http://hl7.org/fhir/sid/icd-10-cm";
pub(super) const OIICS: &str =
    "https://www.bls.gov/iif/definitions/occupational-injuries-and-illnesses-classification-manual.htm";

pub(super) fn terms(tables: &Tables, pack: &Pack) -> Vec<Value> {
    let no_driving = pack
        .file()
        .no_driving
        .iter()
        .map(|f| json!({"code": f}))
        .collect();
    let mut out = vec![
        findings(tables, pack),
        complaints(tables, pack),
        danger(tables, pack),
        urgencies(pack),
        needs(pack),
        conditions(pack),
        value_set("findings", "Findings", "findings", None, pack),
        value_set("complaints", "Complaints", "complaints", None, pack),
        value_set("urgency", "Urgencies", "urgency", None, pack),
        value_set(
            "no-driving",
            "Findings with which nobody drives",
            "findings",
            Some(no_driving),
            pack,
        ),
    ];
    if !tables.codes.is_empty() {
        out.push(concept_map(tables, pack));
    }
    out.push(library(&out, pack));
    out
}

fn code_system(id: &str, title: &str, pack: &Pack, concepts: Vec<Value>) -> Map<String, Value> {
    let mut out = header("CodeSystem", id, title, pack);
    out.insert("caseSensitive".to_owned(), json!(true));
    out.insert("content".to_owned(), json!("complete"));
    out.insert("count".to_owned(), json!(concepts.len()));
    out.insert("concept".to_owned(), Value::Array(concepts));
    out
}

fn concept(code: &str, en: &str, es: &str) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("code".to_owned(), json!(code));
    put_text(&mut out, "display", &text_of(en, es));
    out
}

fn findings(tables: &Tables, pack: &Pack) -> Value {
    let rows = tables.modules.iter().flat_map(|module| {
        module.findings.iter().map(|row| {
            let mut out = concept(&row.id, &row.en, &row.es);
            out.insert(
                "property".to_owned(),
                json!([{"code": "module", "valueString": module.module}]),
            );
            Value::Object(out)
        })
    });
    let raised = tables
        .danger
        .iter()
        .map(|row| Value::Object(concept(&row.id, &row.en, &row.es)));
    let mut out = code_system("findings", "Findings", pack, raised.chain(rows).collect());
    let concepts = out.remove("concept");
    out.insert(
        "property".to_owned(),
        json!([{"code": "module", "description": "The module that asks for it", "type": "string"}]),
    );
    out.extend(concepts.map(|c| ("concept".to_owned(), c)));
    Value::Object(out)
}

fn designation(language: Option<&str>, kind: &str, value: &str) -> Value {
    let mut out = Map::new();
    if let Some(language) = language {
        out.insert("language".to_owned(), json!(language));
    }
    out.insert(
        "use".to_owned(),
        json!({"system": system("designation-use"), "code": kind}),
    );
    out.insert("value".to_owned(), json!(value));
    Value::Object(out)
}

fn complaints(tables: &Tables, pack: &Pack) -> Value {
    let known = |code: &str| pack.file().complaints.iter().find(|c| c.code == code);
    let rows = tables.complaints.iter().map(|row| {
        let mut out = concept(&row.code, &row.en, &row.es);
        let words = |lang, list: &[String]| -> Vec<Value> {
            list.iter()
                .map(|w| designation(Some(lang), SEARCH_WORD, w))
                .collect()
        };
        if let Some(complaint) = known(&row.code) {
            let mut all = words("en", &complaint.en);
            all.extend(words("es", &complaint.es));
            if !all.is_empty() {
                out.insert("designation".to_owned(), Value::Array(all));
            }
        }
        Value::Object(out)
    });
    Value::Object(code_system("complaints", "Complaints", pack, rows.collect()))
}

fn danger(tables: &Tables, pack: &Pack) -> Value {
    let rows = tables.danger.iter().map(|row| {
        let mut out = concept(&row.id, &row.en, &row.es);
        // As in the pack, where each name stands for its words: nobody else has the table of them.
        let own = pack.file().danger.iter().filter(|d| d.finding == row.id);
        let phrases = own
            .flat_map(|d| &d.phrases)
            .map(|p| designation(None, PHRASE, &p.join(" + ")));
        out.insert("designation".to_owned(), phrases.collect());
        Value::Object(out)
    });
    Value::Object(code_system("danger", "Danger phrases", pack, rows.collect()))
}

/// What may lie behind a complaint. A sign is a property by the name of its band.
fn conditions(pack: &Pack) -> Value {
    let code = |of: Band| serde_json::to_value(of).unwrap_or_default();
    let rows = pack.file().conditions.iter().map(|row| {
        let mut properties = vec![
            json!({"code": GATE, "valueCode": row.gate}),
            json!({"code": BEFORE, "valueCode": row.before}),
            json!({"code": SOURCE, "valueString": row.source}),
        ];
        let signs = row.signs.iter();
        properties.extend(signs.map(|sign| json!({"code": code(sign.band), "valueCode": sign.finding})));
        let mut out = concept(&row.id, &row.text.en, &row.text.es);
        out.insert("property".to_owned(), Value::Array(properties));
        Value::Object(out)
    });
    let mut out = code_system(
        "conditions",
        "What may lie behind a complaint; never sets an urgency",
        pack,
        rows.collect(),
    );
    let concepts = out.remove("concept");
    let said = |name: Value, what: &str, kind: &str| json!({"code": name, "description": what, "type": kind});
    let mut properties = vec![
        said(json!(GATE), "The complaint that it is asked of", "code"),
        said(
            json!(BEFORE),
            "How many who come with the complaint have it",
            "code",
        ),
        said(json!(SOURCE), "Label of the source in Library/triage", "string"),
    ];
    let bands = Band::ALL.map(|band| said(code(band), "A finding that so many who have it show", "code"));
    properties.extend(bands);
    out.insert("property".to_owned(), Value::Array(properties));
    out.extend(concepts.map(|c| ("concept".to_owned(), c)));
    Value::Object(out)
}

fn urgencies(pack: &Pack) -> Value {
    let rows = Urgency::ALL.map(|u| {
        Value::Object(concept(
            u.code(),
            words::urgency(u, Lang::En),
            words::urgency(u, Lang::Es),
        ))
    });
    Value::Object(code_system(
        "urgency",
        "Urgencies, lowest first",
        pack,
        rows.to_vec(),
    ))
}

fn needs(pack: &Pack) -> Value {
    let all = [Need::WoundCare, Need::Xray, Need::Vaccine, Need::Examination];
    let rows = all.iter().map(|need| {
        let mut out = Map::new();
        out.insert("code".to_owned(), json!(need));
        out.insert("display".to_owned(), json!(words::need(*need, Lang::En)));
        out.insert("_display".to_owned(), spanish(words::need(*need, Lang::Es)));
        Value::Object(out)
    });
    Value::Object(code_system(
        "needs",
        "What a place of care must offer",
        pack,
        rows.collect(),
    ))
}

fn value_set(id: &str, title: &str, of: &str, only: Option<Vec<Value>>, pack: &Pack) -> Value {
    let mut out = header("ValueSet", id, title, pack);
    let mut include = Map::new();
    include.insert("system".to_owned(), json!(system(of)));
    include.extend(only.map(|concepts| ("concept".to_owned(), Value::Array(concepts))));
    out.insert("compose".to_owned(), json!({"include": [include]}));
    Value::Object(out)
}

/// Codes for reports. A complaint is not a diagnosis, so nothing here claims to be the same.
fn concept_map(tables: &Tables, pack: &Pack) -> Value {
    let mut out = header(
        "ConceptMap",
        "complaints",
        "Complaints to ICD-10-CM and OIICS",
        pack,
    );
    let group =
        |target: &str, version: Option<&str>, pick: fn(&crate::author::tables::CodeRow) -> &Vec<String>| {
            let elements: Vec<Value> = tables
                .codes
                .iter()
                .filter(|row| !pick(row).is_empty())
                .map(|row| {
                    let targets = pick(row)
                        .iter()
                        .map(|c| json!({"code": c, "equivalence": "relatedto"}));
                    json!({"code": row.complaint, "target": targets.collect::<Vec<_>>()})
                })
                .collect();
            let mut out = Map::new();
            out.insert("source".to_owned(), json!(system("complaints")));
            out.insert("target".to_owned(), json!(target));
            out.extend(version.map(|v| ("targetVersion".to_owned(), json!(v))));
            out.insert("element".to_owned(), Value::Array(elements));
            Value::Object(out)
        };
    let groups = [
        group(ICD, None, |row| &row.icd10cm),
        group(OIICS, Some("2.01"), |row| &row.oiics),
    ];
    let full = groups
        .into_iter()
        .filter(|g| g["element"].as_array().is_some_and(|e| !e.is_empty()));
    out.insert(
        "sourceUri".to_owned(),
        json!(format!("{BASE}/ValueSet/complaints")),
    );
    out.insert("group".to_owned(), full.collect());
    Value::Object(out)
}

/// What belongs together, and every source that the content rests on.
fn library(others: &[Value], pack: &Pack) -> Value {
    let mut out = header("Library", "triage", "The symptom check as a whole", pack);
    out.insert(
        "identifier".to_owned(),
        json!([{"system": format!("{BASE}/pack-sha256"), "value": pack.hash()}]),
    );
    let kind =
        json!({"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "asset-collection"});
    out.insert("type".to_owned(), json!({"coding": [kind]}));
    let fixed = [
        "Questionnaire/triage",
        "PlanDefinition/rules",
        "PlanDefinition/lines",
    ];
    let mut parts: Vec<String> = fixed.iter().map(|id| format!("{BASE}/{id}")).collect();
    parts.extend(
        others
            .iter()
            .filter_map(|it| Some(it["url"].as_str()?.to_owned())),
    );
    let parts = parts
        .iter()
        .map(|url| json!({"type": "composed-of", "resource": url}));
    let sources = pack.file().sources.keys().map(|key| citation(pack, key));
    out.insert("relatedArtifact".to_owned(), parts.chain(sources).collect());
    Value::Object(out)
}
