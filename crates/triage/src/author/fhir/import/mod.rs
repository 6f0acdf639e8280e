//! From the resources back to the tables.
//!
//! A condition is read from its description, which is in the grammar of the tables; then everything is built and
//! exported again, and a FHIRPath expression that says something else is refused: an edit that changed
//! one of the two must not be lost.

mod lists;
mod read;
mod rows;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{export, Resource};
use crate::author::build::build;
use crate::author::tables::Tables;
use crate::author::AuthorError;
use crate::pack::Pack;

/// Tables made from resources, and the pack that they build.
#[derive(Debug)]
pub struct Imported {
    /// Tables as (name, YAML), names relative to a content folder. Comments do not come back.
    pub files: Vec<(String, String)>,
    /// The bytes of the pack.
    pub pack: Vec<u8>,
}

/// Makes tables from resources.
///
/// # Errors
/// [`AuthorError`] naming the resource or the row that cannot be read, or whose FHIRPath does not say what its
/// condition says.
pub fn import(resources: &[Value]) -> Result<Imported, AuthorError> {
    let version = read::text(read::one(resources, "Questionnaire", "triage")?, "version");
    let files = rows::files(resources)?;
    let tables = Tables::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
    let pack = build(&tables, &version)?;
    let again = export(&tables, &Pack::from_bytes(&pack)?)?;
    agree(resources, &again)?;
    Ok(Imported { files, pack })
}

/// Every expression that came in is the one that goes out.
fn agree(came: &[Value], goes: &[Resource]) -> Result<(), AuthorError> {
    let mut ours = BTreeMap::new();
    for resource in goes {
        expressions(&resource.body, "", &mut ours);
    }
    let mut theirs = BTreeMap::new();
    for resource in came {
        expressions(resource, "", &mut theirs);
    }
    for (row, expression) in &theirs {
        if ours.get(row) != Some(expression) {
            return Err(AuthorError::Row {
                row: row.clone(),
                what: "its FHIRPath does not say what its condition says: edit the condition".to_owned(),
            });
        }
    }
    match ours.keys().find(|row| !theirs.contains_key(*row)) {
        None => Ok(()),
        Some(row) => Err(AuthorError::Row {
            row: row.clone(),
            what: "its FHIRPath is missing".to_owned(),
        }),
    }
}

/// FHIRPath by the action or item that carries it.
fn expressions(value: &Value, row: &str, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            let own = ["linkId", "title"].iter().find_map(|key| map.get(*key)?.as_str());
            let row = own.unwrap_or(row);
            if map.get("language").and_then(Value::as_str) == Some("text/fhirpath") {
                into.insert(row.to_owned(), read::text(value, "expression"));
            }
            map.values().for_each(|v| expressions(v, row, into));
        }
        Value::Array(list) => list.iter().for_each(|v| expressions(v, row, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
