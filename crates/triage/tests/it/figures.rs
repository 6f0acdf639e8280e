//! The figures of the symptom checker, counted from the examples and the short cases, and kept in
//! `docs/safety/figures.md`. After an edit of rules or cases, write them anew:
//! `HMS_WRITE_FIGURES=1 cargo test -p hms-triage --features author --test it -- figures`

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use hms_triage::{
    author, search, Answer, Answers, Expr, Lang, Milli, Next, Outcome, Pack, Session, Side, Urgency,
    COMPLAINT,
};
use serde_json::Value;

use crate::same;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cases() -> Vec<author::Example> {
    let mut all = Vec::new();
    for folder in ["content/examples", "content/vignettes"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            all.extend(author::examples(folder, &text).unwrap());
        }
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

/// A case and all answers to it: what it names is present, and what says the same; all else is "no".
struct Told {
    case: author::Example,
    truth: Vec<String>,
    full: Answers,
    /// Findings that the typed words raised.
    raised: BTreeSet<String>,
}

fn told(pack: &Pack) -> Vec<Told> {
    let told = |case: author::Example| {
        let truth = same::truth(pack, &case);
        Told {
            full: author::answers_with(pack, &case.complaint, &truth, case.age),
            raised: search::danger(pack, case.search.as_deref().unwrap_or_default())
                .into_iter()
                .collect(),
            truth,
            case,
        }
    };
    cases().into_iter().map(told).collect()
}

/// Asks what the engine asks; `not_sure` says so for all that the case does not name.
fn ask(pack: &Pack, told: &Told, full: &Answers, not_sure: bool) -> Outcome {
    walk(pack, told, full, not_sure).0
}

/// The same, and the questions that were asked.
fn walk(pack: &Pack, told: &Told, full: &Answers, not_sure: bool) -> (Outcome, Vec<String>) {
    let mut session = Session::new(pack);
    session.answers.raised = told.raised.clone();
    if let Some(age) = full.given.get("age").filter(|_| told.case.age.is_some()) {
        session.answers.given.insert("age".to_owned(), age.clone());
        session.answers.known.insert("age".to_owned());
    }
    loop {
        match session.next(pack, Lang::En) {
            Next::Outcome(outcome) => return (outcome, session.trail),
            Next::Question(q) => {
                let answer = match full.given[&q.id].clone() {
                    Answer::Codes(codes) if not_sure => {
                        Answer::Codes(codes.into_iter().chain([Answer::UNKNOWN.to_owned()]).collect())
                    }
                    Answer::Number(number) if not_sure && !reads(pack, &q.id, number, &told.case.present) => {
                        Answer::unknown()
                    }
                    Answer::Flag(false) if not_sure => Answer::unknown(),
                    other => other,
                };
                session.answer(pack, &q.id, answer).unwrap();
            }
        }
    }
}

/// Whether a number is what the case tells: it settles a finding that the case names.
fn reads(pack: &Pack, question: &str, number: Milli, present: &[String]) -> bool {
    let mut questions = pack.file().questions.iter().filter(|q| q.id == question);
    let spec = questions.find_map(|q| q.number.as_ref());
    spec.is_some_and(|spec| {
        let mut told = spec.thresholds.iter().filter(|t| present.contains(&t.finding));
        told.any(|t| match t.side {
            Side::AtLeast => number >= t.value,
            Side::AtMost => number <= t.value,
        })
    })
}

/// One mistake at a time in what a person taps on the way to an emergency: of all of them, how many still end in one.
#[derive(Clone, Copy, Default)]
struct Mistakes {
    /// One item that should have been tapped is not, on one list.
    item: (u32, u32),
    /// A whole list is passed over with "none of these".
    list: (u32, u32),
    /// Emergencies that no such mistake loses: of one item, of one list.
    sound: (u32, u32),
}

impl Mistakes {
    fn add(&mut self, more: Mistakes) {
        let sum = |a: &mut (u32, u32), b: (u32, u32)| *a = (a.0 + b.0, a.1 + b.1);
        sum(&mut self.item, more.item);
        sum(&mut self.list, more.list);
        sum(&mut self.sound, more.sound);
    }

    fn of(pack: &Pack, told: &Told) -> Mistakes {
        let (_, trail) = walk(pack, told, &told.full, false);
        let mut out = Mistakes::default();
        for id in trail.iter().filter(|id| *id != COMPLAINT) {
            let found = |answer: Answer| {
                let mut full = told.full.clone();
                full.given.insert(id.clone(), answer);
                u32::from(ask(pack, told, &full, false).urgency >= Urgency::EdNow)
            };
            let (without, none) = match &told.full.given[id] {
                Answer::Codes(codes) if !codes.is_empty() => {
                    let left = |code| codes.iter().filter(|c| *c != code).cloned().collect();
                    let without: Vec<_> = codes.iter().map(|c| Answer::Codes(left(c))).collect();
                    (without, Answer::Codes(Vec::new()))
                }
                Answer::Flag(true) => (vec![Answer::Flag(false)], Answer::Flag(false)),
                _ => continue,
            };
            for answer in without {
                out.item = (out.item.0 + found(answer), out.item.1 + 1);
            }
            out.list = (out.list.0 + found(none), out.list.1 + 1);
        }
        out.sound = (
            u32::from(out.item.0 == out.item.1),
            u32::from(out.list.0 == out.list.1),
        );
        out
    }
}

/// More questions on the way to an emergency are printed.
const SLOW: u32 = 8;

/// Of a complaint: what its cases are and get, denied signs that are still found and all of them, and mistakes.
type Row = ([[u32; 3]; 3], u32, u32, Mistakes);

/// Emergency, today or within a day, later or at home.
fn band(u: Urgency) -> usize {
    match u {
        Urgency::EdNow | Urgency::Call911 => 0,
        Urgency::Today | Urgency::Hours24 => 1,
        Urgency::Days | Urgency::SelfCare => 2,
    }
}

fn spread(list: &mut [u32]) -> String {
    list.sort_unstable();
    let at = |percent: usize| list[(list.len() - 1) * percent / 100];
    let sum: u32 = list.iter().sum();
    let mean = sum * 100 / u32::try_from(list.len()).unwrap();
    format!(
        "median {}, p95 {}, most {}, mean {}.{:02}",
        at(50),
        at(95),
        at(100),
        mean / 100,
        mean % 100
    )
}

/// The lines of the page, and beside them what a test must hold.
struct Figures {
    page: String,
    missed: Vec<String>,
}

fn count(pack: &Pack) -> Figures {
    let all = told(pack);
    let mut page = String::from(HEAD);
    let mut missed = Vec::new();
    let mut line = |text: &str| {
        println!("counts: {text}");
        writeln!(page, "{text}").unwrap();
    };

    let file = pack.file();
    let emergencies = all.iter().filter(|t| t.case.at_least >= Urgency::EdNow).count();
    line("## What was counted\n");
    line(&format!(
        "- {} rules, {} findings, {} questions, {} complaints, {} conditions",
        file.rules.len(),
        file.findings.len(),
        file.questions.len(),
        file.complaints.len(),
        file.conditions.len()
    ));
    line(&format!(
        "- {} cases, {emergencies} of them emergencies",
        all.len()
    ));

    line("\n## Questions\n");
    for (mode, not_sure) in [
        ("what is not named is \"no\"", false),
        ("what is not named is \"not sure\"", true),
    ] {
        let (mut to_emergency, mut to_answer) = (Vec::new(), Vec::new());
        let mut over = 0;
        for t in &all {
            let outcome = ask(pack, t, &t.full, not_sure);
            match outcome.urgency >= Urgency::EdNow {
                true => to_emergency.push(outcome.questions),
                false => to_answer.push(outcome.questions),
            }
            if outcome.urgency >= Urgency::EdNow && outcome.questions > SLOW {
                let rules: Vec<&str> = outcome.reasons.iter().map(|r| r.rule.as_str()).collect();
                println!(
                    "slow: {} after {} questions by {rules:?}",
                    t.case.id, outcome.questions
                );
            }
            if t.case.at_least >= Urgency::EdNow && outcome.urgency < Urgency::EdNow {
                missed.push(format!("{} ({mode})", t.case.id));
            }
            over += usize::from(t.case.at_most < Urgency::EdNow && outcome.urgency >= Urgency::EdNow);
        }
        line(&format!(
            "- {mode}: to an emergency {}",
            spread(&mut to_emergency)
        ));
        line(&format!("- {mode}: to another answer {}", spread(&mut to_answer)));
        line(&format!("- {mode}: {over} others go to an emergency"));
    }

    line("\n## What each complaint's cases are, and what they get\n");
    line("Rows of three: emergencies, cases for today or within a day, and later or at home; each as what they get of the same three.\n");
    line("| complaint | emergencies | soon | later | a sign denied everywhere: still an emergency | one item forgotten | one list passed over |");
    line("|---|---|---|---|---|---|---|");
    let mut tables: BTreeMap<&str, Row> = BTreeMap::new();
    let mut alone = 0;
    for t in &all {
        let (table, caught, denied, mistakes) = tables.entry(&t.case.complaint).or_default();
        let got = ask(pack, t, &t.full, false).urgency;
        // Between its two bounds a case is what it gets.
        let is = got.clamp(t.case.at_least, t.case.at_most);
        table[band(is)][band(got)] += 1;
        if t.case.at_least < Urgency::EdNow {
            continue;
        }
        mistakes.add(Mistakes::of(pack, t));
        for flag in &t.case.present {
            let still = |all: &[String]| {
                let present: Vec<String> = all.iter().filter(|f| *f != flag).cloned().collect();
                let full = author::answers_with(pack, &t.case.complaint, &present, t.case.age);
                u32::from(ask(pack, t, &full, false).urgency >= Urgency::EdNow)
            };
            *denied += 1;
            *caught += still(&t.truth);
            alone += still(&t.case.present);
        }
    }
    let (mut caught, mut denied) = (0, 0);
    let mut mistakes = Mistakes::default();
    for (complaint, (table, c, d, m)) in &tables {
        mistakes.add(*m);
        let row = |r: [u32; 3]| r.map(|n| n.to_string()).join(" / ");
        let share = |(c, d): (u32, u32)| match d {
            0 => "–".to_owned(),
            _ => format!("{c} of {d}"),
        };
        line(&format!(
            "| {complaint} | {} | {} | {} | {} | {} | {} |",
            row(table[0]),
            row(table[1]),
            row(table[2]),
            share((*c, *d)),
            share(m.item),
            share(m.list)
        ));
        (caught, denied) = (caught + c, denied + d);
    }
    line("\n## When a person errs\n");
    line("Three measures, from the mildest to the hardest. A person who is in danger errs in one answer to one list; what the");
    line("case names is true, and so is each item that says the same in other words (`tests/it/same.rs`). All else is \"no\".\n");
    line(&format!(
        "- one item that should be tapped is not, on one list: {} of {} still end in an emergency; {} of {emergencies} emergencies are lost by no such slip",
        mistakes.item.0, mistakes.item.1, mistakes.sound.0
    ));
    line(&format!(
        "- one whole list is passed over with \"none of these\": {} of {} still end in an emergency; {} of {emergencies} emergencies are lost by no such slip",
        mistakes.list.0, mistakes.list.1, mistakes.sound.1
    ));
    line(&format!(
        "- one sign that the case names is denied wherever it stands, items in other words are answered as they are: {caught} of {denied} are still found"
    ));
    line(&format!(
        "- the same, and only what the case names is true, nothing in other words: {alone} of {denied} (so it was counted before the last lists came)"
    ));

    line("\n## Rules\n");
    let answered = |t: &Told| Answers {
        raised: t.raised.clone(),
        ..t.full.clone()
    };
    let by_case: BTreeSet<&str> = all.iter().flat_map(|t| fired(pack, &answered(t))).collect();
    let floor = |id: &str| id.starts_with("floor.");
    let danger: BTreeSet<&str> = file.danger.iter().map(|d| d.finding.as_str()).collect();
    let rest: Vec<&str> = file
        .rules
        .iter()
        .map(|r| r.id.as_str())
        .filter(|id| !by_case.contains(id) && !floor(id) && !danger.contains(id))
        .collect();
    // What a case names alone: where another item says the same in other words, no rule is lost by itself.
    let named: Vec<(Answers, BTreeSet<&str>)> = all
        .iter()
        .map(|t| {
            let answers = Answers {
                raised: t.raised.clone(),
                ..author::answers_with(pack, &t.case.complaint, &t.case.present, t.case.age)
            };
            let holding = fired(pack, &answers);
            (answers, holding)
        })
        .collect();
    let decisive = file.rules.iter().filter(|r| {
        r.level > Urgency::SelfCare
            && named.iter().any(|(answers, fired)| {
                fired.contains(r.id.as_str())
                    && author::urgency_without(pack, answers, &r.id)
                        < Outcome::of(pack, answers, Lang::En).urgency
            })
    });
    line(&format!(
        "- {} of {} rules are fired by a case; {} change the urgency of one when dropped, where nothing in other words is counted",
        by_case.len(),
        file.rules.len(),
        decisive.count()
    ));
    line(&format!(
        "- floors ({}) and danger words ({}) are fired by answers left open and by typed words",
        file.rules.iter().filter(|r| floor(&r.id)).count(),
        danger.len()
    ));
    line(&format!(
        "- {} more are fired only by generated witnesses, no case of ours needs them:\n",
        rest.len()
    ));
    let mut modules: Vec<(&str, Vec<&str>)> = Vec::new();
    for id in rest {
        let (module, word) = id.split_once('.').unwrap_or(("", id));
        match modules.iter_mut().find(|(known, _)| *known == module) {
            Some((_, words)) => words.push(word),
            None => modules.push((module, vec![word])),
        }
    }
    for (module, words) in modules {
        line(&format!("  - `{module}`: {}", words.join(", ")));
    }

    line("\n## Words\n");
    let mut found = BTreeMap::new();
    let whole = serde_json::to_value(file).unwrap();
    places(&whole, "", &mut found);
    found.retain(|place, _| !NOT_MEASURED.iter().any(|(not, _)| place == not));
    let texts: Vec<(&str, &str)> = found
        .values()
        .flatten()
        .filter_map(|at| whole.pointer(at))
        .filter_map(|t| Some((t.get("en")?.as_str()?, t.get("es")?.as_str()?)))
        .collect();
    let short = |t: &str| t.split_whitespace().count() < 8;
    let hard_en = |t: &str| author::grade_en(t, &[]) > 6.0;
    let hard_es = |t: &str| author::ease_es(t, &[]) < 70.0;
    line(&format!(
        "- {} texts a person may see, in each language; all pass the linter: English at grade 6, Spanish at ease 70",
        texts.len()
    ));
    line(&format!(
        "- the linter measures texts of fewer than 8 words together ({} English, {} Spanish), and counts names and words \
         with no plainer twin as two syllables",
        texts.iter().filter(|(en, _)| short(en)).count(),
        texts.iter().filter(|(_, es)| short(es)).count()
    ));
    line(&format!(
        "- without that allowance {} English and {} Spanish texts of 8 words and more would be too hard",
        texts.iter().filter(|(en, _)| !short(en) && hard_en(en)).count(),
        texts.iter().filter(|(_, es)| !short(es) && hard_es(es)).count()
    ));
    Figures { page, missed }
}

/// The rules that hold for answers.
fn fired<'a>(pack: &'a Pack, answers: &Answers) -> BTreeSet<&'a str> {
    let states = author::states(pack, answers);
    let holds = |when: &Expr<String>| when.holds(&|f| states.get(f).copied().unwrap_or_default());
    let rules = pack.file().rules.iter();
    rules.filter(|r| holds(&r.when)).map(|r| r.id.as_str()).collect()
}

const HEAD: &str = "# Figures of the symptom checker\n\n\
Counted by `cargo test -p hms-triage --features author --test it -- figures` from our own examples and short cases, which the\n\
hand that wrote the rules wrote too: they show that the rules do what was meant, not that it is enough. The test fails\n\
where this page is stale; `HMS_WRITE_FIGURES=1` writes it anew.\n\n";

#[test]
fn the_page_of_figures_says_what_was_counted() {
    let page = root().join("../../docs/safety/figures.md");
    let figures = count(Pack::embedded());
    if std::env::var("HMS_WRITE_FIGURES").is_ok_and(|v| v == "1") {
        std::fs::write(&page, &figures.page).unwrap();
    }
    assert!(figures.missed.is_empty(), "{:#?}", figures.missed);
    let kept = std::fs::read_to_string(&page).unwrap_or_default();
    let stale = figures
        .page
        .lines()
        .zip(kept.lines())
        .find(|(new, old)| new != old);
    assert!(
        kept == figures.page,
        "docs/safety/figures.md is stale at {stale:?}; write it with HMS_WRITE_FIGURES=1"
    );
}

/// Where a text of both languages stands in the pack, with positions left out.
fn places(value: &Value, at: &str, out: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::Object(object) => {
            let text = object.get("en").is_some_and(Value::is_string);
            if text && object.get("es").is_some_and(Value::is_string) {
                let shape = at
                    .split('/')
                    .map(|p| if p.parse::<usize>().is_ok() { "*" } else { p });
                let shape: Vec<&str> = shape.collect();
                out.entry(shape.join("/")).or_default().push(at.to_owned());
                return;
            }
            for (key, inner) in object {
                places(inner, &format!("{at}/{key}"), out);
            }
        }
        Value::Array(list) => {
            for (ix, inner) in list.iter().enumerate() {
                places(inner, &format!("{at}/{ix}"), out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Texts that are not measured, and why.
const NOT_MEASURED: [(&str, &str); 2] = [
    ("/questions/*/number/unit", "the sign of a unit"),
    ("/conditions/*/text", "for clinicians, who call it so"),
];

#[test]
fn no_place_for_words_is_exempt_from_the_reading_grade() {
    let hard = [
        ("en", "Immediate multidisciplinary evaluation of progressive neurological deterioration is unequivocally indicated."),
        ("es", "Evaluación multidisciplinaria inmediata del deterioro neurológico progresivo inequívocamente recomendada."),
    ];
    // A pack of what one text of each kind needs, so that the linter is quick.
    let pack = serde_json::to_value(Pack::embedded().file()).unwrap();
    let mut found = BTreeMap::new();
    places(&pack, "", &mut found);
    let mut measured = 0;
    for (shape, all) in &found {
        if NOT_MEASURED.iter().any(|(place, _)| place == shape) {
            continue;
        }
        let mut small = pack.clone();
        for (lang, text) in hard {
            let place = format!("{}/{lang}", all[0]);
            *small.pointer_mut(&place).unwrap() = Value::String(text.to_owned());
        }
        // Only the words matter here: rules are kept out, or each would be tried for what it is worth.
        if !shape.starts_with("/rules") {
            small["rules"] = Value::Array(Vec::new());
        } else {
            small["rules"].as_array_mut().unwrap().truncate(1);
        }
        let small = Pack::from_bytes(&serde_json::to_vec(&small).unwrap()).unwrap();
        let says = author::lint(&small);
        for what in ["English is grade", "Spanish has ease"] {
            assert!(
                says.iter().any(|w| w.what.starts_with(what)),
                "{shape} is not measured: {what}"
            );
        }
        measured += all.len();
    }
    println!(
        "counts: {measured} texts in {} places are measured for reading",
        found.len() - NOT_MEASURED.len()
    );
    assert!(measured > 2_500, "{:?}", found.keys());
}

#[test]
fn every_case_is_asked_about_its_own_complaint() {
    let pack = Pack::embedded();
    for t in told(pack) {
        let code = Answer::Code(t.case.complaint.clone());
        assert_eq!(t.full.given.get(COMPLAINT), Some(&code), "{}", t.case.id);
    }
}
