//! What a clinician sees beside the outcome: what may lie behind it, and which other answers would have changed it.
//! Kept apart from [`crate::Outcome`], which the person themself sees: a list of diseases is no help to a carrier at
//! the roadside, and it never takes part in the urgency.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Answers, Milli};
use crate::differential::Possibility;
use crate::evaluate::{Facts, Fill};
use crate::expr::State;
use crate::level::Urgency;
use crate::outcome::{Outcome, Reason};
use crate::pack::{FindingIx, Kind, Pack, Question, QuestionPlan, RulePlan, Side};
use crate::session::COMPLAINT;
use crate::text::Lang;

/// The basis of a result, in one language. The same pack and answers always give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// Conditions that the answers speak for, most likely first. Their order never sets the urgency.
    pub possibilities: Vec<Possibility>,
    /// The smallest set of answers with which the urgency would be lower; none where no few answers do that.
    pub lower: Option<Change>,
    /// The smallest set of answers with which it would be higher.
    pub higher: Option<Change>,
}

/// Answers that would change a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The urgency with them.
    pub urgency: Urgency,
    /// What would be answered otherwise. No smaller set found within the bounds does as much.
    pub steps: Vec<Step>,
    /// The rules that would then decide, with their sources.
    pub reasons: Vec<Reason>,
}

/// One item answered otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The question; `search` for words of danger that were typed.
    pub question: String,
    /// Its words.
    pub text: String,
    /// The item of the question; empty for a plain yes or no, and for "none of these".
    pub item: String,
    /// What it would be.
    pub to: State,
}

/// A change of more answers than this tells nobody anything.
const STEPS: usize = 3;
/// Evaluations after which the search for one change gives up; a result with no near change is told without.
const TRIES: u32 = 4_000;

impl Basis {
    /// The basis of the answers so far.
    #[must_use]
    pub fn of(pack: &Pack, answers: &Answers, lang: Lang) -> Basis {
        let facts = Facts::of(pack, answers, Fill::Unknown);
        Basis {
            possibilities: crate::differential::possibilities(pack, &facts, lang),
            lower: change(pack, answers, &facts, Towards::Lower, lang),
            higher: change(pack, answers, &facts, Towards::Higher, lang),
        }
    }
}

/// The conditions that the answers so far speak for, most likely first: [`Basis::possibilities`] by themselves, while a
/// check goes on.
#[must_use]
pub fn possibilities(pack: &Pack, answers: &Answers, lang: Lang) -> Vec<Possibility> {
    crate::differential::possibilities(pack, &Facts::of(pack, answers, Fill::Unknown), lang)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Towards {
    Lower,
    Higher,
}

fn change(pack: &Pack, answers: &Answers, facts: &Facts, towards: Towards, lang: Lang) -> Option<Change> {
    let mut search = Search {
        pack,
        towards,
        was: facts.urgency(pack),
        by_rules: facts.by_rules(pack),
        tries: TRIES,
    };
    // Deeper only where nothing nearer was found: so what is found first is smallest.
    let found = (1..=STEPS).find_map(|depth| search.from(answers, facts, None, depth))?;
    let (edits, changed) = found;
    let after = Outcome::of(pack, &changed, lang);
    Some(Change {
        urgency: after.urgency,
        steps: edits
            .iter()
            .rev()
            .filter_map(|edit| edit.step(pack, lang))
            .collect(),
        reasons: after.reasons,
    })
}

/// A depth-first search over single edits, each of which helps to settle one rule.
struct Search<'a> {
    pack: &'a Pack,
    towards: Towards,
    was: Urgency,
    by_rules: Urgency,
    tries: u32,
}

type Found = (Vec<Edit>, Answers);

impl Search<'_> {
    /// Edits of at most `depth` answers that reach the goal, last edit first.
    fn from(
        &mut self,
        answers: &Answers,
        facts: &Facts,
        aim: Option<&RulePlan>,
        depth: usize,
    ) -> Option<Found> {
        let pack = self.pack;
        let holds = |rule: &RulePlan| rule.when.holds(&|f: &FindingIx| facts.state(*f));
        let rules: Vec<&RulePlan> = match (self.towards, aim) {
            // Every rule that holds the urgency must fall, so it is enough to try the first of them.
            (Towards::Lower, _) => {
                let mut holding = pack.rules().map(|(_, rule)| rule);
                holding
                    .find(|r| r.level >= self.by_rules && holds(r))
                    .into_iter()
                    .collect()
            }
            // Any rule above will do, but once one is begun it is the one that must be reached.
            (Towards::Higher, Some(rule)) => vec![rule],
            (Towards::Higher, None) => {
                let all = pack.rules().map(|(_, rule)| rule);
                all.filter(|r| r.level > self.by_rules).collect()
            }
        };
        for rule in rules {
            for edit in self.edits(answers, facts, rule) {
                self.tries = self.tries.checked_sub(1)?;
                let changed = edit.apply(pack, answers);
                let after = Facts::of(pack, &changed, Fill::Unknown);
                let urgency = after.urgency(pack);
                let reached = match self.towards {
                    Towards::Lower => urgency < self.was,
                    Towards::Higher => urgency > self.was,
                };
                if reached {
                    return Some((vec![edit], changed));
                }
                if depth > 1 {
                    if let Some((mut edits, changed)) = self.from(&changed, &after, Some(rule), depth - 1) {
                        edits.push(edit);
                        return Some((edits, changed));
                    }
                }
            }
        }
        None
    }

    /// Single edits that move a finding of the rule the wanted way. What was not answered, or answered "not sure",
    /// comes first: it is likelier to turn out otherwise than what was said.
    fn edits(&self, answers: &Answers, facts: &Facts, rule: &RulePlan) -> Vec<Edit> {
        let mut findings: Vec<FindingIx> = Vec::new();
        rule.when.findings(&mut |f| {
            let movable = match self.towards {
                Towards::Lower => facts.state(*f) != State::RuledOut,
                Towards::Higher => facts.state(*f) != State::Present,
            };
            if movable && !findings.contains(f) {
                findings.push(*f);
            }
        });
        // A sign also falls with the question that told it: of who is 18, nothing is asked that is asked of a child.
        if self.towards == Towards::Lower {
            for finding in findings.clone() {
                let asked = self.pack.contributors(finding).iter();
                for (_, _, plan) in asked.filter_map(|ix| self.pack.questions().nth(*ix)) {
                    let Some(when) = &plan.when else { continue };
                    when.findings(&mut |f| {
                        if facts.state(*f) != State::RuledOut && !findings.contains(f) {
                            findings.push(*f);
                        }
                    });
                }
            }
        }
        let mut edits: Vec<(bool, Edit)> = Vec::new();
        for finding in findings {
            if self.towards == Towards::Lower {
                if let Some(def) = self.pack.finding_def(finding) {
                    if answers.raised.contains(&def.id) {
                        edits.push((true, Edit::Unsay(def.id.clone())));
                    }
                }
            }
            for ix in self.pack.contributors(finding) {
                let Some((_, q, plan)) = self.pack.questions().nth(*ix) else {
                    continue;
                };
                let changeable =
                    facts.open.get(*ix) == Some(&true) && q.id != COMPLAINT && !answers.known.contains(&q.id);
                if changeable {
                    let given = answers.given.get(&q.id);
                    let settled = given.is_some_and(|a| !unsure(a));
                    let own = self.of_question(q, plan, given, finding);
                    edits.extend(own.into_iter().map(|edit| (settled, edit)));
                }
            }
        }
        edits.sort_by_key(|(settled, _)| *settled);
        let mut out: Vec<Edit> = Vec::new();
        for (_, edit) in edits {
            if !out.contains(&edit) {
                out.push(edit);
            }
        }
        out
    }

    fn of_question(
        &self,
        q: &Question,
        plan: &QuestionPlan,
        given: Option<&Answer>,
        finding: FindingIx,
    ) -> Vec<Edit> {
        let set = |to: Answer| Edit::Set {
            question: q.id.clone(),
            finding,
            to,
        };
        let sets = |(own, also): &&(Vec<FindingIx>, Vec<FindingIx>)| {
            own.contains(&finding) || also.contains(&finding)
        };
        let options = || q.options.iter().zip(&plan.options);
        let with = options().filter(|(_, o)| sets(o)).map(|(o, _)| o.code.clone());
        let item = |code: String, put: bool| Edit::Item {
            question: q.id.clone(),
            code,
            put,
        };
        match (q.kind, self.towards) {
            (Kind::Boolean, Towards::Higher) => vec![set(Answer::Flag(true))],
            (Kind::Boolean, Towards::Lower) => vec![set(Answer::Flag(false))],
            (Kind::Multi, Towards::Higher) => with.map(|code| item(code, true)).collect(),
            (Kind::Multi, Towards::Lower) if given.is_none_or(unsure) => vec![Edit::Close {
                question: q.id.clone(),
            }],
            (Kind::Multi, Towards::Lower) => with.map(|code| item(code, false)).collect(),
            (Kind::Choice, Towards::Higher) => with.map(|code| set(Answer::Code(code))).collect(),
            (Kind::Choice, Towards::Lower) => {
                let without = options().filter(|(_, o)| !sets(o)).map(|(o, _)| o.code.clone());
                without.map(|code| set(Answer::Code(code))).collect()
            }
            (Kind::Number, _) => {
                // A threshold further on may do at once what this one does only with other answers: an age of 18
                // closes more than an age of one.
                let beyond = |own: &(FindingIx, Side, i64), other: &(FindingIx, Side, i64)| {
                    let further = match (self.towards, own.1) {
                        (Towards::Higher, Side::AtLeast) | (Towards::Lower, Side::AtMost) => other.2 >= own.2,
                        (Towards::Higher, Side::AtMost) | (Towards::Lower, Side::AtLeast) => other.2 <= own.2,
                    };
                    own.1 == other.1 && further
                };
                let at = |(_, side, value): &(FindingIx, Side, i64)| match (self.towards, side) {
                    (Towards::Higher, _) => *value,
                    (Towards::Lower, Side::AtLeast) => value - 1,
                    (Towards::Lower, Side::AtMost) => value + 1,
                };
                let own = plan.thresholds.iter().filter(|(f, _, _)| *f == finding);
                let mut near: Vec<_> = own
                    .flat_map(|own| plan.thresholds.iter().filter(move |t| beyond(own, t)))
                    .collect();
                near.sort_by_key(|t| (t.0 != finding, t.2));
                let number = |t: &(FindingIx, Side, i64)| Edit::Set {
                    question: q.id.clone(),
                    finding: t.0,
                    to: Answer::Number(Milli(at(t))),
                };
                near.into_iter().map(number).collect()
            }
        }
    }
}

fn unsure(answer: &Answer) -> bool {
    let open = matches!(answer, Answer::Codes(codes) if codes.iter().any(|c| c == Answer::UNKNOWN));
    answer.is_unknown() || open
}

/// One answer given otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Edit {
    /// An item of a list chosen, or no longer chosen.
    Item {
        question: String,
        code: String,
        put: bool,
    },
    /// "None of these" for what a list left open.
    Close { question: String },
    /// Another answer, for the sake of a finding.
    Set {
        question: String,
        finding: FindingIx,
        to: Answer,
    },
    /// Words of danger that were not meant.
    Unsay(String),
}

impl Edit {
    fn apply(&self, pack: &Pack, answers: &Answers) -> Answers {
        let mut out = answers.clone();
        let codes = |question: &String| match answers.given.get(question) {
            Some(Answer::Codes(codes)) => codes.clone(),
            _ => Vec::new(),
        };
        match self {
            Edit::Item { question, code, put } => {
                let mut list = codes(question);
                list.retain(|c| c != code);
                // What was not asked stays unknown beside the item: nothing else may change with it.
                let open = answers.given.get(question).is_none_or(unsure);
                list.retain(|c| c != Answer::UNKNOWN);
                if *put {
                    list.push(code.clone());
                }
                if open {
                    list.push(Answer::UNKNOWN.to_owned());
                }
                out.given.insert(question.clone(), Answer::Codes(list));
            }
            Edit::Close { question } => {
                let mut list = codes(question);
                list.retain(|c| c != Answer::UNKNOWN);
                out.given.insert(question.clone(), Answer::Codes(list));
            }
            Edit::Set { question, to, .. } => {
                let fits = pack
                    .question(question)
                    .is_some_and(|(_, q)| crate::check(q, to).is_ok());
                if fits {
                    out.given.insert(question.clone(), to.clone());
                }
            }
            Edit::Unsay(finding) => {
                out.raised.remove(finding);
            }
        }
        out
    }

    fn step(&self, pack: &Pack, lang: Lang) -> Option<Step> {
        let step = |question: &String, item: Option<String>, to: State| {
            let (_, q) = pack.question(question)?;
            Some(Step {
                question: question.clone(),
                text: q.text.get(lang).to_owned(),
                item: item.unwrap_or_default(),
                to,
            })
        };
        let option = |question: &String, code: &String| {
            let (_, q) = pack.question(question)?;
            let option = q.options.iter().find(|o| o.code == *code)?;
            Some(option.text.get(lang).to_owned())
        };
        match self {
            Edit::Item { question, code, put } => {
                let to = if *put { State::Present } else { State::RuledOut };
                step(question, option(question, code), to)
            }
            Edit::Close { question } => step(question, None, State::RuledOut),
            Edit::Set {
                question,
                finding,
                to,
            } => match to {
                Answer::Flag(true) => step(question, None, State::Present),
                Answer::Flag(false) => step(question, None, State::RuledOut),
                Answer::Code(code) => step(question, option(question, code), State::Present),
                Answer::Number(_) => {
                    let (_, q) = pack.question(question)?;
                    let def = pack.finding_def(*finding)?;
                    let spec = q.number.as_ref()?;
                    let mut thresholds = spec.thresholds.iter().filter(|t| t.finding == def.id);
                    let met = thresholds.any(|t| Answer::Number(t.value) == *to);
                    let state = if met { State::Present } else { State::RuledOut };
                    step(question, Some(def.text.get(lang).to_owned()), state)
                }
                Answer::Codes(_) => None,
            },
            Edit::Unsay(finding) => {
                let def = pack.finding(finding).and_then(|ix| pack.finding_def(ix))?;
                Some(Step {
                    question: "search".to_owned(),
                    text: String::new(),
                    item: def.text.get(lang).to_owned(),
                    to: State::RuledOut,
                })
            }
        }
    }
}
