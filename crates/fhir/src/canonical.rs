//! One spelling of a resource, so that equal content has equal bytes and equal hashes.

use crate::tables::{tables, Kind, TypeDef};
use serde_json::{Map, Value};
use std::fmt::Write;

/// The resource as JSON in the order of its definition, without white space.
///
/// The bytes depend only on the content: keys stand in the order of the definition (`resourceType`
/// first, `_birthDate` after `birthDate`), keys that no definition knows come last, sorted. Lists
/// keep their order, which means something. A number is written as `serde_json` reads it, so
/// `1.0` and `1.00` are the same and `1` is another.
pub fn canonical_json(resource: &Value) -> String {
    let mut out = String::new();
    write_resource(resource, &mut out);
    out
}

fn write_resource(value: &Value, out: &mut String) {
    let name = value
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    write_value(value, tables().resource(name), out);
}

fn write_value(value: &Value, def: Option<&TypeDef>, out: &mut String) {
    match value {
        Value::Object(map) => write_object(map, def, out),
        Value::Array(list) => {
            out.push('[');
            for (index, entry) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(entry, def, out);
            }
            out.push(']');
        }
        scalar => write_scalar(scalar, out),
    }
}

fn write_object(map: &Map<String, Value>, def: Option<&TypeDef>, out: &mut String) {
    let mut keys: Vec<(usize, bool, &str, &Value)> = map
        .iter()
        .map(|(key, value)| {
            let (rank, sibling) = rank(key, def);
            (rank, sibling, key.as_str(), value)
        })
        .collect();
    keys.sort_unstable_by_key(|&(rank, sibling, key, _)| (rank, sibling, key));
    out.push('{');
    for (index, (_, _, key, value)) in keys.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_key(key, out);
        out.push(':');
        write_child(key, value, def, out);
    }
    out.push('}');
}

/// Display of a scalar is its compact JSON; writing to a String cannot fail.
fn write_scalar(scalar: &Value, out: &mut String) {
    let _ = write!(out, "{scalar}");
}

/// Writes a key; those of definitions need no escapes and are the common case.
fn write_key(key: &str, out: &mut String) {
    if key
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        out.push('"');
        out.push_str(key);
        out.push('"');
    } else {
        write_scalar(&Value::from(key), out);
    }
}

/// The key's place in the definition, and whether it is the sibling of a primitive.
fn rank(key: &str, def: Option<&TypeDef>) -> (usize, bool) {
    let Some(def) = def else {
        return (usize::MAX, false);
    };
    if def.is_resource && key == "resourceType" {
        return (0, false);
    }
    let bare = key.strip_prefix('_');
    match def.prop(bare.unwrap_or(key)) {
        Some(prop) => (usize::from(prop.element) + 1, bare.is_some()),
        None => (usize::MAX, false),
    }
}

fn write_child(key: &str, value: &Value, def: Option<&TypeDef>, out: &mut String) {
    let bare = key.strip_prefix('_').unwrap_or(key);
    match def.and_then(|def| def.prop(bare)).map(|prop| &prop.kind) {
        Some(Kind::Complex(id) | Kind::Reference(id, _)) => write_value(value, Some(tables().get(*id)), out),
        Some(Kind::Resource) => write_resources(value, out),
        Some(Kind::Primitive { .. }) => write_value(value, tables().find("Element"), out),
        None => write_value(value, None, out),
    }
}

fn write_resources(value: &Value, out: &mut String) {
    let Value::Array(list) = value else {
        return write_resource(value, out);
    };
    out.push('[');
    for (index, entry) in list.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_resource(entry, out);
    }
    out.push(']');
}
