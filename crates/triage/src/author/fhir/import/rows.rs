//! Resources to rows, and rows to YAML.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::super::fhirpath::{group, DANGER, NONE};
use super::super::{ext, system};
use super::lists;
use super::read::{both, codes, extensions, flag, list, one, parsed, text};
use crate::answer::Answer;
use crate::author::build::{DATE, RANK, UNSIGNED};
use crate::author::tables::{
    FindingRow, LineRow, ModuleTable, OptionFields, OptionRow, QuestionRow, RuleRow,
};
use crate::author::AuthorError;
use crate::level::{Need, Urgency};
use crate::pack::Kind;
use crate::text::Text;

/// What the action of a rule says.
pub(super) struct Action {
    pub id: String,
    when: String,
    pub level: Urgency,
    needs: Vec<Need>,
    pub reason: Text,
    pub source: String,
    date: Option<String>,
    reviewer: Option<String>,
}

pub(super) fn files(resources: &[Value]) -> Result<Vec<(String, String)>, AuthorError> {
    let rules = one(resources, "PlanDefinition", "rules")?;
    let mut out = Vec::new();
    for (at, part) in list(rules, "action").iter().enumerate() {
        let actions: Vec<Action> = list(part, "action")
            .iter()
            .map(action)
            .collect::<Result<_, _>>()?;
        match text(part, "id") {
            id if id == DANGER => out.push(yaml("danger.yaml", &lists::danger(resources, actions)?)?),
            id => {
                let table = module(resources, part, &id, actions)?;
                out.push(yaml(&format!("modules/{at:03}-{id}.yaml"), &table)?);
            }
        }
    }
    out.push(yaml("sources.yaml", &lists::sources(resources)?)?);
    out.push(yaml("complaints.yaml", &lists::complaints(resources)?)?);
    let lines = one(resources, "PlanDefinition", "lines")?;
    let of = |id: &str| list(lines, "action").iter().find(|a| text(a, "id") == id);
    for name in ["advice", "safety_net"] {
        let rows = of(name).map_or(&[][..], |part| list(part, "action"));
        let rows: Vec<LineRow> = rows.iter().map(lists::line).collect::<Result<_, _>>()?;
        out.push(yaml(&format!("{name}.yaml"), &rows)?);
    }
    let trend = of("trend").map_or(&[][..], |part| list(part, "action"));
    out.push(yaml(
        "trend.yaml",
        &trend.iter().map(lists::trend_row).collect::<Vec<_>>(),
    )?);
    let no_driving = one(resources, "ValueSet", "no-driving")?;
    let include = no_driving.pointer("/compose/include/0").unwrap_or(&Value::Null);
    let codes = list(include, "concept").iter().map(|c| text(c, "code"));
    out.push(yaml("no_driving.yaml", &codes.collect::<Vec<_>>())?);
    out.push(yaml("conditions.yaml", &lists::conditions(resources)?)?);
    if let Ok(map) = one(resources, "ConceptMap", "complaints") {
        out.push(yaml("codes.yaml", &lists::code_rows(map))?);
    }
    Ok(out)
}

fn yaml<T: Serialize>(name: &str, rows: &T) -> Result<(String, String), AuthorError> {
    let text = serde_yaml_ng::to_string(rows).map_err(|source| AuthorError::Table {
        file: name.to_owned(),
        source,
    })?;
    Ok((name.to_owned(), text))
}

pub(super) fn source(of: &Value) -> String {
    list(of, "documentation")
        .first()
        .map(|d| text(d, "label"))
        .unwrap_or_default()
}

pub(super) fn condition(of: &Value) -> Option<String> {
    let expression = list(of, "condition").first()?.get("expression")?;
    Some(text(expression, "description"))
}

fn action(of: &Value) -> Result<Action, AuthorError> {
    let id = text(of, "id");
    let (mut level, mut needs) = (None, Vec::new());
    for coding in list(of, "code").iter().flat_map(|c| list(c, "coding")) {
        match text(coding, "system") {
            s if s == system("urgency") => level = Some(parsed(&id, coding.get("code"))?),
            s if s == system("needs") => needs.push(parsed(&id, coding.get("code"))?),
            _ => {}
        }
    }
    let own = |url, key: &str, plain: &str| {
        let said = extensions(of, url).next().map(|e| text(e, key));
        said.filter(|said| said != plain)
    };
    Ok(Action {
        when: condition(of).unwrap_or_default(),
        level: level.ok_or_else(|| AuthorError::Row {
            row: id.clone(),
            what: "has no urgency".to_owned(),
        })?,
        needs,
        reason: both(of, "description"),
        source: source(of),
        date: own(ext::WRITTEN, "valueDate", DATE),
        reviewer: own(ext::REVIEWER, "valueString", UNSIGNED),
        id,
    })
}

fn module(
    resources: &[Value],
    part: &Value,
    name: &str,
    actions: Vec<Action>,
) -> Result<ModuleTable, AuthorError> {
    let known = list(one(resources, "CodeSystem", "findings")?, "concept").iter();
    let own = known.filter(|c| list(c, "property").iter().any(|p| text(p, "valueString") == name));
    let texts: BTreeMap<String, Text> = own
        .clone()
        .map(|c| (text(c, "code"), both(c, "display")))
        .collect();
    let mut by_id: BTreeMap<String, &Action> = actions.iter().map(|a| (a.id.clone(), a)).collect();
    let findings = own.map(|concept| {
        let (id, words) = (text(concept, "code"), both(concept, "display"));
        let rule = by_id.remove(&id);
        let reason = rule.map(|r| r.reason.clone()).unwrap_or_default();
        FindingRow {
            id,
            en: words.en,
            es: words.es,
            level: rule.map(|r| r.level),
            needs: rule.map(|r| r.needs.clone()).unwrap_or_default(),
            why_en: reason.en,
            why_es: reason.es,
            source: rule.map(|r| r.source.clone()).unwrap_or_default(),
            date: rule.and_then(|r| r.date.clone()),
            reviewer: rule.and_then(|r| r.reviewer.clone()),
        }
    });
    let findings = findings.collect();
    let asked = list(one(resources, "Questionnaire", "triage")?, "item").iter();
    let asked = asked
        .filter(|g| text(g, "linkId") == group(name))
        .flat_map(|g| list(g, "item"));
    let mut questions = Vec::new();
    for item in asked.filter(|item| extensions(item, ext::KIND).next().is_some()) {
        let floor = by_id.remove(&format!("floor.{}", text(item, "linkId")));
        questions.push(question(item, floor.map(|a| a.level), &texts)?);
    }
    let rules = actions
        .iter()
        .filter(|a| by_id.contains_key(&a.id))
        .map(|a| RuleRow {
            id: a.id.clone(),
            when: a.when.clone(),
            level: a.level,
            needs: a.needs.clone(),
            en: a.reason.en.clone(),
            es: a.reason.es.clone(),
            source: a.source.clone(),
            date: a.date.clone(),
            reviewer: a.reviewer.clone(),
        });
    Ok(ModuleTable {
        module: name.to_owned(),
        gate: list(part, "code")
            .first()
            .and_then(|c| Some(text(list(c, "coding").first()?, "code"))),
        rules: rules.collect(),
        findings,
        questions,
    })
}

fn question(
    item: &Value,
    floor: Option<Urgency>,
    texts: &BTreeMap<String, Text>,
) -> Result<QuestionRow, AuthorError> {
    let id = text(item, "linkId");
    let kind: Kind = parsed(
        &id,
        extensions(item, ext::KIND)
            .next()
            .and_then(|e| e.get("valueCode")),
    )?;
    let must_ask = flag(item, ext::MUST_ASK);
    let rank: u8 = parsed(
        &id,
        extensions(item, ext::RANK)
            .next()
            .and_then(|e| e.get("valueInteger")),
    )?;
    let usual = if must_ask { RANK } else { 0 };
    let why = list(item, "item")
        .first()
        .map(|w| both(w, "text"))
        .unwrap_or_default();
    let own = extensions(item, ext::ENABLE_WHEN).next();
    let when = own.map(|e| text(e.get("valueExpression").unwrap_or(&Value::Null), "description"));
    let number = |url: &str| {
        let value = extensions(item, url).next().and_then(|e| e.get("valueDecimal"));
        value.map(|v| parsed(&id, Some(v))).transpose()
    };
    let bounds = |url: &'static str| {
        let pairs = extensions(item, url).map(|e| {
            let finding = extensions(e, "finding").next().map(|f| text(f, "valueCode"));
            let value = extensions(e, "value").next().and_then(|v| v.get("valueDecimal"));
            Ok((finding.unwrap_or_default(), parsed(&id, value)?))
        });
        pairs.collect::<Result<BTreeMap<_, _>, AuthorError>>()
    };
    let vital = extensions(item, ext::VITAL)
        .next()
        .map(|e| parsed(&id, e.get("valueCode")));
    let added = [NONE, Answer::UNKNOWN];
    let options = list(item, "answerOption").iter().filter_map(|o| {
        let coding = o.get("valueCoding")?;
        let code = text(coding, "code");
        let is_added = added.contains(&code.as_str()) || (kind == Kind::Boolean && code == "no");
        (!is_added).then(|| option(o, code, both(coding, "display"), texts))
    });
    let unit = extensions(item, ext::OPEN_LABEL)
        .next()
        .map(|e| both(e, "valueString"))
        .unwrap_or_default();
    let shown = both(item, "text");
    Ok(QuestionRow {
        kind,
        must_ask,
        rank: (rank != usual).then_some(rank),
        hidden: flag(item, ext::HIDDEN),
        map: flag(item, ext::MAP),
        floor,
        when,
        en: shown.en,
        es: shown.es,
        why_en: why.en,
        why_es: why.es,
        options: options.collect(),
        unit_en: unit.en,
        unit_es: unit.es,
        min: number(ext::MIN)?,
        max: number(ext::MAX)?,
        at_least: bounds(ext::AT_LEAST)?,
        at_most: bounds(ext::AT_MOST)?,
        vital: vital.transpose()?,
        id,
    })
}

/// The name of a finding where the option is nothing else, as authors write it.
fn option(of: &Value, code: String, words: Text, texts: &BTreeMap<String, Text>) -> OptionRow {
    let (sets, also) = (codes(of, ext::SETS), codes(of, ext::ALSO));
    match (sets.as_slice(), also.is_empty()) {
        ([only], true) if only.rsplit('.').next() == Some(&code) && texts.get(only) == Some(&words) => {
            OptionRow::Finding(only.clone())
        }
        _ => OptionRow::Row(OptionFields {
            code,
            en: words.en,
            es: words.es,
            sets,
            also,
        }),
    }
}
