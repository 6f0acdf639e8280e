//! The tables as authors write them, one row a thing, words beside their row.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::AuthorError;
use crate::level::{Need, Urgency};
use crate::pack::{Kind, Source};

/// All tables of a content folder.
#[derive(Debug)]
pub struct Tables {
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) modules: Vec<ModuleTable>,
    pub(super) complaints: Vec<ComplaintRow>,
    pub(super) danger: Vec<DangerRow>,
    /// Words that mean the same in a danger phrase, by the name that stands for them there.
    pub(super) danger_words: BTreeMap<String, Vec<String>>,
    pub(super) advice: Vec<LineRow>,
    pub(super) safety_net: Vec<LineRow>,
    pub(super) no_driving: Vec<String>,
    pub(super) trend: Vec<TrendRow>,
    pub(super) conditions: Vec<super::conditions::ConditionRow>,
    pub(super) codes: Vec<CodeRow>,
    /// Cases written from the sources, with the urgency each must get.
    pub examples: Vec<Example>,
}

impl Tables {
    /// Reads tables from (name, text) pairs, names relative to the content folder.
    ///
    /// # Errors
    /// [`AuthorError`] naming the table.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Tables, AuthorError> {
        let files: BTreeMap<&str, &str> = files.into_iter().collect();
        let mut modules = Vec::new();
        let mut examples = Vec::new();
        for (name, text) in &files {
            if name.starts_with("modules/") {
                modules.push(read(name, text)?);
            }
            if name.starts_with("examples/") {
                examples.extend(read::<Vec<Example>>(name, text)?);
            }
        }
        let one = |name: &str| {
            files
                .get(name)
                .copied()
                .ok_or_else(|| AuthorError::Missing(name.to_owned()))
        };
        Ok(Tables {
            sources: read("sources.yaml", one("sources.yaml")?)?,
            modules,
            complaints: read("complaints.yaml", one("complaints.yaml")?)?,
            danger: read("danger.yaml", one("danger.yaml")?)?,
            // An import has none: what they stood for is in its phrases.
            danger_words: files
                .get("danger_words.yaml")
                .map_or(Ok(BTreeMap::new()), |text| read("danger_words.yaml", text))?,
            advice: read("advice.yaml", one("advice.yaml")?)?,
            safety_net: read("safety_net.yaml", one("safety_net.yaml")?)?,
            no_driving: read("no_driving.yaml", one("no_driving.yaml")?)?,
            trend: read("trend.yaml", one("trend.yaml")?)?,
            conditions: read("conditions.yaml", one("conditions.yaml")?)?,
            // Only reports use it; a pack is made without.
            codes: files
                .get("codes.yaml")
                .map_or(Ok(Vec::new()), |text| read("codes.yaml", text))?,
            examples,
        })
    }
}

/// Reads a table of cases by itself.
///
/// # Errors
/// [`AuthorError`] naming the table.
pub fn examples(name: &str, text: &str) -> Result<Vec<Example>, AuthorError> {
    read(name, text)
}

fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, AuthorError> {
    serde_yaml_ng::from_str(text).map_err(|source| AuthorError::Table {
        file: file.to_owned(),
        source,
    })
}

/// One module: its findings, questions and rules.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModuleTable {
    pub module: String,
    /// The finding that opens the module; its questions and floors hold only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    pub findings: Vec<FindingRow>,
    pub questions: Vec<QuestionRow>,
    pub rules: Vec<RuleRow>,
}

/// A finding and, where one finding alone decides, its rule in the same row.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingRow {
    pub id: String,
    pub en: String,
    pub es: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Urgency>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why_en: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why_es: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuestionRow {
    pub id: String,
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "is_false")]
    pub must_ask: bool,
    /// Place in the order of asking; see [`super::build`] for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u8>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// A map of the body or of causes, not a red-flag screen: may be longer than six.
    #[serde(default, skip_serializing_if = "is_false")]
    pub map: bool,
    /// Urgency held while an item of the screen is not ruled out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Urgency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    pub en: String,
    pub es: String,
    pub why_en: String,
    pub why_es: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionRow>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit_en: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit_es: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<crate::Milli>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<crate::Milli>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_least: BTreeMap<String, crate::Milli>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_most: BTreeMap<String, crate::Milli>,
    /// What is measured, where a meter may show it in more than one unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vital: Option<crate::Vital>,
}

/// An option: the name of a finding, or a row.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum OptionRow {
    Finding(String),
    Row(OptionFields),
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionFields {
    pub code: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub en: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub es: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleRow {
    pub id: String,
    pub when: String,
    pub level: Urgency,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    pub en: String,
    pub es: String,
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComplaintRow {
    pub code: String,
    pub sets: Vec<String>,
    /// Findings it makes present and that other complaints do not rule out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// No module of its own: life threats, then the nurse today.
    #[serde(default, skip_serializing_if = "is_false")]
    pub open: bool,
    pub en: String,
    pub es: String,
    pub words_en: String,
    pub words_es: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DangerRow {
    pub id: String,
    pub level: Urgency,
    pub en: String,
    pub es: String,
    pub why_en: String,
    pub why_es: String,
    pub source: String,
    pub phrases: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineRow {
    pub id: String,
    pub from: Urgency,
    pub to: Urgency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    pub en: String,
    pub es: String,
    pub source: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrendRow {
    pub id: String,
    pub en: String,
    pub es: String,
    pub source: String,
}

/// Codes of other systems for a complaint, for reports: codes only, no texts of theirs.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeRow {
    /// The complaint.
    pub complaint: String,
    /// ICD-10-CM, the most general code that fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icd10cm: Vec<String>,
    /// OIICS 2.01, event or exposure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oiics: Vec<String>,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A case written from the sources, and the urgency it must get.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Its name.
    pub id: String,
    /// The case in a sentence.
    pub case: String,
    /// What the person comes with.
    pub complaint: String,
    /// What they would type; the complaint must then be among those offered.
    #[serde(default)]
    pub search: Option<String>,
    /// Findings that are present; everything else is answered "no".
    #[serde(default)]
    pub present: Vec<String>,
    /// Age in years.
    #[serde(default)]
    pub age: Option<crate::Milli>,
    /// Sex at birth, `female` or `male`.
    #[serde(default)]
    pub sex: Option<String>,
    /// The least urgency that is safe.
    pub at_least: Urgency,
    /// The highest urgency that does not frighten without need.
    pub at_most: Urgency,
    /// Key into the sources.
    pub source: String,
}
