//! References between resources: reading one, listing all, replacing some.

use crate::tables::{tables, Kind, Primitive, TypeDef};
use serde_json::{Map, Value};

/// What the text of a reference says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link<'t> {
    /// `Patient/123`, also with a version or behind a server's address.
    Literal {
        /// The server's address, without the last slash; `None` for a relative reference.
        base: Option<&'t str>,
        /// The resource type.
        target_type: &'t str,
        /// The logical id.
        target_id: &'t str,
        /// The version, where one is named.
        version: Option<&'t str>,
    },
    /// `Patient?identifier=…`, which a transaction resolves.
    Conditional {
        /// The resource type.
        target_type: &'t str,
    },
    /// `#id`, a resource contained in this one; empty for this one itself.
    Contained(&'t str),
    /// A `urn:` or an address that names no resource type.
    Elsewhere,
}

impl<'t> Link<'t> {
    /// Reads the text of `Reference.reference`; `None` if it has no form that R4 allows.
    pub fn parse(text: &'t str) -> Option<Self> {
        if text.is_empty() || text.chars().any(char::is_whitespace) {
            return None;
        }
        if let Some(id) = text.strip_prefix('#') {
            return Some(Link::Contained(id));
        }
        if text.strip_prefix("urn:").is_some_and(|rest| !rest.is_empty()) {
            return Some(Link::Elsewhere);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            let named = !scheme.is_empty()
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
            return (named && !rest.is_empty()).then(|| literal(text).unwrap_or(Link::Elsewhere));
        }
        if let Some((target_type, query)) = text.split_once('?') {
            let good = !query.is_empty() && tables().is_resource_name(target_type);
            return good.then_some(Link::Conditional { target_type });
        }
        literal(text).filter(|link| matches!(link, Link::Literal { base: None, .. }))
    }
}

/// Reads `[base/]Type/id[/_history/version]`.
fn literal(text: &str) -> Option<Link<'_>> {
    let (path, version) = match text.split_once("/_history/") {
        Some((path, version)) => (path, Some(version)),
        None => (text, None),
    };
    let (rest, target_id) = path.rsplit_once('/')?;
    let (base, target_type) = match rest.rsplit_once('/') {
        Some((base, target_type)) => (Some(base), target_type),
        None => (None, rest),
    };
    let good = tables().is_resource_name(target_type)
        && crate::tables::is_id(target_id)
        && version.is_none_or(crate::tables::is_id);
    good.then_some(Link::Literal {
        base,
        target_type,
        target_id,
        version,
    })
}

/// Every literal reference in a resource: (path, reference), in the order of the document.
///
/// Includes those in extensions, contained resources and bundle entries, and `#contained` ones.
pub fn references(resource: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let name = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if let (Some(def), Some(map)) = (tables().resource(name), resource.as_object()) {
        collect(map, def, def.name, &mut found);
    }
    found
}

fn collect(map: &Map<String, Value>, def: &TypeDef, path: &str, found: &mut Vec<(String, String)>) {
    for (key, value) in map {
        let bare = key.strip_prefix('_');
        let Some(prop) = def.prop(bare.unwrap_or(key)) else {
            continue;
        };
        each(value, &format!("{path}.{}", prop.key), &mut |value, path| {
            let Value::Object(child) = value else { return };
            match &prop.kind {
                Kind::Primitive { .. } => {
                    if let Some(element) = tables().find("Element") {
                        collect(child, element, path, found);
                    }
                }
                Kind::Complex(id) => collect(child, tables().get(*id), path, found),
                Kind::Reference(id, _) => {
                    if let Some(Value::String(text)) = child.get("reference") {
                        found.push((format!("{path}.reference"), text.clone()));
                    }
                    collect(child, tables().get(*id), path, found);
                }
                Kind::Resource => {
                    let name = child
                        .get("resourceType")
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                    if let Some(inner) = tables().resource(name) {
                        collect(child, inner, path, found);
                    }
                }
            }
        });
    }
}

/// Calls a function with the value, or with each entry of a list.
fn each(value: &Value, path: &str, with: &mut dyn FnMut(&Value, &str)) {
    match value {
        Value::Array(list) => {
            for (index, entry) in list.iter().enumerate() {
                with(entry, &format!("{path}[{index}]"));
            }
        }
        _ => with(value, path),
    }
}

/// Replaces references and links throughout a resource, as a transaction does for the temporary
/// addresses of its entries.
///
/// `replacement` is asked for each `Reference.reference` and each uri, url, oid, uuid and canonical.
pub fn replace_references(resource: &mut Value, replacement: &dyn Fn(&str) -> Option<String>) {
    let name = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let def = tables().resource(name);
    if let (Some(def), Some(map)) = (def, resource.as_object_mut()) {
        replace_in(map, def, replacement);
    }
}

fn replace_in(map: &mut Map<String, Value>, def: &TypeDef, replacement: &dyn Fn(&str) -> Option<String>) {
    for (key, value) in map.iter_mut() {
        let bare = key.strip_prefix('_');
        let Some(prop) = def.prop(bare.unwrap_or(key)) else {
            continue;
        };
        let is_reference = def.name == "Reference" && prop.key == "reference";
        let entries = match value {
            Value::Array(list) => list.as_mut_slice(),
            single => std::slice::from_mut(single),
        };
        for entry in entries {
            match (&prop.kind, entry) {
                (Kind::Primitive { primitive, .. }, Value::String(text)) => {
                    let link = matches!(
                        primitive,
                        Primitive::Uri
                            | Primitive::Url
                            | Primitive::Canonical
                            | Primitive::Oid
                            | Primitive::Uuid
                    );
                    if let Some(new) = (is_reference || link).then(|| replacement(text)).flatten() {
                        *text = new;
                    }
                }
                (Kind::Primitive { .. }, Value::Object(child)) => {
                    if let Some(element) = tables().find("Element") {
                        replace_in(child, element, replacement);
                    }
                }
                (Kind::Complex(id) | Kind::Reference(id, _), Value::Object(child)) => {
                    replace_in(child, tables().get(*id), replacement);
                }
                (Kind::Resource, inner) => replace_references(inner, replacement),
                _ => {}
            }
        }
    }
}
