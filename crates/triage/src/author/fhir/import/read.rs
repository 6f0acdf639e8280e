//! Small questions to a resource.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::ext;
use crate::author::AuthorError;
use crate::text::Text;

/// The resource of a type and id.
pub(super) fn one<'a>(resources: &'a [Value], kind: &str, id: &str) -> Result<&'a Value, AuthorError> {
    let found = resources
        .iter()
        .find(|r| text(r, "resourceType") == kind && text(r, "id") == id);
    found.ok_or_else(|| AuthorError::Missing(format!("{kind}/{id}")))
}

/// A member that is text; empty where there is none.
pub(super) fn text(of: &Value, key: &str) -> String {
    of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The elements of a member that is a list.
pub(super) fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Every extension of an element with this address.
pub(super) fn extensions<'a>(of: &'a Value, url: &'a str) -> impl Iterator<Item = &'a Value> + 'a {
    list(of, "extension")
        .iter()
        .filter(move |e| text(e, "url") == url)
}

/// A code in an extension.
pub(super) fn codes(of: &Value, url: &str) -> Vec<String> {
    extensions(of, url).map(|e| text(e, "valueCode")).collect()
}

/// Whether an extension says yes.
pub(super) fn flag(of: &Value, url: &str) -> bool {
    extensions(of, url).any(|e| e.get("valueBoolean") == Some(&Value::Bool(true)))
}

/// A text and its Spanish twin.
pub(super) fn both(of: &Value, key: &str) -> Text {
    let twin = of.get(format!("_{key}")).into_iter();
    let es = twin
        .flat_map(|twin| extensions(twin, ext::TRANSLATION))
        .find(|e| {
            let lang = extensions(e, "lang").next();
            lang.is_some_and(|lang| text(lang, "valueCode") == "es")
        });
    let es = es.and_then(|e| Some(text(extensions(e, "content").next()?, "valueString")));
    Text {
        en: text(of, key),
        es: es.unwrap_or_default(),
    }
}

/// A value as one of our own types.
pub(super) fn parsed<T: DeserializeOwned>(row: &str, value: Option<&Value>) -> Result<T, AuthorError> {
    let value = value.cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|why| AuthorError::Row {
        row: row.to_owned(),
        what: why.to_string(),
    })
}
