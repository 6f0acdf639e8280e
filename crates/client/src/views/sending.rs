//! Where each entry is on its way: from outbox rows, receipts, the batch under way and those who read it.

use std::collections::BTreeMap;

use hms_core::metered::Go;
use hms_core::send_state::{send_state, Evidence, Reader, Waiting};
use hms_model::map::report::is_report;
use hms_model::view::{ReaderView, SendState};
use hms_model::wire::sync::WireReceipt;
use hms_store::{OutboxRow, Store, StoreError};
use hms_views::{receipt_of, Progress};
use serde_json::Value;

use crate::sabotage::broken;
use crate::sync::UploadNow;

use super::{moment, reference_id, text};

/// What is known of entries on their way.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    pub(crate) rows: Vec<OutboxRow>,
    receipts: BTreeMap<String, WireReceipt>,
    /// Numbers of the changes that are being sent now, in order.
    batch: Vec<i64>,
    /// Photos and recordings whose bytes the server does not have.
    uploads: BTreeMap<String, Go>,
    /// The one that goes up now.
    uploading: Option<UploadNow>,
    /// Who read what, as the server said last.
    readers: BTreeMap<String, Vec<ReaderView>>,
}

/// Name under which the store keeps who read what.
pub(crate) const READERS: &str = "readers";

impl Sending {
    /// Reads it from the store.
    pub(crate) async fn load(
        store: &Store,
        batch: Vec<i64>,
        uploads: BTreeMap<String, Go>,
        uploading: Option<UploadNow>,
    ) -> Result<Self, StoreError> {
        let receipts = store
            .receipts()
            .await?
            .into_iter()
            .map(|row| (row.id, row.receipt))
            .collect();
        let readers = store.meta_get(READERS).await?;
        let readers = readers
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        Ok(Self {
            rows: store.outbox().await?,
            receipts,
            batch,
            uploads,
            uploading,
            readers,
        })
    }

    /// The receipt of a report: as it was given here, or as the record itself carries it on another device.
    pub(crate) fn receipt(&self, id: &str, resource: Option<&Value>) -> Option<WireReceipt> {
        if broken("receipt") {
            return None;
        }
        let own = || receipt_of(resource?);
        self.receipts.get(id).cloned().or_else(own)
    }
}

impl Progress for Sending {
    fn readers(&self, id: &str) -> Vec<ReaderView> {
        self.readers.get(id).cloned().unwrap_or_default()
    }

    fn state(&self, id: &str, resource: Option<&Value>, readers: &[ReaderView]) -> SendState {
        let rows: Vec<&OutboxRow> = self.rows.iter().filter(|row| row.id == id).collect();
        let upload = id
            .strip_prefix("DocumentReference/")
            .filter(|id| self.uploads.contains_key(*id));
        let parts = upload.and_then(|id| self.uploading.as_ref()?.parts_of(id));
        let mut waiting: Vec<Waiting> = rows
            .iter()
            .map(|row| Waiting {
                tried_at: row.tried_at,
                not_before: row.not_before,
                stuck: row.stuck.clone(),
                absent: row.absent,
            })
            .collect();
        // Its words go first, over any link.
        let costs =
            rows.is_empty() && upload.and_then(|id| self.uploads.get(id)) == Some(&Go::WaitsForFreeLink);
        if upload.is_some() && waiting.is_empty() {
            waiting.push(Waiting {
                tried_at: None,
                not_before: hms_model::time::Timestamp(0),
                stuck: None,
                absent: false,
            });
        }
        let of = u32::try_from(self.batch.len()).unwrap_or(u32::MAX);
        let number = rows
            .iter()
            .find_map(|row| self.batch.iter().position(|op| *op == row.op));
        let changed = resource.and_then(|r| moment(r, &["meta", "lastUpdated"]));
        send_state(&Evidence {
            waiting,
            sending: number
                .and_then(|at| u32::try_from(at + 1).ok())
                .map(|at| (at, of))
                .or(parts),
            waits_for_free_link: costs,
            numbered: resource.is_some_and(is_report),
            receipt: self.receipt(id, resource),
            stored_at: changed,
            // The first who opened it.
            reader: readers.last().map(|reader| Reader {
                role: reader.role.clone(),
                name: reader.name.clone(),
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "milliseconds since 1970 are whole and below 2^53"
                )]
                at: hms_model::time::Timestamp(reader.at as i64),
            }),
            ..Evidence::default()
        })
    }
}

/// Clinicians and nurses who read a record, newest first, each person once with their first look.
pub(crate) fn readers<'a>(events: impl Iterator<Item = &'a Value>, id: &str) -> Vec<ReaderView> {
    let mut first: BTreeMap<(String, String), f64> = BTreeMap::new();
    for event in events.filter(|event| text(event, &["action"]) == Some("R")) {
        let about = event
            .get("entity")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let (kind, wanted) = id.split_once('/').unwrap_or_default();
        if !about
            .filter_map(|e| e.get("what"))
            .any(|what| reference_id(what, kind) == Some(wanted))
        {
            continue;
        }
        let Some(agent) = event.get("agent").and_then(|a| a.get(0)) else {
            continue;
        };
        let role = agent
            .get("role")
            .and_then(|r| r.get(0)?.get("coding")?.get(0)?.get("code")?.as_str());
        let Some(role @ ("clinician" | "nurse")) = role else {
            continue;
        };
        let name = text(agent, &["who", "display"]).unwrap_or_default();
        let Some(at) = moment(event, &["recorded"]) else {
            continue;
        };
        let seen = first
            .entry((role.to_owned(), name.to_owned()))
            .or_insert(at.as_f64());
        *seen = seen.min(at.as_f64());
    }
    let mut readers: Vec<ReaderView> = first
        .into_iter()
        .map(|((role, name), at)| ReaderView { name, role, at })
        .collect();
    readers.sort_by(|a, b| b.at.total_cmp(&a.at));
    readers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(name: &str, role: &str, at: &str) -> Value {
        json!({
            "resourceType": "AuditEvent", "id": at, "action": "R", "recorded": at,
            "agent": [{ "role": [{ "coding": [{ "code": role }] }], "who": { "display": name } }],
            "entity": [{ "what": { "reference": "Patient/dana" } }, { "what": { "reference": "QuestionnaireResponse/r1" } }],
        })
    }

    #[test]
    fn readers_are_named_once_and_only_those_who_care_for_people() {
        let events = [
            read("M. Alvarez", "clinician", "2026-11-21T17:10:00.000Z"),
            read("M. Alvarez", "clinician", "2026-11-21T17:08:00.000Z"),
            read("Ada", "nurse", "2026-11-21T17:09:00.000Z"),
            read("Dana", "carrier", "2026-11-21T17:07:00.000Z"),
        ];

        let found = readers(events.iter(), "QuestionnaireResponse/r1");

        let names: Vec<&str> = found.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["Ada", "M. Alvarez"]);
        let state = Sending::default().state("QuestionnaireResponse/r1", None, &found);
        assert!(matches!(state, SendState::Seen { by_name, .. } if by_name == "M. Alvarez"));
    }
}
