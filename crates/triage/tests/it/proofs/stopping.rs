//! Asking stops exactly when nothing can change, and never too early.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use hms_triage::{
    next, Answer, Answers, Choice, Expr, Kind, Lang, Milli, Next, NumberSpec, Outcome, Pack, Question,
    Session, Side, Threshold, Urgency,
};

use super::{any_answer, walks};
use crate::dice::Seeded;

#[test]
fn stopping_early_never_hides_a_higher_result() {
    let pack = Pack::embedded();
    let mut dice = Seeded(77);
    for _ in 0..walks(100, 5_000) {
        let mut answers = Answers::default();
        let outcome = loop {
            match next(pack, &answers, Lang::En) {
                Next::Outcome(outcome) => break outcome,
                Next::Question(q) => {
                    let answer = any_answer(&q, &mut dice);
                    answers.given.insert(q.id, answer);
                }
            }
        };
        // Everything that was not asked is now answered at random, on and on: the level stays, and
        // below an emergency so does the urgency.
        let mut more = Session {
            answers,
            ..Session::default()
        };
        for q in pack.file().questions.iter().filter(|q| !q.hidden) {
            let asked = more.answers.given.contains_key(&q.id);
            let Some(view) = more.question(pack, &q.id, Lang::En).filter(|_| !asked) else {
                continue;
            };
            more.answers
                .given
                .insert(q.id.clone(), any_answer(&view, &mut dice));
            let after = more.outcome(pack, Lang::En);
            assert_eq!(after.level, outcome.level, "{} after {:?}", q.id, more.answers);
            assert!(after.urgency == outcome.urgency || outcome.urgency >= Urgency::EdNow);
        }
    }
}

/// Every way in which the questions still open may be answered, as far as it can matter: lists and yes or no at their two
/// ends (more of a list is never less), choices and numbers in each of their ways. None where there are too many.
fn completions(pack: &Pack, answers: &Answers) -> Option<Vec<Answers>> {
    let mut all = vec![answers.clone()];
    let session = Session {
        answers: answers.clone(),
        ..Session::default()
    };
    let complaint = answers.given.contains_key("complaint");
    for q in pack
        .file()
        .questions
        .iter()
        .filter(|q| !q.hidden && !answers.given.contains_key(&q.id))
    {
        let ways: Vec<Answer> = match q.kind {
            Kind::Multi | Kind::Boolean => continue,
            // A module that no answer can open any more does not matter.
            Kind::Choice | Kind::Number
                if complaint && q.id != "complaint" && session.question(pack, &q.id, Lang::En).is_none() =>
            {
                continue
            }
            Kind::Choice => q.options.iter().map(|o| Answer::Code(o.code.clone())).collect(),
            Kind::Number => {
                let spec = q.number.as_ref().unwrap();
                let mut cuts: Vec<i64> = around(spec).chain([spec.min.0, spec.max.0]).collect();
                cuts.retain(|v| *v >= spec.min.0 && *v <= spec.max.0);
                // One value of each stretch between two thresholds stands for all of it.
                cuts.sort_by_key(|v| stretch(spec, *v));
                cuts.dedup_by_key(|v| stretch(spec, *v));
                cuts.into_iter().map(|v| Answer::Number(Milli(v))).collect()
            }
        };
        if all.len() * ways.len() > 3_000 {
            return None;
        }
        let with = |a: &Answers, way: &Answer| {
            let mut a = a.clone();
            a.given.insert(q.id.clone(), way.clone());
            a
        };
        all = all
            .iter()
            .flat_map(|a| ways.iter().map(move |w| with(a, w)))
            .collect();
    }
    Some(all)
}

/// The urgencies that can still be reached: exactly, unlike the bounds, which take every choice at once.
fn reachable(pack: &Pack, answers: &Answers) -> Option<BTreeSet<Urgency>> {
    let mut out = BTreeSet::new();
    for way in completions(pack, answers)? {
        for yes in [false, true] {
            let mut end = way.clone();
            for q in pack.file().questions.iter().filter(|q| !q.hidden) {
                let all = || q.options.iter().filter(|_| yes).map(|o| o.code.clone()).collect();
                match q.kind {
                    Kind::Multi => {
                        _ = end
                            .given
                            .entry(q.id.clone())
                            .or_insert_with(|| Answer::Codes(all()))
                    }
                    Kind::Boolean => _ = end.given.entry(q.id.clone()).or_insert(Answer::Flag(yes)),
                    Kind::Choice | Kind::Number => {}
                }
            }
            out.insert(Outcome::of(pack, &end, Lang::En).urgency);
        }
    }
    Some(out)
}

/// Which thresholds a number meets.
fn stretch(spec: &NumberSpec, value: i64) -> Vec<bool> {
    let met = spec.thresholds.iter().map(|t| match t.side {
        Side::AtLeast => value >= t.value.0,
        Side::AtMost => value <= t.value.0,
    });
    met.collect()
}

/// Numbers at each threshold and on both sides of it.
fn around(spec: &NumberSpec) -> impl Iterator<Item = i64> + '_ {
    let limits = spec.thresholds.iter();
    limits.flat_map(|t| [t.value.0 - 1, t.value.0, t.value.0 + 1])
}

/// An answer that says what of these findings it can, and "no" to the rest.
fn saying(q: &Question, names: &BTreeSet<String>) -> Answer {
    let hits = |o: &Choice| {
        o.sets
            .iter()
            .chain(&o.also)
            .filter(|f| names.contains(*f))
            .count()
    };
    match q.kind {
        Kind::Boolean => Answer::Flag(q.options.iter().any(|o| hits(o) > 0)),
        Kind::Multi => Answer::Codes(
            q.options
                .iter()
                .filter(|o| hits(o) > 0)
                .map(|o| o.code.clone())
                .collect(),
        ),
        Kind::Choice => {
            let best = q
                .options
                .iter()
                .max_by_key(|o| (hits(o), Reverse(o.sets.len())))
                .unwrap();
            Answer::Code(best.code.clone())
        }
        Kind::Number => {
            let spec = q.number.as_ref().unwrap();
            let met = |t: &Threshold, v: i64| match t.side {
                Side::AtLeast => v >= t.value.0,
                Side::AtMost => v <= t.value.0,
            };
            // A finding too few is worse than one too many.
            let wrong = |v: i64| -> usize {
                let off = |t: &Threshold| match (met(t, v), names.contains(&t.finding)) {
                    (false, true) => 100,
                    (true, false) => 1,
                    (true, true) | (false, false) => 0,
                };
                spec.thresholds.iter().map(off).sum()
            };
            let best = around(spec)
                .chain([spec.min.0])
                .min_by_key(|v| wrong(*v))
                .unwrap();
            Answer::Number(Milli(best))
        }
    }
}

/// Whether some answers to all else make this question's answer change the urgency. For each rule it may help to
/// decide, all else says what the rule needs, and no more.
fn matters(pack: &Pack, answers: &Answers, id: &str) -> bool {
    let file = pack.file();
    let settles = |q: &Question| -> BTreeSet<String> {
        let sets = q.options.iter().flat_map(|o| o.sets.iter().chain(&o.also));
        let cuts = q
            .number
            .iter()
            .flat_map(|n| n.thresholds.iter().map(|t| &t.finding));
        sets.chain(cuts).cloned().collect()
    };
    let names = |when: &Expr<String>| {
        let mut out = BTreeSet::new();
        when.findings(&mut |f| _ = out.insert(f.clone()));
        out
    };
    let q = file.questions.iter().find(|q| q.id == id).unwrap();
    // What it settles, and what the questions settle that it opens.
    let mut reach = settles(q);
    for other in &file.questions {
        if other
            .when
            .as_ref()
            .is_some_and(|when| !names(when).is_disjoint(&reach))
        {
            reach.extend(settles(other));
        }
    }
    let low = Session {
        answers: answers.clone(),
        ..Session::default()
    }
    .bounds(pack)
    .0;
    let rules = file
        .rules
        .iter()
        .filter(|r| r.level > low)
        .map(|r| names(&r.when));
    for needs in rules.filter(|needs| !needs.is_disjoint(&reach)) {
        // What opens the questions behind the rule is needed, too.
        let behind = file
            .questions
            .iter()
            .filter(|other| !settles(other).is_disjoint(&needs));
        let openers: Vec<BTreeSet<String>> = behind
            .filter_map(|other| other.when.as_ref().map(names))
            .collect();
        let needs: BTreeSet<String> = needs.into_iter().chain(openers.into_iter().flatten()).collect();
        // What this question settles is left to it, though another may ask it too.
        let own = settles(q);
        let others = needs.difference(&own).cloned().collect();
        let mut rest = answers.clone();
        for other in file.questions.iter().filter(|o| !o.hidden && o.id != id) {
            rest.given
                .entry(other.id.clone())
                .or_insert_with(|| saying(other, &others));
        }
        let with = |answer: Answer| {
            let mut all = rest.clone();
            all.given.insert(id.to_owned(), answer);
            Outcome::of(pack, &all, Lang::En).urgency
        };
        let one = |f: &String| saying(q, &BTreeSet::from([f.clone()]));
        let ways = settles(q)
            .iter()
            .map(one)
            .chain([saying(q, &needs)])
            .collect::<Vec<_>>();
        let none = with(saying(q, &BTreeSet::new()));
        if ways.into_iter().any(|way| with(way) != none) {
            return true;
        }
    }
    false
}

#[test]
fn asking_stops_exactly_when_no_answer_can_change_the_level() {
    let pack = Pack::embedded();
    let mut dice = Seeded(5_150);
    let (mut stopped, mut asked, mut idle, mut unshown) = (0, 0, Vec::new(), Vec::new());
    for _ in 0..walks(40, 600) {
        let mut session = Session::new(pack);
        loop {
            let next = session.next(pack, Lang::En);
            let ends = if session.answers.given.contains_key("complaint") {
                reachable(pack, &session.answers)
            } else {
                None
            };
            let levels: Option<BTreeSet<_>> = ends.map(|all| all.iter().map(|u| u.level()).collect());
            match (next, levels) {
                (Next::Outcome(outcome), levels) => {
                    if let Some(levels) = levels {
                        assert_eq!(levels, BTreeSet::from([outcome.level]), "{:?}", session.answers);
                        stopped += 1;
                    }
                    break;
                }
                (Next::Question(q), levels) => {
                    // With an emergency certain, the first screens are asked on to tell 911 from the rest.
                    let certain = session.bounds(pack).0 >= Urgency::EdNow;
                    if let Some(levels) = levels.filter(|_| !certain) {
                        asked += 1;
                        if levels.len() < 2 {
                            idle.push(q.id.clone());
                        }
                        if !matters(pack, &session.answers, &q.id) {
                            unshown.push(q.id.clone());
                        }
                    }
                    session.answer(pack, &q.id, any_answer(&q, &mut dice)).unwrap();
                }
            }
        }
    }
    println!(
        "counts: {stopped} stops with nothing left to change; {asked} questions asked, {} of them in vain",
        idle.len()
    );
    idle.sort();
    idle.dedup();
    println!("in vain: {idle:?}; not shown to matter: {unshown:?}");
    assert!(
        stopped > 20 && idle.is_empty() && unshown.is_empty(),
        "{idle:?} {unshown:?}"
    );
}
