//! Rules as actions of a PlanDefinition, lines of advice beside them, and what each urgency does.

use serde_json::{json, Map, Value};

use super::fhirpath::DANGER;
use super::{expression, ext, header, put_text, system, Paths, BASE};
use crate::author::tables::{LineRow, ModuleTable, Tables};
use crate::author::words;
use crate::author::{condition, AuthorError};
use crate::expr::Expr;
use crate::level::Urgency;
use crate::pack::{Line, Pack, Rule, TrendLine};
use crate::text::Lang;

/// The plan of the rules, that of the lines, and one activity for each urgency.
pub(super) fn plans(tables: &Tables, pack: &Pack, paths: &Paths) -> Result<Vec<Value>, AuthorError> {
    let mut out = vec![rules(tables, pack, paths)?, lines(tables, pack, paths)?];
    out.extend(Urgency::ALL.map(|urgency| activity(pack, urgency)));
    Ok(out)
}

fn plan(id: &str, title: &str, pack: &Pack, actions: Vec<Value>) -> Value {
    let mut out = header("PlanDefinition", id, title, pack);
    let kind =
        json!({"system": "http://terminology.hl7.org/CodeSystem/plan-definition-type", "code": "eca-rule"});
    out.insert("type".to_owned(), json!({"coding": [kind]}));
    out.insert("library".to_owned(), json!([format!("{BASE}/Library/triage")]));
    out.insert("action".to_owned(), Value::Array(actions));
    Value::Object(out)
}

/// A group of actions that a new response sets off; those whose condition holds apply.
fn group(id: &str, actions: Vec<Value>) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(id));
    out.insert("title".to_owned(), json!(id));
    let response = json!([{"type": "QuestionnaireResponse"}]);
    out.insert(
        "trigger".to_owned(),
        json!([{"type": "data-added", "data": response}]),
    );
    out.insert("input".to_owned(), response);
    if !actions.is_empty() {
        out.insert("action".to_owned(), Value::Array(actions));
    }
    out
}

fn rules(tables: &Tables, pack: &Pack, paths: &Paths) -> Result<Value, AuthorError> {
    let of = |id: &String| pack.file().rules.iter().find(|r| r.id == *id);
    let mut groups = Vec::new();
    let danger = tables.danger.iter().filter_map(|row| of(&row.id));
    let danger = danger.map(|rule| action(pack, paths, rule, &rule.id)).collect();
    groups.push(Value::Object(group(DANGER, danger)));
    for module in &tables.modules {
        let mut actions = Vec::new();
        for (id, when) in rows(module) {
            let Some(rule) = of(&id) else {
                return Err(AuthorError::Row {
                    row: id,
                    what: "is in the tables and not in the pack".to_owned(),
                });
            };
            actions.push(action(pack, paths, rule, &when));
        }
        let mut out = group(&module.module, actions);
        if let Some(gate) = &module.gate {
            out.insert(
                "code".to_owned(),
                json!([{"coding": [{"system": system("findings"), "code": gate}]}]),
            );
        }
        groups.push(Value::Object(out));
    }
    Ok(plan("rules", "Rules of the symptom check", pack, groups))
}

/// The rules of a module and their conditions as the author wrote them.
fn rows(module: &ModuleTable) -> Vec<(String, String)> {
    let of_finding = module.findings.iter().filter(|f| f.level.is_some());
    let mut out: Vec<(String, String)> = of_finding.map(|f| (f.id.clone(), f.id.clone())).collect();
    let floors = module.questions.iter().filter(|q| q.floor.is_some());
    out.extend(floors.map(|q| {
        let id = format!("floor.{}", q.id);
        (id, "while the screen is not ruled out".to_owned())
    }));
    out.extend(module.rules.iter().map(|r| (r.id.clone(), r.when.clone())));
    out
}

fn action(pack: &Pack, paths: &Paths, rule: &Rule, author: &str) -> Value {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(rule.id));
    out.insert(
        "extension".to_owned(),
        json!([
            {"url": ext::WRITTEN, "valueDate": rule.date},
            {"url": ext::REVIEWER, "valueString": rule.reviewer},
        ]),
    );
    out.insert("title".to_owned(), json!(rule.id));
    put_text(&mut out, "description", &rule.reason);
    out.insert(
        "textEquivalent".to_owned(),
        json!(words::rule(pack, rule, Lang::En)),
    );
    out.insert("priority".to_owned(), json!(priority(rule.level)));
    let codes = std::iter::once(json!({"system": system("urgency"), "code": rule.level}));
    let needs = rule
        .needs
        .iter()
        .map(|n| json!({"system": system("needs"), "code": n}));
    let codes = codes.chain(needs).map(|coding| json!({"coding": [coding]}));
    out.insert("code".to_owned(), codes.collect());
    out.insert("documentation".to_owned(), json!([citation(pack, &rule.source)]));
    out.insert("condition".to_owned(), applies(paths, &rule.when, author));
    out.insert("definitionCanonical".to_owned(), json!(activity_url(rule.level)));
    Value::Object(out)
}

fn applies(paths: &Paths, when: &Expr<String>, author: &str) -> Value {
    json!([{"kind": "applicability", "expression": expression(&paths.of(when), author)}])
}

/// The source of a row, as the literature it cites.
pub(super) fn citation(pack: &Pack, key: &str) -> Value {
    match pack.file().sources.get(key) {
        Some(source) => json!({
            "type": "citation", "label": key, "display": source.title, "citation": source.read, "url": source.url,
        }),
        None => json!({"type": "citation", "label": key}),
    }
}

fn lines(tables: &Tables, pack: &Pack, paths: &Paths) -> Result<Value, AuthorError> {
    let file = pack.file();
    let of = |rows: &[LineRow], lines: &[Line]| -> Result<Vec<Value>, AuthorError> {
        rows.iter()
            .zip(lines)
            .map(|(row, line)| line_action(pack, paths, row, line))
            .collect()
    };
    let groups = vec![
        group("advice", of(&tables.advice, &file.advice)?),
        group("safety_net", of(&tables.safety_net, &file.safety_net)?),
        group("trend", file.trend.iter().map(|line| trend(pack, line)).collect()),
    ];
    let groups = groups.into_iter().map(Value::Object).collect();
    Ok(plan(
        "lines",
        "Advice and safety net of the symptom check",
        pack,
        groups,
    ))
}

fn line_action(pack: &Pack, paths: &Paths, row: &LineRow, line: &Line) -> Result<Value, AuthorError> {
    let mut out = Map::new();
    out.insert("title".to_owned(), json!(line.id));
    out.insert(
        "extension".to_owned(),
        json!([{"url": ext::FROM, "valueCode": line.from}, {"url": ext::TO, "valueCode": line.to}]),
    );
    put_text(&mut out, "description", &line.text);
    out.insert("documentation".to_owned(), json!([citation(pack, &line.source)]));
    if let Some(author) = &row.when {
        let when = condition::parse(author).map_err(|why| AuthorError::Condition {
            user: row.id.clone(),
            why,
        })?;
        out.insert("condition".to_owned(), applies(paths, &when, author));
    }
    Ok(Value::Object(out))
}

fn trend(pack: &Pack, line: &TrendLine) -> Value {
    let mut out = Map::new();
    out.insert("title".to_owned(), json!(line.id));
    put_text(&mut out, "description", &line.reason);
    out.insert("documentation".to_owned(), json!([citation(pack, &line.source)]));
    Value::Object(out)
}

fn activity_id(urgency: Urgency) -> String {
    urgency.code().replace('_', "-")
}

fn activity_url(urgency: Urgency) -> String {
    format!("{BASE}/ActivityDefinition/{}", activity_id(urgency))
}

fn activity(pack: &Pack, urgency: Urgency) -> Value {
    let title = words::urgency(urgency, Lang::En);
    let mut out = header("ActivityDefinition", &activity_id(urgency), title, pack);
    let first = pack
        .file()
        .advice
        .iter()
        .find(|l| l.when.is_none() && l.from == urgency);
    if let Some(line) = first {
        out.insert("purpose".to_owned(), json!(line.text.en));
    }
    out.insert("kind".to_owned(), json!("Task"));
    out.insert("intent".to_owned(), json!("proposal"));
    out.insert("priority".to_owned(), json!(priority(urgency)));
    let code = json!({"system": system("urgency"), "code": urgency});
    out.insert("code".to_owned(), json!({"coding": [code]}));
    Value::Object(out)
}

fn priority(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Call911 => "stat",
        Urgency::EdNow => "asap",
        Urgency::Today => "urgent",
        Urgency::SelfCare | Urgency::Days | Urgency::Hours24 => "routine",
    }
}
