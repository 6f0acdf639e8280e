//! Reading and replacing whole elements of a resource, by place or by element id.

use serde_json::{Map, Value};

/// Why an element could not be replaced. The resource is then as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The path is not `a.b[0].c` or `a[#id].b`.
    #[error("the path of the element cannot be read")]
    Path,
    /// The element that should hold the value is not there.
    #[error("the element that holds the value is missing")]
    Missing,
    /// What the path leads through is of another shape than the path says.
    #[error("the path does not fit the resource")]
    Shape,
}

/// One part of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'p> {
    Key(&'p str),
    Index(usize),
    /// The list entry whose `id` is this.
    Id(&'p str),
}

/// The value at a path such as `contact[0].gender` or `contact[#c1].gender`.
///
/// The path is that of an [`crate::Issue`], with or without the resource type in front; an entry
/// of a list may also be named by its element id, which survives changes of order.
pub fn get<'v>(resource: &'v Value, path: &str) -> Option<&'v Value> {
    parts(resource, path)
        .ok()?
        .into_iter()
        .try_fold(resource, |at, part| match part {
            Part::Key(key) => at.get(key),
            Part::Index(index) => at.get(index),
            Part::Id(id) => at.as_array()?.iter().find(|entry| has_id(entry, id)),
        })
}

/// Replaces a whole element, adds it or (with `None`) removes it, and returns what stood there.
///
/// The element around it must exist, except that `name[0]` starts a list, and that an index one
/// past the end appends. A list or object that becomes empty goes too, because FHIR has none.
///
/// # Errors
/// When the path cannot be read, leads nowhere, or does not fit. The resource is then unchanged.
pub fn replace(resource: &mut Value, path: &str, value: Option<Value>) -> Result<Option<Value>, PatchError> {
    let own = path.to_owned();
    let parts = parts(resource, &own)?;
    let old = replace_at(resource, &parts, value)?;
    Ok(old)
}

fn replace_at(at: &mut Value, parts: &[Part<'_>], value: Option<Value>) -> Result<Option<Value>, PatchError> {
    let Some((part, rest)) = parts.split_first() else {
        return Err(PatchError::Path);
    };
    match (part, at) {
        (Part::Key(key), Value::Object(map)) => replace_in_object(map, key, rest, value),
        (part @ (Part::Index(_) | Part::Id(_)), Value::Array(list)) => {
            replace_in_list(list, *part, rest, value)
        }
        _ => Err(PatchError::Shape),
    }
}

fn replace_in_object(
    map: &mut Map<String, Value>,
    key: &str,
    rest: &[Part<'_>],
    value: Option<Value>,
) -> Result<Option<Value>, PatchError> {
    if rest.is_empty() {
        return Ok(match value {
            Some(value) => map.insert(key.to_owned(), value),
            None => map.shift_remove(key),
        });
    }
    match (map.get_mut(key), rest, value) {
        (Some(child), _, value) => {
            let old = replace_at(child, rest, value)?;
            if is_empty(child) {
                map.shift_remove(key);
            }
            Ok(old)
        }
        (None, [Part::Index(0)], Some(value)) => {
            map.insert(key.to_owned(), Value::Array(vec![value]));
            Ok(None)
        }
        (None, _, _) => Err(PatchError::Missing),
    }
}

fn replace_in_list(
    list: &mut Vec<Value>,
    part: Part<'_>,
    rest: &[Part<'_>],
    value: Option<Value>,
) -> Result<Option<Value>, PatchError> {
    let at = match part {
        Part::Index(index) => Some(index),
        Part::Id(id) => list.iter().position(|entry| has_id(entry, id)),
        Part::Key(_) => None,
    };
    let length = list.len();
    let entry = at.and_then(|at| list.get_mut(at).map(|entry| (at, entry)));
    match (entry, rest.is_empty(), value) {
        (Some((_, entry)), true, Some(value)) => Ok(Some(std::mem::replace(entry, value))),
        (Some((at, _)), true, None) => Ok(Some(list.remove(at))),
        (Some((at, entry)), false, value) => {
            let old = replace_at(entry, rest, value)?;
            if is_empty(entry) {
                list.remove(at);
            }
            Ok(old)
        }
        (None, true, Some(value)) if at == Some(length) => {
            list.push(value);
            Ok(None)
        }
        (None, _, _) => Err(PatchError::Missing),
    }
}

fn has_id(entry: &Value, id: &str) -> bool {
    entry.get("id").and_then(Value::as_str) == Some(id)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Splits `Patient.contact[0].gender` into its parts, without the resource type.
fn parts<'p>(resource: &Value, path: &'p str) -> Result<Vec<Part<'p>>, PatchError> {
    let name = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path = path
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(path);
    let mut parts = Vec::new();
    for piece in path.split('.') {
        let (key, mut rest) = piece.split_at(piece.find('[').unwrap_or(piece.len()));
        if key.is_empty() {
            return Err(PatchError::Path);
        }
        parts.push(Part::Key(key));
        while !rest.is_empty() {
            let (inside, after) = rest
                .strip_prefix('[')
                .and_then(|rest| rest.split_once(']'))
                .ok_or(PatchError::Path)?;
            parts.push(match inside.strip_prefix('#') {
                Some(id) if !id.is_empty() => Part::Id(id),
                _ => Part::Index(inside.parse().map_err(|_| PatchError::Path)?),
            });
            rest = after;
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn dana() -> Value {
        json!({
            "resourceType": "Patient",
            "name": [{ "id": "n1", "family": "Reyes" }, { "id": "n2", "family": "Ruiz" }],
            "contact": [{ "gender": "female" }],
        })
    }

    #[test]
    fn an_element_is_found_by_place_and_by_id() {
        let dana = dana();

        assert_eq!(get(&dana, "Patient.name[1].family"), Some(&json!("Ruiz")));
        assert_eq!(get(&dana, "name[#n1].family"), Some(&json!("Reyes")));
        assert_eq!(get(&dana, "name[#n3]"), None);
        assert_eq!(get(&dana, "name[0"), None);
    }

    #[test]
    fn a_whole_element_is_replaced_added_or_removed() {
        let mut dana = dana();

        assert_eq!(
            replace(&mut dana, "name[#n2].family", Some(json!("Soto"))),
            Ok(Some(json!("Ruiz")))
        );
        assert_eq!(
            replace(&mut dana, "name[2]", Some(json!({ "text": "D" }))),
            Ok(None)
        );
        assert_eq!(
            replace(&mut dana, "address[0]", Some(json!({ "city": "Reno" }))),
            Ok(None)
        );
        assert_eq!(
            replace(&mut dana, "contact[0].gender", None),
            Ok(Some(json!("female")))
        );

        assert_eq!(get(&dana, "name[1].family"), Some(&json!("Soto")));
        assert_eq!(get(&dana, "name[2].text"), Some(&json!("D")));
        assert_eq!(get(&dana, "address[0].city"), Some(&json!("Reno")));
        assert_eq!(get(&dana, "contact"), None, "an emptied list must not stay");
    }

    #[test]
    fn a_path_that_leads_nowhere_changes_nothing() {
        let mut changed = dana();

        for (path, error) in [
            ("name[7]", PatchError::Missing),
            ("name[#zz].family", PatchError::Missing),
            ("photo.title", PatchError::Missing),
            ("name.family", PatchError::Shape),
            ("name[0]family", PatchError::Path),
            ("", PatchError::Path),
        ] {
            assert_eq!(replace(&mut changed, path, Some(json!(1))), Err(error), "{path}");
        }
        assert_eq!(changed, dana());
    }
}
