//! What changes for people between two packs: every case whose urgency moves, and every row that was touched.

use serde::Serialize;

use super::tables::Example;
use super::witness::answers_with;
use crate::answer::{Answer, Answers};
use crate::evaluate::{Facts, Fill};
use crate::level::Urgency;
use crate::pack::{Kind, Pack, Rule};

/// The difference between two packs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Cases whose urgency changes, those that leave their bounds first.
    pub cases: Vec<CaseChange>,
    /// Rules that are touched, in the order of their ids.
    pub rules: Vec<RowChange>,
    /// Questions that are touched.
    pub questions: Vec<RowChange>,
    /// Findings that are touched.
    pub findings: Vec<RowChange>,
    /// Lines of advice and safety net that are touched.
    pub lines: Vec<RowChange>,
    /// Conditions of the differential that are touched; they set no urgency.
    pub conditions: Vec<RowChange>,
    /// How many cases were looked at.
    pub looked_at: usize,
}

/// A case and its two urgencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseChange {
    /// The case.
    pub id: String,
    /// It in a sentence.
    pub case: String,
    /// How what it leaves out was answered.
    pub answered: Answered,
    /// Before.
    pub was: Urgency,
    /// After.
    pub now: Urgency,
    /// Whether `now` lies outside what the case must get. "Not sure" may go higher.
    pub wrong: bool,
}

/// How a person answers what a case leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// "No", and "none of these".
    No,
    /// "Not sure".
    NotSure,
}

/// A row that is in one pack only, or not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowChange {
    /// The row.
    pub id: String,
    /// What happened to it.
    pub change: Change,
}

/// What happened to a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only the new pack has it.
    Added,
    /// Only the old pack has it.
    Removed,
    /// These parts differ.
    Changed(Vec<&'static str>),
}

impl Difference {
    /// Whether nothing at all differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let rows = [
            &self.rules,
            &self.questions,
            &self.findings,
            &self.lines,
            &self.conditions,
        ];
        self.cases.is_empty() && rows.iter().all(|rows| rows.is_empty())
    }
}

/// Compares two packs over cases.
#[must_use]
pub fn diff(old: &Pack, new: &Pack, cases: &[Example]) -> Difference {
    let (was, now) = (old.file(), new.file());
    let lines = |p: &'_ crate::pack::PackFile| -> Vec<(String, crate::pack::Line)> {
        let advice = p.advice.iter().map(|l| (format!("advice {}", l.id), l.clone()));
        let net = p
            .safety_net
            .iter()
            .map(|l| (format!("safety net {}", l.id), l.clone()));
        numbered(advice.chain(net))
    };
    let (old_lines, new_lines) = (lines(was), lines(now));
    Difference {
        cases: moved(old, new, cases),
        rules: rows(&was.rules, &now.rules, |r| &r.id, rule_parts),
        questions: rows(
            &was.questions,
            &now.questions,
            |q| &q.id,
            |a, b| {
                named(&[
                    ("kind", a.kind != b.kind),
                    ("text", a.text != b.text),
                    ("why", a.why != b.why),
                    ("when", a.when != b.when),
                    ("options", a.options != b.options),
                    ("number", a.number != b.number),
                    (
                        "order",
                        (a.rank, a.must_ask, a.hidden) != (b.rank, b.must_ask, b.hidden),
                    ),
                ])
            },
        ),
        findings: rows(
            &was.findings,
            &now.findings,
            |f| &f.id,
            |a, b| named(&[("text", a.text != b.text)]),
        ),
        lines: rows(
            &old_lines,
            &new_lines,
            |l| &l.0,
            |(_, a), (_, b)| {
                named(&[
                    ("text", a.text != b.text),
                    ("when", a.when != b.when),
                    ("urgencies", (a.from, a.to) != (b.from, b.to)),
                    ("source", a.source != b.source),
                ])
            },
        ),
        conditions: rows(
            &was.conditions,
            &now.conditions,
            |c| &c.id,
            |a, b| {
                named(&[
                    ("text", a.text != b.text),
                    ("gate", a.gate != b.gate),
                    ("bands", (a.before, &a.signs) != (b.before, &b.signs)),
                    ("source", a.source != b.source),
                ])
            },
        ),
        looked_at: cases.len(),
    }
}

/// A second row of one name is told apart by its number.
fn numbered<T>(rows: impl Iterator<Item = (String, T)>) -> Vec<(String, T)> {
    let mut out: Vec<(String, T)> = Vec::new();
    for (id, row) in rows {
        let same = out
            .iter()
            .filter(|(have, _)| *have == id || have.starts_with(&format!("{id} #")));
        match same.count() {
            0 => out.push((id, row)),
            n => out.push((format!("{id} #{}", n + 1), row)),
        }
    }
    out
}

fn named(parts: &[(&'static str, bool)]) -> Vec<&'static str> {
    parts
        .iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| *name)
        .collect()
}

fn rule_parts(a: &Rule, b: &Rule) -> Vec<&'static str> {
    named(&[
        ("condition", a.when != b.when),
        ("urgency", a.level != b.level),
        ("needs", a.needs != b.needs),
        ("reason", a.reason != b.reason),
        ("source", a.source != b.source),
        ("date", a.date != b.date),
        ("reviewer", a.reviewer != b.reviewer),
    ])
}

fn rows<T>(
    old: &[T],
    new: &[T],
    id: impl Fn(&T) -> &String,
    parts: impl Fn(&T, &T) -> Vec<&'static str>,
) -> Vec<RowChange> {
    let mut out: Vec<RowChange> = Vec::new();
    let mut say = |row: &T, change| {
        out.push(RowChange {
            id: id(row).clone(),
            change,
        });
    };
    for row in new {
        match old.iter().find(|o| id(o) == id(row)) {
            None => say(row, Change::Added),
            Some(before) => match parts(before, row) {
                same if same.is_empty() => {}
                differ => say(row, Change::Changed(differ)),
            },
        }
    }
    for row in old.iter().filter(|o| !new.iter().any(|n| id(n) == id(o))) {
        say(row, Change::Removed);
    }
    out.sort_by(|a, b| a.id.cmp(&b.id));
    out
}

fn moved(old: &Pack, new: &Pack, cases: &[Example]) -> Vec<CaseChange> {
    let mut out = Vec::new();
    for case in cases {
        for answered in [Answered::No, Answered::NotSure] {
            let (was, now) = (urgency(old, case, answered), urgency(new, case, answered));
            let too_high = answered == Answered::No && now > case.at_most;
            if was != now {
                out.push(CaseChange {
                    id: case.id.clone(),
                    case: case.case.clone(),
                    answered,
                    was,
                    now,
                    wrong: now < case.at_least || too_high,
                });
            }
        }
    }
    out.sort_by_key(|c| (!c.wrong, c.now > c.was));
    out
}

/// The urgency of a case in a pack: what it tells is present, its own words raise, the rest is as `answered` says.
#[must_use]
pub fn urgency(pack: &Pack, case: &Example, answered: Answered) -> Urgency {
    Facts::of(pack, &answers(pack, case, answered), Fill::Unknown).urgency(pack)
}

/// The answers of a case.
#[must_use]
pub fn answers(pack: &Pack, case: &Example, answered: Answered) -> Answers {
    let mut answers = answers_with(pack, &case.complaint, &case.present, case.age);
    if let Some(typed) = &case.search {
        answers.raised.extend(crate::search::danger(pack, typed));
    }
    if answered == Answered::NotSure {
        for (id, answer) in &mut answers.given {
            let kind = pack.question(id).map(|(_, q)| q.kind);
            match answer {
                Answer::Codes(codes) => codes.push(Answer::UNKNOWN.to_owned()),
                Answer::Flag(false) => *answer = Answer::unknown(),
                Answer::Number(_) if case.age.is_none() || id != "age" => *answer = Answer::unknown(),
                Answer::Code(_) if kind == Some(Kind::Choice) && !told(pack, id, answer, case) => {
                    *answer = Answer::unknown();
                }
                Answer::Flag(true) | Answer::Number(_) | Answer::Code(_) => {}
            }
        }
    }
    answers
}

/// Whether the case tells what a choice says.
fn told(pack: &Pack, id: &str, answer: &Answer, case: &Example) -> bool {
    let options = pack.question(id).map_or(&[][..], |(_, q)| &q.options);
    let chosen = options
        .iter()
        .find(|o| matches!(answer, Answer::Code(code) if *code == o.code));
    id == crate::session::COMPLAINT || chosen.is_some_and(|o| o.sets.iter().any(|f| case.present.contains(f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str, present: &[&str], at_most: Urgency) -> Example {
        Example {
            id: id.to_owned(),
            case: "A case".to_owned(),
            complaint: "animal_bite".to_owned(),
            search: None,
            present: present.iter().map(|f| (*f).to_owned()).collect(),
            age: Some(crate::Milli::whole(40)),
            sex: None,
            at_least: at_most,
            at_most,
            source: "policy".to_owned(),
        }
    }

    #[test]
    fn a_rule_that_goes_is_told_with_every_case_that_it_held() {
        let old = Pack::embedded();
        let new = old.without_rule("bite.eye_any").unwrap();
        let cases = [
            case("eye", &["bite.eye", "bite.broken"], Urgency::EdNow),
            case("leg", &["bite.broken"], Urgency::Hours24),
        ];

        let found = diff(old, &new, &cases);

        assert_eq!(found.rules.len(), 1);
        assert_eq!(found.rules[0].id, "bite.eye_any");
        assert_eq!(found.rules[0].change, Change::Removed);
        let moved: Vec<&str> = found.cases.iter().map(|c| c.id.as_str()).collect();
        assert!(moved.contains(&"eye") && !moved.contains(&"leg"), "{moved:?}");
        assert!(found.cases[0].wrong && found.cases[0].now < found.cases[0].was);
        assert!(diff(old, old, &cases).is_empty());
        assert_eq!(diff(&new, old, &cases).rules[0].change, Change::Added);
    }

    #[test]
    fn a_changed_row_says_what_changed() {
        let old = Pack::embedded();
        let mut file = old.file().clone();
        file.rules[0].level = Urgency::SelfCare;
        file.rules[0].reason.en = "Other".to_owned();
        file.questions[0].text.es = "Otra".to_owned();
        let new = Pack::from_bytes(&serde_json::to_vec(&file).unwrap()).unwrap();

        let found = diff(old, &new, &[]);

        assert_eq!(found.rules[0].change, Change::Changed(vec!["urgency", "reason"]));
        assert_eq!(found.questions[0].change, Change::Changed(vec!["text"]));
        assert!(found.findings.is_empty() && found.lines.is_empty());
    }
}
