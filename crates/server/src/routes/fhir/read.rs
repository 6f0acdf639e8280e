//! Read and vread.

use super::answer::{self, FhirAnswer};
use super::{audit, binary};
use crate::app::App;
use crate::audit::AuditAction;
use crate::auth::policy::{self, Action};
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::{Read, Stored, Tx};
use crate::fhir::query::{pairs, part_of_read};
use crate::fhir::transaction::etag;
use crate::fhir::{interact, Problem};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> FhirAnswer {
    let part = part_of_read(&kind, &pairs(&query.unwrap_or_default()))?;
    if kind == "AuditEvent" {
        return audit::read(&app, &actor, &id).await;
    }
    let mut stored = give(&app, actor, kind, id, |read, kind, id| read.get(kind, id)).await?;
    let current = etag(stored.version);
    if answer::if_none_match(&headers) == Some(current.as_str()) && !stored.deleted {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        answer::version_headers(response.headers_mut(), stored.version, stored.last_updated);
        return Ok(response);
    }
    if let (Some(part), false) = (part, stored.deleted) {
        stored.body = Some(hms_fhir::subset(&stored.value()?, &part).to_string());
        return answer::stored(&stored);
    }
    if stored.kind == "Binary" && binary::wants_bytes(&headers) {
        return binary::bytes(&stored);
    }
    answer::stored(&stored)
}

pub(super) async fn vread(
    State(app): State<App>,
    actor: Actor,
    Path((kind, id, version)): Path<(String, String, i64)>,
) -> FhirAnswer {
    let stored = give(&app, actor, kind, id, move |read, kind, id| {
        table::version::get(read.conn(), kind, id, version)
    })
    .await?;
    answer::stored(&stored)
}

/// Reads a version for an actor. Its audit event is durable before the answer leaves; readers that wait
/// at the same time share one commit.
async fn give(
    app: &App,
    actor: Actor,
    kind: String,
    id: String,
    find: impl FnOnce(&Read<'_>, &str, &str) -> Result<Option<Stored>, crate::db::DbError> + Send + 'static,
) -> Result<Stored, Problem> {
    if policy::granted(&actor, Action::Read, &kind).is_empty() {
        return Err(Problem::Denied);
    }
    let (who, of_kind, of_id) = (actor.clone(), kind.clone(), id.clone());
    let (found, allowed) = app
        .db
        .read(move |read| -> Result<(Option<Stored>, bool), Problem> {
            let found = find(read, &of_kind, &of_id)?;
            let allowed = match &found {
                Some(stored) => interact::may_read(read.conn(), &who, stored)?,
                None => false,
            };
            Ok((found, allowed))
        })
        .await?;
    let stored = found.ok_or(Problem::NotFound)?;
    let mut event = interact::entry(
        &actor,
        AuditAction::Read,
        "read",
        &kind,
        &id,
        stored.patient.clone(),
    );
    event.ok = allowed;
    app.db.write(move |tx: &mut Tx<'_>| tx.audit(&event)).await?;
    if allowed {
        Ok(stored)
    } else {
        Err(Problem::NotFound)
    }
}
