//! One symptom check as the app drives it: typed questions in, typed result out.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Answers, Milli};
use crate::evaluate::{check, AnswerError, Facts, Fill};
use crate::expr::State;
use crate::level::Urgency;
use crate::outcome::Outcome;
use crate::pack::{Kind, NumberSpec, Pack, Question};
use crate::plan::Plan;
use crate::text::Lang;
use crate::trend::Course;
use crate::vitals::{ReadingError, VitalUnit};

/// The id of the question that asks what a person comes with.
pub const COMPLAINT: &str = "complaint";
/// The complaint code for whatever the pack has no module for.
pub const SOMETHING_ELSE: &str = "something_else";
/// The complaint that asks what a child's illness needs, and the finding that tells a child.
const CHILD: &str = "child";
const UNDER_AGE: &str = "age.child";
/// How many complaints a search offers, besides "something else".
pub const OFFERED: usize = 6;

/// A question, ready for the screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionView {
    /// Its id; an answer names it.
    pub id: String,
    /// The question.
    pub text: String,
    /// How it is answered.
    pub kind: Kind,
    /// Options of a choice or a list; empty otherwise.
    pub options: Vec<OptionView>,
    /// Unit of a number.
    pub unit: Option<String>,
    /// Why it is asked.
    pub why: String,
    /// A red-flag screen.
    pub must_ask: bool,
    /// Lowest plausible number.
    pub min: Option<Milli>,
    /// Highest plausible number.
    pub max: Option<Milli>,
    /// Units a meter may show, the question's own first; [`Session::answer_in`] takes a reading in any of them.
    pub units: Vec<UnitView>,
    /// The answer given before, when the person goes back.
    pub answer: Option<Answer>,
    /// Questions answered so far.
    pub answered: u32,
    /// Upper bound of the questions still to come, this one included.
    pub at_most: u32,
}

/// One option of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionView {
    /// Its code.
    pub code: String,
    /// What is shown.
    pub text: String,
}

/// One unit of a measured number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitView {
    /// Its UCUM code.
    pub code: String,
    /// Its sign on the meter.
    pub sign: String,
    /// Lowest plausible reading.
    pub min: Milli,
    /// Highest plausible reading.
    pub max: Milli,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Ask this.
    Question(QuestionView),
    /// No answer can change the result any more.
    Outcome(Outcome),
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchView {
    /// The typed words raised the result before anything was asked.
    pub raised: bool,
    /// Complaints that fit, best first, "something else" last.
    pub complaints: Vec<OptionView>,
}

/// What is known of the person beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Age in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<Milli>,
    /// Sex at birth: `female`, `male` or anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<String>,
    /// `yes`, `no` or `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pregnant: Option<String>,
}

/// One symptom check under way. Plain data: store it, send it, go on with it later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Everything the result follows from.
    pub answers: Answers,
    /// Complaints that a search offered; empty offers all.
    #[serde(default)]
    pub offered: Vec<String>,
    /// Questions in the order they were answered, for going back.
    #[serde(default)]
    pub trail: Vec<String>,
}

/// The next question, or the result when no answer can change it any more.
#[must_use]
pub fn next(pack: &Pack, answers: &Answers, lang: Lang) -> Next {
    Session {
        answers: answers.clone(),
        ..Session::default()
    }
    .next(pack, lang)
}

impl Session {
    /// Starts a check with a pack.
    #[must_use]
    pub fn new(pack: &Pack) -> Session {
        let answers = Answers {
            pack: Some(pack.hash().to_owned()),
            ..Answers::default()
        };
        Session {
            answers,
            ..Session::default()
        }
    }

    /// Takes what is known of the person. False when the age is not plausible; nothing is taken then.
    pub fn know(&mut self, pack: &Pack, person: &Person) -> bool {
        let mut facts: Vec<(&str, Answer)> = Vec::new();
        if let Some(age) = person.age {
            facts.push(("age", Answer::Number(age)));
        }
        match person.pregnant.as_deref() {
            Some("yes") => facts.push(("person.pregnant", Answer::Flag(true))),
            Some("no") => facts.push(("person.pregnant", Answer::Flag(false))),
            // Who is male at birth is not asked; anything else says nothing.
            Some(_) | None if person.sex.as_deref() == Some("male") => {
                facts.push(("person.pregnant", Answer::Flag(false)));
            }
            Some(_) | None => {}
        }
        let fits =
            |(id, answer): &(&str, Answer)| pack.question(id).is_none_or(|(_, q)| check(q, answer).is_ok());
        if !facts.iter().all(fits) {
            return false;
        }
        for (id, answer) in facts {
            self.answers.known.insert(id.to_owned());
            self.answers.given.insert(id.to_owned(), answer);
        }
        true
    }

    /// Takes the course over time: how often the person was in contact, and what a re-check said.
    pub fn follow(&mut self, course: Course) {
        self.answers.course = course;
    }

    /// Takes free words for their danger phrases alone: they raise the result, and nothing in them lowers it.
    pub fn heed(&mut self, pack: &Pack, text: &str) {
        self.answers.raised.extend(crate::search::danger(pack, text));
    }

    /// The same check with another pack: answers that it takes too are kept, the others are open again. What was known
    /// of the person, typed words of danger and the course stay.
    #[must_use]
    pub fn onto(&self, pack: &Pack) -> Session {
        let fits = |id: &String, answer: &Answer| {
            let question = pack.question(id);
            question.is_some_and(|(_, q)| check(q, answer).is_ok())
        };
        let mut session = self.clone();
        session.answers.pack = Some(pack.hash().to_owned());
        session.answers.given.retain(|id, answer| fits(id, answer));
        let given = &session.answers.given;
        session.answers.known.retain(|id| given.contains_key(id));
        session.trail.retain(|id| given.contains_key(id));
        // What a search offered was worded by the other pack; all complaints are offered again.
        session.offered.clear();
        session
    }

    /// Searches complaints in free text. Danger phrases raise the result first; nothing typed lowers it.
    pub fn search(&mut self, pack: &Pack, text: &str, lang: Lang) -> SearchView {
        let before = self.answers.raised.len();
        self.heed(pack, text);
        self.offered = crate::search::complaints(pack, text, OFFERED);
        // What a child's words bring up is asked about in its own list, whatever else fits.
        let known = pack.file().complaints.iter().any(|c| c.code == CHILD);
        if known && self.is_of_a_child(pack) && !self.offered.iter().any(|c| c == CHILD) {
            self.offered.truncate(OFFERED - 1);
            self.offered.push(CHILD.to_owned());
        }
        self.offered.push(SOMETHING_ELSE.to_owned());
        let complaints = pack
            .question(COMPLAINT)
            .map(|(_, q)| self.options(q, lang))
            .unwrap_or_default();
        SearchView {
            raised: self.answers.raised.len() > before,
            complaints,
        }
    }

    fn is_of_a_child(&self, pack: &Pack) -> bool {
        let facts = Facts::of(pack, &self.answers, Fill::Unknown);
        let finding = pack.finding(UNDER_AGE);
        finding.is_some_and(|f| facts.state(f) == State::Present)
    }

    /// The next question, or the result when no answer can change it any more.
    #[must_use]
    pub fn next(&self, pack: &Pack, lang: Lang) -> Next {
        let plan = Plan::of(pack, &self.answers);
        let Some(planned) = plan.next else {
            return Next::Outcome(self.outcome(pack, lang));
        };
        let offered = !self.offered.is_empty() && !self.answers.given.contains_key(COMPLAINT);
        let complaint = pack.question(COMPLAINT).map(|(_, q)| q).filter(|_| offered);
        match complaint.or_else(|| pack.file().questions.get(planned)) {
            Some(q) => Next::Question(self.view(pack, q, plan.open, lang)),
            None => Next::Outcome(self.outcome(pack, lang)),
        }
    }

    /// Records an answer. Changing an earlier answer keeps the later ones that still apply.
    ///
    /// # Errors
    /// [`AnswerError`] when the question does not take this answer; nothing changes then.
    pub fn answer(&mut self, pack: &Pack, id: &str, answer: Answer) -> Result<(), AnswerError> {
        let (_, q) = pack
            .question(id)
            .filter(|(_, q)| !q.hidden)
            .ok_or(AnswerError::UnknownQuestion)?;
        check(q, &answer)?;
        self.answers.known.remove(id);
        self.answers.given.insert(id.to_owned(), answer);
        if !self.trail.iter().any(|t| t == id) {
            self.trail.push(id.to_owned());
        }
        Ok(())
    }

    /// Records a reading in one of the units of its question, by UCUM code. What is kept is the number in the
    /// question's own unit, on the same side of every threshold as the reading.
    ///
    /// # Errors
    /// [`AnswerError`]; a reading without a unit the question takes is refused, not guessed.
    pub fn answer_in(&mut self, pack: &Pack, id: &str, value: Milli, unit: &str) -> Result<(), AnswerError> {
        let (_, q) = pack.question(id).ok_or(AnswerError::UnknownQuestion)?;
        let spec = q.number.as_ref().ok_or(AnswerError::WrongKind)?;
        let own = crate::vitals::reading(spec, value, unit).map_err(|why| match why {
            ReadingError::Unit => AnswerError::UnknownUnit,
            ReadingError::Implausible => AnswerError::OutOfRange,
        })?;
        self.answer(pack, id, Answer::Number(own))
    }

    /// A question by its id, with the answer given before: for going back. None if it is not open.
    #[must_use]
    pub fn question(&self, pack: &Pack, id: &str, lang: Lang) -> Option<QuestionView> {
        let (ix, q) = pack.question(id)?;
        let open = Facts::of(pack, &self.answers, Fill::Unknown)
            .open
            .get(ix)
            .copied();
        open.filter(|open| *open)?;
        Some(self.view(pack, q, Plan::of(pack, &self.answers).open, lang))
    }

    /// The question answered before `id`, or the last one answered when `id` is not answered yet.
    #[must_use]
    pub fn before(&self, id: &str) -> Option<&str> {
        let at = self
            .trail
            .iter()
            .position(|t| t == id)
            .unwrap_or(self.trail.len());
        self.trail.get(at.checked_sub(1)?).map(String::as_str)
    }

    /// The result as it stands: what is open counts as unknown.
    #[must_use]
    pub fn outcome(&self, pack: &Pack, lang: Lang) -> Outcome {
        Outcome::of(pack, &self.answers, lang)
    }

    /// The lowest and the highest urgency that answers can still reach.
    #[must_use]
    pub fn bounds(&self, pack: &Pack) -> (Urgency, Urgency) {
        let at = |fill| Facts::of(pack, &self.answers, fill).urgency(pack);
        (at(Fill::Lowest), at(Fill::Highest))
    }

    fn view(&self, pack: &Pack, q: &Question, open: usize, lang: Lang) -> QuestionView {
        let asked = |id: &&String| !self.answers.known.contains(*id) && pack.question(id).is_some();
        let answered = self.answers.given.keys().filter(asked).count();
        let number = q.number.as_ref();
        QuestionView {
            id: q.id.clone(),
            text: q.text.get(lang).to_owned(),
            kind: q.kind,
            options: self.options(q, lang),
            unit: number.map(|n| n.unit.get(lang).to_owned()),
            why: q.why.get(lang).to_owned(),
            must_ask: q.must_ask,
            min: number.map(|n| n.min),
            max: number.map(|n| n.max),
            units: number.map(units).unwrap_or_default(),
            answer: self.answers.given.get(&q.id).cloned(),
            answered: u32::try_from(answered).unwrap_or(u32::MAX),
            at_most: u32::try_from(open.max(1)).unwrap_or(u32::MAX),
        }
    }

    fn options(&self, q: &Question, lang: Lang) -> Vec<OptionView> {
        let view = |o: &crate::pack::Choice| OptionView {
            code: o.code.clone(),
            text: o.text.get(lang).to_owned(),
        };
        if q.kind == Kind::Boolean {
            return Vec::new();
        }
        if q.id == COMPLAINT && !self.offered.is_empty() {
            let find = |code: &String| q.options.iter().find(|o| o.code == *code);
            return self.offered.iter().filter_map(find).map(view).collect();
        }
        q.options.iter().map(view).collect()
    }
}

fn units(spec: &NumberSpec) -> Vec<UnitView> {
    let view = |u: &VitalUnit| UnitView {
        code: u.code.to_owned(),
        sign: u.sign.to_owned(),
        min: u.min,
        max: u.max,
    };
    spec.vital.iter().flat_map(|v| v.units()).map(view).collect()
}
