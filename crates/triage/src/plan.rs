//! Which question comes next, and when to stop.
//!
//! The urgency that can still be reached lies between two bounds: every open question answered "no",
//! and every open question answered "yes". Because the grammar is monotone, two evaluations give both.
//! The interview ends when they meet, when the top is reached, or when no open question can decide a
//! rule above the lower bound.
//!
//! Red-flag screens come first, by rank: life threats, the complaint, the red flags of its module, then the
//! general lists. Among the rest the question that can still decide most goes first.
//!
//! Once an emergency is certain the level cannot change any more, only whether 911 comes or somebody
//! drives. Then no more is asked than the first red-flag screens that can alone still call 911: a person
//! who must go now is not kept with questions.

use crate::answer::Answers;
use crate::evaluate::{Facts, Fill};
use crate::level::Urgency;
use crate::pack::{FindingIx, Pack};

/// What is left to ask.
pub(crate) struct Plan {
    /// The best next question.
    pub next: Option<usize>,
    /// How many questions can still matter, as an upper bound.
    pub open: usize,
}

impl Plan {
    pub fn of(pack: &Pack, answers: &Answers) -> Plan {
        let bounds = Bounds::of(pack, answers);
        let low = bounds.lowest.urgency(pack);
        if low == Urgency::TOP || low == bounds.highest.urgency(pack) {
            return Plan { next: None, open: 0 };
        }
        let now = Facts::of(pack, answers, Fill::Unknown);
        let mut worth = bounds.worth();
        let certain = low >= Urgency::EdNow;
        for (ix, _, plan) in pack.questions() {
            let asks = now.open.get(ix) == Some(&true) && plan.must_ask && plan.rank <= FIRST_SCREENS;
            if let Some(slot) = worth.get_mut(ix).filter(|_| certain) {
                *slot = slot.filter(|worth| asks && worth.alone);
            }
        }
        let open = worth.iter().flatten().count();
        let mut best: Option<(usize, Worth)> = None;
        let mut flags: Option<(usize, u8)> = None;
        for (ix, _, plan) in pack.questions() {
            let can_ask = now.open.get(ix) == Some(&true);
            let Some(value) = worth.get(ix).copied().flatten().filter(|_| can_ask) else {
                continue;
            };
            if plan.must_ask && flags.is_none_or(|(_, rank)| plan.rank < rank) {
                flags = Some((ix, plan.rank));
            }
            // Only a greater worth replaces an earlier question: ties keep the authored order.
            if best.is_none_or(|(_, b)| value > b) {
                best = Some((ix, value));
            }
        }
        Plan {
            next: flags.map(|(ix, _)| ix).or(best.map(|(ix, _)| ix)),
            open,
        }
    }
}

/// What a question can decide: the highest level first, then how many rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Worth {
    level: Urgency,
    rules: u32,
    /// It can reach that level whatever the other questions say.
    alone: bool,
}

/// The highest rank of a screen that is still asked when an emergency is already certain.
const FIRST_SCREENS: u8 = 2;

/// How much more a rule weighs when one question alone decides it.
const DECIDES: u32 = 8;

struct Bounds<'a> {
    pack: &'a Pack,
    lowest: Facts,
    highest: Facts,
    low: Urgency,
    /// By question: unanswered, and open or still able to open.
    askable: Vec<bool>,
}

impl<'a> Bounds<'a> {
    fn of(pack: &'a Pack, answers: &Answers) -> Bounds<'a> {
        let lowest = Facts::of(pack, answers, Fill::Lowest);
        let highest = Facts::of(pack, answers, Fill::Highest);
        let low = lowest.by_rules(pack);
        let questions = pack.questions().zip(&highest.open);
        let askable = questions
            .map(|((_, q, _), open)| *open && !answers.given.contains_key(&q.id))
            .collect();
        Bounds {
            pack,
            lowest,
            highest,
            low,
            askable,
        }
    }

    /// The askable questions that can still decide a condition.
    fn undecided(&self, when: &crate::Expr<FindingIx>) -> Vec<usize> {
        let mut touched = Vec::new();
        when.undecided(
            &|f| self.lowest.state(*f),
            &|f| self.highest.state(*f),
            &mut |f| {
                touched.extend_from_slice(self.pack.contributors(*f));
            },
        );
        touched.sort_unstable();
        touched.dedup();
        touched.retain(|ix| self.askable.get(*ix) == Some(&true));
        touched
    }

    /// For each question, what it can still decide; nothing where no answer can matter.
    fn worth(&self) -> Vec<Option<Worth>> {
        let mut worth: Vec<Option<Worth>> = vec![None; self.askable.len()];
        let mut waiting: Vec<(usize, Worth)> = Vec::new();
        for (_, rule) in self.pack.rules().filter(|(_, rule)| rule.level > self.low) {
            let touched = self.undecided(&rule.when);
            let alone = touched.len() == 1;
            let rules = if alone { DECIDES } else { 1 };
            waiting.extend(touched.into_iter().map(|ix| {
                (
                    ix,
                    Worth {
                        level: rule.level,
                        rules,
                        alone,
                    },
                )
            }));
        }
        // A question that is not open yet hands its worth to those that can open it.
        let plans: Vec<_> = self.pack.questions().map(|(_, _, plan)| plan).collect();
        while let Some((ix, more)) = waiting.pop() {
            let (Some(slot), Some(plan)) = (worth.get_mut(ix), plans.get(ix)) else {
                continue;
            };
            let before = *slot;
            *slot = Some(match before {
                None => more,
                Some(old) => Worth {
                    level: old.level.max(more.level),
                    rules: old.rules + more.rules,
                    alone: (old.alone && old.level >= more.level) || (more.alone && more.level >= old.level),
                },
            });
            if before.is_some_and(|old| old.level >= more.level) {
                continue;
            }
            if let Some(when) = &plan.when {
                let opener = Worth {
                    level: more.level,
                    rules: 0,
                    alone: false,
                };
                waiting.extend(self.undecided(when).into_iter().map(|ix| (ix, opener)));
            }
        }
        worth
    }
}
