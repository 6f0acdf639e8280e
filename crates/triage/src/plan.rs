//! Which question comes next, and when to stop.
//!
//! The urgency that can still be reached lies between two bounds: every open question answered "no",
//! and every open question answered "yes". Because the grammar is monotone, two evaluations give both.
//! The interview ends when they meet, when the top is reached, or when no open question can decide a
//! rule above the lower bound.
//!
//! Red-flag screens come first, by rank: life threats, the complaint, the red flags of its module, then the
//! general lists. Among the rest the question that can still decide most goes first. Within one rank of a
//! module, and among questions that decide as much, one goes first whose answer is expected to tell
//! clearly more; what is expected follows from the conditions of the open modules
//! ([`crate::Possibility`]). The order touches no result: only what all answers together say does.
//!
//! Once an emergency is certain the level cannot change any more, only whether 911 comes or somebody
//! drives. Then no more is asked than the first red-flag screens that can alone still call 911: a person
//! who must go now is not kept with questions.

use std::collections::BTreeMap;

use crate::answer::Answers;
use crate::differential::{information, Expected, WHOLE};
use crate::evaluate::{Facts, Fill};
use crate::expr::{Expr, State};
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
        let tells = bounds.tells(&Expected::of(pack, &now));
        let mut best: Option<(usize, Worth, Tells)> = None;
        let mut flags: Option<(usize, u8, Tells)> = None;
        let file = pack.file();
        for (ix, q, plan) in pack.questions() {
            let can_ask = now.open.get(ix) == Some(&true);
            let Some(value) = worth.get(ix).copied().flatten().filter(|_| can_ask) else {
                continue;
            };
            // The first screens keep the order in which they were written. What says which screens are asked at all
            // goes before them.
            let tells = match plan.must_ask {
                true if plan.rank <= FIRST_SCREENS => Tells::default(),
                true if plan.domain.iter().any(|f| bounds.steers(*f)) => Tells::FIRST,
                true | false => tells.get(ix).copied().unwrap_or_default(),
            };
            let same = |other: usize| {
                file.questions
                    .get(other)
                    .is_some_and(|o| module(&o.id) == module(&q.id))
            };
            let before = |(other, rank, t): (usize, u8, Tells)| {
                plan.rank < rank
                    || (plan.rank == rank && same(other) && tells.emergency > CLEARLY * t.emergency)
            };
            if plan.must_ask && flags.is_none_or(before) {
                flags = Some((ix, plan.rank, tells));
            }
            // Only a greater worth replaces an earlier question: ties keep the authored order.
            if best.is_none_or(|(_, b, t)| (value, tells) > (b, t)) {
                best = Some((ix, value, tells));
            }
        }
        Plan {
            next: flags.map(|(ix, ..)| ix).or(best.map(|(ix, ..)| ix)),
            open,
        }
    }
}

/// The module of a question, by its name.
fn module(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}

/// What a question can decide: the highest level first, then how many rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Worth {
    level: Urgency,
    rules: u32,
    /// It can reach that level whatever the other questions say.
    alone: bool,
}

/// What an answer is expected to tell of the level, as shares in 1/65536: the more likely an emergency comes out of a
/// question, the sooner it is asked; then, the less certain its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Tells {
    emergency: u64,
    level: u64,
}

impl Tells {
    /// Before all that can be expected.
    const FIRST: Tells = Tells {
        emergency: 2 * CLEARLY * WHOLE,
        level: 0,
    };
}

/// A screen goes before an earlier one of its module and rank only where an emergency is this much likelier to come out
/// of it: shares are rough, and the written order is a clinician's.
const CLEARLY: u64 = 2;

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
    fn undecided(&self, when: &Expr<FindingIx>) -> Vec<usize> {
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

    /// For each question, what its answer is expected to tell: through every rule that it can still decide, alone or
    /// with others.
    fn tells(&self, expected: &Expected) -> Vec<Tells> {
        // Shares that no such rule will hold: of those that make an emergency, and of those that raise at all.
        let mut not = vec![(WHOLE, WHOLE); self.askable.len()];
        for (_, rule) in self.pack.rules().filter(|(_, rule)| rule.level > self.low) {
            let touched = self.undecided(&rule.when);
            if touched.is_empty() {
                continue;
            }
            let without = WHOLE - self.likely(&rule.when, expected);
            for ix in touched {
                let Some((calm, same)) = not.get_mut(ix) else {
                    continue;
                };
                *same = *same * without / WHOLE;
                if rule.level >= Urgency::EdNow {
                    *calm = *calm * without / WHOLE;
                }
            }
        }
        let tells = |(calm, same)| Tells {
            emergency: WHOLE - calm,
            level: information(WHOLE - same),
        };
        not.into_iter().map(tells).collect()
    }

    /// How likely a condition will hold in the end, in 1/65536, its parts taken as independent.
    fn likely(&self, when: &Expr<FindingIx>, expected: &Expected) -> u64 {
        let literal = |lowest: bool, highest: bool, finding: FindingIx| match (lowest, highest) {
            (true, _) => WHOLE,
            (_, false) => 0,
            (false, true) => expected.share(finding),
        };
        match when {
            Expr::Present(f) => literal(
                self.lowest.state(*f) == State::Present,
                self.highest.state(*f) == State::Present,
                *f,
            ),
            Expr::NotRuledOut(f) => literal(
                self.lowest.state(*f) != State::RuledOut,
                self.highest.state(*f) != State::RuledOut,
                *f,
            ),
            Expr::All(parts) => {
                let each = parts.iter().map(|p| self.likely(p, expected));
                each.fold(WHOLE, |all, p| all * p / WHOLE)
            }
            Expr::Any(parts) => {
                let each = parts.iter().map(|p| WHOLE - self.likely(p, expected));
                WHOLE - each.fold(WHOLE, |none, p| none * p / WHOLE)
            }
            Expr::Score { at_least, of } => {
                // Shares of each sum so far; what reaches the goal is set aside.
                let mut sums: BTreeMap<u64, u64> = [(0, WHOLE)].into();
                let (goal, mut reached) = (u64::from(*at_least), 0);
                for (weight, part) in of {
                    let share = self.likely(part, expected);
                    let mut after: BTreeMap<u64, u64> = BTreeMap::new();
                    for (sum, all) in sums {
                        let with = all * share / WHOLE;
                        *after.entry(sum).or_default() += all - with;
                        match sum + u64::from(*weight) {
                            sum if sum >= goal => reached += with,
                            sum => *after.entry(sum).or_default() += with,
                        }
                    }
                    sums = after;
                }
                reached
            }
        }
    }

    /// Whether this finding opens or closes a red-flag screen that is still to be asked.
    fn steers(&self, finding: FindingIx) -> bool {
        let names = |when: &Expr<FindingIx>| {
            let mut found = false;
            when.findings(&mut |f| found |= *f == finding);
            found
        };
        let mut screens = self
            .pack
            .questions()
            .filter(|(ix, _, plan)| plan.must_ask && self.askable.get(*ix) == Some(&true));
        screens.any(|(_, _, plan)| plan.when.as_ref().is_some_and(names))
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
