//! Three-way merge of one resource, element by element.
//!
//! Changes to different elements merge. The same element changed on both sides, and any clinical fact that both
//! sides touched, is a conflict that a person settles: a clock never decides clinical truth.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Outcome of a merge.
#[derive(Debug, Clone, PartialEq)]
pub enum Merged {
    /// Both sides say the same; nothing is left to send.
    Same,
    /// The resource as it should be, on top of the remote version.
    Clean(Value),
    /// These elements differ and only a person can say which holds.
    Conflict(Vec<String>),
}

/// Resources that are one clinical statement: a code without its value, or a value without its status, would
/// say something that nobody said. Touched on both sides, they conflict as a whole.
const FACTS: [&str; 9] = [
    "AllergyIntolerance",
    "Condition",
    "Immunization",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Procedure",
    "RiskAssessment",
    "ServiceRequest",
];

/// Elements that the server keeps or that machines derive: the remote side's hold, whoever changed them.
/// A report's `identifier` is its receipt number.
fn is_servers_own(resource_type: Option<&str>, element: &str) -> bool {
    matches!(
        (resource_type, element),
        (_, "meta" | "text") | (Some("QuestionnaireResponse"), "identifier")
    )
}

/// Merges `local`, made on `base`, with `remote`. `None` means deleted (or, for `base`, never there).
#[must_use]
pub fn merge(base: Option<&Value>, local: Option<&Value>, remote: Option<&Value>) -> Merged {
    match (local, remote) {
        (None, None) => Merged::Same,
        (Some(local), Some(remote)) if same_content(local, remote) => Merged::Same,
        (Some(local), Some(remote)) => merge_objects(base, local, remote),
        // Deleted on one side, and untouched on the other since: the deletion holds.
        (None, Some(remote)) if base.is_some_and(|base| same_content(base, remote)) => {
            Merged::Clean(Value::Null)
        }
        (Some(_), None) | (None, Some(_)) => Merged::Conflict(vec!["deleted".to_owned()]),
    }
}

/// Equal but for what the server adds by itself.
#[must_use]
pub fn same_content(a: &Value, b: &Value) -> bool {
    changed_elements(Some(a), b).is_empty()
}

/// Top-level elements, other than the server's own, that differ.
fn changed_elements(base: Option<&Value>, side: &Value) -> BTreeSet<String> {
    let empty = Map::new();
    let before = base.and_then(Value::as_object).unwrap_or(&empty);
    let after = side.as_object().unwrap_or(&empty);
    let kind = after.get("resourceType").and_then(Value::as_str);
    let names = before
        .keys()
        .chain(after.keys())
        .filter(|name| !is_servers_own(kind, name));
    names
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect()
}

fn merge_objects(base: Option<&Value>, local: &Value, remote: &Value) -> Merged {
    let ours = changed_elements(base, local);
    let theirs = changed_elements(base, remote);
    if ours.is_empty() {
        return Merged::Same;
    }
    if !theirs.is_empty() && (is_fact(local) || is_signed(remote) || is_signed(local)) {
        return Merged::Conflict(ours.union(&theirs).cloned().collect());
    }
    let (Some(remote_map), Some(local_map)) = (remote.as_object(), local.as_object()) else {
        return Merged::Conflict(ours.into_iter().collect());
    };
    let mut result = remote_map.clone();
    let mut conflicts = Vec::new();
    for name in &ours {
        let there = base.and_then(|base| base.get(name));
        match merge_element(there, local_map.get(name), remote_map.get(name)) {
            Ok(Some(value)) => {
                result.insert(name.clone(), value);
            }
            Ok(None) => {
                result.shift_remove(name);
            }
            Err(()) => conflicts.push(name.clone()),
        }
    }
    if conflicts.is_empty() {
        Merged::Clean(Value::Object(result))
    } else {
        Merged::Conflict(conflicts)
    }
}

fn merge_element(
    base: Option<&Value>,
    local: Option<&Value>,
    remote: Option<&Value>,
) -> Result<Option<Value>, ()> {
    if base == remote || local == remote {
        return Ok(local.cloned());
    }
    if base == local {
        return Ok(remote.cloned());
    }
    match (local, remote) {
        (Some(Value::Array(local)), Some(Value::Array(remote))) => {
            let empty = Vec::new();
            let base = base.and_then(Value::as_array).unwrap_or(&empty);
            merge_lists(base, local, remote).map(|list| (!list.is_empty()).then_some(Value::Array(list)))
        }
        _ => Err(()),
    }
}

/// Lists merge entry by entry where every entry has a key of its own (`id`, `linkId`, `url`); never by position,
/// because positions mean different entries on the two sides.
fn merge_lists(base: &[Value], local: &[Value], remote: &[Value]) -> Result<Vec<Value>, ()> {
    let key = ["id", "linkId", "url"]
        .into_iter()
        .find(|key| [base, local, remote].iter().all(|list| keyed(list, key)))
        .ok_or(())?;
    let find = |list: &'_ [Value], name: &Value| list.iter().find(|e| e.get(key) == Some(name)).cloned();
    let mut merged = Vec::with_capacity(remote.len() + local.len());
    let only_local = local
        .iter()
        .filter(|e| e.get(key).is_some_and(|name| find(remote, name).is_none()));
    for name in remote.iter().chain(only_local).filter_map(|entry| entry.get(key)) {
        let (was, ours, theirs) = (find(base, name), find(local, name), find(remote, name));
        merged.extend(merge_element(was.as_ref(), ours.as_ref(), theirs.as_ref())?);
    }
    Ok(merged)
}

fn keyed(list: &[Value], key: &str) -> bool {
    let names: BTreeSet<&str> = list.iter().filter_map(|entry| entry.get(key)?.as_str()).collect();
    names.len() == list.len()
}

fn is_fact(resource: &Value) -> bool {
    resource
        .get("resourceType")
        .and_then(Value::as_str)
        .is_some_and(|kind| FACTS.contains(&kind))
}

/// A signed document never changes; only addenda follow.
fn is_signed(resource: &Value) -> bool {
    let text = |name| resource.get(name).and_then(Value::as_str);
    text("resourceType") == Some("Composition")
        && matches!(text("status"), Some("final" | "amended" | "entered-in-error"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task(extra: Value) -> Value {
        let mut task = json!({ "resourceType": "Task", "id": "t", "status": "requested" });
        if let (Some(map), Value::Object(extra)) = (task.as_object_mut(), extra) {
            map.extend(extra);
        }
        task
    }

    fn check(base: Value, local: Value, remote: Value, expected: Merged) {
        assert_eq!(merge(Some(&base), Some(&local), Some(&remote)), expected);
    }

    #[test]
    fn changes_to_different_elements_merge() {
        check(
            task(json!({})),
            task(json!({ "description": "ours" })),
            task(json!({ "priority": "stat", "meta": { "versionId": "2" } })),
            Merged::Clean(task(
                json!({ "priority": "stat", "meta": { "versionId": "2" }, "description": "ours" }),
            )),
        );
    }

    #[test]
    fn the_same_element_changed_twice_is_for_a_person() {
        check(
            task(json!({})),
            task(json!({ "status": "cancelled" })),
            task(json!({ "status": "accepted" })),
            Merged::Conflict(vec!["status".into()]),
        );
    }

    #[test]
    fn what_only_the_server_added_is_no_change() {
        let local = json!({ "resourceType": "QuestionnaireResponse", "id": "r" });
        let mut remote = local.clone();
        remote["identifier"] = json!({ "value": "HMS-1" });
        remote["meta"] = json!({ "versionId": "1" });
        assert_eq!(merge(None, Some(&local), Some(&remote)), Merged::Same);
    }

    #[test]
    fn a_clinical_fact_touched_on_both_sides_conflicts_even_in_different_elements() {
        let fact = |status: &str, kg: i64| json!({ "resourceType": "Observation", "status": status, "valueInteger": kg });
        check(
            fact("final", 80),
            fact("final", 82),
            fact("entered-in-error", 80),
            Merged::Conflict(vec!["status".into(), "valueInteger".into()]),
        );
    }

    #[test]
    fn a_note_signed_elsewhere_is_never_changed_by_a_merge() {
        let note = |status: &str, title: &str| json!({ "resourceType": "Composition", "status": status, "title": title });
        check(
            note("preliminary", "a"),
            note("preliminary", "b"),
            note("final", "a"),
            Merged::Conflict(vec!["status".into(), "title".into()]),
        );
    }

    #[test]
    fn keyed_lists_merge_by_entry_and_others_do_not() {
        let with = |ext: Value| task(json!({ "extension": ext }));
        check(
            with(json!([{ "url": "a", "valueCode": "1" }])),
            with(json!([{ "url": "a", "valueCode": "1" }, { "url": "b", "valueCode": "2" }])),
            with(json!([{ "url": "a", "valueCode": "9" }])),
            Merged::Clean(with(
                json!([{ "url": "a", "valueCode": "9" }, { "url": "b", "valueCode": "2" }]),
            )),
        );
        let noted = |notes: Value| task(json!({ "note": notes }));
        check(
            noted(json!([])),
            noted(json!([{ "text": "ours" }])),
            noted(json!([{ "text": "theirs" }])),
            Merged::Conflict(vec!["note".into()]),
        );
    }

    #[test]
    fn deleted_on_one_side_and_changed_on_the_other_is_for_a_person() {
        let (old, new) = (task(json!({})), task(json!({ "priority": "stat" })));
        assert_eq!(
            merge(Some(&old), Some(&new), None),
            Merged::Conflict(vec!["deleted".into()])
        );
        assert_eq!(
            merge(Some(&old), None, Some(&new)),
            Merged::Conflict(vec!["deleted".into()])
        );
        assert_eq!(merge(Some(&old), None, Some(&old)), Merged::Clean(Value::Null));
        assert_eq!(merge(Some(&old), None, None), Merged::Same);
    }

    #[test]
    fn merging_converges_from_either_side_when_it_is_clean() {
        let mut seed = 1_u64;
        let mut next = |n: u64| {
            seed = crate::backoff::split_mix(seed);
            seed % n
        };
        for _ in 0..2_000 {
            let mut side = |from: &Value| {
                let mut value = from.clone();
                for name in ["status", "priority", "description", "intent"] {
                    if next(4) == 0 {
                        value[name] = json!(next(3));
                    }
                }
                value
            };
            let base = side(&task(json!({})));
            let (a, b) = (side(&base), side(&base));

            let (ab, ba) = (
                merge(Some(&base), Some(&a), Some(&b)),
                merge(Some(&base), Some(&b), Some(&a)),
            );

            match (ab, ba) {
                (Merged::Clean(ab), Merged::Clean(ba)) => assert_eq!(ab, ba),
                (Merged::Conflict(_), ba) => assert!(matches!(ba, Merged::Conflict(_))),
                (Merged::Same, _) => assert!(a == b || a == base),
                (Merged::Clean(ab), Merged::Same) => assert_eq!(ab, a),
                (Merged::Clean(_), Merged::Conflict(_)) => panic!("clean one way only"),
            }
        }
    }
}
