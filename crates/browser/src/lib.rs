//! The core in a browser: the staff page asks in JSON and is answered in JSON. What a call does, what a link carries, what a
//! queue and a chart show is decided by the same code as in the app; the page only fetches, draws and holds the connection.

mod call;
#[cfg(target_arch = "wasm32")]
mod door;
mod pages;

use serde::Deserialize;
use serde_json::{json, Value};

/// What the page asks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ask {
    Call(call::Ask),
    Page(pages::Ask),
}

/// The core of one page.
#[derive(Default)]
pub struct Core {
    call: call::CallCore,
}

impl Core {
    /// Answers one question; `{"error": …}` where it is none.
    pub fn answer(&mut self, question: &str) -> String {
        let answer = match serde_json::from_str(question) {
            Ok(Ask::Call(ask)) => self.call.answer(ask),
            Ok(Ask::Page(ask)) => pages::answer(ask),
            // What was asked may hold health data: only where it went wrong is told.
            Err(error) => {
                json!({ "error": format!("not a question, line {} column {}", error.line(), error.column()) })
            }
        };
        answer.to_string()
    }
}

/// A view as JSON; views have no maps with other keys than text, so this cannot fail.
fn shown(view: &impl serde::Serialize) -> Value {
    serde_json::to_value(view).unwrap_or(Value::Null)
}
