//! The data of this device lives on a second one: the server saw one number given to two changes. Whichever learns of it
//! goes on under an id of its own, after a sign-in. What waits goes again under the new id: the server answers what the
//! old id brought already by its content, so nothing is there twice.

use std::sync::Arc;

use hms_model::wire::sync::{WireResult, DEVICE_CLONED};
use serde_json::Value;

use super::Engine;
use crate::event::Tag;
use crate::vault::name;

/// Whether a result says so.
pub(crate) fn says_copied(result: &WireResult) -> bool {
    let issues = result.outcome.as_ref().and_then(|outcome| outcome.get("issue"));
    let said = |issue: &Value| issue.get("diagnostics").and_then(Value::as_str) == Some(DEVICE_CLONED);
    result.status == 421
        && issues
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(said))
}

impl Engine {
    /// Takes an id of its own. Where that cannot be kept, everything waits as it is, and it is tried again.
    pub(crate) async fn take_own_id(&mut self) {
        if self.copied {
            return;
        }
        let before = std::mem::replace(&mut self.prefs.device, uuid::Uuid::new_v4().to_string());
        if let Err(error) = self.write_prefs() {
            tracing::warn!(cause = %error.chain(), "A device id of its own could not be kept");
            self.prefs.device = before;
            return;
        }
        tracing::warn!("Another device sends under this one's id; this one takes another");
        self.shared.device.change(&self.prefs.device);
        self.copied = true;
        self.shared.tokens.forget().await;
        let vault = Arc::clone(&self.shared.vault);
        let removed = tokio::task::spawn_blocking(move || vault.remove(name::TOKENS)).await;
        if !matches!(removed, Ok(Ok(()))) {
            // They were given to the old id: the server does not take them for the new one.
            tracing::warn!("The tokens of the old id could not be removed");
        }
        if let Some(task) = self.signalling.take() {
            task.abort();
        }
        self.changed(Tag::App);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_word_changes_the_id() {
        let result = |status, words: &str| WireResult {
            op: 1,
            status,
            version: None,
            receipt: None,
            outcome: Some(hms_fhir::outcome::error("duplicate", words)),
        };
        assert!(says_copied(&result(421, DEVICE_CLONED)));
        assert!(!says_copied(&result(409, DEVICE_CLONED)));
        assert!(!says_copied(&result(421, "misdirected")));
    }
}
