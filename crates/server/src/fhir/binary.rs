//! Bytes as a Binary, and back.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::{json, Value};

/// Raw bytes as a resource; `context` is the reference by whose rights they are read.
#[must_use]
pub fn resource(media: &str, context: Option<&str>, bytes: &[u8]) -> Value {
    let mut binary = json!({"resourceType": "Binary", "contentType": media, "data": STANDARD.encode(bytes)});
    if let (Some(context), Some(object)) = (context, binary.as_object_mut()) {
        object.insert("securityContext".to_owned(), json!({"reference": context}));
    }
    binary
}

/// The bytes of a resource; `None` where they cannot be read.
#[must_use]
pub fn bytes_of(binary: &Value) -> Option<Vec<u8>> {
    let text = binary.get("data").and_then(Value::as_str).unwrap_or_default();
    STANDARD.decode(text).ok()
}
