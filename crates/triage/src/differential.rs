//! What may lie behind it: conditions ordered by naive Bayes in whole numbers. For the clinician's eyes and for the
//! order of questions. **It never sets an urgency**: a posterior is not monotone (a new finding can explain a danger
//! away), so nothing in [`crate::Outcome`] is computed from it.
//!
//! All weights are base-2 logarithms in 1/256, and all shares are in 1/65536: the same bytes on every machine.

use serde::{Deserialize, Serialize};

use crate::evaluate::Facts;
use crate::expr::State;
use crate::outcome::Because;
use crate::pack::{ConditionPlan, FindingIx, Pack, Source};
use crate::text::Lang;

/// How often something is so. Frequencies are known roughly, so four bands are all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// About 1 in 16 who have the condition; 1 in 256 who come with the complaint.
    Rare,
    /// About 3 in 16; 1 in 32 who come with the complaint.
    Uncommon,
    /// About half; 1 in 8 who come with the complaint.
    Common,
    /// About 7 in 8; half of those who come with the complaint.
    Typical,
}

impl Band {
    /// Every band, rarest first.
    pub const ALL: [Band; 4] = [Band::Rare, Band::Uncommon, Band::Common, Band::Typical];

    /// Weight of a condition before anything is known, in 1/256 of a doubling.
    fn before(self) -> i32 {
        match self {
            Band::Rare => -2_048,
            Band::Uncommon => -1_280,
            Band::Common => -768,
            Band::Typical => -256,
        }
    }

    /// Weight of a sign that is present, against one person in 32 who has it by chance.
    fn present(self) -> i32 {
        match self {
            Band::Rare => 256,
            Band::Uncommon => 662,
            Band::Common => 1_024,
            Band::Typical => 1_231,
        }
    }

    /// Weight of a sign that is ruled out, against 31 in 32 who do not have it by chance.
    fn ruled_out(self) -> i32 {
        match self {
            Band::Rare => -12,
            Band::Uncommon => -65,
            Band::Common => -244,
            Band::Typical => -756,
        }
    }

    /// The share who have the sign, in 1/65536.
    fn share(self) -> u64 {
        match self {
            Band::Rare => 4_096,
            Band::Uncommon => 12_288,
            Band::Common => 32_768,
            Band::Typical => 57_344,
        }
    }
}

/// The share who have a sign by chance, in 1/65536.
const BY_CHANCE: u64 = 2_048;
/// One whole share.
pub(crate) const WHOLE: u64 = 65_536;
/// More would be a list, not a help.
const SHOWN: usize = 6;

/// One condition that the answers speak for, for the clinician.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Possibility {
    /// The condition.
    pub condition: String,
    /// What it is called, in a clinician's words.
    pub text: String,
    /// Findings that speak for it.
    pub speaks_for: Vec<Because>,
    /// Findings it usually has and that are ruled out.
    pub speaks_against: Vec<Because>,
    /// What its bands rest on.
    pub source: Source,
}

/// The conditions of the open modules, most likely first; at equal weight in the order of their table.
pub(crate) fn possibilities(pack: &Pack, facts: &Facts, lang: Lang) -> Vec<Possibility> {
    let mut weighed: Vec<(i32, usize)> = open(pack, facts).map(|(ix, c)| (weight(c, facts), ix)).collect();
    weighed.sort_by_key(|(weight, ix)| (std::cmp::Reverse(*weight), *ix));
    weighed.truncate(SHOWN);
    let view = |(_, ix): (i32, usize)| {
        let (def, plan) = (pack.file().conditions.get(ix)?, pack.conditions().get(ix)?);
        let with = |state: State, least: Band| -> Vec<Because> {
            let signs = plan.signs.iter().filter(|(_, band)| *band >= least);
            let told = signs.filter(|(f, _)| facts.state(*f) == state);
            told.filter_map(|(f, _)| Because::of(pack, facts, *f, lang))
                .collect()
        };
        Some(Possibility {
            condition: def.id.clone(),
            text: def.text.get(lang).to_owned(),
            speaks_for: with(State::Present, Band::Rare),
            speaks_against: with(State::RuledOut, Band::Common),
            source: pack.source(&def.source),
        })
    };
    weighed.into_iter().filter_map(view).collect()
}

/// How likely each finding is among those who answered so, in 1/65536: a mixture over the open conditions.
pub(crate) struct Expected(Vec<u64>);

impl Expected {
    pub fn of(pack: &Pack, facts: &Facts) -> Expected {
        let weights: Vec<(i32, &ConditionPlan)> =
            open(pack, facts).map(|(_, c)| (weight(c, facts), c)).collect();
        let most = weights.iter().map(|(w, _)| *w).max().unwrap_or(0);
        let halved: Vec<(u64, &ConditionPlan)> =
            weights.into_iter().map(|(w, c)| (halved(most - w), c)).collect();
        let sum: u64 = halved.iter().map(|(w, _)| *w).sum();
        let mut shares = vec![BY_CHANCE * sum; pack.file().findings.len()];
        for (weight, condition) in halved {
            for (finding, band) in &condition.signs {
                if let Some(share) = shares.get_mut(*finding) {
                    *share += weight * (band.share() - BY_CHANCE);
                }
            }
        }
        let share = |all: u64| all.checked_div(sum).unwrap_or(BY_CHANCE);
        Expected(shares.into_iter().map(share).collect())
    }

    pub fn share(&self, finding: FindingIx) -> u64 {
        self.0.get(finding).copied().unwrap_or(BY_CHANCE)
    }
}

/// How much an answer tells that is "yes" for this share: 0 for what is certain, most for one in two. The quadratic
/// entropy, because it needs no logarithm.
pub(crate) fn information(share: u64) -> u64 {
    let share = share.min(WHOLE);
    4 * share * (WHOLE - share) / WHOLE
}

fn open<'a>(pack: &'a Pack, facts: &'a Facts) -> impl Iterator<Item = (usize, &'a ConditionPlan)> {
    let all = pack.conditions().iter().enumerate();
    all.filter(|(_, c)| facts.state(c.gate) == State::Present)
}

fn weight(condition: &ConditionPlan, facts: &Facts) -> i32 {
    let sign = |(f, band): &(FindingIx, Band)| match facts.state(*f) {
        State::Present => band.present(),
        State::Unknown => 0,
        State::RuledOut => band.ruled_out(),
    };
    condition.before.before() + condition.signs.iter().map(sign).sum::<i32>()
}

/// 65536 halved once for each 256 of `by`.
fn halved(by: i32) -> u64 {
    /// 65536 / 2^(n/16).
    const SIXTEENTHS: [u64; 16] = [
        65_536, 62_757, 60_097, 57_549, 55_109, 52_772, 50_535, 48_393, 46_341, 44_376, 42_495, 40_693,
        38_968, 37_316, 35_734, 34_219,
    ];
    let by = u32::try_from(by).unwrap_or(0);
    let part = SIXTEENTHS
        .get(usize::try_from(by % 256 / 16).unwrap_or(0))
        .copied()
        .unwrap_or(0);
    part.checked_shr(by / 256).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_band_always_weighs_more() {
        for pair in Band::ALL.windows(2) {
            assert!(pair[0].before() < pair[1].before());
            assert!(pair[0].present() < pair[1].present() && pair[0].present() > 0);
            assert!(pair[0].ruled_out() > pair[1].ruled_out() && pair[0].ruled_out() < 0);
            assert!(pair[0].share() < pair[1].share() && pair[0].share() > BY_CHANCE);
        }
    }

    #[test]
    fn halving_is_exact_at_whole_steps_and_falls_between_them() {
        assert_eq!(
            [0, 256, 512, 4_096, 40_000].map(halved),
            [65_536, 32_768, 16_384, 1, 0]
        );
        assert!((1..2_000).all(|by| halved(by) <= halved(by - 1)));
    }

    #[test]
    fn what_is_certain_tells_nothing() {
        assert_eq!(
            [0, WHOLE / 2, WHOLE, 2 * WHOLE].map(information),
            [0, WHOLE, 0, 0]
        );
    }
}
