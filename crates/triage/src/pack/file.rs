//! The pack as it is stored: one JSON document, every name in full.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::Milli;
use crate::differential::Band;
use crate::expr::Expr;
use crate::level::{Need, Urgency};
use crate::text::Text;
use crate::vitals::Vital;

/// The whole content of a pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackFile {
    /// Version of this layout; the engine reads only [`FORMAT`].
    pub format: u32,
    /// Version of the content, a date and a counter.
    pub version: String,
    /// `draft, unsigned` until clinicians sign.
    pub status: String,
    /// Where the medical facts come from.
    pub sources: BTreeMap<String, Source>,
    /// What can be known of a person.
    pub findings: Vec<Finding>,
    /// Questions in the order of their asking.
    pub questions: Vec<Question>,
    /// Rules, most urgent module first.
    pub rules: Vec<Rule>,
    /// Advice lines, in the order they are shown.
    pub advice: Vec<Line>,
    /// Safety-net lines ("get help at once if …"), in the order they are shown.
    pub safety_net: Vec<Line>,
    /// Findings with which nobody drives, whatever the urgency.
    pub no_driving: Vec<String>,
    /// What a person can come with.
    pub complaints: Vec<Complaint>,
    /// Phrases that raise the result before anything is asked.
    pub danger: Vec<Danger>,
    /// Why a course over time raised a result, by [`TREND_THIRD`], [`TREND_WORSE`],
    /// [`TREND_SILENT`] and [`TREND_RECALLED`].
    pub trend: Vec<TrendLine>,
    /// What may lie behind a complaint, for the clinician and for the order of questions, never for the urgency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// One condition that may lie behind a complaint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Its name.
    pub id: String,
    /// The finding that opens its module.
    pub gate: String,
    /// What clinicians call it.
    pub text: Text,
    /// How many who come with the complaint have it.
    pub before: Band,
    /// Its signs, and how many who have it show them.
    pub signs: Vec<Sign>,
    /// Key into the sources.
    pub source: String,
}

/// A sign of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// The finding.
    pub finding: String,
    /// How many who have the condition show it.
    pub band: Band,
}

/// The third contact within 72 hours.
pub const TREND_THIRD: &str = "trend.third";
/// A re-check that said "worse", or "the same" after the time that was to help.
pub const TREND_WORSE: &str = "trend.worse";
/// A re-check that nobody answered.
pub const TREND_SILENT: &str = "trend.silent";
/// The trend line of a result that a recalled pack gave, where no other pack is left.
pub const TREND_RECALLED: &str = "trend.recalled";

/// The words for a result that the course over time raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrendLine {
    /// Which course.
    pub id: String,
    /// Why, in plain words.
    pub reason: Text,
    /// Key into the sources.
    pub source: String,
    /// Who signed it; `unsigned` until a clinician does.
    pub reviewer: String,
}

/// The layout this engine reads.
pub const FORMAT: u32 = 1;

/// A publication that a rule rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Title of the publication.
    pub title: String,
    /// Its address.
    pub url: String,
    /// When and how it was consulted: a date, or the plain words that it was cited from memory.
    pub read: String,
}

/// One thing that can be ruled out, unknown or present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its name, `module.word`.
    pub id: String,
    /// What it is called on screen and in reasons.
    pub text: Text,
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One option.
    Choice,
    /// Any number of options; an empty list is "none of these".
    Multi,
    /// Yes or no.
    Boolean,
    /// A number with a unit.
    Number,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name, `module.word`.
    pub id: String,
    /// How it is answered.
    pub kind: Kind,
    /// Red flags: asked before every other question of its module, and skipped only when no answer can matter.
    #[serde(default, skip_serializing_if = "is_false")]
    pub must_ask: bool,
    /// Place in the order of asking among red flags: the lower, the sooner. Ties keep the authored order.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rank: u8,
    /// Never asked; answered by what is already known of the person.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// Asked only while this holds, over findings of earlier questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr<String>>,
    /// The question.
    pub text: Text,
    /// Why it is asked.
    pub why: Text,
    /// Options of a choice or a list; for a boolean the single option `yes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// Unit, limits and thresholds of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberSpec>,
}

/// One option of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its code in an answer.
    pub code: String,
    /// What is shown.
    pub text: Text,
    /// Findings it makes present; when it is not chosen they are ruled out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<String>,
    /// Findings it makes present, and that it never rules out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

/// A number that may be typed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberSpec {
    /// Unit on screen.
    pub unit: Text,
    /// Lowest plausible value.
    pub min: Milli,
    /// Highest plausible value.
    pub max: Milli,
    /// Findings that follow from the number.
    pub thresholds: Vec<Threshold>,
    /// What is measured, where a meter may show it in more than one unit; [`NumberSpec::unit`] is its first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vital: Option<Vital>,
}

/// A finding that follows from a number, with the direction in which it gets worse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The finding.
    pub finding: String,
    /// Which side of the value is worse.
    pub side: Side,
    /// The value itself counts as worse.
    pub value: Milli,
}

/// The direction in which a number gets worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Worse from the value upward.
    AtLeast,
    /// Worse from the value downward.
    AtMost,
}

/// One rule: when its condition holds, the result is at least its urgency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, `module.word`.
    pub id: String,
    /// Its condition.
    pub when: Expr<String>,
    /// The least urgency it demands.
    pub level: Urgency,
    /// What the place of care must offer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Why, in plain words.
    pub reason: Text,
    /// Key into the sources.
    pub source: String,
    /// When the row was written.
    pub date: String,
    /// Who signed it; `unsigned` until a clinician does.
    pub reviewer: String,
}

/// A line of advice or of the safety net, shown between two urgencies while its condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its name.
    pub id: String,
    /// Lowest urgency it is shown at.
    pub from: Urgency,
    /// Highest urgency it is shown at.
    pub to: Urgency,
    /// Shown only while this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr<String>>,
    /// The words.
    pub text: Text,
    /// Key into the sources.
    pub source: String,
}

/// Something a person can come with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Complaint {
    /// Its code, an option of the question `complaint`.
    pub code: String,
    /// Its name on screen.
    pub text: Text,
    /// Words people use for it, in English.
    pub en: Vec<String>,
    /// Words people use for it, in Spanish.
    pub es: Vec<String>,
}

/// Phrases that make a finding present as soon as they are typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Danger {
    /// The finding that becomes present.
    pub finding: String,
    /// Each entry: folded phrases that must all occur. A trailing `*` matches any ending of its word,
    /// `a/b` is either word, and a lone `~` stands for up to three words in between.
    pub phrases: Vec<Vec<String>>,
}

fn is_zero(rank: &u8) -> bool {
    *rank == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
