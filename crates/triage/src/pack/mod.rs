//! A pack: the clinical content, checked and indexed once, then only read.

mod file;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

pub use file::{
    Choice, Complaint, Condition, Danger, Finding, Kind, Line, NumberSpec, PackFile, Question, Rule, Side,
    Sign, Source, Threshold, TrendLine, FORMAT, TREND_RECALLED, TREND_SILENT, TREND_THIRD, TREND_WORSE,
};

use crate::differential::Band;
use crate::expr::Expr;
use crate::level::{Need, Urgency};
use crate::search::ComplaintIndex;

/// Index of a finding in its pack.
pub(crate) type FindingIx = usize;

/// Why a pack was refused. Packs hold no patient data, so names may be shown.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not JSON of the expected shape.
    #[error("failed to read the pack")]
    Read(#[source] serde_json::Error),
    /// A layout this engine does not know.
    #[error("pack format {0} is not supported")]
    Format(u32),
    /// A name is used twice.
    #[error("{0} is defined twice")]
    Twice(String),
    /// A name is used and nowhere defined.
    #[error("{user} names {name}, which is not defined")]
    Unknown {
        /// Who uses the name.
        user: String,
        /// The name.
        name: String,
    },
    /// A question is not put together as its kind demands.
    #[error("question {0} is malformed")]
    Question(String),
}

/// A pack ready for use. Get the built-in one with [`Pack::embedded`].
#[derive(Debug)]
pub struct Pack {
    file: PackFile,
    hash: String,
    finding_ix: BTreeMap<String, FindingIx>,
    question_ix: BTreeMap<String, usize>,
    questions: Vec<QuestionPlan>,
    rules: Vec<RulePlan>,
    /// For each finding, the questions that can settle it.
    contributors: Vec<Vec<usize>>,
    conditions: Vec<ConditionPlan>,
    complaints: ComplaintIndex,
}

/// A question with findings as indices.
#[derive(Debug)]
pub(crate) struct QuestionPlan {
    pub when: Option<Expr<FindingIx>>,
    /// Findings the question settles: present or ruled out.
    pub domain: Vec<FindingIx>,
    /// Per option: findings set, then findings raised only.
    pub options: Vec<(Vec<FindingIx>, Vec<FindingIx>)>,
    pub thresholds: Vec<(FindingIx, Side, i64)>,
    pub hidden: bool,
    pub must_ask: bool,
    pub rank: u8,
}

/// A rule with findings as indices.
#[derive(Debug)]
pub(crate) struct RulePlan {
    pub when: Expr<FindingIx>,
    pub level: Urgency,
    pub needs: Vec<Need>,
}

/// A condition with findings as indices.
#[derive(Debug)]
pub(crate) struct ConditionPlan {
    pub gate: FindingIx,
    pub before: Band,
    pub signs: Vec<(FindingIx, Band)>,
}

static EMBEDDED: &[u8] = include_bytes!("../../pack/pack.json");

impl Pack {
    /// The pack this build carries, read and indexed on first use.
    ///
    /// # Panics
    /// Never in a build whose tests passed: the committed pack is read by them.
    #[must_use]
    pub fn embedded() -> &'static Pack {
        Pack::embedded_in()
    }

    /// The same, to be kept beside packs that came later.
    #[must_use]
    pub fn embedded_shared() -> Arc<Pack> {
        Arc::clone(Pack::embedded_in())
    }

    fn embedded_in() -> &'static Arc<Pack> {
        static PACK: OnceLock<Arc<Pack>> = OnceLock::new();
        PACK.get_or_init(|| {
            Arc::new(Pack::from_bytes(EMBEDDED).expect("the committed pack is read by the tests"))
        })
    }

    /// Reads a pack. Its hash is the SHA-256 of these bytes.
    ///
    /// # Errors
    /// [`PackError`] when the bytes are not a sound pack.
    pub fn from_bytes(bytes: &[u8]) -> Result<Pack, PackError> {
        let file: PackFile = serde_json::from_slice(bytes).map_err(PackError::Read)?;
        let hash: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        Pack::index(file, hash)
    }

    fn index(file: PackFile, hash: String) -> Result<Pack, PackError> {
        if file.format != FORMAT {
            return Err(PackError::Format(file.format));
        }
        let finding_ix = unique(file.findings.iter().map(|f| f.id.as_str()))?;
        let question_ix = unique(file.questions.iter().map(|q| q.id.as_str()))?;
        unique(file.rules.iter().map(|r| r.id.as_str()))?;
        let names = Names {
            finding_ix: &finding_ix,
        };

        let questions = file
            .questions
            .iter()
            .map(|q| names.question(q))
            .collect::<Result<Vec<QuestionPlan>, _>>()?;
        let mut rules = Vec::with_capacity(file.rules.len());
        for rule in &file.rules {
            if !file.sources.contains_key(&rule.source) {
                return Err(PackError::Unknown {
                    user: rule.id.clone(),
                    name: rule.source.clone(),
                });
            }
            rules.push(RulePlan {
                when: names.expr(&rule.id, &rule.when)?,
                level: rule.level,
                needs: rule.needs.clone(),
            });
        }
        for line in file.advice.iter().chain(&file.safety_net) {
            if let Some(when) = &line.when {
                names.expr(&line.id, when)?;
            }
            if !file.sources.contains_key(&line.source) {
                return Err(PackError::Unknown {
                    user: line.id.clone(),
                    name: line.source.clone(),
                });
            }
        }
        for line in &file.trend {
            if !file.sources.contains_key(&line.source) {
                return Err(PackError::Unknown {
                    user: line.id.clone(),
                    name: line.source.clone(),
                });
            }
        }
        names.many("no_driving", &file.no_driving)?;
        for danger in &file.danger {
            names.one("danger", &danger.finding)?;
        }

        let mut contributors = vec![Vec::new(); file.findings.len()];
        for (ix, q) in questions.iter().enumerate() {
            let raised = q.options.iter().flat_map(|(_, also)| also);
            for f in q.domain.iter().chain(raised) {
                if let Some(list) = contributors.get_mut(*f) {
                    if !list.contains(&ix) {
                        list.push(ix);
                    }
                }
            }
        }
        unique(file.conditions.iter().map(|c| c.id.as_str()))?;
        let conditions = file
            .conditions
            .iter()
            .map(|c| names.condition(&file, c))
            .collect::<Result<Vec<ConditionPlan>, _>>()?;
        let complaints = ComplaintIndex::new(&file.complaints);
        Ok(Pack {
            file,
            hash,
            finding_ix,
            question_ix,
            questions,
            rules,
            contributors,
            conditions,
            complaints,
        })
    }

    /// SHA-256 of the pack's bytes, in lower-case hex.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Version of the content.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.file.version
    }

    /// `draft, unsigned` until clinicians sign the content.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.file.status
    }

    /// The content itself, for review pages and tests.
    #[must_use]
    pub fn file(&self) -> &PackFile {
        &self.file
    }

    /// The same pack without one rule; its hash says so. For tests that ask what a rule is worth.
    #[must_use]
    pub fn without_rule(&self, id: &str) -> Option<Pack> {
        let mut file = self.file.clone();
        file.rules.retain(|r| r.id != id);
        Pack::index(file, format!("{} without {id}", self.hash)).ok()
    }

    /// The same pack without its conditions; its hash says so. For tests that ask whether they touch an urgency.
    #[must_use]
    pub fn without_conditions(&self) -> Option<Pack> {
        let mut file = self.file.clone();
        file.conditions.clear();
        Pack::index(file, format!("{} without conditions", self.hash)).ok()
    }

    pub(crate) fn finding(&self, id: &str) -> Option<FindingIx> {
        self.finding_ix.get(id).copied()
    }

    pub(crate) fn finding_def(&self, ix: FindingIx) -> Option<&Finding> {
        self.file.findings.get(ix)
    }

    pub(crate) fn question(&self, id: &str) -> Option<(usize, &Question)> {
        let ix = *self.question_ix.get(id)?;
        Some((ix, self.file.questions.get(ix)?))
    }

    pub(crate) fn questions(&self) -> impl Iterator<Item = (usize, &Question, &QuestionPlan)> {
        self.file
            .questions
            .iter()
            .zip(&self.questions)
            .enumerate()
            .map(|(ix, (q, plan))| (ix, q, plan))
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = (&Rule, &RulePlan)> {
        self.file.rules.iter().zip(&self.rules)
    }

    pub(crate) fn contributors(&self, finding: FindingIx) -> &[usize] {
        self.contributors.get(finding).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn conditions(&self) -> &[ConditionPlan] {
        &self.conditions
    }

    /// A source by its key; a key that is not there stands for itself.
    pub(crate) fn source(&self, key: &str) -> Source {
        let found = self.file.sources.get(key).cloned();
        found.unwrap_or_else(|| Source {
            title: key.to_owned(),
            url: String::new(),
            read: String::new(),
        })
    }

    pub(crate) fn complaint_index(&self) -> &ComplaintIndex {
        &self.complaints
    }
}

struct Names<'a> {
    finding_ix: &'a BTreeMap<String, FindingIx>,
}

impl Names<'_> {
    fn one(&self, user: &str, name: &str) -> Result<FindingIx, PackError> {
        let missing = || PackError::Unknown {
            user: user.to_owned(),
            name: name.to_owned(),
        };
        self.finding_ix.get(name).copied().ok_or_else(missing)
    }

    fn many(&self, user: &str, names: &[String]) -> Result<Vec<FindingIx>, PackError> {
        names.iter().map(|n| self.one(user, n)).collect()
    }

    fn expr(&self, user: &str, expr: &Expr<String>) -> Result<Expr<FindingIx>, PackError> {
        expr.try_map(&mut |name: &String| self.one(user, name))
    }

    fn condition(&self, file: &PackFile, condition: &Condition) -> Result<ConditionPlan, PackError> {
        if !file.sources.contains_key(&condition.source) {
            return Err(PackError::Unknown {
                user: condition.id.clone(),
                name: condition.source.clone(),
            });
        }
        unique(condition.signs.iter().map(|s| s.finding.as_str()))?;
        let sign = |s: &Sign| Ok((self.one(&condition.id, &s.finding)?, s.band));
        Ok(ConditionPlan {
            gate: self.one(&condition.id, &condition.gate)?,
            before: condition.before,
            signs: condition
                .signs
                .iter()
                .map(sign)
                .collect::<Result<_, PackError>>()?,
        })
    }

    fn question(&self, q: &Question) -> Result<QuestionPlan, PackError> {
        let sound = match q.kind {
            Kind::Choice | Kind::Multi => !q.options.is_empty() && q.number.is_none(),
            Kind::Boolean => q.options.len() == 1 && q.number.is_none(),
            Kind::Number => q.options.is_empty() && q.number.is_some(),
        };
        let plausible = q.number.as_ref().is_none_or(|n| {
            let own = n.vital.and_then(|vital| vital.units().first());
            n.min <= n.max && own.is_none_or(|own| own.min <= n.min && n.max <= own.max)
        });
        let codes = unique(q.options.iter().map(|o| o.code.as_str()))?;
        if !sound || !plausible || codes.contains_key(crate::Answer::UNKNOWN) {
            return Err(PackError::Question(q.id.clone()));
        }
        let mut options = Vec::with_capacity(q.options.len());
        let mut domain: Vec<FindingIx> = Vec::new();
        for option in &q.options {
            let sets = self.many(&q.id, &option.sets)?;
            domain.extend(&sets);
            options.push((sets, self.many(&q.id, &option.also)?));
        }
        let mut thresholds = Vec::new();
        for t in q.number.iter().flat_map(|n| &n.thresholds) {
            let finding = self.one(&q.id, &t.finding)?;
            domain.push(finding);
            thresholds.push((finding, t.side, t.value.0));
        }
        domain.sort_unstable();
        domain.dedup();
        let when = q.when.as_ref().map(|w| self.expr(&q.id, w)).transpose()?;
        Ok(QuestionPlan {
            when,
            domain,
            options,
            thresholds,
            hidden: q.hidden,
            must_ask: q.must_ask,
            rank: q.rank,
        })
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, usize>, PackError> {
    let mut out = BTreeMap::new();
    for (ix, name) in names.enumerate() {
        if out.insert(name.to_owned(), ix).is_some() {
            return Err(PackError::Twice(name.to_owned()));
        }
    }
    Ok(out)
}
