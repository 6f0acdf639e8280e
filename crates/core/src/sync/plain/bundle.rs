//! Several requests in one Bundle, and their answers out of one.

use super::answer::{Ask, Method, Reply};
use serde_json::{json, Map, Value};

/// The answer to a batch is none (N5): another resource, or not one answer for each request. Nothing in it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer to a batch of {asked} does not fit it")]
pub struct Mismatch {
    /// How many requests were in it.
    pub asked: usize,
}

/// A batch: each of its requests stands for itself.
#[must_use]
pub fn write_batch(asks: &[Ask]) -> Value {
    let entries: Vec<Value> = asks.iter().map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "batch", "entry": entries })
}

fn entry(ask: &Ask) -> Value {
    let mut request = Map::new();
    request.insert("method".into(), ask.method.as_str().into());
    request.insert("url".into(), ask.url.clone().into());
    if let Some(tag) = &ask.if_match {
        request.insert("ifMatch".into(), tag.clone().into());
    }
    if ask.if_none_match {
        request.insert("ifNoneMatch".into(), "*".into());
    }
    if let Some(search) = &ask.if_none_exist {
        request.insert("ifNoneExist".into(), search.clone().into());
    }
    let mut entry = Map::new();
    if let (Method::Put | Method::Post, Some(body)) = (ask.method, &ask.body) {
        entry.insert("resource".into(), body.clone());
    }
    entry.insert("request".into(), Value::Object(request));
    Value::Object(entry)
}

/// The answers, in the order of the requests.
///
/// # Errors
/// [`Mismatch`] where it is no answer to these requests.
pub fn read_batch(asked: usize, bundle: &Value) -> Result<Vec<Reply>, Mismatch> {
    let text = |name: &str| bundle.get(name).and_then(Value::as_str);
    let fits = text("resourceType") == Some("Bundle") && text("type") == Some("batch-response");
    let entries = bundle.get("entry").and_then(Value::as_array);
    match entries.filter(|entries| fits && entries.len() == asked) {
        Some(entries) => entries
            .iter()
            .map(|it| reply(it).ok_or(Mismatch { asked }))
            .collect(),
        None => Err(Mismatch { asked }),
    }
}

fn reply(entry: &Value) -> Option<Reply> {
    let response = entry.get("response")?;
    let text = |name: &str| response.get(name).and_then(Value::as_str).map(str::to_owned);
    let status = text("status")?;
    let status: u16 = status.split_whitespace().next()?.parse().ok()?;
    let body = entry.get("resource").or_else(|| response.get("outcome"));
    Some(Reply {
        status,
        etag: text("etag"),
        location: text("location"),
        body: body.cloned(),
    })
}
