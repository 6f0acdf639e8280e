//! The table of conditions: one row a condition, its signs listed under the band in which they are seen.

use serde::{Deserialize, Serialize};

use super::AuthorError;
use crate::differential::Band;
use crate::pack::{Condition, Sign};
use crate::text::Text;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionRow {
    pub id: String,
    pub gate: String,
    pub en: String,
    pub es: String,
    pub before: Band,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub typical: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub common: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncommon: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rare: Vec<String>,
    pub source: String,
}

pub(super) fn conditions(rows: &[ConditionRow]) -> Result<Vec<Condition>, AuthorError> {
    rows.iter().map(condition).collect()
}

fn condition(row: &ConditionRow) -> Result<Condition, AuthorError> {
    let bands = [
        (Band::Typical, &row.typical),
        (Band::Common, &row.common),
        (Band::Uncommon, &row.uncommon),
        (Band::Rare, &row.rare),
    ];
    let signs: Vec<Sign> = bands
        .iter()
        .flat_map(|(band, findings)| {
            findings.iter().map(|finding| Sign {
                finding: finding.clone(),
                band: *band,
            })
        })
        .collect();
    // What no answer speaks for could never be told from the others.
    if signs.is_empty() || row.en.is_empty() || row.es.is_empty() {
        return Err(AuthorError::Row {
            row: row.id.clone(),
            what: "a condition needs a name in both languages and at least one sign".to_owned(),
        });
    }
    Ok(Condition {
        id: row.id.clone(),
        gate: row.gate.clone(),
        text: Text {
            en: row.en.clone(),
            es: row.es.clone(),
        },
        before: row.before,
        signs,
        source: row.source.clone(),
    })
}
