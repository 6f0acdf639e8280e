//! What the course over time adds: a third contact in 72 hours, a re-check that went badly, a pack that was recalled.
//! It only ever raises, and by what was there before, so the proof of the grammar stands.

use serde::{Deserialize, Serialize};

use crate::level::Urgency;
use crate::pack::{TREND_RECALLED, TREND_SILENT, TREND_THIRD, TREND_WORSE};

/// How the person is when the re-check timer of a result has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recheck {
    /// Better than at the result.
    Better,
    /// No better and no worse.
    Same,
    /// Worse.
    Worse,
    /// Nobody answered in time.
    Unanswered,
}

impl Recheck {
    /// The urgency after a re-check of a result, from the timer alone and without a new question.
    #[must_use]
    pub fn after(self, was: Urgency) -> Urgency {
        match self {
            Recheck::Better | Recheck::Same => was,
            Recheck::Worse | Recheck::Unanswered => was.raised(),
        }
    }
}

/// A re-check and the result it looked back on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// The urgency of the result before.
    pub was: Urgency,
    /// What the re-check said.
    pub now: Recheck,
}

/// The course over time so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Checks and calls in the last 72 hours, this one included; 0 when nobody counted.
    #[serde(default)]
    pub contacts: u8,
    /// The re-check that this check follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// The pack was recalled, and no other was at hand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recalled: bool,
    /// What a pack gave for these answers that was recalled afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalled_was: Option<Urgency>,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// From this contact within 72 hours on, a result is raised by one step.
const THIRD: u8 = 3;

impl Course {
    /// Whether the course says nothing.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Course::default()
    }

    /// What an urgency becomes. Never lower, and never lower for a higher one.
    #[must_use]
    pub fn raise(&self, urgency: Urgency) -> Urgency {
        let since = self.since.map_or(Urgency::SelfCare, |s| match s.now {
            Recheck::Better => Urgency::SelfCare,
            Recheck::Same | Recheck::Worse | Recheck::Unanswered => s.now.after(s.was),
        });
        let called_back = self.recalled_was.map_or(Urgency::SelfCare, Urgency::raised);
        let urgency = urgency.max(since).max(called_back);
        // One step for each reason: they have nothing to do with each other.
        let steps = usize::from(self.contacts >= THIRD) + usize::from(self.recalled);
        (0..steps).fold(urgency, |urgency, _| urgency.raised())
    }

    /// The trend lines that say why, for an urgency that was raised.
    pub(crate) fn reasons(&self, urgency: Urgency) -> Vec<&'static str> {
        let mut out = Vec::new();
        if self.raise(urgency) == urgency {
            return out;
        }
        if self.recalled || self.recalled_was.is_some_and(|was| was.raised() > urgency) {
            out.push(TREND_RECALLED);
        }
        if self.contacts >= THIRD {
            out.push(TREND_THIRD);
        }
        if let Some(since) = self.since.filter(|s| s.now.after(s.was) > urgency) {
            match since.now {
                Recheck::Better => {}
                Recheck::Same | Recheck::Worse => out.push(TREND_WORSE),
                Recheck::Unanswered => out.push(TREND_SILENT),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_course_only_ever_raises_and_keeps_the_order() {
        let rechecks = [
            Recheck::Better,
            Recheck::Same,
            Recheck::Worse,
            Recheck::Unanswered,
        ];
        for contacts in 0..5 {
            for was in Urgency::ALL {
                for now in rechecks {
                    let course = Course {
                        contacts,
                        since: Some(Since { was, now }),
                        recalled: contacts % 2 == 1,
                        recalled_was: (contacts > 1).then_some(was),
                    };
                    for pair in Urgency::ALL.windows(2) {
                        assert!(course.raise(pair[0]) >= pair[0]);
                        assert!(course.raise(pair[0]) <= course.raise(pair[1]));
                    }
                    for urgency in Urgency::ALL {
                        let raised = course.raise(urgency) > urgency;
                        assert_eq!(raised, !course.reasons(urgency).is_empty(), "{course:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_third_contact_and_a_bad_or_missed_recheck_raise_by_one() {
        let third = Course {
            contacts: 3,
            ..Course::default()
        };
        assert_eq!(third.raise(Urgency::Today), Urgency::EdNow);
        let recalled = Course {
            recalled: true,
            ..Course::default()
        };
        assert_eq!(recalled.raise(Urgency::Days), Urgency::Hours24);
        assert_eq!(recalled.reasons(Urgency::Days), [TREND_RECALLED]);
        let again = Course {
            recalled_was: Some(Urgency::Days),
            ..Course::default()
        };
        assert_eq!(again.raise(Urgency::SelfCare), Urgency::Hours24);
        assert_eq!(again.reasons(Urgency::SelfCare), [TREND_RECALLED]);
        assert!(again.reasons(Urgency::Today).is_empty());
        assert_eq!(Recheck::Unanswered.after(Urgency::Today), Urgency::EdNow);
        assert_eq!(Recheck::Worse.after(Urgency::EdNow), Urgency::Call911);
        assert_eq!(Recheck::Same.after(Urgency::Today), Urgency::Today);
        let silent = Course {
            contacts: 2,
            since: Some(Since {
                was: Urgency::Hours24,
                now: Recheck::Unanswered,
            }),
            ..Course::default()
        };
        assert_eq!(silent.raise(Urgency::SelfCare), Urgency::Today);
    }
}
