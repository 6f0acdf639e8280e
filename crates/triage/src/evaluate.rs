//! From answers to findings, and from findings to urgency. Pure, integer, no order of a hash map.

use crate::answer::{Answer, Answers};
use crate::expr::State;
use crate::level::Urgency;
use crate::pack::{FindingIx, Kind, Pack, Question, QuestionPlan, Side};
use crate::trend::Course;

/// Why an answer was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// No such question in this pack.
    #[error("no such question")]
    UnknownQuestion,
    /// Not the kind of value the question takes.
    #[error("the answer is not of the question's kind")]
    WrongKind,
    /// A code that is not among the options.
    #[error("no such option")]
    UnknownOption,
    /// A unit that the question does not take.
    #[error("the question takes no such unit")]
    UnknownUnit,
    /// A number outside the plausible range.
    #[error("the number is not plausible")]
    OutOfRange,
}

impl AnswerError {
    /// The code of the interview protocol.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            AnswerError::UnknownQuestion => "unknown_question",
            AnswerError::WrongKind => "wrong_kind",
            AnswerError::UnknownOption => "unknown_option",
            AnswerError::UnknownUnit => "unknown_unit",
            AnswerError::OutOfRange => "out_of_range",
        }
    }
}

/// How questions without an answer are filled in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Not at all: what is open is unknown.
    Unknown,
    /// As if every open question were answered "no": the lowest urgency that can still be reached.
    Lowest,
    /// As if every open question were answered "yes": no answer can reach a higher urgency.
    Highest,
}

/// The state of each finding, and which questions are open.
pub(crate) struct Facts {
    pub states: Vec<State>,
    /// By question: its condition holds and it is not hidden.
    pub open: Vec<bool>,
    course: Course,
}

impl Facts {
    pub fn state(&self, finding: FindingIx) -> State {
        self.states.get(finding).copied().unwrap_or_default()
    }

    /// Takes the answers in the order of the questions.
    ///
    /// An answer whose question is closed by an earlier one does not count: who first said "bite" and
    /// then "fall" is not asked to live with the bite. Where two questions settle one finding,
    /// "present" wins over "not sure", and that over "ruled out".
    pub fn of(pack: &Pack, answers: &Answers, fill: Fill) -> Facts {
        let mut marks = Marks(vec![0; pack.file().findings.len()]);
        for raised in answers.raised.iter().filter_map(|id| pack.finding(id)) {
            marks.add(raised, PRESENT);
        }
        let mut open = Vec::with_capacity(pack.file().questions.len());
        for (_, q, plan) in pack.questions() {
            let asked = plan
                .when
                .as_ref()
                .is_none_or(|when| when.holds(&|f| marks.state(*f)));
            open.push(asked && !plan.hidden);
            if !asked {
                continue;
            }
            match (answers.given.get(&q.id), fill) {
                (Some(answer), _) => marks.answer(q, plan, answer),
                (None, Fill::Unknown) => {}
                (None, _) if plan.hidden => {}
                (None, Fill::Lowest) => marks.all(&plan.domain, RULED_OUT),
                (None, Fill::Highest) => {
                    marks.all(&plan.domain, PRESENT);
                    plan.options.iter().for_each(|(_, also)| marks.all(also, PRESENT));
                }
            }
        }
        let states = (0..marks.0.len()).map(|f| marks.state(f)).collect();
        Facts {
            states,
            open,
            course: answers.course,
        }
    }

    /// The highest level among the rules that hold, before the course over time.
    pub fn by_rules(&self, pack: &Pack) -> Urgency {
        urgency(pack, &|f| self.state(*f))
    }

    /// The urgency: the highest level among the rules that hold, raised by the course over time.
    pub fn urgency(&self, pack: &Pack) -> Urgency {
        self.course.raise(self.by_rules(pack))
    }
}

/// The highest level among the rules that hold in `state`.
pub(crate) fn urgency(pack: &Pack, state: &impl Fn(&FindingIx) -> State) -> Urgency {
    let mut level = Urgency::SelfCare;
    for (_, plan) in pack.rules() {
        if plan.level > level && plan.when.holds(state) {
            level = plan.level;
        }
    }
    level
}

const RULED_OUT: u8 = 1;
const NOT_SURE: u8 = 2;
const PRESENT: u8 = 4;

/// What has been said of each finding so far.
struct Marks(Vec<u8>);

impl Marks {
    fn add(&mut self, finding: FindingIx, mark: u8) {
        if let Some(m) = self.0.get_mut(finding) {
            *m |= mark;
        }
    }

    fn all(&mut self, findings: &[FindingIx], mark: u8) {
        findings.iter().for_each(|f| self.add(*f, mark));
    }

    fn state(&self, finding: FindingIx) -> State {
        match self.0.get(finding).copied().unwrap_or(0) {
            m if m & PRESENT != 0 => State::Present,
            m if m & NOT_SURE != 0 => State::Unknown,
            m if m & RULED_OUT != 0 => State::RuledOut,
            _ => State::Unknown,
        }
    }

    /// An answer of the wrong shape, from another pack for instance, counts as "not sure".
    fn answer(&mut self, q: &Question, plan: &QuestionPlan, answer: &Answer) {
        if answer.is_unknown() || check(q, answer).is_err() {
            self.all(&plan.domain, NOT_SURE);
            return;
        }
        // "Not sure" beside chosen codes: those stand, and nothing else is ruled out.
        let unsure = matches!(answer, Answer::Codes(codes) if codes.iter().any(|c| c == Answer::UNKNOWN));
        self.all(&plan.domain, if unsure { NOT_SURE } else { RULED_OUT });
        let chosen = |code: &str| match answer {
            Answer::Flag(yes) => *yes,
            Answer::Code(c) => c == code,
            Answer::Codes(codes) => codes.iter().any(|c| c == code),
            Answer::Number(_) => false,
        };
        for (option, (sets, also)) in q.options.iter().zip(&plan.options) {
            if chosen(&option.code) {
                self.all(sets, PRESENT);
                self.all(also, PRESENT);
            }
        }
        if let Answer::Number(number) = answer {
            for (finding, side, value) in &plan.thresholds {
                let worse = match side {
                    Side::AtLeast => number.0 >= *value,
                    Side::AtMost => number.0 <= *value,
                };
                if worse {
                    self.add(*finding, PRESENT);
                }
            }
        }
    }
}

/// Whether a question takes an answer.
///
/// # Errors
/// [`AnswerError`] with the reason.
pub fn check(q: &Question, answer: &Answer) -> Result<(), AnswerError> {
    if answer.is_unknown() {
        return Ok(());
    }
    let known = |code: &String| match code == Answer::UNKNOWN || q.options.iter().any(|o| o.code == *code) {
        true => Ok(()),
        false => Err(AnswerError::UnknownOption),
    };
    match (q.kind, answer) {
        (Kind::Boolean, Answer::Flag(_)) => Ok(()),
        (Kind::Choice, Answer::Code(code)) => known(code),
        (Kind::Multi, Answer::Codes(codes)) => codes.iter().try_for_each(known),
        (Kind::Number, Answer::Number(number)) => {
            let spec = q.number.as_ref().ok_or(AnswerError::WrongKind)?;
            match *number >= spec.min && *number <= spec.max {
                true => Ok(()),
                false => Err(AnswerError::OutOfRange),
            }
        }
        (Kind::Boolean | Kind::Choice | Kind::Multi | Kind::Number, _) => Err(AnswerError::WrongKind),
    }
}
