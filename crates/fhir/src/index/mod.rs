//! Extraction of search values from a resource.

mod extract;
mod words;

pub use words::{split_words, words};

use crate::search::{search_params, Filter, SearchParam, Step};
use crate::tables::Prop;
use serde_json::Value;

/// One searchable value of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexEntry {
    /// The search parameter's code, as in a query: `birthdate`, `_id`.
    pub param: &'static str,
    /// The value, in the form its kind of parameter compares.
    pub value: IndexValue,
}

/// A value in the form in which searches compare it.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexValue {
    /// A code or identifier, with its system where one is given.
    Token {
        /// The code system or identifier namespace.
        system: Option<String>,
        /// The code, exactly as in the resource.
        code: String,
    },
    /// A literal reference to a resource.
    Reference {
        /// The resource type that is pointed to.
        target_type: String,
        /// Its logical id, without version.
        target_id: String,
    },
    /// A URI, exactly as in the resource.
    Uri(String),
    /// Text after [`crate::fold`].
    Text {
        /// Lower case, without accents.
        folded: String,
    },
    /// A moment or period; both ends belong to it. An open end is `i64::MIN` or `i64::MAX`.
    Date {
        /// First millisecond, Unix time, UTC.
        start_ms: i64,
        /// Last millisecond, Unix time, UTC.
        end_ms: i64,
    },
    /// A number; both ends are equal unless the resource holds a range. Open ends are infinite.
    Number {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
    /// A measured amount; both ends are equal unless the resource holds a range or a comparator.
    Quantity {
        /// The system of the unit's code, usually UCUM.
        system: Option<String>,
        /// The unit's code, or the unit as written where there is no code.
        code: Option<String>,
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
}

/// Raised whenever extraction gives other values for the same resource, so that stores build their indexes anew.
const EXTRACTION: u64 = 1;

/// A number that changes whenever what is extracted may change: another table of parameters, another extraction.
/// Whoever keeps extracted values keeps this with them.
pub fn index_version() -> u64 {
    // FNV-1a: fast, and the same on every machine.
    let table = include_bytes!("../../tables/search.tsv");
    table
        .iter()
        .fold(0xCBF2_9CE4_8422_2325 ^ EXTRACTION, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        })
}

/// All search values of a resource, for every parameter that [`crate::search_params`] lists.
///
/// A resource need not be valid: what cannot be read is left out. Each value appears once for each
/// parameter. An absolute reference (`https://other.example/Patient/1`) and a canonical become a
/// [`IndexValue::Uri`], because they point to another server's resources.
pub fn index(resource: &Value) -> Vec<IndexEntry> {
    let name = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    search_params(name)
        .iter()
        .flat_map(|param| {
            values(resource, param).into_iter().map(|value| IndexEntry {
                param: param.name,
                value,
            })
        })
        .collect()
}

/// Whether a resource has exactly this text where a string parameter looks: case, accents and all (`:exact`).
pub fn has_exact_text(resource: &Value, param: &str, wanted: &str) -> bool {
    let name = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some(param) = crate::search::search_param(name, param) else {
        return false;
    };
    let mut found = false;
    for path in &param.paths {
        follow(resource, &path.steps, &mut |value, prop| {
            found |= extract::words(value, prop.type_name).contains(&wanted);
        });
    }
    found
}

/// The values of one parameter.
pub(crate) fn values(resource: &Value, param: &SearchParam) -> Vec<IndexValue> {
    let mut found = Vec::new();
    for path in &param.paths {
        if let Filter::Exists = path.filter {
            let mut exists = false;
            follow(resource, &path.steps, &mut |value, _| {
                exists |= *value != Value::Bool(false)
            });
            found.push(IndexValue::Token {
                system: None,
                code: exists.to_string(),
            });
            continue;
        }
        follow(resource, &path.steps, &mut |value, prop| {
            if let Filter::Child(key, expected) = path.filter {
                if value.get(key).and_then(Value::as_str) != Some(expected) {
                    return;
                }
            }
            let from = found.len();
            extract::extract(value, prop, param.kind, &mut found);
            if let Filter::Target(wanted) = path.filter {
                let mut at = 0;
                found.retain(|value| {
                    at += 1;
                    let right =
                        matches!(value, IndexValue::Reference { target_type, .. } if target_type == wanted);
                    at <= from || right
                });
            }
        });
    }
    // Few values, so a quadratic pass costs less than hashing floats.
    let mut unique: Vec<IndexValue> = Vec::with_capacity(found.len());
    for value in found {
        if !unique.contains(&value) {
            unique.push(value);
        }
    }
    unique
}

/// Calls a function with each value at the end of the steps.
fn follow(value: &Value, steps: &[Step], with: &mut dyn FnMut(&Value, &Prop)) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    for prop in &step.props {
        let Some(child) = value.get(prop.key) else {
            continue;
        };
        let entries = child
            .as_array()
            .map_or(std::slice::from_ref(child), Vec::as_slice);
        for entry in entries {
            if rest.is_empty() {
                with(entry, prop);
            } else {
                follow(entry, rest, with);
            }
        }
    }
}
