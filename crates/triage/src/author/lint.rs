//! What is wrong with a pack, in words an author can act on.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::{ease_es, grade_en};
use super::witness::witnesses;
use crate::evaluate::{Facts, Fill};
use crate::expr::Expr;
use crate::level::Urgency;
use crate::pack::{Kind, Line, Pack, TREND_RECALLED, TREND_SILENT, TREND_THIRD, TREND_WORSE};
use crate::text::{Lang, Text};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The row.
    pub row: String,
    /// What is wrong with it.
    pub what: String,
}

/// The hardest English text allowed, as a Flesch-Kincaid grade.
const GRADE: f64 = 6.0;
/// The hardest Spanish text allowed, by Fernández-Huerta.
const EASE: f64 = 70.0;
/// Shorter texts say nothing about their own readability; they are measured together.
const SHORT: usize = 8;

/// Names, drug words and words with no plainer twin: they count as two syllables at most.
const EASY_EN: &[&str] = &[
    "emergency",
    "animal",
    "medicine",
    "infection",
    "infected",
    "diabetes",
    "suicide",
    "allergic",
    "allergy",
    "reaction",
    "pregnant",
    "chemical",
    "electric",
    "carbon",
    "monoxide",
    "tetanus",
    "rabies",
    "temperature",
    "poison",
    "epinephrine",
    "operation",
    "operator",
    "aspirin",
    "concussion",
    "diarrhea",
    "confusion",
    "vehicle",
    "exhaustion",
    "immune",
    "steroids",
    "transplant",
    "underneath",
    "injury",
    "injuries",
    "coyote",
    "raccoon",
    "thermometer",
    "surgery",
    "fahrenheit",
    "warfarin",
    "eliquis",
    "xarelto",
    "plavix",
    "electricity",
    "inhaler",
];
const EASY_ES: &[&str] = &[
    "urgencias",
    "animal",
    "infección",
    "diabetes",
    "enfermera",
    "anticoagulante",
    "anticoagulantes",
    "químico",
    "embarazo",
    "temperatura",
    "epinefrina",
    "murciélago",
    "mordida",
    "respiración",
    "cerebro",
    "señales",
    "vacuna",
    "corazón",
    "confusión",
    "alergia",
    "esteroides",
    "agotamiento",
    "medicina",
    "calambres",
    "herida",
    "emergencia",
    "tobillo",
    "rodilla",
    "espalda",
    "columna",
    "cabeza",
    "hinchado",
    "escalofríos",
    "fractura",
    "diuréticos",
    "warfarina",
    "eliquis",
    "xarelto",
    "plavix",
    "inhalador",
    "quemadura",
    "cirugía",
    "coágulo",
    "coágulos",
    "pastillas",
    "amenaza",
    "embarazada",
    "garganta",
    "aspirina",
    "persona",
    "músculo",
    "urgencia",
    "operador",
    "apéndice",
];

/// Everything that is wrong with a pack. Empty when it may be committed.
#[must_use]
pub fn lint(pack: &Pack) -> Vec<Finding> {
    let mut out = Vec::new();
    grammar(pack, &mut out);
    rows(pack, &mut out);
    uses(pack, &mut out);
    lines(pack, &mut out);
    words(pack, &mut out);
    worth(pack, &mut out);
    out.sort();
    out
}

fn say(out: &mut Vec<Finding>, row: &str, what: impl Into<String>) {
    out.push(Finding {
        row: row.to_owned(),
        what: what.into(),
    });
}

/// The type has no negation; what is left to refuse is a constant in disguise.
fn grammar(pack: &Pack, out: &mut Vec<Finding>) {
    fn constant(expr: &Expr<String>) -> bool {
        match expr {
            Expr::Present(_) | Expr::NotRuledOut(_) => false,
            Expr::All(parts) | Expr::Any(parts) => parts.is_empty() || parts.iter().any(constant),
            Expr::Score { at_least, of } => {
                let most: u32 = of.iter().map(|(w, _)| *w).sum();
                *at_least == 0 || most < *at_least || of.iter().any(|(_, p)| constant(p))
            }
        }
    }
    let file = pack.file();
    let conditions = file.rules.iter().map(|r| (&r.id, Some(&r.when)));
    let conditions = conditions.chain(file.questions.iter().map(|q| (&q.id, q.when.as_ref())));
    for (id, when) in conditions {
        if when.is_some_and(constant) {
            say(out, id, "its condition is always or never true");
        }
    }
    let unsure = |r: &&crate::pack::Rule| r.level >= Urgency::EdNow && r.when.counts_unknown();
    for rule in file
        .rules
        .iter()
        .filter(unsure)
        .filter(|r| !alarming_by_itself(r))
    {
        say(out, &rule.id, "would send a person to hospital for being unsure");
    }
    let mut same: BTreeMap<&Expr<String>, &str> = BTreeMap::new();
    for rule in &file.rules {
        if let Some(other) = same.insert(&rule.when, &rule.id) {
            say(out, &rule.id, format!("has the same condition as {other}"));
        }
    }
}

/// Complaints that are an alarm until their red flags are ruled out: "not sure" there means hospital.
const ALARMS: &[&str] = &["c.chest", "c.breath", "c.stroke"];

fn alarming_by_itself(rule: &crate::pack::Rule) -> bool {
    let alarm = |part: &Expr<String>| matches!(part, Expr::Present(f) if ALARMS.contains(&f.as_str()));
    let gated = matches!(&rule.when, Expr::All(parts) if parts.iter().any(alarm));
    gated && rule.level == Urgency::EdNow
}

fn rows(pack: &Pack, out: &mut Vec<Finding>) {
    let file = pack.file();
    for (id, source) in &file.sources {
        if source.title.is_empty() || source.url.is_empty() || source.read.is_empty() {
            say(out, id, "a source needs a title, an address and how it was read");
        }
    }
    for rule in &file.rules {
        if rule.date.is_empty() || rule.reviewer.is_empty() {
            say(out, &rule.id, "date or reviewer is missing");
        }
        if rule.reviewer == "unsigned" && file.status != "draft, unsigned" {
            say(out, &rule.id, "is unsigned, so the pack must be marked draft");
        }
    }
    for q in &file.questions {
        let screen = q.must_ask && q.kind == Kind::Multi;
        let decides = q.options.iter().flat_map(|o| &o.sets).any(|f| {
            file.rules
                .iter()
                .any(|r| r.when == Expr::Present(f.clone()) && r.level >= Urgency::EdNow)
        });
        if screen && decides && q.options.len() > 6 {
            say(out, &q.id, "a red-flag screen has at most six items");
        }
        // An emergency must not wait behind questions that only sort the rest.
        if !q.must_ask && !q.hidden && q.options.len() > 1 && alarm_screen(pack, q) {
            say(
                out,
                &q.id,
                "most of its items are emergencies, so it must be asked",
            );
        }
    }
}

fn alarm_screen(pack: &Pack, q: &crate::pack::Question) -> bool {
    let alarms = q.options.iter().filter(|o| {
        o.sets.iter().any(|f| {
            let mut rules = pack.file().rules.iter();
            rules.any(|r| r.when == Expr::Present(f.clone()) && r.level >= Urgency::EdNow)
        })
    });
    alarms.count() * 2 > q.options.len()
}

fn uses(pack: &Pack, out: &mut Vec<Finding>) {
    let file = pack.file();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    {
        let mut mark = |e: &Expr<String>| {
            e.findings(&mut |f: &String| {
                if let Some(def) = pack.finding(f).and_then(|ix| file.findings.get(ix)) {
                    used.insert(&def.id);
                }
            });
        };
        file.rules.iter().for_each(|r| mark(&r.when));
        file.questions
            .iter()
            .filter_map(|q| q.when.as_ref())
            .for_each(&mut mark);
        file.advice
            .iter()
            .chain(&file.safety_net)
            .filter_map(|l| l.when.as_ref())
            .for_each(&mut mark);
    }
    for (ix, f) in file.findings.iter().enumerate() {
        let raised = file.danger.iter().any(|d| d.finding == f.id);
        if pack.contributors(ix).is_empty() && !raised {
            say(out, &f.id, "no question or phrase can settle it");
        }
        if !used.contains(f.id.as_str()) {
            say(out, &f.id, "no rule uses it");
        }
    }
    // What a red-flag screen counts as unknown must have been asked before it.
    for q in file.questions.iter().filter(|q| q.must_ask) {
        if let Some(when) = q.when.as_ref().filter(|when| when.counts_unknown()) {
            when.findings(&mut |f| {
                let asked_by = pack
                    .finding(f)
                    .map(|ix| pack.contributors(ix))
                    .unwrap_or_default();
                let later = |c: &usize| {
                    file.questions
                        .get(*c)
                        .is_some_and(|c| c.must_ask && c.rank > q.rank)
                };
                if asked_by.iter().any(later) {
                    say(out, &q.id, format!("is asked before {f} is known"));
                }
            });
        }
    }
    for id in [TREND_THIRD, TREND_WORSE, TREND_SILENT, TREND_RECALLED] {
        if !file.trend.iter().any(|line| line.id == id) {
            say(out, id, "has no words");
        }
    }
    // A condition on a question may only look back: the engine takes the questions in one pass.
    for (at, q) in file.questions.iter().enumerate() {
        if let Some(when) = &q.when {
            when.findings(&mut |f| {
                let settled = pack
                    .finding(f)
                    .map(|ix| pack.contributors(ix).iter().all(|c| *c < at));
                if settled != Some(true) {
                    say(
                        out,
                        &q.id,
                        format!("is asked on {f}, which a later question settles"),
                    );
                }
            });
        }
    }
}

fn lines(pack: &Pack, out: &mut Vec<Finding>) {
    let covers =
        |lines: &[Line], u: Urgency| lines.iter().any(|l| l.when.is_none() && l.from <= u && u <= l.to);
    let mut names = BTreeSet::new();
    for line in pack.file().advice.iter().chain(&pack.file().safety_net) {
        if !names.insert(&line.id) {
            say(out, &line.id, "is the name of two lines");
        }
    }
    for urgency in Urgency::ALL {
        if !covers(&pack.file().advice, urgency) {
            say(out, urgency.code(), "has no advice that is always shown");
        }
        if !covers(&pack.file().safety_net, urgency) {
            say(out, urgency.code(), "has no safety net that is always shown");
        }
    }
}

fn words(pack: &Pack, out: &mut Vec<Finding>) {
    let file = pack.file();
    let mut all: Vec<(&str, &Text)> = Vec::new();
    all.extend(file.findings.iter().map(|f| (f.id.as_str(), &f.text)));
    all.extend(file.rules.iter().map(|r| (r.id.as_str(), &r.reason)));
    all.extend(
        file.advice
            .iter()
            .chain(&file.safety_net)
            .map(|l| (l.id.as_str(), &l.text)),
    );
    all.extend(file.trend.iter().map(|l| (l.id.as_str(), &l.reason)));
    all.extend(file.complaints.iter().map(|c| (c.code.as_str(), &c.text)));
    for q in &file.questions {
        all.extend([(q.id.as_str(), &q.text), (q.id.as_str(), &q.why)]);
        all.extend(q.options.iter().map(|o| (q.id.as_str(), &o.text)));
    }
    let mut short: BTreeMap<Lang, String> = BTreeMap::new();
    for (row, text) in all {
        if text.en.is_empty() || text.es.is_empty() {
            say(out, row, "a text is missing in English or Spanish");
        }
        for lang in [Lang::En, Lang::Es] {
            let words = text.get(lang);
            if words.split_whitespace().count() < SHORT {
                let pool = short.entry(lang).or_default();
                pool.push_str(words);
                pool.push_str(".\n");
            } else {
                readable(row, lang, words, out);
            }
        }
    }
    for (lang, pool) in short {
        readable("all short texts", lang, &pool, out);
    }
}

fn readable(row: &str, lang: Lang, text: &str, out: &mut Vec<Finding>) {
    let shown: String = text.chars().take(90).collect();
    match lang {
        Lang::En => {
            let grade = grade_en(text, EASY_EN);
            if grade > GRADE {
                say(out, row, format!("English is grade {grade:.1}: {shown}"));
            }
        }
        Lang::Es => {
            let ease = ease_es(text, EASY_ES);
            if ease < EASE {
                say(out, row, format!("Spanish has ease {ease:.0}: {shown}"));
            }
        }
    }
}

/// Every rule can fire, and for some answers it alone sets the urgency.
fn worth(pack: &Pack, out: &mut Vec<Finding>) {
    for rule in &pack.file().rules {
        let found = witnesses(pack, &rule.id);
        if found.is_empty() {
            say(out, &rule.id, "no answers fire it");
            continue;
        }
        if rule.level == Urgency::SelfCare {
            continue;
        }
        let alone = found
            .iter()
            .any(|answers| stronger(pack, answers, &rule.id, rule.level).is_none());
        if !alone {
            let other = found
                .iter()
                .filter_map(|answers| stronger(pack, answers, &rule.id, rule.level))
                .next();
            say(
                out,
                &rule.id,
                format!("is shadowed: {} says as much", other.unwrap_or("another rule")),
            );
        }
    }
}

/// Another rule that says at least as much for these answers.
fn stronger<'a>(pack: &'a Pack, answers: &crate::Answers, id: &str, level: Urgency) -> Option<&'a str> {
    let facts = Facts::of(pack, answers, Fill::Unknown);
    let state = |id: &String| pack.finding(id).map_or(crate::State::Unknown, |f| facts.state(f));
    let mut others = pack
        .file()
        .rules
        .iter()
        .filter(|r| r.id != id && r.level >= level);
    others.find(|r| r.when.holds(&state)).map(|r| r.id.as_str())
}
