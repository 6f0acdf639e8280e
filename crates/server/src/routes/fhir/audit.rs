//! Read and search of AuditEvents. They are kept in their own chain, so they have their own parameters.

use super::answer::{self, FhirAnswer};
use super::search::address;
use crate::app::App;
use crate::audit::AuditAction;
use crate::auth::policy::{self, Action, Standing};
use crate::auth::Actor;
use crate::db::sqlite::table::audit::{self, AuditQuery};
use crate::db::{DbError, Tx};
use crate::fhir::{interact, Problem};
use crate::routes::outcome::fhir_json;
use axum::http::StatusCode;
use hms_fhir::bundle::{Found, FoundMode};
use hms_fhir::parse_date_range;
use serde_json::Value;

/// The search parameters that there are, for the CapabilityStatement.
pub(super) const PARAMS: [&str; 6] = ["_id", "action", "agent", "date", "entity", "patient"];

const DEFAULT_COUNT: i64 = 50;
const MAX_COUNT: i64 = 1000;

pub(super) async fn read(app: &App, actor: &Actor, id: &str) -> FhirAnswer {
    let granted = policy::granted(actor, Action::Read, "AuditEvent");
    if granted.is_empty() {
        return Err(Problem::Denied);
    }
    let wanted = id.to_owned();
    let found = app.db.read(move |read| audit::get(read.conn(), &wanted)).await?;
    let own = actor.patient().map(|p| p.to_string());
    let (_, patient, body) = found.ok_or(Problem::NotFound)?;
    let all = granted.contains(&Standing::Unrelated);
    if !all && (own.is_none() || patient != own) {
        return Err(Problem::NotFound);
    }
    let event = interact::entry(actor, AuditAction::Read, "read", "AuditEvent", id, None);
    app.db.write(move |tx: &mut Tx<'_>| tx.audit(&event)).await?;
    Ok(fhir_json(StatusCode::OK, &shown(parse_body(&body)?, all)))
}

pub(super) async fn search(app: &App, actor: &Actor, pairs: &[(String, String)]) -> FhirAnswer {
    let granted = policy::granted(actor, Action::Read, "AuditEvent");
    if granted.is_empty() {
        return Err(Problem::Denied);
    }
    let (mut query, applied) = parse(pairs)?;
    let all = granted.contains(&Standing::Unrelated);
    if !all {
        // "Who read my report": only what is about the person.
        let own = actor.patient().ok_or(Problem::Denied)?.to_string();
        if query.patient.as_ref().is_some_and(|asked| *asked != own) {
            return Err(Problem::Denied);
        }
        query.patient = Some(own);
    }
    let asked = AuditQuery {
        limit: query.limit + 1,
        ..query.clone()
    };
    let mut rows = app
        .db
        .read(move |read| audit::search(read.conn(), &asked))
        .await?;
    let more = rows.len() > usize::try_from(query.limit).unwrap_or(usize::MAX);
    rows.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|(idx, _, _)| *idx);

    let base = answer::base(app);
    let found = rows
        .iter()
        .map(|(_, _, body)| {
            let resource = shown(parse_body(body)?, all);
            let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
            Ok(Found {
                full_url: format!("{base}AuditEvent/{id}"),
                mode: FoundMode::Match,
                resource,
            })
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    let link = |page: Option<i64>| {
        let extra = page.map(|idx| ("_page".to_owned(), idx.to_string()));
        address(&base, "AuditEvent", applied.iter().cloned().chain(extra))
    };
    let mut links = vec![("self", link(query.before))];
    links.extend(next.map(|idx| ("next", link(Some(idx)))));
    // The look at the audit is itself in the audit, but not as an access to the person's data.
    let mut events = interact::search_events(actor, "search-type", "AuditEvent", &[]);
    for event in &mut events {
        event.count = Some(found.len());
    }
    app.db
        .write(move |tx: &mut Tx<'_>| -> Result<(), DbError> {
            events.iter().try_for_each(|event| tx.audit(event))
        })
        .await?;
    Ok(answer::bundle(&hms_fhir::bundle::searchset(None, &links, found)))
}

fn parse(pairs: &[(String, String)]) -> Result<(AuditQuery, Vec<(String, String)>), Problem> {
    let mut query = AuditQuery {
        limit: DEFAULT_COUNT,
        ..AuditQuery::default()
    };
    let mut applied = Vec::new();
    for (name, value) in pairs {
        let bad = |why| Problem::Search {
            param: name.clone(),
            why,
        };
        match name.as_str() {
            "_id" => query.id = Some(value.clone()),
            "patient" => query.patient = Some(value.trim_start_matches("Patient/").to_owned()),
            "agent" if value.contains('/') => query.agent = Some(value.clone()),
            "agent" => return Err(bad("Type/id is needed")),
            "entity" if value.contains('/') => query.entity = Some(value.clone()),
            "entity" => return Err(bad("Type/id is needed")),
            "action" => query.action = Some(value.rsplit('|').next().unwrap_or_default().to_owned()),
            "date" => {
                let prefix = value.get(..2).unwrap_or_default();
                let text = value
                    .strip_prefix(prefix)
                    .filter(|_| matches!(prefix, "ge" | "le" | "eq"))
                    .unwrap_or(value);
                let (start, end) = parse_date_range(text)
                    .ok_or_else(|| bad("a date, with ge or le or nothing before it"))?;
                if prefix != "le" {
                    query.from = Some(start);
                }
                if prefix != "ge" {
                    query.to = Some(end);
                }
            }
            "_count" => {
                query.limit = value
                    .parse::<i64>()
                    .map_err(|_| bad("not a number"))?
                    .clamp(1, MAX_COUNT)
            }
            "_sort" if value == "-date" => {}
            "_page" => query.before = Some(value.parse().map_err(|_| bad("not a page of this search"))?),
            "_format" => {}
            _ => return Err(bad("unknown search parameter for this type")),
        }
        if name != "_page" {
            applied.push((name.clone(), value.clone()));
        }
    }
    Ok((query, applied))
}

/// An event as its reader may see it: on which device somebody read is for those who look into misuse, not for the
/// person; the id of a device is half of a sign-in on it.
fn shown(mut event: Value, all: bool) -> Value {
    let agents = event.get_mut("agent").and_then(Value::as_array_mut);
    for agent in agents.into_iter().flatten().filter_map(Value::as_object_mut) {
        if !all {
            agent.shift_remove("network");
        }
    }
    event
}

fn parse_body(body: &str) -> Result<Value, Problem> {
    serde_json::from_str(body).map_err(|e| Problem::Db(DbError::Body(e)))
}
