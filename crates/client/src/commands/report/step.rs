//! One answer of the form, checked before it is kept.

use hms_model::form::ReportStepForm;
use hms_model::report::ReportDraft;
use hms_model::time::{Stamp, Timestamp};
use hms_model::view::ErrorCode;

use crate::error::ClientError;
use crate::words::typed;

/// Longest free text of a report; more is refused, not cut.
const TEXT_AT_MOST: usize = 4000;

/// A step that was checked.
pub(super) enum Step {
    As(ReportStepForm),
    When(Stamp),
    Words(fn(&mut ReportDraft) -> &mut Option<String>, Option<String>),
    Place(Option<hms_model::report::Position>, Option<String>),
}

impl Step {
    pub(super) fn parse(
        form: ReportStepForm,
        offset: impl Fn(Timestamp) -> i32,
    ) -> Result<Self, ClientError> {
        let invalid = || ClientError::new(ErrorCode::Invalid);
        Ok(match form {
            ReportStepForm::When { at } => {
                if !at.is_finite() || at.abs() > 8.64e15 {
                    return Err(invalid());
                }
                #[expect(clippy::cast_possible_truncation, reason = "checked above")]
                let at = Timestamp(at as i64);
                Self::When(Stamp {
                    at,
                    offset_minutes: offset(at),
                })
            }
            ReportStepForm::Place { position, text } => {
                let fits = position.is_none_or(|p| p.latitude.abs() <= 90.0 && p.longitude.abs() <= 180.0);
                if !fits {
                    return Err(invalid());
                }
                Self::Place(position, words_of(text)?)
            }
            ReportStepForm::Witness { text } => Self::Words(|draft| &mut draft.witness, words_of(text)?),
            ReportStepForm::Note { text } => Self::Words(|draft| &mut draft.note, words_of(text)?),
            ReportStepForm::Colleague { name } => Self::Words(|draft| &mut draft.colleague, words_of(name)?),
            ReportStepForm::Where { ref value } if value.len() > 42 => return Err(invalid()),
            other => Self::As(other),
        })
    }

    pub(super) fn put(self, draft: &mut ReportDraft) {
        match self {
            Self::As(ReportStepForm::Safe { value }) => draft.safe = Some(value),
            Self::As(ReportStepForm::What { value }) => draft.what = Some(value),
            Self::As(ReportStepForm::Where { value }) => draft.places = value,
            Self::When(stamp) => draft.happened = stamp,
            Self::Place(position, text) => {
                draft.position = position;
                draft.place_text = text;
            }
            Self::Words(field, text) => *field(draft) = text,
            // The other steps are checked into variants of their own.
            Self::As(_) => {}
        }
    }
}

/// Typed words: without what no record can hold, trimmed; empty is none, too long is refused.
pub(super) fn words_of(text: Option<String>) -> Result<Option<String>, ClientError> {
    let text = text
        .map(|t| typed(&t).trim().to_owned())
        .filter(|t| !t.is_empty());
    if text.as_ref().is_some_and(|t| t.chars().count() > TEXT_AT_MOST) {
        return Err(ClientError::new(ErrorCode::Invalid));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_out_of_range_is_refused_and_empty_words_are_none() {
        let parse = |form| Step::parse(form, |_| 0);
        assert!(parse(ReportStepForm::When { at: f64::NAN }).is_err());
        assert!(parse(ReportStepForm::Note {
            text: Some("x".repeat(TEXT_AT_MOST + 1))
        })
        .is_err());

        let mut form = super::super::resources::tests::draft();
        form.note = Some("old".into());
        parse(ReportStepForm::Note {
            text: Some("  ".into()),
        })
        .expect("parses")
        .put(&mut form);
        assert_eq!(form.note, None);
    }
}
