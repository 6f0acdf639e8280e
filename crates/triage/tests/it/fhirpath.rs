//! Every exported FHIRPath condition, run by engines that are not ours, says what the compiled rule says:
//! fhirpath.js of the National Library of Medicine over thousands of random responses, Medplum's over fewer.
//! `HMS_DEEP=1` runs ten times as many.

use std::collections::{BTreeMap, BTreeSet};

use hms_triage::author::{self, fhir};
use hms_triage::{Answer, Answers, Kind, Milli, Pack, Question};
use serde_json::{json, Value};

use crate::dice::Seeded;
use crate::peer;
use crate::tables::tables;

fn times(few: usize) -> usize {
    match std::env::var("HMS_DEEP").is_ok_and(|v| v == "1") {
        true => few * 10,
        false => few,
    }
}

fn any_answer(q: &Question, dice: &mut Seeded) -> Answer {
    if dice.below(6) == 0 {
        return Answer::unknown();
    }
    match q.kind {
        Kind::Boolean => Answer::Flag(dice.below(2) == 0),
        Kind::Choice => Answer::Code(q.options[dice.below(q.options.len())].code.clone()),
        Kind::Multi => {
            let odds = 1 + dice.below(4);
            let mut chosen: Vec<String> = q.options.iter().map(|o| o.code.clone()).collect();
            chosen.retain(|_| dice.below(odds + 1) == 0);
            if dice.below(6) == 0 {
                chosen.push(Answer::UNKNOWN.to_owned());
            }
            Answer::Codes(chosen)
        }
        Kind::Number => {
            let spec = q.number.as_ref().unwrap();
            let near = spec
                .thresholds
                .iter()
                .flat_map(|t| [t.value.0 - 1, t.value.0, t.value.0 + 1]);
            let mut values: Vec<i64> = near.filter(|v| (spec.min.0..=spec.max.0).contains(v)).collect();
            values.extend([spec.min.0, spec.max.0]);
            Answer::Number(Milli(values[dice.below(values.len())]))
        }
    }
}

/// Which questions bear on each rule: they settle a finding that it names, or open such a question.
fn bearing(pack: &Pack) -> BTreeMap<&str, BTreeSet<&str>> {
    let questions = &pack.file().questions;
    let settles = |q: &Question, f: &String| {
        let named = q.options.iter().flat_map(|o| o.sets.iter().chain(&o.also));
        let followed = q
            .number
            .iter()
            .flat_map(|n| n.thresholds.iter().map(|t| &t.finding));
        named.chain(followed).any(|it| it == f)
    };
    let mut out = BTreeMap::new();
    for rule in &pack.file().rules {
        let mut wanted: Vec<String> = Vec::new();
        rule.when.findings(&mut |f| wanted.push(f.clone()));
        let mut near: BTreeSet<&str> = BTreeSet::new();
        while let Some(finding) = wanted.pop() {
            for q in questions.iter().filter(|q| settles(q, &finding)) {
                if near.insert(&q.id) {
                    q.when
                        .iter()
                        .for_each(|when| when.findings(&mut |f| wanted.push(f.clone())));
                }
            }
        }
        out.insert(rule.id.as_str(), near);
    }
    out
}

/// Answers near one rule: what makes it fire, with some of what bears on it answered anew, and a little else.
fn near(pack: &Pack, witness: Option<&Answers>, near: &BTreeSet<&str>, dice: &mut Seeded) -> Answers {
    let (anew, else_) = (dice.below(4), dice.below(20));
    let mut answers = Answers::default();
    for q in &pack.file().questions {
        let (bears, known) = (
            near.contains(q.id.as_str()),
            witness.and_then(|w| w.given.get(&q.id)),
        );
        let answer = match (bears, known) {
            (true, _) if dice.below(12) == 0 => continue,
            (true, Some(known)) if dice.below(4) >= anew => known.clone(),
            (true, _) => any_answer(q, dice),
            (false, _) if dice.below(100) < else_ => any_answer(q, dice),
            (false, _) => continue,
        };
        answers.given.insert(q.id.clone(), answer);
    }
    let raised = witness.into_iter().flat_map(|w| &w.raised);
    answers
        .raised
        .extend(raised.filter(|_| dice.below(4) >= anew).cloned());
    if dice.below(8) == 0 {
        let danger = &pack.file().danger;
        answers
            .raised
            .insert(danger[dice.below(danger.len())].finding.clone());
    }
    answers
}

fn cases(pack: &Pack, per_rule: usize, in_full: usize) -> Vec<(Answers, Option<Vec<String>>)> {
    let mut dice = Seeded(20_261_122);
    let bearing = bearing(pack);
    let rules = &pack.file().rules;
    let mut out = Vec::new();
    for rule in rules {
        let witnesses = author::witnesses(pack, &rule.id);
        for at in 0..per_rule {
            // The first one as it is, so that every rule is seen to hold.
            let first = witnesses.first().filter(|_| at == 0).cloned();
            let witness = (!witnesses.is_empty()).then(|| &witnesses[dice.below(witnesses.len().min(8))]);
            let answers = first.unwrap_or_else(|| near(pack, witness, &bearing[rule.id.as_str()], &mut dice));
            let other = &rules[dice.below(rules.len())].id;
            out.push((
                answers,
                Some(vec![format!("rules/{}", rule.id), format!("rules/{other}")]),
            ));
        }
    }
    // With "none of these" everywhere every floor is seen not to hold.
    let floors = rules.iter().filter(|r| r.id.starts_with("floor."));
    let floors = floors.map(|r| format!("rules/{}", r.id)).collect();
    out.push((author::answers_with(pack, "", &[], None), Some(floors)));
    let all: BTreeSet<&str> = pack.file().questions.iter().map(|q| q.id.as_str()).collect();
    for _ in 0..in_full {
        out.push((near(pack, None, &all, &mut dice), None));
    }
    out
}

/// What the other engine says of each case.
fn ask(engine: &str, first: &Value, cases: &[Value]) -> Vec<Value> {
    let given = std::iter::once(first).chain(cases);
    peer::ask("fhirpath", &["tests/peers/fhirpath.mjs", engine], given)
}

/// Compares; the number of times each rule was seen to hold and not to hold.
fn compare(engine: &str, per_rule: usize, in_full: usize) -> BTreeMap<String, (u32, u32)> {
    let pack = Pack::embedded();
    let tables = tables();
    let paths = fhir::Paths::new(&tables, pack);
    let resources = fhir::export(&tables, pack).unwrap();
    let find = |file: &str| &resources.iter().find(|r| r.file == file).unwrap().body;
    let first = json!({
        "questionnaire": find("Questionnaire-triage.json"),
        "plans": [find("PlanDefinition-rules.json"), find("PlanDefinition-lines.json")],
    });
    let cases = cases(pack, per_rule, in_full);
    let sent: Vec<Value> = cases
        .iter()
        .map(|(answers, actions)| {
            json!({"response": fhir::response(pack, &paths, answers), "actions": actions})
        })
        .collect();

    let said = ask(engine, &first, &sent);

    let lines = pack.file().advice.iter().chain(&pack.file().safety_net);
    let expressions = pack.file().rules.len() + lines.filter(|l| l.when.is_some()).count();
    assert_eq!(said[0]["actions"], expressions, "an expression was not exported");
    assert_eq!(said.len(), cases.len() + 1, "an answer is missing");
    let mut seen: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for ((answers, actions), said) in cases.iter().zip(&said[1..]) {
        let texts = |key: &str| -> BTreeSet<String> {
            let list = said[key].as_array().unwrap().iter();
            list.map(|it| it.as_str().unwrap().to_owned()).collect()
        };
        let hidden = |id: &&String| pack.file().questions.iter().any(|q| q.id == **id && !q.hidden);
        let open: BTreeSet<&str> = author::open_questions(pack, answers).into_iter().collect();
        let ours: BTreeSet<&str> = answers
            .given
            .keys()
            .filter(hidden)
            .map(String::as_str)
            .filter(|id| open.contains(id))
            .collect();
        let left = texts("left");
        let theirs: BTreeSet<&str> = left
            .iter()
            .map(|id| id.strip_suffix(".unknown").unwrap_or(id))
            .filter(|id| *id != "danger" && hidden(&&(*id).to_owned()))
            .collect();
        assert_eq!(theirs, ours, "{engine}: other questions are open: {answers:?}");

        let fired = author::fired(pack, answers)
            .into_iter()
            .map(|id| format!("rules/{id}"));
        let lines = author::lines_that_hold(pack, answers)
            .into_iter()
            .map(|id| format!("lines/{id}"));
        let ours: BTreeSet<String> = fired.chain(lines).collect();
        let theirs = texts("holding");
        let all = || {
            pack.file()
                .rules
                .iter()
                .map(|r| format!("rules/{}", r.id))
                .collect()
        };
        for rule in actions.clone().unwrap_or_else(all) {
            let holds = ours.contains(&rule);
            assert_eq!(theirs.contains(&rule), holds, "{engine}: {rule} for {answers:?}");
            let count = seen.entry(rule).or_default();
            count.0 += u32::from(holds);
            count.1 += u32::from(!holds);
        }
        if actions.is_none() {
            assert_eq!(theirs, ours, "{engine}: {answers:?}");
        }
    }
    seen
}

#[test]
fn every_exported_condition_says_what_the_compiled_rule_says() {
    let seen = compare("lhc", times(6), times(16));

    let (yes, no) = seen.values().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    println!("{} rules, held {yes} times and not {no} times", seen.len());
    let once: Vec<_> = seen
        .iter()
        .filter(|(_, (yes, no))| *yes == 0 || *no == 0)
        .collect();
    assert!(once.is_empty(), "seen from one side only: {once:?}");
    assert_eq!(seen.len(), Pack::embedded().file().rules.len());
}

#[test]
fn a_second_engine_says_the_same() {
    compare("medplum", times(1), times(2));
}
