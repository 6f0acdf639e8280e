//! `POST /fhir/$hms-sync-digest`: whether a device holds what its person may hold, and single records again.

use super::coded::Codings;
use super::fhir::FhirAnswer;
use super::sync;
use crate::app::App;
use crate::audit::{AuditAction, AuditEntry};
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::DbError;
use crate::fhir::Problem;
use crate::service::sync::cursor::{scope_hash, Cursor};
use crate::service::sync::digest::{self, Compared};
use crate::service::sync::EPOCH;
use axum::body::{to_bytes, Body};
use axum::extract::State;
use axum::http::HeaderMap;
use hms_core::sync::digest::Leaves;
use hms_model::wire::digest::{WireDigest, WireDigestAsk};
use hms_model::wire::sync::WireChange;
use std::collections::HashSet;

/// The longest request: [`MOST_RECORDS`] names.
const LONGEST_BODY: usize = 64 * 1024;
/// Records in one request.
const MOST_RECORDS: usize = 500;

/// The sums compared, or records by their names.
pub(super) async fn answer(
    State(app): State<App>,
    actor: Actor,
    headers: HeaderMap,
    body: Body,
) -> FhirAnswer {
    let codings = Codings::of(&headers)?;
    // Its person's only, and from where they signed in: as the exchange itself.
    sync::device(&app, &actor, &headers).await?;
    let bytes = to_bytes(codings.unpack(body, LONGEST_BODY), LONGEST_BODY).await;
    let ask: Option<WireDigestAsk> = bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let ask = ask.filter(|ask| ask.records.len() <= MOST_RECORDS);
    let ask = ask.ok_or_else(|| Problem::Bad("the line is not one of a digest".to_owned()))?;
    let text = match &ask.leaves {
        Some(leaves) => {
            let leaves =
                Leaves::parse(leaves).ok_or_else(|| Problem::Bad("leaves are not 256 sums".to_owned()))?;
            compared(&app, actor, &ask, leaves).await?
        }
        None => records(&app, actor, ask.records).await?,
    };
    let answer = sync::ndjson(Body::from(text));
    Ok(sync::named(&headers, codings.pack(answer).await))
}

async fn compared(app: &App, actor: Actor, ask: &WireDigestAsk, theirs: Leaves) -> Result<String, Problem> {
    let scope = scope_hash(&actor, &ask.scope);
    let asked = ask.cursor.clone();
    let who = actor.clone();
    let found = app
        .db
        .read(move |read| -> Result<Compared, DbError> {
            let epoch = table::kv::get(read.conn(), EPOCH)?.unwrap_or_default();
            let head = table::version::last_seq(read.conn())?;
            let (cursor, anew) = Cursor::resume(asked.as_deref(), &epoch, &scope, head);
            let known = anew.is_none() && asked.is_some();
            digest::compare(read.conn(), &who, known.then_some(&cursor), &theirs)
        })
        .await?;
    let count = usize::try_from(found.end.records).unwrap_or(usize::MAX);
    note(app, &actor, HashSet::new(), Some(count)).await?;
    let mut text = sync::lines(&found.leaves);
    text.push_str(&sync::lines(&[found.end]));
    Ok(text)
}

async fn records(app: &App, actor: Actor, ids: Vec<String>) -> Result<String, Problem> {
    let who = actor.clone();
    let (changes, patients) = app
        .db
        .read(move |read| digest::records(read.conn(), &who, &ids))
        .await?;
    note(app, &actor, patients, None).await?;
    let end = WireDigest {
        behind: false,
        records: u32::try_from(changes.len()).unwrap_or(u32::MAX),
        differ: 0,
    };
    let changes: Vec<WireChange> = changes.into_iter().map(|change| WireChange { change }).collect();
    let mut text = sync::lines(&changes);
    text.push_str(&sync::lines(&[end]));
    Ok(text)
}

/// Audited before anything is sent: each patient whose data it is, or the comparison as such.
async fn note(
    app: &App,
    actor: &Actor,
    patients: HashSet<String>,
    compared: Option<usize>,
) -> Result<(), DbError> {
    let agent = actor.audit_agent();
    let entry = move |patient, count| AuditEntry {
        action: AuditAction::Read,
        subtype: "search-system",
        ok: true,
        agent: agent.clone(),
        patient,
        entity: Some("$hms-sync-digest".to_owned()),
        count,
    };
    app.db
        .write(move |tx| {
            if compared.is_some() {
                tx.audit(&entry(None, compared))?;
            }
            for patient in patients {
                tx.audit(&entry(Some(patient), None))?;
            }
            Ok(())
        })
        .await
}
