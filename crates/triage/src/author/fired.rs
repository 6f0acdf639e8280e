//! What the engine makes of answers, rule by rule: for tests that compare it with another engine.

use crate::answer::Answers;
use crate::evaluate::{Facts, Fill};
use crate::pack::Pack;

/// The rules that hold, in the order of the pack.
#[must_use]
pub fn fired<'a>(pack: &'a Pack, answers: &Answers) -> Vec<&'a str> {
    let facts = Facts::of(pack, answers, Fill::Unknown);
    let holding = pack
        .rules()
        .filter(|(_, plan)| plan.when.holds(&|f| facts.state(*f)));
    holding.map(|(rule, _)| rule.id.as_str()).collect()
}

/// The lines of advice and safety net whose condition holds, whatever the urgency.
#[must_use]
pub fn lines<'a>(pack: &'a Pack, answers: &Answers) -> Vec<&'a str> {
    let facts = Facts::of(pack, answers, Fill::Unknown);
    let state = |id: &String| pack.finding(id).map_or(crate::State::Unknown, |f| facts.state(f));
    let all = pack.file().advice.iter().chain(&pack.file().safety_net);
    let holding = all.filter(|l| l.when.as_ref().is_some_and(|when| when.holds(&state)));
    holding.map(|l| l.id.as_str()).collect()
}

/// The questions that are open and not hidden.
#[must_use]
pub fn open<'a>(pack: &'a Pack, answers: &Answers) -> Vec<&'a str> {
    let facts = Facts::of(pack, answers, Fill::Unknown);
    let asked = pack
        .questions()
        .filter(|(ix, _, _)| facts.open.get(*ix) == Some(&true));
    asked.map(|(_, q, _)| q.id.as_str()).collect()
}
