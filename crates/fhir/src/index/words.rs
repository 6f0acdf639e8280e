//! The words of a resource that people wrote or read, for full-text searches.

use crate::tables::{tables, Kind, Primitive, TypeDef};
use crate::text::fold;
use serde_json::{Map, Value};

/// Types whose texts are numbers, units and names of systems, not words.
const WORDLESS: &[&str] = &["Identifier", "ContactPoint", "Quantity", "Meta", "SampledData"];

/// Each word of a resource once, after [`fold`], sorted: texts, displays, names, addresses and narratives; not codes,
/// addresses on the network, numbers of people or telephones.
pub fn words(resource: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk_resource(resource, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

/// The words of a text after [`fold`]: runs of letters and digits.
pub fn split_words(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

fn walk_resource(resource: &Value, found: &mut Vec<String>) {
    let name = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if let (Some(def), Some(map)) = (tables().resource(name), resource.as_object()) {
        walk(map, def, found);
    }
}

fn walk(map: &Map<String, Value>, def: &TypeDef, found: &mut Vec<String>) {
    if WORDLESS.contains(&def.name) {
        return;
    }
    for (key, value) in map {
        let Some(prop) = def.prop(key) else { continue };
        let entries = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        for entry in entries {
            match (&prop.kind, entry) {
                // A link id ties an answer to its question, a reference names a record: neither is a word.
                (Kind::Primitive { primitive, .. }, Value::String(text))
                    if key != "linkId" && key != "reference" =>
                {
                    add(text, *primitive, found);
                }
                (Kind::Complex(id) | Kind::Reference(id, _), Value::Object(map)) => {
                    walk(map, tables().get(*id), found);
                }
                (Kind::Resource, resource) => walk_resource(resource, found),
                _ => {}
            }
        }
    }
}

fn add(text: &str, primitive: Primitive, found: &mut Vec<String>) {
    let folded = match primitive {
        Primitive::String | Primitive::Markdown => fold(text),
        Primitive::Xhtml => fold(&without_tags(text)),
        _ => return,
    };
    found.extend(split_words(&folded).map(str::to_owned));
}

/// The words between the tags; the few entities that narratives use become the spaces or signs that they are.
fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut in_tag = false;
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                plain.push(' ');
            }
            _ if !in_tag => plain.push(c),
            _ => {}
        }
    }
    ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#39;", "&nbsp;"]
        .iter()
        .fold(plain, |plain, entity| plain.replace(entity, " "))
}

#[cfg(test)]
mod tests {
    use super::words;
    use serde_json::json;

    #[test]
    fn words_of_people_are_found_and_codes_are_not() {
        let note = json!({
            "resourceType": "Composition",
            "id": "n1",
            "status": "final",
            "identifier": { "value": "HMS-1" },
            "type": { "coding": [{ "system": "http://loinc.org", "code": "11506-3", "display": "Progress note" }] },
            "title": "Visit",
            "section": [{ "text": { "status": "generated",
                "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Mordió &amp; <b>corrió</b></div>" } }],
            "subject": { "reference": "Patient/p", "display": "Dana Ruíz" },
        });

        assert_eq!(
            words(&note),
            ["corrio", "dana", "mordio", "note", "progress", "ruiz", "visit"]
        );
        let answers = json!({ "resourceType": "QuestionnaireResponse",
            "item": [{ "linkId": "note", "answer": [{ "valueString": "a wasp, a wasp" }] }] });
        assert_eq!(words(&answers), ["a", "wasp"]);
        assert!(words(&json!("no resource")).is_empty());
    }
}
