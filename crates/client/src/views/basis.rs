//! What the engine can say of a result beside the result, for a clinician.

use hms_model::view::{BasisView, ChangeView, FindingView, PossibilityView, RuleView, SourceView, StepView};
use hms_triage::{Answers, Basis, Because, Change, Lang, Outcome, Pack, Reason, State, Step};

/// The basis of a result: its rules with their sources, what may lie behind it, and what would have changed it.
pub(crate) fn basis(pack: &Pack, answers: &Answers, lang: Lang) -> BasisView {
    let outcome = Outcome::of(pack, answers, lang);
    let basis = Basis::of(pack, answers, lang);
    let names = |signs: Vec<Because>| signs.into_iter().map(|sign| sign.text).collect();
    BasisView {
        rules: outcome.reasons.into_iter().map(rule).collect(),
        possibilities: basis
            .possibilities
            .into_iter()
            .map(|possible| PossibilityView {
                name: possible.text,
                speaks_for: names(possible.speaks_for),
                speaks_against: names(possible.speaks_against),
            })
            .collect(),
        lower: basis.lower.map(change),
        higher: basis.higher.map(change),
    }
}

fn rule(reason: Reason) -> RuleView {
    let finding = |because: Because| FindingView {
        present: because.state == State::Present,
        text: because.text,
    };
    RuleView {
        id: reason.rule,
        text: reason.text,
        because: reason.because.into_iter().map(finding).collect(),
        source: SourceView {
            title: reason.source.title,
            url: reason.source.url,
            read: reason.source.read,
        },
        reviewer: reason.reviewer,
    }
}

fn change(change: Change) -> ChangeView {
    let step = |step: Step| StepView {
        // Typed words have no question that a person was shown.
        question: if step.question == "search" {
            String::new()
        } else {
            step.text
        },
        item: step.item,
        to: match step.to {
            State::Present => "present",
            State::Unknown => "unknown",
            State::RuledOut => "ruled_out",
        }
        .to_owned(),
    };
    ChangeView {
        urgency: change.urgency.code().to_owned(),
        steps: change.steps.into_iter().map(step).collect(),
    }
}

#[cfg(test)]
mod tests {
    use hms_triage::{Answer, Next, Session};

    use super::*;

    #[test]
    fn a_clinician_sees_rules_with_sources_and_the_nearest_change() {
        let pack = Pack::embedded();
        let mut session = Session::new(pack);
        session
            .answer(pack, "complaint", Answer::Code("animal_bite".into()))
            .expect("a complaint");
        while let Next::Question(question) = session.next(pack, Lang::En) {
            session
                .answer(pack, &question.id, Answer::unknown())
                .expect("not sure");
        }

        let basis = basis(pack, &session.answers, Lang::En);

        assert!(!basis.possibilities.is_empty());
        let rule = basis.rules.first().expect("a rule");
        assert!(
            !rule.source.title.is_empty() && rule.reviewer == "unsigned",
            "{rule:?}"
        );
        let higher = basis.higher.expect("something would be worse");
        assert!(!higher.steps.is_empty());
        assert!(higher.steps.iter().all(|step| step.to == "present"), "{higher:?}");
    }
}
