//! From tables to the bytes of a pack.

use std::collections::BTreeMap;

use super::tables::{LineRow, ModuleTable, OptionFields, OptionRow, QuestionRow, Tables};
use super::{condition, AuthorError};
use crate::expr::Expr;
use crate::level::Urgency;
use crate::pack::{
    Choice, Complaint, Danger, Finding, Kind, Line, NumberSpec, Pack, PackFile, Question, Rule, Side,
    Threshold, TrendLine, FORMAT,
};
use crate::session::COMPLAINT;
use crate::text::{fold, Text};

/// The date of rows that do not say their own.
pub(super) const DATE: &str = "2026-11-22";
pub(super) const UNSIGNED: &str = "unsigned";
/// The rank of a red-flag screen that names none: after the first screens, before the general lists.
pub(super) const RANK: u8 = 3;

/// Builds the bytes of a pack, marked `draft, unsigned`, and checks that the engine reads them.
///
/// # Errors
/// [`AuthorError`] naming the row that is wrong.
pub fn build(tables: &Tables, version: &str) -> Result<Vec<u8>, AuthorError> {
    let mut file = PackFile {
        format: FORMAT,
        version: version.to_owned(),
        status: "draft, unsigned".to_owned(),
        sources: tables.sources.clone(),
        findings: Vec::new(),
        questions: Vec::new(),
        rules: Vec::new(),
        advice: tables.advice.iter().map(line).collect::<Result<_, _>>()?,
        safety_net: tables.safety_net.iter().map(line).collect::<Result<_, _>>()?,
        no_driving: tables.no_driving.clone(),
        complaints: Vec::new(),
        danger: Vec::new(),
        trend: tables.trend.iter().map(trend).collect(),
        conditions: super::conditions::conditions(&tables.conditions)?,
    };
    danger(tables, &mut file)?;
    for module in &tables.modules {
        findings(module, &mut file);
    }
    let words: BTreeMap<String, Text> = file
        .findings
        .iter()
        .map(|f| (f.id.clone(), f.text.clone()))
        .collect();
    for module in &tables.modules {
        for row in &module.questions {
            question(module, row, &words, &mut file)?;
        }
        for row in &module.rules {
            let when = condition_of(&row.id, &row.when)?;
            file.rules.push(Rule {
                id: row.id.clone(),
                when: gated(module, when),
                level: row.level,
                needs: row.needs.clone(),
                reason: text(&row.en, &row.es),
                source: row.source.clone(),
                date: row.date.clone().unwrap_or_else(|| DATE.to_owned()),
                reviewer: row.reviewer.clone().unwrap_or_else(|| UNSIGNED.to_owned()),
            });
        }
        if module.module == "life" {
            complaints(tables, &mut file);
        }
    }
    let mut bytes = serde_json::to_vec(&file).map_err(AuthorError::Write)?;
    bytes.push(b'\n');
    Pack::from_bytes(&bytes)?;
    Ok(bytes)
}

fn text(en: &str, es: &str) -> Text {
    Text {
        en: en.trim().to_owned(),
        es: es.trim().to_owned(),
    }
}

fn condition_of(user: &str, text: &str) -> Result<Expr<String>, AuthorError> {
    condition::parse(text).map_err(|why| AuthorError::Condition {
        user: user.to_owned(),
        why,
    })
}

/// A condition that counts unknowns holds only where its module is open; one over what is present
/// needs no gate, and without it can only raise.
fn gated(module: &ModuleTable, when: Expr<String>) -> Expr<String> {
    match &module.gate {
        Some(gate) if when.counts_unknown() => Expr::All(vec![Expr::Present(gate.clone()), when]),
        Some(_) | None => when,
    }
}

fn danger(tables: &Tables, file: &mut PackFile) -> Result<(), AuthorError> {
    for row in &tables.danger {
        file.findings.push(Finding {
            id: row.id.clone(),
            text: text(&row.en, &row.es),
        });
        let mut phrases = Vec::new();
        for phrase in &row.phrases {
            phrases.extend(danger_phrases(phrase, &tables.danger_words)?);
        }
        file.danger.push(Danger {
            finding: row.id.clone(),
            phrases,
        });
        file.rules.push(Rule {
            id: row.id.clone(),
            when: Expr::Present(row.id.clone()),
            level: row.level,
            needs: Vec::new(),
            reason: text(&row.why_en, &row.why_es),
            source: row.source.clone(),
            date: DATE.to_owned(),
            reviewer: UNSIGNED.to_owned(),
        });
    }
    Ok(())
}

/// What a phrase of the table stands for: its parts around `+` all occur; the two sides of `&` stand near one another,
/// whichever comes first.
fn danger_phrases(
    phrase: &str,
    names: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<Vec<String>>, AuthorError> {
    let parts: Result<Vec<Vec<String>>, AuthorError> = phrase
        .split('+')
        .map(|part| match part.split_once('&') {
            None => Ok(vec![folded_phrase(part, names)?]),
            Some((_, b)) if b.contains('&') => Err(AuthorError::Row {
                row: format!("the danger phrase {phrase}"),
                what: "one & joins two sides; a third stands behind +".to_owned(),
            }),
            Some((a, b)) => {
                let (a, b) = (folded_phrase(a, names)?, folded_phrase(b, names)?);
                Ok(vec![format!("{a} ~~ {b}"), format!("{b} ~~ {a}")])
            }
        })
        .collect();
    // Each way to choose one side of every part.
    Ok(parts?.into_iter().fold(vec![Vec::new()], |ways, part| {
        let with = |way: &Vec<String>, one: &String| [way.as_slice(), std::slice::from_ref(one)].concat();
        ways.iter()
            .flat_map(|way| part.iter().map(move |one| with(way, one)))
            .collect()
    }))
}

/// Folds a phrase and keeps the star for any ending, the slash between words, the tilde for a gap and the two dots of a
/// range of numbers; `@name` becomes the words it stands for.
fn folded_phrase(phrase: &str, names: &BTreeMap<String, Vec<String>>) -> Result<String, AuthorError> {
    let one = |w: &str| match w.strip_suffix('*') {
        Some(stem) => format!("{}*", fold(stem)),
        None if w.contains("..") => w.to_owned(),
        None => fold(w),
    };
    let alternatives = |w: &str| match w.strip_prefix('@') {
        None => Ok(vec![one(w)]),
        Some(name) => names
            .get(name)
            .map(|words| words.iter().map(|w| one(w)).collect())
            .ok_or_else(|| AuthorError::Row {
                row: "danger_words.yaml".to_owned(),
                what: format!("nothing stands for {w}"),
            }),
    };
    let words: Result<Vec<String>, AuthorError> = phrase
        .split_whitespace()
        .map(|w| match w {
            "~" | "~~" => Ok(w.to_owned()),
            w => {
                let words: Result<Vec<Vec<String>>, AuthorError> = w.split('/').map(alternatives).collect();
                Ok(words?.concat().join("/"))
            }
        })
        .collect();
    Ok(words?.join(" "))
}

fn findings(module: &ModuleTable, file: &mut PackFile) {
    for row in &module.findings {
        file.findings.push(Finding {
            id: row.id.clone(),
            text: text(&row.en, &row.es),
        });
        let Some(level) = row.level else { continue };
        file.rules.push(Rule {
            id: row.id.clone(),
            when: Expr::Present(row.id.clone()),
            level,
            needs: row.needs.clone(),
            reason: text(&row.why_en, &row.why_es),
            source: row.source.clone(),
            date: row.date.clone().unwrap_or_else(|| DATE.to_owned()),
            reviewer: row.reviewer.clone().unwrap_or_else(|| UNSIGNED.to_owned()),
        });
    }
}

fn question(
    module: &ModuleTable,
    row: &QuestionRow,
    words: &BTreeMap<String, Text>,
    file: &mut PackFile,
) -> Result<(), AuthorError> {
    let refuse = |what: &str| AuthorError::Row {
        row: row.id.clone(),
        what: what.to_owned(),
    };
    let own = row
        .when
        .as_deref()
        .map(|w| condition_of(&row.id, w))
        .transpose()?;
    let gate = module.gate.clone().map(Expr::Present);
    let when = match (gate, own.clone()) {
        (Some(gate), Some(own)) => Some(Expr::All(vec![gate, own])),
        (gate, own) => gate.or(own),
    };
    let mut options = Vec::new();
    for option in &row.options {
        let short = |id: &str| OptionFields {
            code: id.rsplit('.').next().unwrap_or(id).to_owned(),
            sets: vec![id.to_owned()],
            ..OptionFields::default()
        };
        let fields = match option {
            OptionRow::Finding(id) => &short(id),
            OptionRow::Row(fields) => fields,
        };
        let own_words = (!fields.en.is_empty()).then(|| text(&fields.en, &fields.es));
        let shown = own_words.or_else(|| words.get(fields.sets.first()?).cloned());
        options.push(Choice {
            code: fields.code.clone(),
            text: shown.ok_or_else(|| refuse("an option has no words"))?,
            sets: fields.sets.clone(),
            also: fields.also.clone(),
        });
    }
    if row.must_ask && row.kind == Kind::Multi && !row.map && options.len() > 6 {
        return Err(refuse("a red-flag screen has at most six items"));
    }
    let threshold = |side: Side| {
        move |(finding, value): (&String, &crate::Milli)| Threshold {
            finding: finding.clone(),
            side,
            value: *value,
        }
    };
    let number = match row.kind {
        Kind::Number => Some(NumberSpec {
            unit: text(&row.unit_en, &row.unit_es),
            min: row.min.ok_or_else(|| refuse("min is missing"))?,
            max: row.max.ok_or_else(|| refuse("max is missing"))?,
            thresholds: row
                .at_least
                .iter()
                .map(threshold(Side::AtLeast))
                .chain(row.at_most.iter().map(threshold(Side::AtMost)))
                .collect(),
            vital: row.vital,
        }),
        Kind::Choice | Kind::Multi | Kind::Boolean => None,
    };
    if let Some(level) = row.floor {
        file.rules.push(floor(module, row, level, own, &options));
    }
    file.questions.push(Question {
        id: row.id.clone(),
        kind: row.kind,
        must_ask: row.must_ask,
        rank: row.rank.unwrap_or(if row.must_ask { RANK } else { 0 }),
        hidden: row.hidden,
        when,
        text: text(&row.en, &row.es),
        why: text(&row.why_en, &row.why_es),
        options,
        number,
    });
    Ok(())
}

/// The floor of a screen: held while any of its items is not ruled out.
fn floor(
    module: &ModuleTable,
    row: &QuestionRow,
    level: Urgency,
    own: Option<Expr<String>>,
    options: &[Choice],
) -> Rule {
    let map = row.map || row.kind == Kind::Choice;
    // An item that means less than the floor must not hold it: in a grammar without negation, what an
    // unknown holds its presence holds too.
    let alarming = |id: &String| {
        module
            .findings
            .iter()
            .any(|f| f.id == *id && f.level > Some(level))
    };
    let mut items: Vec<String> = options.iter().flat_map(|o| o.sets.clone()).collect();
    items.retain(|id| map || alarming(id));
    items.sort();
    items.dedup();
    // What settles a map or a kind is not an alarm by itself: only "not sure" holds its floor.
    let items = items.into_iter().map(Expr::NotRuledOut).collect();
    let open = if map { Expr::All(items) } else { Expr::Any(items) };
    let when = match own {
        Some(own) => Expr::All(vec![own, open]),
        None => open,
    };
    Rule {
        id: format!("floor.{}", row.id),
        when: gated(module, when),
        level,
        needs: Vec::new(),
        reason: text(
            "Not all warning signs are ruled out yet.",
            "Aún no se descarta toda señal de peligro.",
        ),
        source: "policy".to_owned(),
        date: DATE.to_owned(),
        reviewer: UNSIGNED.to_owned(),
    }
}

/// The question that asks for the complaint comes right after the life threats.
fn complaints(tables: &Tables, file: &mut PackFile) {
    let mut options = Vec::new();
    for row in &tables.complaints {
        let mut sets = row.sets.clone();
        if row.open {
            sets.push("complaint.open".to_owned());
        }
        options.push(Choice {
            code: row.code.clone(),
            text: text(&row.en, &row.es),
            sets,
            also: row.also.clone(),
        });
        let list = |words: &str| {
            words
                .split(';')
                .map(str::trim)
                .filter(|w| !w.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        file.complaints.push(Complaint {
            code: row.code.clone(),
            text: text(&row.en, &row.es),
            en: list(&row.words_en),
            es: list(&row.words_es),
        });
    }
    file.questions.push(Question {
        id: COMPLAINT.to_owned(),
        kind: Kind::Choice,
        must_ask: true,
        rank: 1,
        hidden: false,
        when: None,
        text: text("What is the main problem?", "¿Cuál es el problema principal?"),
        why: text("It tells us what to ask next.", "Nos dice qué más preguntar."),
        options,
        number: None,
    });
}

fn trend(row: &super::tables::TrendRow) -> TrendLine {
    TrendLine {
        id: row.id.clone(),
        reason: text(&row.en, &row.es),
        source: row.source.clone(),
        reviewer: UNSIGNED.to_owned(),
    }
}

fn line(row: &LineRow) -> Result<Line, AuthorError> {
    Ok(Line {
        id: row.id.clone(),
        from: row.from,
        to: row.to,
        when: row
            .when
            .as_deref()
            .map(|w| condition_of(&row.id, w))
            .transpose()?,
        text: text(&row.en, &row.es),
        source: row.source.clone(),
    })
}
