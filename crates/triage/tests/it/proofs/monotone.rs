//! No finding that gets worse lowers anything: single conditions, modules, answers.

use std::collections::{BTreeMap, BTreeSet};

use hms_triage::{Answer, Expr, Kind, Lang, Outcome, Pack, Question, Rule, Session, State, Urgency};

use super::{any_answer, walks};
use crate::dice::Seeded;

/// The steps of one question from "no" through "not sure" to "yes", one item at a time.
fn worse(q: &Question, answer: &Answer) -> Vec<Answer> {
    match (q.kind, answer) {
        (Kind::Boolean, Answer::Flag(false)) => vec![Answer::unknown(), Answer::Flag(true)],
        (Kind::Boolean, a) if a.is_unknown() => vec![Answer::Flag(true)],
        (Kind::Multi, Answer::Codes(codes)) => {
            let mut out: Vec<Answer> = Vec::new();
            for o in q.options.iter().filter(|o| !codes.contains(&o.code)) {
                out.push(Answer::Codes(
                    codes.iter().cloned().chain([o.code.clone()]).collect(),
                ));
            }
            out.push(Answer::Codes(
                codes
                    .iter()
                    .cloned()
                    .chain([Answer::UNKNOWN.to_owned()])
                    .collect(),
            ));
            out
        }
        _ => Vec::new(),
    }
}

#[test]
fn an_answer_that_gets_worse_never_lowers_the_urgency() {
    let pack = Pack::embedded();
    let mut dice = Seeded(4242);
    let mut edges = 0_u32;
    for _ in 0..walks(200, 5_000) {
        let mut session = Session::new(pack);
        // A full set of answers, asked or not.
        for q in pack.file().questions.iter().filter(|q| !q.hidden) {
            if let Some(view) = session.question(pack, &q.id, Lang::En) {
                let answer = any_answer(&view, &mut dice);
                session.answer(pack, &q.id, answer).unwrap();
            }
        }
        let before = session.outcome(pack, Lang::En).urgency;
        for q in &pack.file().questions {
            let Some(answer) = session.answers.given.get(&q.id).cloned() else {
                continue;
            };
            for up in worse(q, &answer) {
                let mut higher = session.answers.clone();
                higher.given.insert(q.id.clone(), up.clone());
                let after = Outcome::of(pack, &higher, Lang::En).urgency;
                assert!(
                    after >= before,
                    "{} {answer:?} -> {up:?}: {before:?} -> {after:?}",
                    q.id
                );
                edges += 1;
            }
        }
    }
    println!("counts: {edges} answers made worse, none lowers");
}

/// The urgency is the highest among the rules that hold, and the highest of monotone functions is
/// monotone. So it is enough that no rule, and no condition of a question, is lost when one of its own
/// findings gets worse: tried here for every state of every condition of the pack.
#[test]
fn every_condition_of_the_pack_is_monotone_exhaustively() {
    let file = Pack::embedded().file();
    let conditions = file.rules.iter().map(|r| (&r.id, &r.when));
    let conditions = conditions.chain(
        file.questions
            .iter()
            .filter_map(|q| Some((&q.id, q.when.as_ref()?))),
    );
    let (mut states, mut edges) = (0_u64, 0_u64);
    for (id, when) in conditions {
        let mut own: Vec<&String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        when.findings(&mut |f| names.push(f.clone()));
        names.sort();
        names.dedup();
        own.extend(&names);
        assert!(own.len() <= 14, "{id} has too many findings to try them all");
        let at = |n: usize, i: usize| CHAIN[n / 3_usize.pow(u32::try_from(i).unwrap()) % 3];
        let count = 3_usize.pow(u32::try_from(own.len()).unwrap());
        let holds: Vec<bool> = (0..count)
            .map(|n| {
                when.holds(&|f: &String| {
                    own.iter()
                        .position(|o| *o == f)
                        .map_or(State::Unknown, |i| at(n, i))
                })
            })
            .collect();
        for n in 0..count {
            for i in (0..own.len()).filter(|i| at(n, *i) != State::Present) {
                let up = n + 3_usize.pow(u32::try_from(i).unwrap());
                assert!(!holds[n] || holds[up], "{id} is lost when {} gets worse", own[i]);
                edges += 1;
            }
        }
        states += count as u64;
    }
    println!("counts: {states} states of single conditions, {edges} steps up, none lost");
}

const CHAIN: [State; 3] = [State::RuledOut, State::Unknown, State::Present];

/// Rules that share findings, with findings as indices. A module's level is the highest of its parts' levels, and
/// no two parts share a finding, so a module is monotone when each of its parts is.
struct Part {
    module: String,
    findings: usize,
    rules: Vec<(Urgency, Expr<usize>)>,
}

/// Findings, and the rules that hang together over them.
type Together<'a> = (BTreeSet<String>, Vec<&'a Rule>);

fn parts(pack: &Pack) -> Vec<Part> {
    let mut modules: BTreeMap<String, Vec<Together>> = BTreeMap::new();
    for rule in &pack.file().rules {
        let id = rule.id.strip_prefix("floor.").unwrap_or(&rule.id);
        let module = id.split('.').next().unwrap().to_owned();
        let mut names = BTreeSet::new();
        rule.when.findings(&mut |f| {
            names.insert(f.clone());
        });
        // The new rule joins all parts that it shares a finding with.
        let own = modules.entry(module).or_default();
        let mut joined = (names, vec![rule]);
        let mut apart = Vec::new();
        for (others, rules) in own.drain(..) {
            if others.is_disjoint(&joined.0) {
                apart.push((others, rules));
            } else {
                joined.0.extend(others);
                joined.1.extend(rules);
            }
        }
        apart.push(joined);
        *own = apart;
    }
    let mut out = Vec::new();
    for (module, all) in modules {
        for (names, rules) in all {
            let at: BTreeMap<&String, usize> = names.iter().enumerate().map(|(ix, f)| (f, ix)).collect();
            let index = |when: &Expr<String>| when.try_map(&mut |f| at.get(f).copied().ok_or(())).unwrap();
            out.push(Part {
                module: module.clone(),
                findings: names.len(),
                rules: rules.iter().map(|r| (r.level, index(&r.when))).collect(),
            });
        }
    }
    out
}

impl Part {
    fn level(&self, states: &[State]) -> Urgency {
        let mut level = Urgency::SelfCare;
        for (own, when) in &self.rules {
            if *own > level && when.holds(&|f: &usize| states[*f]) {
                level = *own;
            }
        }
        level
    }

    /// Every state, and from each every step up of one finding.
    fn exhaust(&self) -> (u64, u64) {
        let powers: Vec<usize> = (0..=self.findings)
            .map(|i| 3_usize.pow(u32::try_from(i).unwrap()))
            .collect();
        let count = powers[self.findings];
        let mut levels = Vec::with_capacity(count);
        let mut states = vec![State::RuledOut; self.findings];
        for n in 0..count {
            for (i, state) in states.iter_mut().enumerate() {
                *state = CHAIN[n / powers[i] % 3];
            }
            levels.push(self.level(&states));
        }
        let mut edges = 0;
        for n in 0..count {
            for power in powers.iter().take(self.findings).filter(|p| n / **p % 3 < 2) {
                assert!(
                    levels[n] <= levels[n + power],
                    "{}: state {n} up by {power} falls",
                    self.module
                );
                edges += 1;
            }
        }
        (count as u64, edges)
    }

    /// Steps up from a random state to where all is present, again and again.
    fn walk(&self, edges: u64, dice: &mut Seeded) {
        let mut states: Vec<State> = Vec::new();
        let mut level = Urgency::SelfCare;
        for step in 0..edges {
            let open: Vec<usize> = (0..states.len())
                .filter(|f| states[*f] != State::Present)
                .collect();
            if open.is_empty() || step % 64 == 0 {
                states = (0..self.findings).map(|_| CHAIN[dice.below(5) / 2]).collect();
                level = self.level(&states);
                continue;
            }
            let f = open[dice.below(open.len())];
            states[f] = if states[f] == State::RuledOut {
                State::Unknown
            } else {
                State::Present
            };
            let after = self.level(&states);
            assert!(level <= after, "{}: {states:?} falls after {f}", self.module);
            level = after;
        }
    }
}

/// The type of a condition has no negation, each condition alone is tried in all its states above, and here the level
/// of each module as a whole: every state where its rules hang together over few findings, seeded walks where over more.
#[test]
fn the_level_of_every_module_is_monotone() {
    // All of 14 findings are 4.8 million states: for the long run.
    let (few, walked_edges) = (walks(12, 14), walks(20_000, 10_000_000) as u64);
    let mut dice = Seeded(987_654_321);
    let (mut whole, mut states, mut edges) = (0, 0, 0);
    let mut walked: Vec<(String, usize)> = Vec::new();
    let all = parts(Pack::embedded());
    for part in &all {
        if part.findings <= few {
            let (s, e) = part.exhaust();
            (whole, states, edges) = (whole + 1, states + s, edges + e);
        } else {
            walked.push((part.module.clone(), part.findings));
        }
    }
    for part in all.iter().filter(|p| p.findings > few) {
        part.walk(walked_edges / walked.len() as u64, &mut dice);
    }
    let modules: BTreeSet<&String> = all.iter().map(|p| &p.module).collect();
    println!(
        "counts: {} modules in {} parts: {whole} parts in all {states} states and {edges} steps, {} parts in {walked_edges} \
         seeded steps {walked:?}; none falls",
        modules.len(),
        all.len(),
        walked.len()
    );
}
