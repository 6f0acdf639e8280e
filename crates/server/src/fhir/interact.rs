//! Single interactions with their access check and their audit event, inside a transaction or a snapshot.

use super::patch::JsonPatch;
use super::query::{Include, SearchQuery};
use super::{signature, Problem};
use crate::audit::{AuditAction, AuditEntry};
use crate::auth::links;
use crate::auth::policy::{self, Action, Decision};
use crate::auth::standing::{standings, Subject};
use crate::auth::Actor;
use crate::db::sqlite::table;
use crate::db::sqlite::table::search::Visible;
use crate::db::{DbError, Precondition, Prepared, Put, Stored, Tx};
use hms_fhir::Subset;
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a create did.
#[derive(Debug)]
pub enum Created {
    /// A new resource.
    New(Put),
    /// The condition of a conditional create found this one; nothing was stored.
    Existing(Box<Stored>),
}

/// Whether an actor may do something with a resource as it is, or as it is about to be.
///
/// # Errors
/// A failed statement.
pub fn allowed(conn: &Connection, actor: &Actor, action: Action, of: Subject<'_>) -> Result<bool, DbError> {
    let held = standings(conn, actor, of)?;
    Ok(policy::allow(actor, action, of.kind, &held) == Decision::Allow)
}

/// Whether an actor may read a stored version. Deletions keep the patient, so they can be judged too.
///
/// # Errors
/// A failed statement, or a damaged body.
pub fn may_read(conn: &Connection, actor: &Actor, stored: &Stored) -> Result<bool, DbError> {
    let body = stored.value()?;
    let of = Subject {
        kind: &stored.kind,
        id: &stored.id,
        patient: stored.patient.as_deref(),
        body: &body,
    };
    allowed(conn, actor, Action::Read, of)
}

/// Creates a resource. `if_none_exist` is the search of a conditional create.
///
/// # Errors
/// [`Problem`].
pub fn create(
    tx: &mut Tx<'_>,
    actor: &Actor,
    resource: Prepared,
    if_none_exist: Option<&SearchQuery>,
) -> Result<Created, Problem> {
    create_as(tx, actor, resource, if_none_exist, crate::random::id())
}

/// [`create`] with an id that was chosen before, because other resources refer to it already.
///
/// # Errors
/// [`Problem`].
pub fn create_as(
    tx: &mut Tx<'_>,
    actor: &Actor,
    resource: Prepared,
    if_none_exist: Option<&SearchQuery>,
    id: String,
) -> Result<Created, Problem> {
    if let Some(query) = if_none_exist {
        if let Some(existing) = only_match(tx.conn(), actor, query)? {
            if !may_read(tx.conn(), actor, &existing)? {
                return Err(Problem::Denied);
            }
            tx.audit(&entry(
                actor,
                AuditAction::Read,
                "read",
                &existing.kind,
                &existing.id,
                existing.patient.clone(),
            ))?;
            return Ok(Created::Existing(Box::new(existing)));
        }
    }
    let resource = resource.with_id(id);
    Ok(Created::New(store(tx, actor, resource, Precondition::Absent)?))
}

/// Stores a resource under the id it names: creates it where it is not there, replaces it where it is.
///
/// # Errors
/// [`Problem`].
pub fn update(
    tx: &mut Tx<'_>,
    actor: &Actor,
    resource: Prepared,
    precondition: Precondition,
) -> Result<Put, Problem> {
    store(tx, actor, resource, precondition)
}

/// Deletes a resource; deleting what is not there is no error.
///
/// # Errors
/// [`Problem`].
pub fn delete(
    tx: &mut Tx<'_>,
    actor: &Actor,
    kind: &str,
    id: &str,
    version: Option<i64>,
) -> Result<Option<Put>, Problem> {
    if policy::granted(actor, Action::Delete, kind).is_empty() {
        return Err(Problem::Denied);
    }
    let Some(before) = tx.get(kind, id)?.filter(|s| !s.deleted) else {
        return Ok(tx.delete(kind, id, version)?);
    };
    let body = before.value()?;
    let of = Subject {
        kind,
        id,
        patient: before.patient.as_deref(),
        body: &body,
    };
    if !allowed(tx.conn(), actor, Action::Delete, of)? {
        return Err(Problem::NotFound);
    }
    if policy::content_allowed(actor, kind, Some(&body), None) == Decision::Deny {
        return Err(Problem::Denied);
    }
    let done = tx.delete(kind, id, version)?;
    tx.audit(&entry(
        actor,
        AuditAction::Delete,
        "delete",
        kind,
        id,
        before.patient,
    ))?;
    Ok(done)
}

fn store(
    tx: &mut Tx<'_>,
    actor: &Actor,
    resource: Prepared,
    precondition: Precondition,
) -> Result<Put, Problem> {
    let kind = resource.kind().to_owned();
    let id = resource.id().unwrap_or_default().to_owned();
    let patient = resource.patient().map(str::to_owned);
    let before = tx.get(&kind, &id)?.filter(|s| !s.deleted);
    // A create that finds its id taken is no update, whoever may update: it is a create sent again.
    let action = if before.is_some() && precondition != Precondition::Absent {
        Action::Update
    } else {
        Action::Create
    };
    if policy::granted(actor, action, &kind).is_empty() {
        return Err(Problem::Denied);
    }
    let before_body = before.as_ref().map(Stored::value).transpose()?;
    if let (Some(stored), Some(body)) = (&before, &before_body) {
        // Whoever may not touch it as it is must not learn that it is there, nor take it over.
        let of = Subject {
            kind: &kind,
            id: &id,
            patient: stored.patient.as_deref(),
            body,
        };
        if !allowed(tx.conn(), actor, action, of)? {
            return Err(Problem::NotFound);
        }
        if precondition == Precondition::Absent {
            return Err(Problem::Precondition);
        }
        if kind == "Composition" && body.get("status").and_then(Value::as_str) == Some("final") {
            // Not a matter of rights: nobody changes what is signed.
            return Err(Problem::Conflict("signed"));
        }
    }
    // Judged before it is stored: a resource must not open the door to itself.
    let after = Subject {
        kind: &kind,
        id: &id,
        patient: patient.as_deref(),
        body: resource.body(),
    };
    // An entry about nobody that is closed is nobody's to open: who may change it as it is may close it.
    let closes = kind == "Task" && patient.is_none() && before.as_ref().is_some_and(|b| b.patient.is_none());
    if !(closes || allowed(tx.conn(), actor, action, after)?)
        || links::stray(tx.conn(), actor, resource.body())?
        || policy::content_allowed(actor, &kind, before_body.as_ref(), Some(resource.body()))
            == Decision::Deny
    {
        return Err(Problem::Denied);
    }
    if kind == "Composition" {
        signature::not_ahead(resource.body(), tx.now_ms()).map_err(Problem::Invalid)?;
    }
    let put = tx.put(resource, precondition)?;
    let (audit_action, word) = match action {
        Action::Create => (AuditAction::Create, "create"),
        Action::Read | Action::Update | Action::Delete => (AuditAction::Update, "update"),
    };
    tx.audit(&entry(actor, audit_action, word, &kind, &id, patient))?;
    Ok(put)
}

/// The one resource that a condition matches, among those that the actor may read: whether there are others is not
/// for them to find out.
pub(super) fn only_match(
    conn: &Connection,
    actor: &Actor,
    query: &SearchQuery,
) -> Result<Option<Stored>, Problem> {
    let visible = Visible {
        actor,
        standings: policy::granted(actor, Action::Read, &query.kind),
    };
    let mut found = table::search::page(
        conn,
        &SearchQuery {
            count: 1,
            ..query.clone()
        },
        &visible,
    )?;
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(Problem::Multiple),
    }
}

/// What a conditional interaction asks by; without criteria it would be about anything.
///
/// # Errors
/// [`Problem::Search`] for criteria that cannot be honoured, [`Problem::Bad`] where there are none.
pub fn condition(kind: &str, pairs: &[(String, String)]) -> Result<SearchQuery, Problem> {
    let query = SearchQuery::parse(kind, pairs)?;
    if query.criteria.is_empty() {
        return Err(Problem::Bad(
            "a conditional interaction needs criteria after the question mark".to_owned(),
        ));
    }
    Ok(query)
}

/// Updates the one resource that matches, or creates one where none does.
///
/// # Errors
/// [`Problem::Multiple`] where several match; [`Problem::Bad`] where the resource names another id than the match.
pub fn update_where(
    tx: &mut Tx<'_>,
    actor: &Actor,
    mut resource: Value,
    query: &SearchQuery,
    version: Option<i64>,
) -> Result<Put, Problem> {
    let named = resource.get("id").and_then(Value::as_str).map(str::to_owned);
    let found = only_match(tx.conn(), actor, query)?;
    let (id, precondition) = match (found, named, version) {
        (Some(found), Some(named), _) if named != found.id => {
            return Err(Problem::Bad(
                "the resource names another id than the one that the criteria match".to_owned(),
            ));
        }
        (Some(found), _, version) => (
            found.id,
            version.map_or(Precondition::None, Precondition::Version),
        ),
        (None, _, Some(_)) => return Err(Problem::Precondition),
        // An id that is taken by what does not match is not for this request to replace.
        (None, Some(named), None) => (named, Precondition::Absent),
        (None, None, None) => (crate::random::id(), Precondition::Absent),
    };
    if let Some(object) = resource.as_object_mut() {
        object.insert("id".to_owned(), Value::String(id));
    }
    store(tx, actor, Prepared::new(resource)?, precondition)
}

/// Deletes the one resource that matches, if any.
///
/// # Errors
/// [`Problem::Multiple`] where several match.
pub fn delete_where(
    tx: &mut Tx<'_>,
    actor: &Actor,
    query: &SearchQuery,
    version: Option<i64>,
) -> Result<Option<Put>, Problem> {
    if policy::granted(actor, Action::Delete, &query.kind).is_empty() {
        return Err(Problem::Denied);
    }
    match only_match(tx.conn(), actor, query)? {
        Some(found) => delete(tx, actor, &found.kind, &found.id, version),
        None if version.is_some() => Err(Problem::Precondition),
        None => Ok(None),
    }
}

/// Changes a resource by a JSON Patch, as it is at this moment.
///
/// # Errors
/// [`Problem::NotFound`] where the actor may not read it as well as change it: the outcome of a patch tells what is in it.
pub fn patch(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (kind, id): (&str, &str),
    patch: &JsonPatch,
    version: Option<i64>,
) -> Result<Put, Problem> {
    if policy::granted(actor, Action::Update, kind).is_empty() {
        return Err(Problem::Denied);
    }
    let before = tx.get(kind, id)?.ok_or(Problem::NotFound)?;
    if !may_read(tx.conn(), actor, &before)? {
        return Err(Problem::NotFound);
    }
    let body = self::body(&before)?;
    if version.is_some_and(|v| v != before.version) {
        return Err(Problem::Precondition);
    }
    let changed = patch.apply(body)?;
    let text = |key: &str| changed.get(key).and_then(Value::as_str);
    if text("resourceType") != Some(kind) || text("id") != Some(id) {
        return Err(Problem::Patch("a patch does not change the type or the id"));
    }
    store(
        tx,
        actor,
        Prepared::new(changed)?,
        Precondition::Version(before.version),
    )
}

/// What a search found.
#[derive(Debug)]
pub struct SearchPage {
    /// Matches, in order.
    pub matches: Vec<Stored>,
    /// What `_include` and `_revinclude` add.
    pub included: Vec<Stored>,
    /// All matches on all pages, where it was asked for or is known anyway.
    pub total: Option<u64>,
    /// Place of the next page.
    pub next: Option<i64>,
}

impl SearchPage {
    /// Keeps only the part of each match that was asked for.
    fn narrow(&mut self, part: Option<&Subset>) -> Result<(), DbError> {
        let Some(part) = part else { return Ok(()) };
        for stored in &mut self.matches {
            let narrowed = hms_fhir::subset(&stored.value()?, part);
            stored.body = Some(narrowed.to_string());
        }
        Ok(())
    }
}

/// Runs a search, narrowed to what the actor may see.
///
/// # Errors
/// [`Problem::Denied`] where the actor may see nothing of the type at all.
pub fn search(conn: &Connection, actor: &Actor, query: &SearchQuery) -> Result<SearchPage, Problem> {
    let granted = policy::granted(actor, Action::Read, &query.kind);
    if granted.is_empty() {
        return Err(Problem::Denied);
    }
    let visible = Visible {
        actor,
        standings: granted,
    };
    let counted = if query.total {
        Some(table::search::count(conn, query, &visible)?)
    } else {
        None
    };
    if query.count_only {
        return Ok(SearchPage {
            matches: Vec::new(),
            included: Vec::new(),
            total: counted,
            next: None,
        });
    }
    let mut matches = table::search::page(conn, query, &visible)?;
    let more = matches.len() > query.count;
    matches.truncate(query.count);
    let next = match (more, query.sort.is_empty()) {
        (false, _) => None,
        (true, true) => matches.last().map(|m| m.key),
        (true, false) => Some(query.page + i64::try_from(query.count).unwrap_or(0)),
    };
    let known = (query.page == 0 && !more).then_some(matches.len() as u64);
    let included = include(conn, actor, query, &matches)?;
    let mut page = SearchPage {
        matches,
        included,
        total: counted.or(known),
        next,
    };
    page.narrow(query.subset.as_ref())?;
    Ok(page)
}

fn include(
    conn: &Connection,
    actor: &Actor,
    query: &SearchQuery,
    matches: &[Stored],
) -> Result<Vec<Stored>, Problem> {
    let mut found: BTreeMap<i64, Stored> = BTreeMap::new();
    let mut add = |stored: Stored| -> Result<(), Problem> {
        let known = found.contains_key(&stored.key) || matches.iter().any(|m| m.key == stored.key);
        if !known && !stored.deleted && may_read(conn, actor, &stored)? {
            found.insert(stored.key, stored);
        }
        if found.len() > INCLUDED_AT_MOST {
            return Err(Problem::Search {
                param: "_include".to_owned(),
                why: "this would add more resources than a page may have; ask for fewer with _count",
            });
        }
        Ok(())
    };
    for include in &query.includes {
        for one in matches.iter().filter(|m| m.kind == include.source) {
            for (kind, id) in table::search::targets(conn, one.key, include)? {
                if wanted(include, &kind) {
                    if let Some(target) = table::resource::get(conn, &kind, &id)? {
                        add(target)?;
                    }
                }
            }
        }
    }
    for include in query.revincludes.iter().filter(|i| wanted(i, &query.kind)) {
        for one in matches {
            for referrer in table::search::referrers(conn, &one.kind, &one.id, include)? {
                add(referrer)?;
            }
        }
    }
    Ok(found.into_values().collect())
}

fn wanted(include: &Include, target: &str) -> bool {
    include.target.as_deref().is_none_or(|t| t == target)
}

/// Resources that `_include` and `_revinclude` add to a page, at most; then the search is refused, so that nobody takes a
/// part for all.
const INCLUDED_AT_MOST: usize = 2000;

/// Patients named apart in the audit of one search; more are counted together.
const PATIENTS_NAMED: usize = 50;

/// The audit events of a search: one for each patient whose data it gave out, so that each can see who read it.
#[must_use]
pub fn search_events(actor: &Actor, subtype: &'static str, kind: &str, given: &[&Stored]) -> Vec<AuditEntry> {
    let mut by_patient: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for stored in given {
        *by_patient.entry(stored.patient.as_deref()).or_default() += 1;
    }
    if by_patient.is_empty() || by_patient.len() > PATIENTS_NAMED {
        by_patient = BTreeMap::from([(None, given.len())]);
    }
    by_patient
        .into_iter()
        .map(|(patient, count)| AuditEntry {
            action: AuditAction::Execute,
            subtype,
            ok: true,
            agent: actor.audit_agent(),
            patient: patient.map(str::to_owned),
            entity: Some(kind.to_owned()),
            count: Some(count),
        })
        .collect()
}

/// The audit event of an interaction with one resource.
#[must_use]
pub fn entry(
    actor: &Actor,
    action: AuditAction,
    subtype: &'static str,
    kind: &str,
    id: &str,
    patient: Option<String>,
) -> AuditEntry {
    AuditEntry {
        action,
        subtype,
        ok: true,
        agent: actor.audit_agent(),
        patient,
        entity: Some(format!("{kind}/{id}")),
        count: None,
    }
}

/// The body of a stored version with what a reader expects, or why there is none.
///
/// # Errors
/// [`Problem::Gone`] for a deletion.
pub fn body(stored: &Stored) -> Result<Value, Problem> {
    if stored.deleted {
        return Err(Problem::Gone);
    }
    Ok(stored.value()?)
}
