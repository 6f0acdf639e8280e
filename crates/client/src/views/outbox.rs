//! "Waiting to send": one line for each thing a person made, not for each record.

use hms_model::map::report as words;
use hms_model::view::{OutboxItemView, SendState};

use hms_views::Progress as _;

use super::{Records, Sending};

/// What the server has not acknowledged, oldest first. `uploads` are photos whose words it has already.
pub(crate) fn outbox(
    sending: &Sending,
    records: &Records,
    uploads: impl Iterator<Item = (String, f64)>,
) -> Vec<OutboxItemView> {
    let mut items: Vec<OutboxItemView> = Vec::new();
    for row in &sending.rows {
        // The queue entry travels with its report, the answers with their check: one line says both.
        let led = |kind: &str| {
            sending
                .rows
                .iter()
                .any(|r| r.group == row.group && r.op != row.op && r.kind == kind)
        };
        let follows = (row.kind == "task" && led("report")) || (row.id.ends_with("-answers") && led("check"));
        let id = row
            .id
            .split_once('/')
            .map_or(row.id.as_str(), |(_, id)| id)
            .to_owned();
        if follows || items.iter().any(|item| item.id == id) {
            continue;
        }
        let what = row
            .body
            .as_ref()
            .and_then(|body| words::from_fhir(body).ok())
            .map(|report| report.what);
        items.push(OutboxItemView {
            id,
            kind: row.kind.clone(),
            what,
            made_at: row.made_at.as_f64(),
            send: sending.state(&row.id, None, &[]),
        });
    }
    for (id, made_at) in uploads {
        if !items.iter().any(|item| item.id == id) {
            let key = format!("DocumentReference/{id}");
            let send = sending.state(&key, records.get("DocumentReference", &id), &[]);
            items.push(OutboxItemView {
                id,
                kind: "photo".to_owned(),
                what: None,
                made_at,
                send,
            });
        }
    }
    items
}

/// A line for what only the sealed journal holds.
pub(crate) fn sealed(
    id: &str,
    what: Option<hms_model::report::WhatHappened>,
    made_at: f64,
    kind: &str,
) -> OutboxItemView {
    OutboxItemView {
        id: id.to_owned(),
        kind: kind.to_owned(),
        what,
        made_at,
        send: SendState::Queued {
            tried_at: None,
            next_at: None,
            sealed: true,
            waits_for_free_link: false,
        },
    }
}
