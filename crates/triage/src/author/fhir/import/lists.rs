//! The tables that are no module: danger words, sources, complaints, lines, codes.

use std::collections::BTreeMap;

use serde_json::{json, Value};

use super::super::ext;
use super::super::fhirpath::group;
use super::super::terms::{BEFORE, GATE, ICD, PHRASE, SEARCH_WORD, SOURCE};
use super::read::{both, codes, extensions, list, one, parsed, text};
use super::rows::{condition, source, Action};
use crate::author::conditions::ConditionRow;
use crate::author::tables::{CodeRow, ComplaintRow, DangerRow, LineRow, TrendRow};
use crate::author::AuthorError;
use crate::pack::Source;
use crate::session::COMPLAINT;

pub(super) fn danger(resources: &[Value], actions: Vec<Action>) -> Result<Vec<DangerRow>, AuthorError> {
    let words = one(resources, "CodeSystem", "danger")?;
    let rows = actions.into_iter().map(|rule| {
        let concept = list(words, "concept").iter().find(|c| text(c, "code") == rule.id);
        let concept =
            concept.ok_or_else(|| AuthorError::Missing(format!("danger phrases of {}", rule.id)))?;
        let shown = both(concept, "display");
        Ok(DangerRow {
            id: rule.id,
            level: rule.level,
            en: shown.en,
            es: shown.es,
            why_en: rule.reason.en,
            why_es: rule.reason.es,
            source: rule.source,
            phrases: designations(concept, PHRASE, None),
        })
    });
    rows.collect()
}

fn designations(concept: &Value, kind: &str, language: Option<&str>) -> Vec<String> {
    let fits = |d: &&Value| {
        let is = d.pointer("/use/code").and_then(Value::as_str) == Some(kind);
        is && language.is_none_or(|lang| text(d, "language") == lang)
    };
    list(concept, "designation")
        .iter()
        .filter(fits)
        .map(|d| text(d, "value"))
        .collect()
}

pub(super) fn conditions(resources: &[Value]) -> Result<Vec<ConditionRow>, AuthorError> {
    let concepts = list(one(resources, "CodeSystem", "conditions")?, "concept").iter();
    let rows = concepts.map(|concept| {
        let (id, shown) = (text(concept, "code"), both(concept, "display"));
        let of = |name: &'static str| {
            let all = list(concept, "property").iter();
            all.filter(move |property| text(property, "code") == name)
        };
        let first = |name, key| {
            of(name)
                .next()
                .map(|property| text(property, key))
                .unwrap_or_default()
        };
        let signs = |band| of(band).map(|property| text(property, "valueCode")).collect();
        Ok(ConditionRow {
            gate: first(GATE, "valueCode"),
            en: shown.en,
            es: shown.es,
            before: parsed(
                &id,
                of(BEFORE).next().and_then(|property| property.get("valueCode")),
            )?,
            typical: signs("typical"),
            common: signs("common"),
            uncommon: signs("uncommon"),
            rare: signs("rare"),
            source: first(SOURCE, "valueString"),
            id,
        })
    });
    rows.collect()
}

pub(super) fn sources(resources: &[Value]) -> Result<BTreeMap<String, Source>, AuthorError> {
    let all = list(one(resources, "Library", "triage")?, "relatedArtifact").iter();
    let cited = all.filter(|a| text(a, "type") == "citation");
    let rows = cited.map(|a| {
        let source = Source {
            title: text(a, "display"),
            url: text(a, "url"),
            read: text(a, "citation"),
        };
        (text(a, "label"), source)
    });
    Ok(rows.collect())
}

pub(super) fn complaints(resources: &[Value]) -> Result<Vec<ComplaintRow>, AuthorError> {
    let known = list(one(resources, "CodeSystem", "complaints")?, "concept").iter();
    let asked = list(one(resources, "Questionnaire", "triage")?, "item").iter();
    let asked = asked
        .filter(|g| text(g, "linkId") == group(COMPLAINT))
        .flat_map(|g| list(g, "item"));
    let options: Vec<&Value> = asked.flat_map(|item| list(item, "answerOption")).collect();
    let rows = known.map(|concept| {
        let (code, words) = (text(concept, "code"), both(concept, "display"));
        let option = options
            .iter()
            .find(|o| o.pointer("/valueCoding/code") == Some(&json!(code)));
        let option = option.ok_or_else(|| AuthorError::Missing(format!("the option {code}")))?;
        let mut sets = codes(option, ext::SETS);
        let open = sets.last().is_some_and(|f| f == "complaint.open");
        sets.truncate(sets.len() - usize::from(open));
        Ok(ComplaintRow {
            sets,
            also: codes(option, ext::ALSO),
            open,
            en: words.en,
            es: words.es,
            words_en: designations(concept, SEARCH_WORD, Some("en")).join("; "),
            words_es: designations(concept, SEARCH_WORD, Some("es")).join("; "),
            code,
        })
    });
    rows.collect()
}

pub(super) fn line(of: &Value) -> Result<LineRow, AuthorError> {
    let (id, words) = (text(of, "title"), both(of, "description"));
    let bound = |url| parsed(&id, extensions(of, url).next().and_then(|e| e.get("valueCode")));
    Ok(LineRow {
        from: bound(ext::FROM)?,
        to: bound(ext::TO)?,
        when: condition(of),
        en: words.en,
        es: words.es,
        source: source(of),
        id,
    })
}

pub(super) fn trend_row(of: &Value) -> TrendRow {
    let words = both(of, "description");
    TrendRow {
        id: text(of, "title"),
        en: words.en,
        es: words.es,
        source: source(of),
    }
}

pub(super) fn code_rows(map: &Value) -> Vec<CodeRow> {
    let mut rows: Vec<CodeRow> = Vec::new();
    for part in list(map, "group") {
        for element in list(part, "element") {
            let complaint = text(element, "code");
            let targets = list(element, "target").iter().map(|t| text(t, "code"));
            let at = rows.iter().position(|r| r.complaint == complaint);
            let at = at.unwrap_or_else(|| {
                rows.push(CodeRow {
                    complaint,
                    icd10cm: Vec::new(),
                    oiics: Vec::new(),
                });
                rows.len() - 1
            });
            if let Some(row) = rows.get_mut(at) {
                match text(part, "target") == ICD {
                    true => row.icd10cm.extend(targets),
                    false => row.oiics.extend(targets),
                }
            }
        }
    }
    rows
}
