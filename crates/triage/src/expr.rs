//! The grammar of rules: AND, OR and weighted thresholds over two literals, and nothing else.
//!
//! Both literals are up-sets of the chain ruled out < unknown < present, and AND, OR and sums of
//! non-negative weights keep that. So no condition that holds can stop holding when a finding gets
//! worse. There is no negation to write, and an unknown key is refused by the parser.

use serde::{Deserialize, Serialize};

/// What is known of a finding. The order of the variants is the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Answered "no", or left out of a list where something else or nothing was chosen.
    RuledOut,
    /// Not asked, skipped, or "not sure".
    #[default]
    Unknown,
    /// Answered "yes".
    Present,
}

/// A condition over findings named `F`: strings in a pack file, indices in a compiled pack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expr<F> {
    /// The finding is present.
    Present(F),
    /// The finding is present or unknown.
    NotRuledOut(F),
    /// Every condition holds. Never empty: the builder refuses that.
    All(Vec<Expr<F>>),
    /// At least one condition holds.
    Any(Vec<Expr<F>>),
    /// The weights of the conditions that hold add up to a threshold.
    Score {
        /// The sum to reach.
        at_least: u32,
        /// Conditions and the non-negative weight of each.
        of: Vec<(u32, Expr<F>)>,
    },
}

impl<F> Expr<F> {
    /// Whether the condition holds, given the state of each finding.
    pub fn holds(&self, state: &impl Fn(&F) -> State) -> bool {
        match self {
            Expr::Present(f) => state(f) == State::Present,
            Expr::NotRuledOut(f) => state(f) != State::RuledOut,
            Expr::All(parts) => parts.iter().all(|p| p.holds(state)),
            Expr::Any(parts) => parts.iter().any(|p| p.holds(state)),
            Expr::Score { at_least, of } => {
                // In 64 bits no sum of 32-bit weights can wrap: a wrapped sum would be smaller with one finding more.
                let holding = of.iter().filter(|(_, p)| p.holds(state));
                let sum: u64 = holding.map(|(weight, _)| u64::from(*weight)).sum();
                sum >= u64::from(*at_least)
            }
        }
    }

    /// Calls `each` with every finding the condition names.
    pub fn findings(&self, each: &mut impl FnMut(&F)) {
        match self {
            Expr::Present(f) | Expr::NotRuledOut(f) => each(f),
            Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|p| p.findings(each)),
            Expr::Score { of, .. } => of.iter().for_each(|(_, p)| p.findings(each)),
        }
    }

    /// Whether an unknown finding can make the condition hold.
    #[must_use]
    pub fn counts_unknown(&self) -> bool {
        match self {
            Expr::Present(_) => false,
            Expr::NotRuledOut(_) => true,
            Expr::All(parts) | Expr::Any(parts) => parts.iter().any(Expr::counts_unknown),
            Expr::Score { of, .. } => of.iter().any(|(_, p)| p.counts_unknown()),
        }
    }

    /// Calls `each` with every finding that can still decide the condition, between a lowest and a
    /// highest state of everything that is open.
    pub fn undecided(
        &self,
        lowest: &impl Fn(&F) -> State,
        highest: &impl Fn(&F) -> State,
        each: &mut impl FnMut(&F),
    ) {
        if self.holds(lowest) == self.holds(highest) {
            return;
        }
        match self {
            Expr::Present(f) | Expr::NotRuledOut(f) => each(f),
            Expr::All(parts) | Expr::Any(parts) => {
                parts.iter().for_each(|p| p.undecided(lowest, highest, each));
            }
            Expr::Score { of, .. } => of.iter().for_each(|(_, p)| p.undecided(lowest, highest, each)),
        }
    }

    /// The same condition with findings renamed.
    ///
    /// # Errors
    /// The first error that `rename` returns.
    pub fn try_map<G, E>(&self, rename: &mut impl FnMut(&F) -> Result<G, E>) -> Result<Expr<G>, E> {
        Ok(match self {
            Expr::Present(f) => Expr::Present(rename(f)?),
            Expr::NotRuledOut(f) => Expr::NotRuledOut(rename(f)?),
            Expr::All(parts) => Expr::All(
                parts
                    .iter()
                    .map(|p| p.try_map(rename))
                    .collect::<Result<_, _>>()?,
            ),
            Expr::Any(parts) => Expr::Any(
                parts
                    .iter()
                    .map(|p| p.try_map(rename))
                    .collect::<Result<_, _>>()?,
            ),
            Expr::Score { at_least, of } => Expr::Score {
                at_least: *at_least,
                of: of
                    .iter()
                    .map(|(w, p)| Ok((*w, p.try_map(rename)?)))
                    .collect::<Result<_, E>>()?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_way_to_write_a_negation() {
        for text in [
            r#"{"not":{"present":"a"}}"#,
            r#"{"ruled_out":"a"}"#,
            r#"{"absent":"a"}"#,
        ] {
            assert!(serde_json::from_str::<Expr<String>>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_sum_of_weights_is_no_smaller_with_one_finding_more_however_large_they_are() {
        let score = Expr::Score {
            at_least: u32::MAX,
            of: vec![
                (u32::MAX, Expr::Present(0)),
                (u32::MAX, Expr::Present(1)),
                (2, Expr::Present(2)),
            ],
        };
        let with = |n: usize| score.holds(&|f: &usize| if *f < n { State::Present } else { State::RuledOut });
        assert_eq!([0, 1, 2, 3].map(with), [false, true, true, true]);
    }

    #[test]
    fn weights_below_zero_cannot_be_written() {
        let text = r#"{"score":{"at_least":1,"of":[[-1,{"present":"a"}],[2,{"present":"b"}]]}}"#;
        assert!(serde_json::from_str::<Expr<String>>(text).is_err());
        let text = text.replace("-1", "1");
        assert!(serde_json::from_str::<Expr<String>>(&text).is_ok());
    }

    #[test]
    fn a_condition_that_holds_still_holds_when_a_finding_gets_worse() {
        let states = [State::RuledOut, State::Unknown, State::Present];
        let expr = Expr::Any(vec![
            Expr::All(vec![Expr::Present(0), Expr::NotRuledOut(1)]),
            Expr::Score {
                at_least: 2,
                of: vec![(1, Expr::Present(1)), (1, Expr::Present(2))],
            },
        ]);
        for n in 0..27_usize {
            let at = [states[n % 3], states[n / 3 % 3], states[n / 9]];
            for (i, worse) in (0..3).flat_map(|i| states.map(|s| (i, s))) {
                if worse > at[i] && expr.holds(&|f: &usize| at[*f]) {
                    let mut up = at;
                    up[i] = worse;
                    assert!(expr.holds(&|f: &usize| up[*f]));
                }
            }
        }
    }
}
