//! Answers as the QuestionnaireResponse that the exported Questionnaire asks for.

use serde_json::{json, Map, Value};

use super::fhirpath::{by_codes, group, unsure, DANGER, NONE};
use super::{system, Paths, BASE};
use crate::answer::{Answer, Answers};
use crate::pack::{Kind, Pack, Question};

/// The response with all answers given, in the order of the questions.
///
/// Answers to questions that are not open are among them: a renderer, and whoever evaluates the rules, must
/// take them out by the Questionnaire's own conditions.
#[must_use]
pub fn response(pack: &Pack, paths: &Paths, answers: &Answers) -> Value {
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    if !answers.raised.is_empty() {
        let codes = answers.raised.iter().map(|f| coding(f)).collect::<Vec<_>>();
        groups.push((group(DANGER), vec![json!({"linkId": DANGER, "answer": codes})]));
    }
    for q in &pack.file().questions {
        let Some(item) = answers.given.get(&q.id).and_then(|answer| item(q, answer)) else {
            continue;
        };
        let module = paths.group(&q.id);
        match groups.iter_mut().find(|(id, _)| *id == module) {
            Some((_, items)) => items.push(item),
            None => groups.push((module, vec![item])),
        }
    }
    let items = groups
        .into_iter()
        .map(|(id, items)| json!({"linkId": id, "item": items}));
    json!({
        "resourceType": "QuestionnaireResponse",
        "questionnaire": format!("{BASE}/Questionnaire/triage|{}", pack.version()),
        "status": "completed",
        "item": items.collect::<Vec<_>>(),
    })
}

fn coding(code: &str) -> Value {
    json!({"valueCoding": {"system": system("answers"), "code": code}})
}

fn item(q: &Question, answer: &Answer) -> Option<Value> {
    let mut link = q.id.clone();
    let values = match answer {
        Answer::Number(number) => vec![json!({"valueDecimal": number})],
        Answer::Flag(false) => vec![coding("no")],
        Answer::Flag(true) => q.options.iter().map(|yes| coding(&yes.code)).collect(),
        Answer::Codes(codes) if codes.is_empty() => vec![coding(NONE)],
        Answer::Codes(codes) => codes.iter().map(|c| coding(c)).collect(),
        Answer::Code(code) if by_codes(q.kind) => vec![coding(code)],
        Answer::Code(_) => {
            link = unsure(&q.id);
            vec![json!({"valueBoolean": true})]
        }
    };
    // An answer of another kind says nothing here.
    let fits = by_codes(q.kind) != matches!(answer, Answer::Number(_)) || q.kind == Kind::Number;
    let mut out = Map::new();
    out.insert("linkId".to_owned(), json!(link));
    out.insert("answer".to_owned(), Value::Array(values));
    fits.then_some(Value::Object(out))
}
