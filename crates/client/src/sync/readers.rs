//! Who read the carrier's reports: the server's audit, asked after a sync and kept for reading offline.

use std::collections::BTreeMap;
use std::sync::Arc;

use hms_model::map::report as words;
use hms_model::role::Role;
use hms_model::view::ReaderView;
use hms_store::Store;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::client::Shared;
use crate::engine::Engine;
use crate::event::Tag;
use crate::net::{read_json, Fault, Tries};
use crate::views;

/// Reports that are asked about: the newest ones.
const REPORTS: usize = 3;

#[derive(Deserialize)]
struct WireBundle {
    #[serde(default)]
    entry: Vec<WireEntry>,
}

#[derive(Deserialize)]
struct WireEntry {
    resource: Value,
}

/// Asks for the newest reports, and keeps what is new.
pub(super) async fn refresh(shared: &Arc<Shared>, store: &Store) {
    let carrier = shared
        .ask(async |engine: &mut Engine| Ok(engine.identity.as_ref().map(|i| i.role) == Some(Role::Carrier)))
        .await;
    if !matches!(carrier, Ok(true)) {
        return;
    }
    let Ok(stored) = store.list("QuestionnaireResponse").await else {
        return;
    };
    let mut reports: Vec<(String, String)> = stored
        .iter()
        .filter(|s| !s.pending && words::is_report(&s.resource) && s.resource.get("subject").is_some())
        .filter_map(|s| {
            let text = |key: &str| views::text(&s.resource, &[key]).map(str::to_owned);
            Some((text("authored")?, text("id")?))
        })
        .collect();
    reports.sort_unstable_by(|a, b| b.cmp(a));
    tracing::debug!(
        stored = stored.len(),
        reports = reports.len(),
        "Looks who read the newest reports"
    );
    let known = store.meta_get(views::READERS).await.ok().flatten();
    let known: BTreeMap<String, Vec<ReaderView>> = known
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let mut now = known.clone();
    for (_, id) in reports.into_iter().take(REPORTS) {
        let key = format!("QuestionnaireResponse/{id}");
        match ask(shared, &key).await {
            Ok(readers) => {
                tracing::debug!(readers = readers.len(), "Asked who read a report");
                now.insert(key, readers);
            }
            Err(fault) => {
                tracing::debug!(%fault, "Who read a report is not known now");
                break;
            }
        }
    }
    if now == known {
        return;
    }
    let Ok(text) = serde_json::to_string(&now) else {
        return;
    };
    if store.meta_put(views::READERS, Some(text)).await.is_ok() {
        shared
            .tell(async |engine: &mut Engine| engine.changed(Tag::Reports))
            .await;
    }
}

async fn ask(shared: &Arc<Shared>, key: &str) -> Result<Vec<ReaderView>, Fault> {
    let make = |token: &_| {
        shared
            .http
            .request(Method::GET, "/fhir/AuditEvent", Some(token))
            .query(&[("action", "R"), ("entity", key), ("_count", "200")])
    };
    let bundle: WireBundle = read_json(shared.authorized(make, Tries::Quick).await?).await?;
    Ok(views::readers(
        bundle.entry.iter().map(|entry| &entry.resource),
        key,
    ))
}
