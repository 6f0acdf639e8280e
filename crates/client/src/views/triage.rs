//! Questions and results of the symptom checker, as the window shows them.

use hms_model::form::AnswerForm;
use hms_model::view::{OptionView, OutcomeView, QuestionView, TriageView, UnitView};
use hms_triage::{Answer, Lang, Milli, Next, Outcome, Pack, Session};

/// The language of the pack for a language of the app.
pub(crate) fn lang(language: &str) -> Lang {
    Lang::from_code(language).unwrap_or_default()
}

/// Complaints by their codes, in this order; what the pack does not have is left out.
pub(crate) fn complaints<'a>(
    pack: &Pack,
    codes: impl Iterator<Item = &'a str>,
    lang: Lang,
) -> Vec<OptionView> {
    let all = &pack.file().complaints;
    let found = codes.filter_map(|code| all.iter().find(|complaint| complaint.code == code));
    found
        .map(|complaint| OptionView {
            code: complaint.code.clone(),
            text: complaint.text.get(lang).to_owned(),
        })
        .collect()
}

/// The check as it stands; `going_back` shows an earlier question instead of the next one.
pub(crate) fn view(
    pack: &Pack,
    id: &str,
    session: &Session,
    lang: Lang,
    going_back: Option<&str>,
    status: &str,
) -> TriageView {
    let back = going_back.and_then(|question| session.question(pack, question, lang));
    let next = match back {
        Some(question) => Next::Question(question),
        None => session.next(pack, lang),
    };
    match next {
        Next::Question(question) => TriageView {
            id: id.to_owned(),
            answered: question.answered,
            at_most: question.at_most,
            question: Some(question_view(question)),
            outcome: None,
            pack_status: status.to_owned(),
        },
        Next::Outcome(outcome) => outcome_of(id, &outcome, status),
    }
}

/// The result as it stands, whatever could still be asked.
pub(crate) fn result(pack: &Pack, id: &str, session: &Session, lang: Lang, status: &str) -> TriageView {
    outcome_of(id, &session.outcome(pack, lang), status)
}

fn outcome_of(id: &str, outcome: &Outcome, status: &str) -> TriageView {
    TriageView {
        id: id.to_owned(),
        question: None,
        answered: outcome.questions,
        at_most: 0,
        outcome: Some(outcome_view(outcome)),
        pack_status: status.to_owned(),
    }
}

fn question_view(question: hms_triage::QuestionView) -> QuestionView {
    QuestionView {
        id: question.id,
        text: question.text,
        kind: kind(question.kind).to_owned(),
        options: question
            .options
            .into_iter()
            .map(|o| OptionView {
                code: o.code,
                text: o.text,
            })
            .collect(),
        unit: question.unit,
        units: question
            .units
            .into_iter()
            .map(|unit| UnitView {
                min: number(unit.min),
                max: number(unit.max),
                code: unit.code,
                sign: unit.sign,
            })
            .collect(),
        why: Some(question.why).filter(|why| !why.is_empty()),
        answer: question.answer.as_ref().map(answer_words).unwrap_or_default(),
    }
}

fn kind(kind: hms_triage::Kind) -> &'static str {
    match kind {
        hms_triage::Kind::Choice => "choice",
        hms_triage::Kind::Multi => "multi",
        hms_triage::Kind::Boolean => "boolean",
        hms_triage::Kind::Number => "number",
    }
}

fn outcome_view(outcome: &Outcome) -> OutcomeView {
    let reasons: Vec<String> = outcome.reasons.iter().map(|reason| reason.text.clone()).collect();
    OutcomeView {
        level: outcome.level.code().to_owned(),
        urgency: outcome.urgency.code().to_owned(),
        venue: outcome.venue.code().to_owned(),
        action: outcome.advice.first().cloned().unwrap_or_default(),
        reasons,
        advice: outcome.advice.clone(),
        safety_net: outcome.safety_net.clone(),
        recheck_minutes: Some(outcome.recheck_minutes),
        call_911: outcome.call_911,
    }
}

#[expect(clippy::cast_precision_loss, reason = "readings are far below 2^53")]
fn number(milli: Milli) -> f64 {
    milli.0 as f64 / 1000.0
}

/// What a window answered.
#[derive(Debug, PartialEq)]
pub(crate) enum Given {
    /// In the question's own terms.
    Answer(Answer),
    /// What a meter shows, with the UCUM code of its unit.
    Reading(Milli, String),
}

/// An answer from the window; `None` where it is no answer (a number that is none).
pub(crate) fn given(form: AnswerForm) -> Option<Given> {
    // Three decimals are what the engine takes; more are noise of a double.
    let milli = |number: f64| Milli::parse(&format!("{number:.3}"));
    Some(Given::Answer(match form {
        AnswerForm::Choice(code) => Answer::Code(code),
        AnswerForm::Multi(codes) => Answer::Codes(codes),
        AnswerForm::Boolean(yes) => Answer::Flag(yes),
        AnswerForm::Number(number) => Answer::Number(milli(number)?),
        AnswerForm::Reading(reading) => return Some(Given::Reading(milli(reading.value)?, reading.unit)),
        AnswerForm::Unknown => Answer::unknown(),
    }))
}

/// An answer as the window offers it again: codes, "true"/"false", or digits.
fn answer_words(answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Flag(yes) => vec![yes.to_string()],
        Answer::Number(number) => vec![number.to_string()],
        Answer::Codes(codes) => codes.clone(),
        Answer::Code(code) => vec![code.clone()],
    }
}

/// Questions and answers in the words that the person saw.
pub(crate) fn transcript(pack: &Pack, session: &Session, lang: Lang) -> Vec<(String, String)> {
    session
        .trail
        .iter()
        .filter_map(|id| {
            let question = session.question(pack, id, lang)?;
            let answer = question.answer.as_ref()?;
            let word = |code: &String| {
                let option = question.options.iter().find(|o| o.code == *code);
                option.map_or_else(|| code.clone(), |o| o.text.clone())
            };
            let (yes, no, unknown, none) = match lang {
                Lang::En => ("Yes", "No", "Not sure", "None of these"),
                Lang::Es => ("Sí", "No", "No estoy seguro", "Ninguna de estas"),
            };
            let words = match answer {
                Answer::Flag(true) => yes.to_owned(),
                Answer::Flag(false) => no.to_owned(),
                Answer::Number(number) => match &question.unit {
                    Some(unit) => format!("{number} {unit}"),
                    None => number.to_string(),
                },
                Answer::Codes(codes) if codes.is_empty() => none.to_owned(),
                Answer::Codes(codes) => codes.iter().map(word).collect::<Vec<_>>().join("; "),
                answer @ Answer::Code(_) if answer.is_unknown() => unknown.to_owned(),
                Answer::Code(code) => word(code),
            };
            Some((question.text, words))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use hms_model::form::ReadingForm;

    use super::*;

    #[test]
    fn every_answer_of_the_window_is_one_of_the_engine() {
        let number = given(AnswerForm::Number(38.5));
        assert_eq!(number, Some(Given::Answer(Answer::Number(Milli(38_500)))));
        assert_eq!(given(AnswerForm::Number(f64::NAN)), None);
        assert_eq!(given(AnswerForm::Unknown), Some(Given::Answer(Answer::unknown())));
        let none = given(AnswerForm::Multi(vec![]));
        assert_eq!(none, Some(Given::Answer(Answer::Codes(vec![]))));
        let reading = given(AnswerForm::Reading(ReadingForm {
            value: 39.4,
            unit: "Cel".into(),
        }));
        assert_eq!(reading, Some(Given::Reading(Milli(39_400), "Cel".into())));
    }

    #[test]
    fn not_sure_all_the_way_ends_with_a_result_and_a_transcript() {
        let pack = Pack::embedded();
        let mut session = Session::new(pack);
        let mut questions = 0;
        loop {
            let view = view(pack, "c", &session, Lang::En, None, "draft");
            let Some(question) = view.question else {
                assert!(view.outcome.is_some());
                break;
            };
            session
                .answer(pack, &question.id, Answer::unknown())
                .expect("an answer");
            questions += 1;
            assert!(questions < 200, "the check ends");
        }
        assert_eq!(transcript(pack, &session, Lang::En).len(), questions);
    }
}
