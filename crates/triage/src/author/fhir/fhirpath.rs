//! Conditions as FHIRPath over a QuestionnaireResponse.

use std::collections::BTreeMap;

use crate::answer::Answer;
use crate::author::tables::Tables;
use crate::expr::Expr;
use crate::pack::{Kind, Pack, Side};
use crate::session::COMPLAINT;

/// The item that carries what danger phrases raised.
pub(super) const DANGER: &str = "danger";
/// "None of these" in a list: an answer that settles the list and chooses nothing.
pub(super) const NONE: &str = "none_of_these";

/// Where each finding is found in a response.
#[derive(Debug)]
pub struct Paths {
    /// Module of each question.
    modules: BTreeMap<String, String>,
    /// For each finding, in the order of the questions.
    settled_by: BTreeMap<String, Vec<Settles>>,
}

#[derive(Debug)]
struct Settles {
    question: String,
    how: How,
    /// It can also rule the finding out.
    rules_out: bool,
}

#[derive(Debug)]
enum How {
    Codes(Vec<String>),
    Number(Vec<(Side, String)>),
}

impl Paths {
    /// Reads where findings come from.
    #[must_use]
    pub fn new(tables: &Tables, pack: &Pack) -> Paths {
        let mut modules = BTreeMap::from([
            (COMPLAINT.to_owned(), COMPLAINT.to_owned()),
            (DANGER.to_owned(), DANGER.to_owned()),
        ]);
        for module in &tables.modules {
            for row in &module.questions {
                modules.insert(row.id.clone(), module.module.clone());
            }
        }
        let mut settled_by: BTreeMap<String, Vec<Settles>> = BTreeMap::new();
        for danger in &pack.file().danger {
            settled_by
                .entry(danger.finding.clone())
                .or_default()
                .push(Settles {
                    question: DANGER.to_owned(),
                    how: How::Codes(vec![danger.finding.clone()]),
                    rules_out: false,
                });
        }
        for q in &pack.file().questions {
            let mut codes: BTreeMap<&str, (Vec<String>, bool)> = BTreeMap::new();
            for option in &q.options {
                let sets = option.sets.iter().map(|f| (f, true));
                for (finding, rules_out) in sets.chain(option.also.iter().map(|f| (f, false))) {
                    let entry = codes.entry(finding).or_default();
                    entry.1 |= rules_out;
                    if !entry.0.contains(&option.code) {
                        entry.0.push(option.code.clone());
                    }
                }
            }
            for (finding, (codes, rules_out)) in codes {
                settled_by.entry(finding.to_owned()).or_default().push(Settles {
                    question: q.id.clone(),
                    how: How::Codes(codes),
                    rules_out,
                });
            }
            let mut numbers: BTreeMap<&str, Vec<(Side, String)>> = BTreeMap::new();
            for t in q.number.iter().flat_map(|n| &n.thresholds) {
                numbers
                    .entry(&t.finding)
                    .or_default()
                    .push((t.side, t.value.to_string()));
            }
            for (finding, bounds) in numbers {
                settled_by.entry(finding.to_owned()).or_default().push(Settles {
                    question: q.id.clone(),
                    how: How::Number(bounds),
                    rules_out: true,
                });
            }
        }
        Paths { modules, settled_by }
    }

    /// The group of a question's module.
    pub(super) fn group(&self, question: &str) -> String {
        group(self.modules.get(question).map_or("other", String::as_str))
    }

    /// A condition of the pack as FHIRPath.
    #[must_use]
    pub fn of(&self, expr: &Expr<String>) -> String {
        match expr {
            Expr::Present(finding) => any(self.present(finding)),
            Expr::NotRuledOut(finding) => any(self.not_ruled_out(finding)),
            Expr::All(parts) => joined(parts.iter().map(|p| self.of(p)), " and "),
            Expr::Any(parts) => joined(parts.iter().map(|p| self.of(p)), " or "),
            Expr::Score { at_least, of } => {
                let sum = joined(
                    of.iter().map(|(w, p)| format!("iif({}, {w}, 0)", self.of(p))),
                    " + ",
                );
                format!("({sum} >= {at_least})")
            }
        }
    }

    fn answers(&self, question: &str) -> String {
        format!(
            "%resource.item.where(linkId='{}').item.where(linkId='{question}').answer.value",
            self.group(question)
        )
    }

    fn settles(&self, finding: &str) -> &[Settles] {
        self.settled_by.get(finding).map_or(&[], Vec::as_slice)
    }

    fn present(&self, finding: &str) -> Vec<String> {
        let one = |s: &Settles| match &s.how {
            How::Codes(codes) => coded(&self.answers(&s.question), codes.iter().map(String::as_str)),
            How::Number(bounds) => number(&self.answers(&s.question), bounds),
        };
        self.settles(finding).iter().map(one).collect()
    }

    /// Present, or said to be unsure, or asked by nobody so far.
    fn not_ruled_out(&self, finding: &str) -> Vec<String> {
        let mut out = Vec::new();
        let mut open = Vec::new();
        for s in self.settles(finding) {
            let answers = self.answers(&s.question);
            match (&s.how, s.rules_out) {
                (How::Codes(codes), true) => {
                    let codes = codes.iter().map(String::as_str).chain([Answer::UNKNOWN]);
                    out.push(coded(&answers, codes));
                    open.push(format!("{answers}.empty()"));
                }
                (How::Codes(codes), false) => out.push(coded(&answers, codes.iter().map(String::as_str))),
                (How::Number(bounds), _) => {
                    let unsure = unsure(&s.question);
                    out.push(number(&answers, bounds));
                    out.push(format!(
                        "%resource.item.where(linkId='{}').item.where(linkId='{unsure}').answer.value.where($this).exists()",
                        self.group(&s.question)
                    ));
                    open.push(format!("{answers}.empty()"));
                }
            }
        }
        match open.is_empty() {
            // Nothing can rule it out.
            true => vec!["true".to_owned()],
            false => {
                out.push(joined(open.into_iter(), " and "));
                out
            }
        }
    }
}

/// The item beside a number that says "not sure".
pub(super) fn unsure(question: &str) -> String {
    format!("{question}.{}", Answer::UNKNOWN)
}

/// The group of a module.
pub(super) fn group(module: &str) -> String {
    format!("module.{module}")
}

/// How a kind of question is answered in a response: by codes, or by a number.
pub(super) fn by_codes(kind: Kind) -> bool {
    match kind {
        Kind::Choice | Kind::Multi | Kind::Boolean => true,
        Kind::Number => false,
    }
}

fn coded<'a>(answers: &str, codes: impl Iterator<Item = &'a str>) -> String {
    let tests: Vec<String> = codes.map(|code| format!("code='{code}'")).collect();
    format!("{answers}.where({}).exists()", tests.join(" or "))
}

fn number(answers: &str, bounds: &[(Side, String)]) -> String {
    let test = |(side, value): &(Side, String)| match side {
        Side::AtLeast => format!("$this >= {value}"),
        Side::AtMost => format!("$this <= {value}"),
    };
    let tests: Vec<String> = bounds.iter().map(test).collect();
    format!("{answers}.where({}).exists()", tests.join(" or "))
}

fn any(parts: Vec<String>) -> String {
    match parts.is_empty() {
        // Nothing can make it present.
        true => "false".to_owned(),
        false => joined(parts.into_iter(), " or "),
    }
}

fn joined(parts: impl Iterator<Item = String>, by: &str) -> String {
    let mut parts: Vec<String> = parts.collect();
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            format!("({})", parts.join(by))
        }
        (_, None) => "false".to_owned(),
    }
}
