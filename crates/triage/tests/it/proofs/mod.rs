//! What must hold whatever the content says: nothing lowers, every path ends, the same in is the same out.
//! `HMS_DEEP=1` runs the long counts; lines that begin with "counts: " are for docs/faults.md.

mod monotone;
mod replay;
mod stopping;

use hms_triage::{Answer, Expr, Kind, Lang, Milli, Next, Pack, Question, QuestionView, Session, Urgency};

use crate::dice::Seeded;

fn walks(few: usize, deep: usize) -> usize {
    if std::env::var("HMS_DEEP").is_ok_and(|v| v == "1") {
        deep
    } else {
        few
    }
}

fn any_answer(q: &QuestionView, dice: &mut Seeded) -> Answer {
    if dice.below(5) == 0 {
        return Answer::unknown();
    }
    match q.kind {
        Kind::Boolean => Answer::Flag(dice.below(3) == 0),
        Kind::Choice => Answer::Code(q.options[dice.below(q.options.len())].code.clone()),
        Kind::Multi => {
            let one_in = 10 + dice.below(90);
            Answer::Codes(
                q.options
                    .iter()
                    .filter(|_| dice.below(one_in) == 0)
                    .map(|o| o.code.clone())
                    .collect(),
            )
        }
        Kind::Number => {
            let (min, max) = (q.min.unwrap().0, q.max.unwrap().0);
            let steps = usize::try_from((max - min) / 100).unwrap();
            Answer::Number(Milli(min + 100 * i64::try_from(dice.below(steps + 1)).unwrap()))
        }
    }
}

#[test]
fn every_walk_ends_with_a_disposition_advice_and_a_safety_net() {
    let pack = Pack::embedded();
    let mut dice = Seeded(0x9e37_79b9_7f4a_7c15);
    let (mut asked, mut emergencies) = (Vec::new(), Vec::new());
    for walk in 0..walks(300, 20_000) {
        let lang = if walk % 2 == 0 { Lang::En } else { Lang::Es };
        let mut session = Session::new(pack);
        let mut life: Vec<String> = Vec::new();
        let outcome = loop {
            match session.next(pack, lang) {
                Next::Outcome(outcome) => break outcome,
                Next::Question(q) => {
                    assert!(
                        !session.answers.given.contains_key(&q.id),
                        "{} is asked twice",
                        q.id
                    );
                    assert!(!q.text.is_empty() && !q.why.is_empty());
                    life.push(q.id.clone());
                    let answer = any_answer(&q, &mut dice);
                    session.answer(pack, &q.id, answer).unwrap();
                }
            }
            assert!(life.len() <= 40, "walk {walk} does not end: {life:?}");
        };
        assert!(!outcome.advice.is_empty() && !outcome.safety_net.is_empty());
        assert!(
            !outcome.reasons.is_empty(),
            "walk {walk} has no reason: {:?}",
            session.answers
        );
        assert_eq!(outcome.pack.status, "draft, unsigned");
        // Life threats come first, always, until the top is reached; the complaint is next.
        assert_eq!(life[0], "life.now");
        assert!(life.len() < 2 || life[1] == "complaint");
        // Every open red-flag screen that could have made it an emergency was asked.
        if outcome.urgency < Urgency::EdNow {
            for q in pack
                .file()
                .questions
                .iter()
                .filter(|q| q.must_ask && alarming(pack, q))
            {
                let open = session.question(pack, &q.id, Lang::En).is_some();
                assert!(
                    !open || session.answers.given.contains_key(&q.id),
                    "{} was not asked",
                    q.id
                );
            }
        }
        // Nothing that was left out could have changed the urgency.
        let (low, high) = session.bounds(pack);
        assert!(low <= outcome.urgency && outcome.urgency <= high);
        match outcome.urgency >= Urgency::EdNow {
            true => emergencies.push(life.len()),
            false => asked.push(life.len()),
        }
    }
    for (name, list) in [("to a result", &mut asked), ("to an emergency", &mut emergencies)] {
        list.sort_unstable();
        let at = |percent: usize| list[(list.len() - 1) * percent / 100];
        println!(
            "counts: seeded walks, questions {name}: median {}, p95 {}, most {} of {}",
            at(50),
            at(95),
            at(100),
            list.len()
        );
    }
}

/// One of its items alone is an emergency.
fn alarming(pack: &Pack, q: &Question) -> bool {
    let alarm = |f: &String| {
        let mut rules = pack.file().rules.iter();
        rules.any(|r| r.level >= Urgency::EdNow && r.when == Expr::Present(f.clone()))
    };
    q.options.iter().flat_map(|o| &o.sets).any(alarm)
}

#[test]
fn not_sure_everywhere_is_never_self_care() {
    let pack = Pack::embedded();
    for complaint in &pack.file().complaints {
        let mut session = Session::new(pack);
        session
            .answer(pack, "complaint", Answer::Code(complaint.code.clone()))
            .unwrap();
        let outcome = loop {
            match session.next(pack, Lang::En) {
                Next::Outcome(outcome) => break outcome,
                Next::Question(q) => session.answer(pack, &q.id, Answer::unknown()).unwrap(),
            }
        };
        // A complaint that is an alarm by itself stays one until its red flags are ruled out.
        let alarm = ["chest_pain", "breathing", "stroke"].contains(&complaint.code.as_str());
        let expected = if alarm { Urgency::EdNow } else { Urgency::Today };
        assert_eq!(outcome.urgency, expected, "{}", complaint.code);
    }
}

#[test]
fn none_of_these_everywhere_comes_down() {
    let pack = Pack::embedded();
    for (complaint, expected) in [
        ("animal_bite", Urgency::SelfCare),
        ("heat", Urgency::SelfCare),
        ("fall", Urgency::SelfCare),
        ("burn", Urgency::SelfCare),
        ("headache", Urgency::SelfCare),
        ("cough", Urgency::SelfCare),
        ("chest_pain", Urgency::Today),
        ("breathing", Urgency::Hours24),
        ("pregnancy", Urgency::Hours24),
        ("something_else", Urgency::Today),
    ] {
        let mut session = Session::new(pack);
        session
            .answer(pack, "complaint", Answer::Code(complaint.to_owned()))
            .unwrap();
        let mut count = 0;
        let outcome = loop {
            match session.next(pack, Lang::En) {
                Next::Outcome(outcome) => break outcome,
                Next::Question(q) => {
                    count += 1;
                    session.answer(pack, &q.id, no(&q)).unwrap();
                }
            }
        };
        println!("{complaint}: {count} questions, {:?}", outcome.urgency);
        assert_eq!(outcome.urgency, expected, "{complaint}: {:?}", outcome.reasons);
        assert!(count <= 16, "{complaint} takes {count} questions");
    }
}

fn no(q: &QuestionView) -> Answer {
    match q.kind {
        Kind::Boolean => Answer::Flag(false),
        Kind::Multi => Answer::Codes(Vec::new()),
        Kind::Choice => Answer::Code(q.options[0].code.clone()),
        Kind::Number if q.id == "age" => Answer::Number(Milli::whole(40)),
        Kind::Number => Answer::Number(Milli::whole(98)),
    }
}

/// Says that an animal bit, and that what is behind the bite is cold or numb.
fn cold_bite(pack: &Pack, session: &mut Session) {
    let said = [
        ("complaint", Answer::Code("animal_bite".to_owned())),
        ("bite.flags", Answer::Codes(vec!["cold".to_owned()])),
    ];
    for (question, answer) in said {
        session.answer(pack, question, answer).unwrap();
    }
}

#[test]
fn reasons_name_the_smallest_set_of_findings() {
    let pack = Pack::embedded();
    let mut session = Session::new(pack);
    cold_bite(pack, &mut session);
    let outcome = session.outcome(pack, Lang::En);
    let first = &outcome.reasons[0];
    assert_eq!((first.rule.as_str(), first.because.len()), ("bite.cold", 1));
    assert!(first.source.url.starts_with("https://") && first.reviewer == "unsigned");
    assert!(outcome.do_not_drive && !outcome.call_911);
    assert_eq!(outcome.recheck_minutes, 15);
}
