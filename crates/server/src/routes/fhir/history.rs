//! Histories of a resource, a type, and everything.

use super::answer::{self, FhirAnswer};
use super::search::address;
use crate::app::App;
use crate::auth::policy::{self, Action};
use crate::auth::Actor;
use crate::db::sqlite::table::version::{self, HistoryQuery};
use crate::db::{is_stored_type, Stored, Tx};
use crate::fhir::query::pairs;
use crate::fhir::transaction::etag;
use crate::fhir::{interact, Problem};
use axum::extract::{Path, RawQuery, State};
use hms_fhir::bundle::Version;
use hms_fhir::parse_date_range;
use hms_model::time::Timestamp;

/// Versions on a page unless asked otherwise, and at most.
const DEFAULT_COUNT: usize = 100;
const MAX_COUNT: usize = 1000;

pub(super) async fn system(State(app): State<App>, actor: Actor, RawQuery(query): RawQuery) -> FhirAnswer {
    run(app, actor, None, None, query).await
}

pub(super) async fn of_type(
    State(app): State<App>,
    actor: Actor,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
) -> FhirAnswer {
    run(app, actor, Some(kind), None, query).await
}

pub(super) async fn of_instance(
    State(app): State<App>,
    actor: Actor,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> FhirAnswer {
    run(app, actor, Some(kind), Some(id), query).await
}

async fn run(
    app: App,
    actor: Actor,
    kind: Option<String>,
    id: Option<String>,
    query: Option<String>,
) -> FhirAnswer {
    if let Some(kind) = &kind {
        if !is_stored_type(kind) {
            return Err(Problem::NotFound);
        }
        if policy::granted(&actor, Action::Read, kind).is_empty() {
            return Err(Problem::Denied);
        }
    }
    let (query, count, applied) = parse(kind, id, &pairs(&query.unwrap_or_default()))?;
    let (who, asked) = (actor.clone(), query.clone());
    let (versions, next) = app
        .db
        .read(move |read| page(read.conn(), &who, asked, count))
        .await?;
    if versions.is_empty() && query.id.is_some() && query.before_seq.is_none() && query.since.is_none() {
        return Err(Problem::NotFound);
    }
    let word = match (&query.kind, &query.id) {
        (Some(_), Some(_)) => "history-instance",
        (Some(_), None) => "history-type",
        (None, _) => "history-system",
    };
    let given: Vec<&Stored> = versions.iter().map(|(stored, _)| stored).collect();
    let about = match (&query.kind, &query.id) {
        (Some(kind), Some(id)) => format!("{kind}/{id}"),
        (Some(kind), None) => kind.clone(),
        (None, _) => "_history".to_owned(),
    };
    let events = interact::search_events(&actor, word, &about, &given);
    app.db
        .write(move |tx: &mut Tx<'_>| events.iter().try_for_each(|event| tx.audit(event)))
        .await?;
    let base = answer::base(&app);
    let path = if about == "_history" {
        about
    } else {
        format!("{about}/_history")
    };
    let link = |before: Option<i64>| {
        let extra = before.map(|seq| ("_page".to_owned(), seq.to_string()));
        address(&base, &path, applied.iter().cloned().chain(extra))
    };
    let mut links = vec![("self", link(query.before_seq))];
    links.extend(next.map(|seq| ("next", link(Some(seq)))));
    let total = versions.len() as u64;
    let entries = versions
        .into_iter()
        .map(|v| version_entry(&base, v))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(answer::bundle(&hms_fhir::bundle::history(total, &links, entries)))
}

type Applied = Vec<(String, String)>;

fn parse(
    kind: Option<String>,
    id: Option<String>,
    pairs: &[(String, String)],
) -> Result<(HistoryQuery, usize, Applied), Problem> {
    let mut query = HistoryQuery {
        kind,
        id,
        ..HistoryQuery::default()
    };
    let mut count = DEFAULT_COUNT;
    let mut applied = Vec::new();
    for (name, value) in pairs {
        let bad = |why| Problem::Search {
            param: name.clone(),
            why,
        };
        match name.as_str() {
            "_count" => {
                count = value
                    .parse::<usize>()
                    .map_err(|_| bad("not a number"))?
                    .clamp(1, MAX_COUNT)
            }
            "_since" => {
                query.since = Some(parse_date_range(value).ok_or_else(|| bad("not an instant"))?.0);
            }
            "_page" => query.before_seq = Some(value.parse().map_err(|_| bad("not a page of this history"))?),
            "_format" => {}
            _ => return Err(bad("unknown parameter of a history")),
        }
        if name != "_page" {
            applied.push((name.clone(), value.clone()));
        }
    }
    Ok((query, count, applied))
}

/// Versions with the methods that made them.
type Versions = Vec<(Stored, String)>;

/// Versions that the actor may read, and the place of the next page.
fn page(
    conn: &rusqlite::Connection,
    actor: &Actor,
    mut query: HistoryQuery,
    count: usize,
) -> Result<(Versions, Option<i64>), Problem> {
    let mut found = Vec::new();
    query.limit = 500;
    // What the actor may not see is skipped, so a page can take more than one look.
    loop {
        let looked = version::history(conn, &query)?;
        let more = looked.len() >= 500;
        for (stored, method) in looked {
            query.before_seq = Some(stored.seq);
            if interact::may_read(conn, actor, &stored)? {
                found.push((stored, method));
                if found.len() == count {
                    let next = query.before_seq;
                    return Ok((found, next));
                }
            }
        }
        if !more {
            return Ok((found, None));
        }
    }
}

fn version_entry(base: &str, (stored, method): (Stored, String)) -> Result<Version, Problem> {
    let address = format!("{}/{}", stored.kind, stored.id);
    let status = match method.as_str() {
        "POST" => "201",
        "DELETE" => "204",
        _ => "200",
    };
    Ok(Version {
        full_url: format!("{base}{address}"),
        resource: if stored.deleted {
            None
        } else {
            Some(stored.value()?)
        },
        url: if method == "POST" {
            stored.kind.clone()
        } else {
            address
        },
        method,
        status: status.to_owned(),
        etag: etag(stored.version),
        last_modified: Timestamp(stored.last_updated).to_instant(),
    })
}
