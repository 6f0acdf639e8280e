//! A stored check is the same check when it is opened again, and a corrected answer counts.

use hms_triage::{Answer, Lang, Next, Pack, Session, Urgency};

use super::{any_answer, cold_bite, no, walks, Seeded};

/// Asks from the start again, with the answers kept in a stored session: every question in the words it was asked in,
/// and the outcome.
fn transcript(pack: &Pack, stored: &str, lang: Lang) -> Vec<u8> {
    let kept: Session = serde_json::from_str(stored).unwrap();
    assert_eq!(kept.answers.pack.as_deref(), Some(pack.hash()));
    let mut session = Session {
        answers: kept.answers.clone(),
        offered: kept.offered.clone(),
        trail: Vec::new(),
    };
    session.answers.given.clear();
    let mut lines = Vec::new();
    loop {
        let next = session.next(pack, lang);
        lines.extend(serde_json::to_vec(&next).unwrap());
        lines.push(b'\n');
        match next {
            Next::Outcome(_) => return lines,
            Next::Question(q) => session
                .answer(pack, &q.id, kept.answers.given[&q.id].clone())
                .unwrap(),
        }
    }
}

#[test]
fn a_stored_session_replays_to_the_same_bytes_question_by_question() {
    let pack = Pack::embedded();
    // The same content read anew: nothing may hang on where it lies in memory.
    let fresh = Pack::from_bytes(include_bytes!("../../../pack/pack.json")).unwrap();
    let mut dice = Seeded(11);
    let typed = [
        "a dog bit me and I fell",
        "me duele el pecho",
        "",
        "hot and dizzy",
        "cut my hand",
    ];
    let (count, mut bytes, mut questions) = (walks(1_000, 20_000), 0, 0);
    for walk in 0..count {
        let lang = if walk % 2 == 0 { Lang::En } else { Lang::Es };
        let mut session = Session::new(pack);
        session.search(pack, typed[walk % typed.len()], lang);
        let mut told: Vec<u8> = Vec::new();
        let outcome = loop {
            let next = session.next(pack, lang);
            told.extend(serde_json::to_vec(&next).unwrap());
            told.push(b'\n');
            match next {
                Next::Outcome(outcome) => break outcome,
                Next::Question(q) => session.answer(pack, &q.id, any_answer(&q, &mut dice)).unwrap(),
            }
        };
        let stored = serde_json::to_string(&session).unwrap();
        assert_eq!(serde_json::from_str::<Session>(&stored).unwrap(), session);
        assert_eq!(transcript(&fresh, &stored, lang), told, "walk {walk}");
        let whole = |p: &Pack| serde_json::to_vec(&session.outcome(p, Lang::Es)).unwrap();
        assert_eq!(whole(&fresh), whole(pack));
        assert_eq!(outcome.pack.hash, fresh.hash());
        bytes += told.len();
        questions += session.trail.len();
    }
    println!("counts: {count} seeded walks, {questions} questions and {bytes} bytes, replay to the same bytes by pack hash");
}

#[test]
fn going_back_keeps_answers_and_a_corrected_one_counts() {
    let pack = Pack::embedded();
    let mut session = Session::new(pack);
    for _ in 0..3 {
        let Next::Question(q) = session.next(pack, Lang::En) else {
            panic!("ended")
        };
        session.answer(pack, &q.id, no(&q)).unwrap();
    }
    cold_bite(pack, &mut session);
    assert_eq!(session.outcome(pack, Lang::En).urgency, Urgency::EdNow);

    assert_eq!(session.before("bite.flags"), Some("complaint"));
    let back = session.question(pack, "complaint", Lang::En).unwrap();
    assert_eq!(back.answer, Some(Answer::Code("animal_bite".to_owned())));
    session
        .answer(pack, "complaint", Answer::Code("heat".to_owned()))
        .unwrap();

    let Next::Question(q) = session.next(pack, Lang::En) else {
        panic!("ended")
    };
    assert_eq!(q.id, "heat.flags", "the bite is not asked about any more");
    assert!(
        session.outcome(pack, Lang::En).urgency < Urgency::EdNow,
        "nor does it count"
    );
    assert_eq!(
        session.answers.given["life.now"],
        Answer::Codes(Vec::new()),
        "the rest is kept"
    );
}
