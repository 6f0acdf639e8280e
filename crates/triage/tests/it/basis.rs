//! What the clinician sees beside a result: it never touches the urgency, it is the same bytes everywhere, and a near
//! change is a change and is near.

use std::collections::BTreeSet;

use hms_triage::{
    Answer, Answers, Band, Basis, Interview, Kind, Lang, Milli, Next, Outcome, Pack, Session, State, Step,
    Urgency, COMPLAINT,
};
use serde_json::{json, Value};

use crate::dice::Seeded;

/// An answer to every question, asked or not.
fn full(pack: &Pack, dice: &mut Seeded) -> Answers {
    let mut answers = Answers::default();
    let one_in = 4 + dice.below(60);
    for q in pack.file().questions.iter().filter(|q| !q.hidden) {
        let answer = match (q.kind, dice.below(7)) {
            (_, 0) => Answer::unknown(),
            (Kind::Boolean, n) => Answer::Flag(n == 1),
            (Kind::Choice, _) => Answer::Code(q.options[dice.below(q.options.len())].code.clone()),
            (Kind::Multi, _) => {
                let mut chosen = q.options.clone();
                chosen.retain(|_| dice.below(one_in) == 0);
                Answer::Codes(chosen.into_iter().map(|o| o.code).collect())
            }
            (Kind::Number, _) => {
                let spec = q.number.as_ref().unwrap();
                let steps = usize::try_from((spec.max.0 - spec.min.0) / 100).unwrap();
                Answer::Number(Milli(
                    spec.min.0 + 100 * i64::try_from(dice.below(steps + 1)).unwrap(),
                ))
            }
        };
        answers.given.insert(q.id.clone(), answer);
    }
    answers
}

fn interviewed(pack: &Pack, truth: &Answers) -> Session {
    let mut session = Session::new(pack);
    while let Next::Question(q) = session.next(pack, Lang::En) {
        session.answer(pack, &q.id, truth.given[&q.id].clone()).unwrap();
    }
    session
}

/// The outcome without what names the pack and how many questions were asked.
fn bytes(pack: &Pack, answers: &Answers) -> String {
    let mut outcome = serde_json::to_value(Outcome::of(pack, answers, Lang::En)).unwrap();
    outcome["pack"] = Value::Null;
    outcome.to_string()
}

#[test]
fn the_table_of_conditions_never_touches_a_result() {
    let with = Pack::embedded();
    let without = with.without_conditions().unwrap();
    assert!(with.file().conditions.len() >= 100 && without.file().conditions.is_empty());
    let mut dice = Seeded(31);
    let mut reordered = 0;
    for _ in 0..400 {
        let truth = full(with, &mut dice);
        assert_eq!(bytes(with, &truth), bytes(&without, &truth));

        let (a, b) = (interviewed(with, &truth), interviewed(&without, &truth));
        let (first, second) = (a.outcome(with, Lang::En), b.outcome(&without, Lang::En));
        reordered += usize::from(a.trail != b.trail);
        // The order of asking may differ; once an emergency is certain fewer questions tell it.
        assert_eq!(first.level, second.level, "{truth:?}");
        assert!(first.urgency == second.urgency || first.urgency >= Urgency::EdNow);
    }
    // Random answers are mostly grave ones. A raise shows best where little is wrong: each condition by its book, and
    // each of its signs alone.
    let mut calm = 0;
    for c in &with.file().conditions {
        let usual = c
            .signs
            .iter()
            .filter(|s| s.band >= Band::Common)
            .map(|s| &s.finding);
        let alone = c.signs.iter().map(|s| BTreeSet::from([&s.finding]));
        for present in alone.chain([usual.collect(), BTreeSet::new()]) {
            let answers = textbook(with, &c.gate, &present);
            assert_eq!(
                bytes(with, &answers),
                bytes(&without, &answers),
                "{} {present:?}",
                c.id
            );
            calm += usize::from(Outcome::of(with, &answers, Lang::En).urgency <= Urgency::Hours24);
        }
    }
    assert!(calm >= 100, "{calm} of them are calm");
    println!("counts: with and without the table of conditions: {reordered} of 400 interviews are asked in another order, none has another level");
    assert!(reordered > 0, "the table orders nothing");
}

#[test]
fn each_main_module_has_its_conditions_and_each_is_told_from_the_others() {
    let pack = Pack::embedded();
    let mut gates: Vec<&String> = pack.file().conditions.iter().map(|c| &c.gate).collect();
    gates.dedup();
    let unique: BTreeSet<&String> = gates.iter().copied().collect();
    assert_eq!(gates.len(), unique.len(), "a module's conditions stand together");
    assert!(gates.len() >= 14, "{gates:?}");
    for gate in gates {
        let own = pack.file().conditions.iter().filter(|c| c.gate == *gate);
        let count = own.count();
        assert!((6..=20).contains(&count), "{gate}: {count}");
    }
}

/// Answers in which a module is open, the given findings are present, and its other signs are ruled out.
fn textbook(pack: &Pack, gate: &str, present: &BTreeSet<&String>) -> Answers {
    let mut answers = Answers::default();
    for q in pack
        .file()
        .questions
        .iter()
        .filter(|q| !q.hidden || q.id == "person.pregnant")
    {
        let sets = |o: &&hms_triage::Choice| o.sets.iter().any(|f| present.contains(f));
        let answer = match q.kind {
            Kind::Choice if q.id == COMPLAINT => {
                let opens = |o: &&hms_triage::Choice| o.sets.iter().any(|f| f == gate);
                Answer::Code(q.options.iter().find(opens).unwrap().code.clone())
            }
            Kind::Choice => {
                let hits = |o: &hms_triage::Choice| o.sets.iter().filter(|f| present.contains(f)).count();
                let best = q
                    .options
                    .iter()
                    .max_by_key(|o| (hits(o), std::cmp::Reverse(o.sets.len())));
                Answer::Code(best.unwrap().code.clone())
            }
            Kind::Multi => Answer::Codes(q.options.iter().filter(sets).map(|o| o.code.clone()).collect()),
            Kind::Boolean => Answer::Flag(q.options.iter().any(|o| sets(&o))),
            Kind::Number if q.id == "age" => {
                let has = |id: &str| present.iter().any(|f| *f == id);
                Answer::Number(Milli::whole(if has("age.over65") {
                    70
                } else if has("age.over50") {
                    55
                } else {
                    40
                }))
            }
            Kind::Number => Answer::unknown(),
        };
        answers.given.insert(q.id.clone(), answer);
    }
    answers
}

fn place(pack: &Pack, answers: &Answers, condition: &str) -> usize {
    let basis = Basis::of(pack, answers, Lang::En);
    let found = basis.possibilities.iter().position(|p| p.condition == condition);
    found.map_or(99, |at| at + 1)
}

#[test]
fn a_textbook_case_is_among_the_first_also_when_any_band_is_one_off() {
    let pack = Pack::embedded();
    let shifted = |band: Band, up: bool| {
        let at = Band::ALL.iter().position(|b| *b == band).unwrap();
        let to = if up { at + 1 } else { at.wrapping_sub(1) };
        Band::ALL.get(to).copied()
    };
    let (mut first, mut three, mut all, mut worst_off) = (0, 0, 0, 0);
    let mut lost = Vec::new();
    for (ix, c) in pack.file().conditions.iter().enumerate() {
        let usual = c
            .signs
            .iter()
            .filter(|s| s.band >= Band::Common)
            .map(|s| &s.finding);
        let present: BTreeSet<&String> = usual.collect();
        let answers = textbook(pack, &c.gate, &present);
        let at = place(pack, &answers, &c.id);
        all += 1;
        first += usize::from(at == 1);
        three += usize::from(at <= 3);
        if at > 4 {
            lost.push(format!("{} is at {at}", c.id));
        }
        if ix % 8 != 0 {
            continue;
        }
        for up in [true, false] {
            for sign in 0..=c.signs.len() {
                let mut file = pack.file().clone();
                let band = match sign.checked_sub(1) {
                    None => &mut file.conditions[ix].before,
                    Some(s) => &mut file.conditions[ix].signs[s].band,
                };
                let Some(other) = shifted(*band, up) else { continue };
                *band = other;
                let off = Pack::from_bytes(&serde_json::to_vec(&file).unwrap()).unwrap();
                worst_off = worst_off.max(place(&off, &answers, &c.id).saturating_sub(at));
                assert_eq!(bytes(pack, &answers), bytes(&off, &answers), "{} {sign}", c.id);
            }
        }
    }
    println!("counts: textbook cases: {first} of {all} conditions first, {three} among three; one band off moves one at most {worst_off} places");
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(three * 100 >= all * 95, "{three} of {all}");
    assert!(worst_off <= 3, "{worst_off}");
}

#[test]
fn the_person_never_sees_the_conditions() {
    let pack = Pack::embedded();
    let mut interview = Interview::new(pack);
    let mut lines = interview.line(&json!({"complaint": "chest_pain"}).to_string());
    let mut told = String::new();
    while let Some(q) = lines.last().and_then(|l| {
        let line: Value = serde_json::from_str(l).unwrap();
        line.get("question").cloned()
    }) {
        told.push_str(lines.last().unwrap());
        let answer = json!({"answer": {"id": q["id"], "value": "unknown"}});
        lines = interview.line(&answer.to_string());
    }
    told.push_str(lines.last().unwrap());
    assert!(told.contains("\"outcome\""));
    assert!(!told.contains("dx.") && !told.contains("possibilities"));
    let answers = &interview.session().answers;
    assert!(!Basis::of(pack, answers, Lang::En).possibilities.is_empty());
}

#[test]
fn a_case_has_the_basis_it_had() {
    let pack = Pack::embedded();
    let present: BTreeSet<String> = ["bite.cold", "bite.hand", "bite.broken"]
        .map(str::to_owned)
        .into();
    let answers = textbook(pack, "module.bite", &present.iter().collect());

    let basis = Basis::of(pack, &answers, Lang::En);

    let lower = basis.lower.unwrap();
    assert_eq!(lower.urgency, Urgency::Today);
    let expected = Step {
        question: "bite.flags".to_owned(),
        text: "Look at the bite. Is any of this true?".to_owned(),
        item: "Cold, pale or blue past the bite".to_owned(),
        to: State::RuledOut,
    };
    assert_eq!(lower.steps, [expected]);
    assert!(lower.reasons.iter().any(|r| r.rule == "bite.hand_broken"));
    assert!(lower.reasons.iter().all(|r| r.source.url.starts_with("http")));
    let higher = basis.higher.unwrap();
    assert_eq!((higher.urgency, higher.steps.len()), (Urgency::Call911, 1));
    let first = &basis.possibilities[0];
    assert!(first.speaks_for.iter().any(|b| b.finding == "bite.hand"));
    assert!(!first.source.title.is_empty());
}

/// All sets of answers that differ in one item of one open question that was asked.
fn single_changes(pack: &Pack, answers: &Answers) -> Vec<Answers> {
    let session = Session {
        answers: answers.clone(),
        ..Session::default()
    };
    let mut out = Vec::new();
    for q in pack.file().questions.iter().filter(|q| q.id != COMPLAINT) {
        if session.question(pack, &q.id, Lang::En).is_none() {
            continue;
        }
        let mut put = |answer: Answer| {
            let mut changed = answers.clone();
            changed.given.insert(q.id.clone(), answer);
            out.push(changed);
        };
        match (q.kind, answers.given.get(&q.id)) {
            (Kind::Multi, Some(Answer::Codes(codes))) => {
                for o in &q.options {
                    let mut other = codes.clone();
                    other.retain(|c| *c != o.code);
                    if other.len() == codes.len() {
                        other.push(o.code.clone());
                    }
                    put(Answer::Codes(other));
                }
                if codes.iter().any(|c| c == Answer::UNKNOWN) {
                    let known = codes.iter().filter(|c| *c != Answer::UNKNOWN);
                    put(Answer::Codes(known.cloned().collect()));
                }
            }
            (Kind::Multi, _) => {
                put(Answer::Codes(Vec::new()));
                for o in &q.options {
                    put(Answer::Codes(vec![o.code.clone(), Answer::UNKNOWN.to_owned()]));
                }
            }
            (Kind::Boolean, _) => [true, false].into_iter().for_each(|yes| put(Answer::Flag(yes))),
            (Kind::Choice, _) => q.options.iter().for_each(|o| put(Answer::Code(o.code.clone()))),
            (Kind::Number, _) => {
                for t in &q.number.as_ref().unwrap().thresholds {
                    (-1..=1).for_each(|by| put(Answer::Number(Milli(t.value.0 + by))));
                }
            }
        }
    }
    out
}

#[test]
fn a_near_change_is_the_nearest() {
    let pack = Pack::embedded();
    let mut dice = Seeded(2_026);
    let mut sizes = [[0_u32; 4]; 2];
    for _ in 0..120 {
        let truth = full(pack, &mut dice);
        let session = interviewed(pack, &truth);
        let before = session.outcome(pack, Lang::En).urgency;
        let basis = Basis::of(pack, &session.answers, Lang::En);
        let one: Vec<Urgency> = single_changes(pack, &session.answers)
            .iter()
            .map(|a| Outcome::of(pack, a, Lang::En).urgency)
            .collect();
        for (row, change, near) in [
            (0, &basis.lower, one.iter().any(|u| *u < before)),
            (1, &basis.higher, one.iter().any(|u| *u > before)),
        ] {
            let size = change.as_ref().map_or(0, |c| c.steps.len());
            sizes[row][size] += 1;
            // Where one answer is enough, one is named; and what is named does change the result.
            assert_eq!(size == 1, near, "{before:?} {change:?} {:?}", session.answers);
            if let Some(change) = change {
                assert!(if row == 0 {
                    change.urgency < before
                } else {
                    change.urgency > before
                });
                assert!(!change.reasons.is_empty() || change.urgency == Urgency::SelfCare);
            }
        }
        let again = Basis::of(pack, &session.answers, Lang::En);
        assert_eq!(
            serde_json::to_string(&again).unwrap(),
            serde_json::to_string(&basis).unwrap()
        );
    }
    println!(
        "counts: nearest change of 120 results, by size (0 is none within 3): lower {:?}, higher {:?}",
        sizes[0], sizes[1]
    );
}
