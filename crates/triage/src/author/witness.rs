//! Answers that make one rule fire and, as far as the questions allow, nothing else.

use std::collections::BTreeMap;

use crate::answer::{Answer, Answers, Milli};
use crate::evaluate::{Facts, Fill};
use crate::expr::{Expr, State};
use crate::level::Urgency;
use crate::pack::{Kind, Pack, Question, Side};
use crate::session::COMPLAINT;

/// What a witness must establish: findings and the lowest state each needs.
type Needs = BTreeMap<String, State>;

/// A condition with many alternatives is tried by this many of them.
const ALTERNATIVES: usize = 120;

/// For each way the rule's condition can hold: answers that establish it and answer all else with "no".
/// Only answers that truly fire the rule are returned.
#[must_use]
pub fn witnesses(pack: &Pack, rule: &str) -> Vec<Answers> {
    let Some(def) = pack.file().rules.iter().find(|r| r.id == rule) else {
        return Vec::new();
    };
    let mut out: Vec<Answers> = Vec::new();
    for needs in alternatives(&def.when) {
        for needs in with_gates(pack, needs, 4) {
            let answers = answer(pack, &needs);
            let facts = Facts::of(pack, &answers, Fill::Unknown);
            let state = |id: &String| pack.finding(id).map_or(State::Unknown, |f| facts.state(f));
            if def.when.holds(&state) && !out.contains(&answers) {
                out.push(answers);
            }
        }
    }
    out
}

/// Answers in which the given findings are present, every other question answered "no".
#[must_use]
pub fn answers_with(pack: &Pack, complaint: &str, present: &[String], age: Option<Milli>) -> Answers {
    let needs: Needs = present.iter().map(|f| (f.clone(), State::Present)).collect();
    let mut answers = answer(pack, &needs);
    if let Some((_, q)) = pack.question(COMPLAINT) {
        if q.options.iter().any(|o| o.code == complaint) {
            answers
                .given
                .insert(COMPLAINT.to_owned(), Answer::Code(complaint.to_owned()));
        }
    }
    if let Some(age) = age {
        answers.given.insert("age".to_owned(), Answer::Number(age));
    }
    answers
}

/// The urgency of answers in a pack from which one rule was dropped.
#[must_use]
pub fn urgency_without(pack: &Pack, answers: &Answers, rule: &str) -> Urgency {
    let facts = Facts::of(pack, answers, Fill::Unknown);
    let others = pack.rules().filter(|(def, _)| def.id != rule);
    let holding = others.filter(|(_, plan)| plan.when.holds(&|f| facts.state(*f)));
    holding
        .map(|(_, plan)| plan.level)
        .max()
        .unwrap_or(Urgency::SelfCare)
}

/// The state of each finding for answers, by name.
#[must_use]
pub fn states(pack: &Pack, answers: &Answers) -> BTreeMap<String, State> {
    let facts = Facts::of(pack, answers, Fill::Unknown);
    let findings = pack.file().findings.iter().zip(&facts.states);
    findings.map(|(def, state)| (def.id.clone(), *state)).collect()
}

/// The minimal ways in which a condition can hold.
fn alternatives(expr: &Expr<String>) -> Vec<Needs> {
    match expr {
        Expr::Present(f) => vec![Needs::from([(f.clone(), State::Present)])],
        Expr::NotRuledOut(f) => [State::Unknown, State::Present]
            .map(|s| Needs::from([(f.clone(), s)]))
            .into(),
        Expr::Any(parts) => parts.iter().flat_map(alternatives).collect(),
        Expr::All(parts) => parts
            .iter()
            .fold(vec![Needs::new()], |all, part| product(&all, &alternatives(part))),
        Expr::Score { at_least, of } => {
            // All subsets that reach the sum, grown one part at a time.
            let mut sums: Vec<(u32, Needs)> = vec![(0, Needs::new())];
            let mut reached = Vec::new();
            for (weight, part) in of {
                for (sum, needs) in sums.clone() {
                    for more in product(&[needs], &alternatives(part)) {
                        let sum = sum + weight;
                        if sum >= *at_least {
                            reached.push(more);
                        } else {
                            sums.push((sum, more));
                        }
                    }
                }
            }
            reached
        }
    }
}

fn product(a: &[Needs], b: &[Needs]) -> Vec<Needs> {
    let mut out = Vec::new();
    for (x, y) in a
        .iter()
        .flat_map(|x| b.iter().map(move |y| (x, y)))
        .take(ALTERNATIVES)
    {
        let mut both = x.clone();
        for (f, s) in y {
            let slot = both.entry(f.clone()).or_insert(*s);
            *slot = (*slot).max(*s);
        }
        out.push(both);
    }
    out
}

/// Adds what the questions behind the needed findings need to be asked at all.
fn with_gates(pack: &Pack, needs: Needs, depth: u32) -> Vec<Needs> {
    let mut all = vec![needs.clone()];
    if depth == 0 {
        return all;
    }
    for finding in needs.keys() {
        let Some(ix) = pack.finding(finding) else { continue };
        let questions = pack
            .contributors(ix)
            .iter()
            .filter_map(|q| pack.file().questions.get(*q));
        let mut ways: Vec<Needs> = Vec::new();
        for q in questions {
            match &q.when {
                None => ways.push(Needs::new()),
                Some(when) => ways.extend(alternatives(when)),
            }
        }
        if !ways.is_empty() {
            all = product(&all, &ways);
        }
    }
    all.sort();
    all.dedup();
    let grown = all.into_iter().flat_map(|n| {
        if n == needs {
            vec![n]
        } else {
            with_gates(pack, n, depth - 1)
        }
    });
    grown.take(ALTERNATIVES).collect()
}

fn answer(pack: &Pack, needs: &Needs) -> Answers {
    let mut answers = Answers {
        pack: Some(pack.hash().to_owned()),
        ..Answers::default()
    };
    for danger in &pack.file().danger {
        if needs.get(&danger.finding) == Some(&State::Present) {
            answers.raised.insert(danger.finding.clone());
        }
    }
    for q in &pack.file().questions {
        if let Some(answer) = answer_one(q, needs) {
            answers.given.insert(q.id.clone(), answer);
        }
    }
    answers
}

fn answer_one(q: &Question, needs: &Needs) -> Option<Answer> {
    let wants = |f: &String| needs.get(f) == Some(&State::Present);
    let open = |f: &String| needs.get(f) == Some(&State::Unknown);
    let sets = |o: &crate::pack::Choice| o.sets.iter().chain(&o.also).any(wants);
    let unsure = q.options.iter().any(|o| o.sets.iter().any(open));
    match q.kind {
        Kind::Multi => {
            let mut codes: Vec<String> = q
                .options
                .iter()
                .filter(|o| sets(o))
                .map(|o| o.code.clone())
                .collect();
            if unsure {
                codes.push(Answer::UNKNOWN.to_owned());
            }
            Some(Answer::Codes(codes))
        }
        Kind::Boolean if unsure => Some(Answer::unknown()),
        Kind::Boolean => Some(Answer::Flag(q.options.iter().any(sets))),
        Kind::Choice => {
            // The option that gives most of what is needed and least besides.
            let score = |o: &crate::pack::Choice| {
                let hit = o.sets.iter().chain(&o.also).filter(|f| wants(f)).count();
                (
                    hit,
                    std::cmp::Reverse(o.sets.len() - o.sets.iter().filter(|f| wants(f)).count()),
                )
            };
            let mut best: Option<&crate::pack::Choice> = None;
            for o in &q.options {
                if best.is_none_or(|b| score(o) > score(b)) {
                    best = Some(o);
                }
            }
            match (unsure && !q.options.iter().any(sets), best) {
                (true, _) | (_, None) => Some(Answer::unknown()),
                (false, Some(o)) => Some(Answer::Code(o.code.clone())),
            }
        }
        Kind::Number => {
            let spec = q.number.as_ref()?;
            let mut values: Vec<i64> = vec![(spec.min.0 + spec.max.0) / 2];
            for t in &spec.thresholds {
                values.extend([t.value.0, t.value.0 + 1, t.value.0 - 1]);
            }
            let follows = |v: i64, side: Side, at: i64| match side {
                Side::AtLeast => v >= at,
                Side::AtMost => v <= at,
            };
            // A finding too few is worse than one too many.
            let wrong = |v: i64| -> usize {
                let cost =
                    |t: &crate::pack::Threshold| match (follows(v, t.side, t.value.0), wants(&t.finding)) {
                        (false, true) => 100,
                        (true, false) => 1,
                        (true, true) | (false, false) => 0,
                    };
                spec.thresholds.iter().map(cost).sum()
            };
            let fits = |v: &i64| *v >= spec.min.0 && *v <= spec.max.0;
            values
                .into_iter()
                .filter(fits)
                .min_by_key(|v| wrong(*v))
                .map(|v| Answer::Number(Milli(v)))
        }
    }
}
