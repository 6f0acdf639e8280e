//! The result: what to do, by when, where, and why.

use serde::{Deserialize, Serialize};

use crate::answer::Answers;
use crate::evaluate::{Facts, Fill};
use crate::expr::State;
use crate::level::{Level, Need, Urgency, Venue};
use crate::pack::{FindingIx, Line, Pack, Rule, RulePlan, Source};
use crate::text::Lang;

/// A result in one language. The same pack and answers always give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Urgency projected for queues and records.
    pub level: Level,
    /// Urgency on the chain of six.
    pub urgency: Urgency,
    /// Where it is looked after.
    pub venue: Venue,
    /// What the place of care must offer.
    pub needs: Vec<Need>,
    /// Call 911 now.
    pub call_911: bool,
    /// The person must not drive themselves.
    pub do_not_drive: bool,
    /// The rules that set the urgency, each with the smallest set of answers that forces it.
    pub reasons: Vec<Reason>,
    /// What to do, in order.
    pub advice: Vec<String>,
    /// When to come back or call for help, in order.
    pub safety_net: Vec<String>,
    /// Ask again how they are after this many minutes.
    pub recheck_minutes: u32,
    /// How many questions were answered.
    pub questions: u32,
    /// The pack that decided.
    pub pack: PackRef,
}

/// Which pack decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackRef {
    /// SHA-256 of the pack.
    pub hash: String,
    /// Version of its content.
    pub version: String,
    /// `draft, unsigned` until clinicians sign.
    pub status: String,
}

/// One rule that set the urgency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule.
    pub rule: String,
    /// Why, in plain words.
    pub text: String,
    /// The smallest set of findings that still fires the rule.
    pub because: Vec<Because>,
    /// What the rule rests on.
    pub source: Source,
    /// Who signed the rule; `unsigned` until a clinician does.
    pub reviewer: String,
}

/// One finding that a result rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Because {
    /// The finding.
    pub finding: String,
    /// Present, or unknown and therefore not ruled out.
    pub state: State,
    /// What it is called.
    pub text: String,
}

impl Because {
    pub(crate) fn of(pack: &Pack, facts: &Facts, finding: FindingIx, lang: Lang) -> Option<Because> {
        let def = pack.finding_def(finding)?;
        Some(Because {
            finding: def.id.clone(),
            state: facts.state(finding),
            text: def.text.get(lang).to_owned(),
        })
    }
}

/// More than this many rules at one level would bury the first ones.
const REASONS: usize = 4;

impl Outcome {
    /// The result of the answers so far; what is open counts as unknown, and so never lowers it.
    #[must_use]
    pub fn of(pack: &Pack, answers: &Answers, lang: Lang) -> Outcome {
        let facts = Facts::of(pack, answers, Fill::Unknown);
        let (by_rules, urgency) = (facts.by_rules(pack), facts.urgency(pack));
        let state = |f: &FindingIx| facts.state(*f);

        let mut needs: Vec<Need> = Vec::new();
        let mut fired: Vec<(&Rule, &RulePlan)> = Vec::new();
        for (rule, plan) in pack.rules().filter(|(_, plan)| plan.when.holds(&state)) {
            needs.extend(&plan.needs);
            if plan.level == by_rules {
                fired.push((rule, plan));
            }
        }
        needs.sort_unstable();
        needs.dedup();
        let mut reasons: Vec<Reason> = fired
            .into_iter()
            .map(|(rule, plan)| reason(pack, &facts, rule, plan, lang))
            .collect();
        // What is known to be wrong explains more than what is merely not ruled out.
        reasons.sort_by_key(|r| r.because.iter().any(|b| b.state == State::Unknown));
        let mut told: Vec<String> = Vec::new();
        reasons.retain(|r| {
            let new = !told.contains(&r.text);
            told.push(r.text.clone());
            new
        });
        reasons.truncate(REASONS);
        for id in answers.course.reasons(by_rules).into_iter().rev() {
            reasons.splice(0..0, trend(pack, id, lang));
        }

        let mut no_driving = pack.file().no_driving.iter().filter_map(|id| pack.finding(id));
        let unfit = no_driving.any(|f| facts.state(f) == State::Present);
        let asked =
            |id: &str| !answers.known.contains(id) && pack.question(id).is_some_and(|(_, q)| !q.hidden);
        let questions = answers.given.keys().filter(|id| asked(id)).count();
        Outcome {
            level: urgency.level(),
            urgency,
            venue: Venue::of(urgency, &needs),
            needs,
            call_911: urgency == Urgency::Call911,
            do_not_drive: urgency >= Urgency::EdNow || unfit,
            reasons,
            advice: lines(pack, &pack.file().advice, urgency, &facts, lang),
            safety_net: lines(pack, &pack.file().safety_net, urgency, &facts, lang),
            recheck_minutes: urgency.recheck_minutes(),
            questions: u32::try_from(questions).unwrap_or(u32::MAX),
            pack: PackRef {
                hash: pack.hash().to_owned(),
                version: pack.version().to_owned(),
                status: pack.status().to_owned(),
            },
        }
    }
}

/// Drops each finding of the rule in turn and keeps only those without which it would not fire.
fn reason(pack: &Pack, facts: &Facts, rule: &Rule, plan: &RulePlan, lang: Lang) -> Reason {
    let mut kept: Vec<FindingIx> = Vec::new();
    plan.when.findings(&mut |f| {
        if !kept.contains(f) && facts.state(*f) != State::RuledOut {
            kept.push(*f);
        }
    });
    // Unknown findings are dropped first, so that a rule which a known one can carry is told by it.
    let mut order = kept.clone();
    order.reverse();
    order.sort_by_key(|f| facts.state(*f) == State::Present);
    for candidate in order {
        let without = |f: &FindingIx| match *f != candidate && kept.contains(f) {
            true => facts.state(*f),
            false => State::RuledOut,
        };
        if plan.when.holds(&without) {
            kept.retain(|f| *f != candidate);
        }
    }
    let because = kept.iter().filter_map(|f| Because::of(pack, facts, *f, lang));
    Reason {
        rule: rule.id.clone(),
        text: rule.reason.get(lang).to_owned(),
        because: because.collect(),
        source: pack.source(&rule.source),
        reviewer: rule.reviewer.clone(),
    }
}

/// The reason that the course over time gives.
fn trend(pack: &Pack, id: &str, lang: Lang) -> Option<Reason> {
    let line = pack.file().trend.iter().find(|line| line.id == id)?;
    Some(Reason {
        rule: line.id.clone(),
        text: line.reason.get(lang).to_owned(),
        because: Vec::new(),
        source: pack.source(&line.source),
        reviewer: line.reviewer.clone(),
    })
}

fn lines(pack: &Pack, lines: &[Line], urgency: Urgency, facts: &Facts, lang: Lang) -> Vec<String> {
    let state = |id: &String| pack.finding(id).map_or(State::Unknown, |f| facts.state(f));
    lines
        .iter()
        .filter(|l| l.from <= urgency && urgency <= l.to)
        .filter(|l| l.when.as_ref().is_none_or(|when| when.holds(&state)))
        .map(|l| l.text.get(lang).to_owned())
        .collect()
}
