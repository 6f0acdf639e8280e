//! What must hold whatever the content says: nothing lowers, every path ends, the same in is the same out.
//! `HMS_DEEP=1` runs the long counts.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read one variable; the engine reads none"
)]

use std::collections::{BTreeMap, BTreeSet};

use hms_triage::{
    next, Answer, Answers, Expr, Kind, Lang, Milli, Next, Outcome, Pack, Question, QuestionView, Rule,
    Session, State, Urgency,
};

/// A small generator, so that every run walks the same walks.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }
}

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
            Kind::Choice
                if complaint && q.id != "complaint" && session.question(pack, &q.id, Lang::En).is_none() =>
            {
                continue
            }
            Kind::Choice => q.options.iter().map(|o| Answer::Code(o.code.clone())).collect(),
            Kind::Number => {
                let spec = q.number.as_ref().unwrap();
                let cuts = spec
                    .thresholds
                    .iter()
                    .flat_map(|t| [t.value.0 - 1, t.value.0, t.value.0 + 1]);
                let mut cuts: Vec<i64> = cuts.chain([spec.min.0, spec.max.0]).collect();
                cuts.retain(|v| *v >= spec.min.0 && *v <= spec.max.0);
                cuts.sort_unstable();
                cuts.dedup();
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

#[test]
fn asking_stops_exactly_when_no_answer_can_change_the_level() {
    let pack = Pack::embedded();
    let mut dice = Seeded(5_150);
    let (mut stopped, mut asked, mut idle) = (0, 0, Vec::new());
    for _ in 0..walks(40, 2_000) {
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
    println!("in vain: {idle:?}");
    assert!(stopped > 20 && idle.is_empty(), "{idle:?}");
}

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
    for _ in 0..walks(40, 5_000) {
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
    let fresh = Pack::from_bytes(include_bytes!("../pack/pack.json")).unwrap();
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
    session
        .answer(pack, "complaint", Answer::Code("animal_bite".to_owned()))
        .unwrap();
    session
        .answer(pack, "bite.flags", Answer::Codes(vec!["cold".to_owned()]))
        .unwrap();
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

#[test]
fn reasons_name_the_smallest_set_of_findings() {
    let pack = Pack::embedded();
    let mut session = Session::new(pack);
    session
        .answer(pack, "complaint", Answer::Code("animal_bite".to_owned()))
        .unwrap();
    session
        .answer(pack, "bite.flags", Answer::Codes(vec!["cold".to_owned()]))
        .unwrap();
    let outcome = session.outcome(pack, Lang::En);
    let first = &outcome.reasons[0];
    assert_eq!((first.rule.as_str(), first.because.len()), ("bite.cold", 1));
    assert!(first.source.url.starts_with("https://") && first.reviewer == "unsigned");
    assert!(outcome.do_not_drive && !outcome.call_911);
    assert_eq!(outcome.recheck_minutes, 15);
}
