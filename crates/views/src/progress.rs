//! Where each entry is on its way to the server.

use hms_core::send_state::{send_state, Evidence};
use hms_model::map::report::{is_report, receipt_number};
use hms_model::view::{ReaderView, SendState};
use hms_model::wire::sync::WireReceipt;
use serde_json::Value;

use super::{moment, text};

/// Who knows where entries are. An app's outbox does; a page without one has only what the server has.
pub trait Progress {
    /// State of one record. `id` is `Type/id`; the record and its readers may be known or not.
    fn state(&self, id: &str, resource: Option<&Value>, readers: &[ReaderView]) -> SendState;
    /// Clinicians and nurses who read a record, newest first.
    fn readers(&self, id: &str) -> Vec<ReaderView>;
}

/// All that is shown came from the server.
#[derive(Debug, Clone, Copy, Default)]
pub struct AtServer;

impl Progress for AtServer {
    fn state(&self, _id: &str, resource: Option<&Value>, _readers: &[ReaderView]) -> SendState {
        send_state(&Evidence {
            numbered: resource.is_some_and(is_report),
            receipt: resource.and_then(receipt_of),
            stored_at: resource.and_then(|r| moment(r, &["meta", "lastUpdated"])),
            ..Evidence::default()
        })
    }

    fn readers(&self, _id: &str) -> Vec<ReaderView> {
        Vec::new()
    }
}

/// The receipt that a report itself carries.
#[must_use]
pub fn receipt_of(resource: &Value) -> Option<WireReceipt> {
    let number = receipt_number(resource)?.to_owned();
    let at = text(resource, &["meta", "lastUpdated"]).unwrap_or_default();
    Some(WireReceipt {
        number,
        at: at.to_owned(),
    })
}
