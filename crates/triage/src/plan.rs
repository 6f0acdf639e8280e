//! Which question comes next, and when to stop.
//!
//! The urgency that can still be reached lies between two bounds: every open question answered "no",
//! and every open question answered "yes". Because the grammar is monotone, two evaluations give both.
//! The interview ends when they meet, when the top is reached, or when no open question can decide a
//! rule above the lower bound.

use crate::answer::Answers;
use crate::evaluate::{Facts, Fill};
use crate::level::Urgency;
use crate::pack::Pack;

/// What is left to ask.
pub(crate) struct Plan {
    /// The best next question.
    pub next: Option<usize>,
    /// How many questions can still matter, as an upper bound.
    pub open: usize,
}

impl Plan {
    pub fn of(pack: &Pack, answers: &Answers) -> Plan {
        let lowest = Facts::of(pack, answers, Fill::Lowest);
        let highest = Facts::of(pack, answers, Fill::Highest);
        let low = lowest.urgency(pack);
        if low == Urgency::TOP || low == highest.urgency(pack) {
            return Plan { next: None, open: 0 };
        }
        let worth = worth(pack, answers, &lowest, &highest, low);
        let now = Facts::of(pack, answers, Fill::Unknown);
        let mut best: Option<(usize, Worth)> = None;
        for (ix, _, plan) in pack.questions() {
            let can_ask = now.open.get(ix) == Some(&true);
            let Some(value) = worth.get(ix).copied().flatten().filter(|_| can_ask) else {
                continue;
            };
            if plan.must_ask {
                return Plan {
                    next: Some(ix),
                    open: count(&worth),
                };
            }
            // Only a greater worth replaces an earlier question: ties keep the authored order.
            if best.is_none_or(|(_, b)| value > b) {
                best = Some((ix, value));
            }
        }
        Plan {
            next: best.map(|(ix, _)| ix),
            open: count(&worth),
        }
    }
}

fn count(worth: &[Option<Worth>]) -> usize {
    worth.iter().filter(|w| w.is_some()).count()
}

/// What a question can decide: the highest level first, then how many rules.
type Worth = (Urgency, u32);

/// For each unanswered question, what it can still decide; nothing where no answer can matter.
fn worth(
    pack: &Pack,
    answers: &Answers,
    lowest: &Facts,
    highest: &Facts,
    low: Urgency,
) -> Vec<Option<Worth>> {
    let mut worth: Vec<Option<Worth>> = vec![None; pack.file().questions.len()];
    let mut waiting: Vec<(usize, Worth)> = Vec::new();
    for (_, rule) in pack.rules().filter(|(_, rule)| rule.level > low) {
        let mut touched = Vec::new();
        rule.when
            .undecided(&|f| lowest.state(*f), &|f| highest.state(*f), &mut |f| {
                touched.extend_from_slice(pack.contributors(*f));
            });
        touched.sort_unstable();
        touched.dedup();
        waiting.extend(touched.into_iter().map(|ix| (ix, (rule.level, 1))));
    }
    // A question that is not open yet hands its worth to those that can open it.
    let questions: Vec<_> = pack.questions().collect();
    while let Some((ix, (level, rules))) = waiting.pop() {
        let Some((_, q, plan)) = questions.get(ix) else {
            continue;
        };
        if answers.given.contains_key(&q.id) || plan.hidden || highest.open.get(ix) != Some(&true) {
            continue;
        }
        let Some(slot) = worth.get_mut(ix) else { continue };
        let before = *slot;
        let (old_level, old_rules) = before.unwrap_or((level, 0));
        *slot = Some((old_level.max(level), old_rules + rules));
        if before.is_some_and(|(old, _)| old >= level) {
            continue;
        }
        if let Some(when) = &plan.when {
            when.undecided(&|f| lowest.state(*f), &|f| highest.state(*f), &mut |f| {
                waiting.extend(pack.contributors(*f).iter().map(|ix| (*ix, (level, 0))));
            });
        }
    }
    worth
}
