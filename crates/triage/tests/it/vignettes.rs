//! Self-evaluation: short cases, answered as a person would who has only the case before them: once with
//! "not sure" for all it leaves out, once with "none of these" for lists it does not mention.

use std::path::Path;

use hms_triage::{
    author, Answer, Kind, Lang, Level, Next, Outcome, Pack, Person, QuestionView, Session, Urgency,
    COMPLAINT, SOMETHING_ELSE,
};

use crate::same;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    NotSure,
    NoneOfThese,
    /// None of these, and the first complaint offered, whatever it is.
    FirstOffered,
}

fn cases() -> Vec<author::Example> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("content/vignettes/self-evaluation.yaml");
    let mut all = author::examples("vignettes", &std::fs::read_to_string(file).unwrap()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("content/examples");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let examples = author::examples("examples", &text).unwrap();
        all.extend(examples.into_iter().filter(|e| e.search.is_some()));
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

/// What someone with only the case before them answers.
fn reply(pack: &Pack, q: &QuestionView, case: &author::Example, truth: &[String], mode: Mode) -> Answer {
    let def = pack.file().questions.iter().find(|d| d.id == q.id).unwrap();
    let tells = |f: &String| truth.contains(f);
    let known = |o: &&hms_triage::Choice| {
        let mut sets = o.sets.iter().chain(&o.also).peekable();
        sets.peek().is_some() && sets.all(tells)
    };
    let hits: Vec<String> = def.options.iter().filter(known).map(|o| o.code.clone()).collect();
    match (q.kind, mode) {
        (Kind::Number, _) => match case.age.filter(|_| q.id == "age") {
            Some(age) => Answer::Number(age),
            None => Answer::unknown(),
        },
        (Kind::Boolean, _) if !hits.is_empty() => Answer::Flag(true),
        (Kind::Choice, Mode::FirstOffered) if q.id == COMPLAINT => Answer::Code(q.options[0].code.clone()),
        (Kind::Choice, _) if q.id == COMPLAINT => {
            let offered = q.options.iter().any(|o| o.code == case.complaint);
            let code = if offered { &case.complaint } else { SOMETHING_ELSE };
            Answer::Code(code.to_owned())
        }
        // The option that says most of what is known.
        (Kind::Choice, _) => match hits.last() {
            Some(code) => Answer::Code(code.clone()),
            None => Answer::unknown(),
        },
        (Kind::Boolean, _) => Answer::unknown(),
        (Kind::Multi, Mode::NoneOfThese | Mode::FirstOffered) => Answer::Codes(hits),
        (Kind::Multi, Mode::NotSure) if hits.is_empty() => Answer::unknown(),
        (Kind::Multi, Mode::NotSure) => Answer::Codes(hits),
    }
}

struct Run {
    outcome: Outcome,
    offered: bool,
}

fn run(pack: &Pack, case: &author::Example, mode: Mode) -> Run {
    let truth = same::truth(pack, case);
    let mut session = Session::new(pack);
    let person = Person {
        age: case.age,
        sex: case.sex.clone(),
        pregnant: None,
    };
    assert!(session.know(pack, &person));
    let found = session.search(pack, case.search.as_deref().unwrap_or_default(), Lang::En);
    let offered = found.complaints.iter().any(|c| c.code == case.complaint);
    loop {
        match session.next(pack, Lang::En) {
            Next::Outcome(outcome) => return Run { outcome, offered },
            Next::Question(q) => {
                let answer = reply(pack, &q, case, &truth, mode);
                session.answer(pack, &q.id, answer).unwrap();
            }
        }
    }
}

/// The usual three levels: emergency, seen by someone, home.
fn three(u: Urgency) -> u8 {
    match u.level() {
        Level::Emergency => 2,
        Level::UrgentVideo | Level::Clinic24h | Level::Routine => 1,
        Level::SelfCare => 0,
    }
}

#[test]
fn no_emergency_is_missed_and_few_others_go_to_hospital() {
    let pack = Pack::embedded();
    let cases = cases();
    assert!(cases.len() >= 150);
    let mut missed = Vec::new();
    for mode in [Mode::NotSure, Mode::NoneOfThese] {
        let (mut right, mut over, mut calm, mut home, mut homes) = (0, 0, 0, 0, 0);
        let (mut emergencies, mut unlisted) = (Vec::new(), Vec::new());
        let mut others = Vec::new();
        for case in &cases {
            let run = run(pack, case, mode);
            let got = run.outcome.urgency;
            if !run.offered {
                unlisted.push(format!(
                    "{}: {:?} does not offer {}",
                    case.id, case.search, case.complaint
                ));
            }
            let emergency = case.at_least >= Urgency::EdNow;
            if emergency && got < Urgency::EdNow {
                missed.push(format!("{mode:?} {} ({}): {got:?}", case.id, case.case));
            }
            if case.at_most < Urgency::EdNow {
                calm += 1;
                if got >= Urgency::EdNow {
                    over += 1;
                    let rule = run.outcome.reasons.first().map(|r| r.rule.clone());
                    println!("{mode:?} over: {} ({}): {rule:?}", case.id, case.case);
                }
            }
            // Home is the only right answer: the usual measure of needless fear.
            if case.at_most == Urgency::SelfCare {
                homes += 1;
                home += usize::from(got == Urgency::SelfCare);
                if got > Urgency::SelfCare && mode == Mode::NoneOfThese {
                    let rule = run.outcome.reasons.first().map(|r| r.rule.clone());
                    println!("not home: {} ({}): {got:?} {rule:?}", case.id, case.case);
                }
            }
            right += usize::from(three(case.at_least) <= three(got) && three(got) <= three(case.at_most));
            if got >= Urgency::EdNow {
                if run.outcome.questions > 8 {
                    println!("long: {} {:?} {}", case.id, case.search, run.outcome.questions);
                }
                emergencies.push(run.outcome.questions);
            } else {
                others.push(run.outcome.questions);
            }
        }
        for list in [&mut emergencies, &mut others] {
            list.sort_unstable();
        }
        let at = |list: &[u32], percent: usize| list[(list.len() - 1) * percent / 100];
        println!(
            "{mode:?}: {right} of {} on the right one of three levels; {over} of {calm} others to emergency; \
             home care kept {home} of {homes}; questions to an emergency median {}, most {}; else median {}, p95 {}",
            cases.len(),
            at(&emergencies, 50),
            at(&emergencies, 100),
            at(&others, 50),
            at(&others, 95),
        );
        println!("search: {} of {} not offered", unlisted.len(), cases.len());
        unlisted.iter().for_each(|u| println!("  {u}"));
        assert!(at(&emergencies, 50) <= 4 && at(&emergencies, 100) <= 8);
        assert!(at(&others, 50) <= 12 && at(&others, 95) <= 20);
        assert!(over * 100 <= calm * 12, "{over} of {calm}");
        assert!(unlisted.len() * 100 <= cases.len() * 3, "{unlisted:#?}");
        if mode == Mode::NoneOfThese {
            assert!(right * 100 >= cases.len() * 95, "{right}");
            assert!(home * 100 >= homes * 87, "{home} of {homes}");
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_wrong_complaint_still_finds_most_emergencies() {
    let pack = Pack::embedded();
    let (mut found, mut all) = (0, 0);
    for case in cases().iter().filter(|c| c.at_least >= Urgency::EdNow) {
        let got = run(pack, case, Mode::FirstOffered).outcome.urgency;
        all += 1;
        found += usize::from(got >= Urgency::EdNow);
        if got < Urgency::EdNow {
            println!("first offered: {} {:?}: {got:?}", case.id, case.search);
        }
    }
    println!("emergencies found with the first complaint offered: {found} of {all}");
    assert!(found * 100 >= all * 93, "{found} of {all}");
}
