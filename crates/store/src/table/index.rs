//! `index_…`: what records can be searched by. One row holds one value of one parameter; `lookup.rs` reads them.
//!
//! Rows of a record are found again by extracting them from its old body, so no second index is kept for that. They
//! hold as long as the extraction stays the same: when it changes, all rows are built anew, a few records at a time.

use super::gather::Gathered;
use super::resource;
use crate::StoreError;
use hms_fhir::IndexValue;
use rusqlite::{named_params, Connection, OptionalExtension};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A span above this counts as wide: it is looked for without the help of its start.
pub(crate) const WIDE_MS: i64 = 86_400_000;
/// The ends of time, far enough apart for any date and near enough to be subtracted.
const FIRST_MS: i64 = -(1 << 52);
const LAST_MS: i64 = 1 << 52;

type Numbers = HashMap<(&'static str, &'static str), i64>;

/// Each parameter's number; the words of a whole record count as one more parameter of its type.
static NUMBERS: LazyLock<Numbers> = LazyLock::new(|| {
    let params = hms_fhir::resource_types().flat_map(|kind| {
        let own = hms_fhir::search_params(kind)
            .iter()
            .map(move |param| (kind, param.name));
        own.chain([(kind, ALL_WORDS)])
    });
    params.zip(1..).collect()
});

/// The pseudo parameter of all words of a record.
pub(crate) const ALL_WORDS: &str = "_text";

/// The number of a parameter.
pub(crate) fn number(kind: &str, param: &str) -> Result<i64, StoreError> {
    // The map's keys are static; a lookup may borrow for less.
    NUMBERS.get(&(kind, param)).copied().ok_or(StoreError::BadSearch)
}

/// A code, a system or `Type/id` as the rows hold it. Nobody can make another text with a given hash.
pub(crate) fn hash(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0_i64, |hash, byte| (hash << 8) | i64::from(*byte))
}

/// Few systems and units share a device: half the bytes tell them apart. 0 where there is none.
pub(crate) fn short_hash(text: Option<&str>) -> i64 {
    text.map_or(0, |text| (hash(text) & 0x7FFF_FFFF).max(1))
}

/// A word in `index_word`.
pub(crate) fn term(number: i64, word: &str) -> String {
    format!("{number:x}_{word}")
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    Token {
        param: i64,
        code: i64,
        system: i64,
    },
    Reference {
        param: i64,
        target: i64,
    },
    Date {
        param: i64,
        start: i64,
        span: i64,
    },
    Amount {
        param: i64,
        low: f64,
        high: f64,
        unit: i64,
        system: i64,
    },
    Text {
        param: i64,
        folded: String,
    },
}

/// What the index holds of one record: rows, and the terms of its words.
pub(super) fn entries(resource: &Value) -> (Vec<Entry>, String) {
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (mut rows, mut words) = (Vec::new(), String::new());
    let mut add_word = |param: i64, word: &str| {
        words.push_str(&term(param, word));
        words.push(' ');
    };
    for found in hms_fhir::index(resource) {
        // The id is a column of the record itself.
        let (Ok(param), false) = (number(kind, found.param), found.param == "_id") else {
            continue;
        };
        rows.push(match found.value {
            IndexValue::Token { system, code } => Entry::Token {
                param,
                code: hash(&code),
                system: short_hash(system.as_deref()),
            },
            IndexValue::Uri(uri) => Entry::Token {
                param,
                code: hash(&uri),
                system: 0,
            },
            IndexValue::Reference {
                target_type,
                target_id,
            } => Entry::Reference {
                param,
                target: hash(&format!("{target_type}/{target_id}")),
            },
            IndexValue::Date { start_ms, end_ms } => {
                let start = start_ms.clamp(FIRST_MS, LAST_MS);
                let span = end_ms.clamp(FIRST_MS, LAST_MS) - start;
                let wide = i64::from(span > WIDE_MS);
                Entry::Date {
                    param: param * 2 + wide,
                    start,
                    span,
                }
            }
            IndexValue::Number { low, high } => amount(param, low, high, None, None),
            IndexValue::Quantity {
                system,
                code,
                low,
                high,
            } => amount(param, low, high, code.as_deref(), system.as_deref()),
            IndexValue::Text { folded } => {
                hms_fhir::split_words(&folded).for_each(|word| add_word(param, word));
                Entry::Text { param, folded }
            }
        });
    }
    if let Ok(param) = number(kind, ALL_WORDS) {
        hms_fhir::words(resource)
            .iter()
            .for_each(|word| add_word(param, word));
    }
    (rows, words)
}

fn amount(param: i64, low: f64, high: f64, unit: Option<&str>, system: Option<&str>) -> Entry {
    Entry::Amount {
        param: param * 2 + i64::from(low < high),
        low,
        high,
        unit: short_hash(unit),
        system: short_hash(system),
    }
}

/// Brings the rows of one record from what its old body said to what the new one says.
pub(crate) fn replace(
    conn: &Connection,
    key: i64,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Result<(), StoreError> {
    let mut rows = Gathered::default();
    rows.note(conn, key, old, new)?;
    rows.write(conn)
}

/// Adds or removes one row. One that is there already, or gone already, is no failure.
pub(super) fn write(conn: &Connection, key: i64, row: &Entry, add: bool) -> rusqlite::Result<()> {
    let done = match row {
        Entry::Token { param, code, system } => conn
            .prepare_cached(if add {
                "INSERT OR IGNORE INTO index_token (param, code, key, system) VALUES (?1, ?2, ?3, ?4)"
            } else {
                "DELETE FROM index_token WHERE param = ?1 AND code = ?2 AND key = ?3 AND system = ?4"
            })?
            .execute((param, code, key, system)),
        Entry::Reference { param, target } => conn
            .prepare_cached(if add {
                "INSERT OR IGNORE INTO index_reference (param, target, key) VALUES (?1, ?2, ?3)"
            } else {
                "DELETE FROM index_reference WHERE param = ?1 AND target = ?2 AND key = ?3"
            })?
            .execute((param, target, key)),
        Entry::Date { param, start, span } => conn
            .prepare_cached(if add {
                "INSERT OR IGNORE INTO index_date (param, start_ms, span_ms, key) VALUES (?1, ?2, ?3, ?4)"
            } else {
                "DELETE FROM index_date WHERE param = ?1 AND start_ms = ?2 AND span_ms = ?3 AND key = ?4"
            })?
            .execute((param, start, span, key)),
        Entry::Amount {
            param,
            low,
            high,
            unit,
            system,
        } => conn
            .prepare_cached(if add {
                "INSERT OR IGNORE INTO index_amount (param, low, high, unit, system, key)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            } else {
                "DELETE FROM index_amount
                 WHERE param = ?1 AND low = ?2 AND high = ?3 AND unit = ?4 AND system = ?5 AND key = ?6"
            })?
            .execute((param, low, high, unit, system, key)),
        Entry::Text { param, folded } => conn
            .prepare_cached(if add {
                "INSERT OR IGNORE INTO index_text (param, folded, key) VALUES (?1, ?2, ?3)"
            } else {
                "DELETE FROM index_text WHERE param = ?1 AND folded = ?2 AND key = ?3"
            })?
            .execute((param, folded, key)),
    };
    done.map(|_| ())
}

/// The version of the extraction as the table keeps it; only equality matters.
fn version() -> i64 {
    hms_fhir::index_version().cast_signed()
}

/// Whether records still lack their rows, or have those of another extraction.
pub(crate) fn is_behind(conn: &Connection) -> Result<bool, StoreError> {
    conn.prepare_cached(
        "SELECT NOT EXISTS (SELECT 1 FROM index_state WHERE version = :version AND done_to IS NULL)",
    )
    .and_then(|mut select| select.query_row(named_params! { ":version": version() }, |row| row.get(0)))
    .map_err(StoreError::sql("read the state of the search rows"))
}

/// Forgets all rows where they were made by another extraction, or none were made yet.
fn begin_anew(conn: &Connection) -> Result<(), StoreError> {
    let made: Option<i64> = conn
        .query_row("SELECT version FROM index_state", [], |row| row.get(0))
        .optional()
        .map_err(StoreError::sql("read the state of the search rows"))?;
    let version = version();
    if made == Some(version) {
        return Ok(());
    }
    conn.execute_batch(&format!(
        "DELETE FROM index_token; DELETE FROM index_reference; DELETE FROM index_date;
         DELETE FROM index_amount; DELETE FROM index_text;
         INSERT INTO index_word (index_word) VALUES ('delete-all');
         DELETE FROM index_state;
         INSERT INTO index_state (version, done_to)
             SELECT {version}, iif(EXISTS (SELECT 1 FROM resource), 0, NULL);"
    ))
    .map_err(StoreError::sql("begin the search rows anew"))
}

/// Builds the rows of the next records, in the transaction of the caller, and packs bodies of before on the way.
pub(crate) fn catch_up(conn: &Connection, records: u32) -> Result<(), StoreError> {
    let failed = |source| StoreError::sql("build search rows")(source);
    begin_anew(conn)?;
    let from: Option<i64> = conn
        .query_row("SELECT done_to FROM index_state", [], |row| row.get(0))
        .map_err(failed)?;
    let Some(from) = from else { return Ok(()) };
    let keys: Vec<i64> = conn
        .prepare_cached("SELECT key FROM resource WHERE key > :from ORDER BY key LIMIT :records")
        .and_then(|mut select| {
            select
                .query_map(named_params! { ":from": from, ":records": records }, |row| {
                    row.get(0)
                })?
                .collect()
        })
        .map_err(failed)?;
    let mut rows = Gathered::default();
    for key in &keys {
        let shown = resource::repack(conn, *key)?;
        rows.note(conn, *key, None, shown.as_ref())?;
    }
    rows.write(conn)?;
    conn.prepare_cached("UPDATE index_state SET done_to = :to")
        .and_then(|mut update| update.execute(named_params! { ":to": keys.last() }))
        .map(|_| ())
        .map_err(failed)
}
