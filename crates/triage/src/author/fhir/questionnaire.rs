//! The interview as a Questionnaire that an SDC renderer can open: one group a module.

use serde_json::{json, Map, Value};

use super::fhirpath::{by_codes, group, unsure, DANGER, NONE};
use super::{expression, ext, header, put_text, spanish, system, text_of, Paths};
use crate::answer::Answer;
use crate::author::condition;
use crate::author::tables::{ModuleTable, QuestionRow, Tables};
use crate::expr::Expr;
use crate::pack::{Choice, Kind, Pack, Question, Side};
use crate::session::COMPLAINT;
use crate::text::Text;

pub(super) fn questionnaire(tables: &Tables, pack: &Pack, paths: &Paths) -> Value {
    let mut out = header("Questionnaire", "triage", "Symptom check", pack);
    out.insert("subjectType".to_owned(), json!(["Patient"]));
    let mut groups = vec![danger(pack)];
    for module in &tables.modules {
        let questions = module
            .questions
            .iter()
            .filter_map(|row| Some(item(pack.question(&row.id)?.1, Some(row), paths)));
        let items: Vec<Value> = questions.flatten().collect();
        if !items.is_empty() {
            groups.push(module_group(module, pack, paths, items));
        }
        if module.module == "life" {
            if let Some((_, q)) = pack.question(COMPLAINT) {
                groups.push(json!({
                    "linkId": group(COMPLAINT), "type": "group", "item": item(q, None, paths),
                }));
            }
        }
    }
    out.insert("item".to_owned(), Value::Array(groups));
    Value::Object(out)
}

fn module_group(module: &ModuleTable, pack: &Pack, paths: &Paths, items: Vec<Value>) -> Value {
    let mut out = Map::new();
    out.insert("linkId".to_owned(), json!(group(&module.module)));
    if let Some(gate) = &module.gate {
        let shown = paths.of(&Expr::Present(gate.clone()));
        out.insert("extension".to_owned(), json!([enable_when(&shown, gate)]));
        if let Some(def) = pack.finding(gate).and_then(|ix| pack.finding_def(ix)) {
            put_text(&mut out, "text", &def.text);
        }
    }
    out.insert("type".to_owned(), json!("group"));
    out.insert("item".to_owned(), Value::Array(items));
    Value::Object(out)
}

fn enable_when(path: &str, author: &str) -> Value {
    json!({"url": ext::ENABLE_WHEN, "valueExpression": expression(path, author)})
}

fn control(code: &str) -> Value {
    json!({"url": ext::CONTROL, "valueCodeableConcept": {"coding": [
        {"system": "http://hl7.org/fhir/questionnaire-item-control", "code": code},
    ]}})
}

/// Hidden: what the danger phrases of the free text raised before anything was asked.
fn danger(pack: &Pack) -> Value {
    let options = pack.file().danger.iter().map(|d| {
        let words = pack.finding(&d.finding).and_then(|ix| pack.finding_def(ix));
        json!({"valueCoding": {
            "system": system("answers"), "code": d.finding, "display": words.map(|w| &w.text.en),
        }})
    });
    json!({
        "linkId": group(DANGER), "type": "group",
        "extension": [{"url": ext::HIDDEN, "valueBoolean": true}],
        "item": [{
            "linkId": DANGER, "type": "choice", "repeats": true,
            "text": "Danger words in the free text",
            "extension": [{"url": ext::HIDDEN, "valueBoolean": true}],
            "answerOption": options.collect::<Vec<_>>(),
        }],
    })
}

/// A question; a number has a second item for "not sure".
fn item(q: &Question, row: Option<&QuestionRow>, paths: &Paths) -> Vec<Value> {
    let mut extensions = vec![json!({"url": ext::KIND, "valueCode": q.kind})];
    let mut flag = |url: &str, on: bool| {
        if on {
            extensions.push(json!({"url": url, "valueBoolean": true}));
        }
    };
    flag(ext::HIDDEN, q.hidden);
    flag(ext::MUST_ASK, q.must_ask);
    flag(ext::MAP, row.is_some_and(|r| r.map));
    extensions.push(json!({"url": ext::RANK, "valueInteger": q.rank}));
    let shown = row.and_then(|r| r.when.as_ref()).and_then(|own| {
        let read = condition::parse(own).ok()?;
        Some(enable_when(&paths.of(&read), own))
    });
    extensions.extend(shown.clone());
    let mut out = Map::new();
    out.insert("linkId".to_owned(), json!(q.id));
    put_text(&mut out, "text", &q.text);
    out.insert(
        "item".to_owned(),
        json!([{
            "linkId": format!("{}.why", q.id), "type": "display", "text": q.why.en, "_text": spanish(&q.why.es),
            "extension": [control("help")],
        }]),
    );
    if by_codes(q.kind) {
        let many = q.kind == Kind::Multi;
        extensions.push(control(if many { "check-box" } else { "radio-button" }));
        out.insert("type".to_owned(), json!("choice"));
        out.insert("repeats".to_owned(), json!(many));
        out.insert("answerOption".to_owned(), Value::Array(options(q)));
        out.insert("extension".to_owned(), Value::Array(extensions));
        return vec![Value::Object(out)];
    }
    out.insert("type".to_owned(), json!("decimal"));
    if let Some(number) = &q.number {
        extensions.push(json!({"url": ext::MIN, "valueDecimal": number.min}));
        extensions.push(json!({"url": ext::MAX, "valueDecimal": number.max}));
        extensions.push(json!({
            "url": ext::OPEN_LABEL, "valueString": number.unit.en, "_valueString": spanish(&number.unit.es),
        }));
        extensions.extend(
            number
                .vital
                .map(|vital| json!({"url": ext::VITAL, "valueCode": vital})),
        );
        for t in &number.thresholds {
            let url = match t.side {
                Side::AtLeast => ext::AT_LEAST,
                Side::AtMost => ext::AT_MOST,
            };
            extensions.push(json!({"url": url, "extension": [
                {"url": "finding", "valueCode": t.finding},
                {"url": "value", "valueDecimal": t.value},
            ]}));
        }
    }
    out.insert("extension".to_owned(), Value::Array(extensions));
    let mut beside = Map::new();
    beside.insert("linkId".to_owned(), json!(unsure(&q.id)));
    if let Some(shown) = shown {
        beside.insert("extension".to_owned(), json!([shown]));
    }
    put_text(&mut beside, "text", &text_of("Not sure", "No sé"));
    beside.insert("type".to_owned(), json!("boolean"));
    vec![Value::Object(out), Value::Object(beside)]
}

fn options(q: &Question) -> Vec<Value> {
    let mut out: Vec<Value> = q.options.iter().map(option).collect();
    let plain = |code: &str, text: &Text, exclusive: bool| {
        let mut out = Map::new();
        if exclusive {
            out.insert(
                "extension".to_owned(),
                json!([{"url": ext::EXCLUSIVE, "valueBoolean": true}]),
            );
        }
        out.insert("valueCoding".to_owned(), coding(code, text));
        Value::Object(out)
    };
    match q.kind {
        Kind::Multi => out.push(plain(NONE, &text_of("None of these", "Nada de esto"), true)),
        Kind::Boolean => out.push(plain("no", &text_of("No", "No"), false)),
        Kind::Choice | Kind::Number => {}
    }
    // Beside chosen items "not sure" leaves the rest open, so it excludes nothing.
    out.push(plain(Answer::UNKNOWN, &text_of("Not sure", "No sé"), false));
    out
}

fn option(option: &Choice) -> Value {
    let mut out = Map::new();
    let finding = |url: &'static str| move |f: &String| json!({"url": url, "valueCode": f});
    let findings: Vec<Value> = option
        .sets
        .iter()
        .map(finding(ext::SETS))
        .chain(option.also.iter().map(finding(ext::ALSO)))
        .collect();
    if !findings.is_empty() {
        out.insert("extension".to_owned(), Value::Array(findings));
    }
    out.insert("valueCoding".to_owned(), coding(&option.code, &option.text));
    Value::Object(out)
}

fn coding(code: &str, text: &Text) -> Value {
    let mut out = Map::new();
    out.insert("system".to_owned(), json!(system("answers")));
    out.insert("code".to_owned(), json!(code));
    put_text(&mut out, "display", text);
    Value::Object(out)
}
