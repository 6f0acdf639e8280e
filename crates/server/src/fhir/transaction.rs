//! Batches and transactions: a transaction happens as a whole or not at all.

use super::interact::{self, Created};
use super::query::{self, SearchQuery};
use super::Problem;
use crate::app::App;
use crate::audit::AuditAction;
use crate::auth::Actor;
use crate::db::{DbError, Precondition, Prepared, Put, Stored, Tx};
use hms_fhir::bundle::Answer;
use hms_model::ids::UserId;
use hms_model::role::Role;
use hms_model::time::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// Entries of a Bundle at most.
pub const MAX_ENTRIES: usize = 5_000;

/// The resource of an entry: as sent, or checked and indexed already.
#[derive(Debug)]
enum Content {
    Raw(Value),
    Ready(Box<Prepared>),
}

impl Content {
    fn body(&self) -> &Value {
        match self {
            Self::Raw(body) => body,
            Self::Ready(prepared) => prepared.body(),
        }
    }

    /// Resolves the references to other entries, then checks and indexes. `id` is the one that a create was given.
    fn prepare(self, links: &HashMap<String, String>, id: Option<&str>) -> Result<Prepared, Problem> {
        let mut body = match self {
            Self::Raw(body) => body,
            Self::Ready(prepared) => return Ok(*prepared),
        };
        if let (Some(id), Some(object)) = (id, body.as_object_mut()) {
            object.insert("id".to_owned(), Value::String(id.to_owned()));
        }
        if !links.is_empty() {
            hms_fhir::replace_references(&mut body, &|reference| links.get(reference).cloned());
        }
        Ok(Prepared::new(body)?)
    }
}

/// What an entry asks for.
#[derive(Debug)]
enum Ask {
    Delete {
        kind: String,
        id: String,
        version: Option<i64>,
    },
    DeleteWhere {
        query: Box<SearchQuery>,
        version: Option<i64>,
    },
    UpdateWhere {
        resource: Value,
        query: Box<SearchQuery>,
        version: Option<i64>,
    },
    Create {
        content: Content,
        id: String,
        condition: Option<SearchQuery>,
    },
    Update {
        content: Content,
        precondition: Precondition,
    },
    Read {
        kind: String,
        id: String,
    },
    Search(Box<SearchQuery>),
}

impl Ask {
    /// The order in which a transaction is carried out, whatever the order of its entries.
    fn rank(&self) -> u8 {
        match self {
            Self::Delete { .. } | Self::DeleteWhere { .. } => 0,
            Self::Create { .. } => 1,
            Self::Update { .. } | Self::UpdateWhere { .. } => 2,
            Self::Read { .. } | Self::Search(_) => 3,
        }
    }
}

#[derive(Debug)]
struct Entry {
    full_url: Option<String>,
    ask: Ask,
}

/// The actor of work that an operator of the machine does: imports, demonstrations.
#[must_use]
pub fn operator(name: &str) -> Actor {
    Actor {
        user: UserId::parse("operator").expect("a constant id"),
        name: name.to_owned(),
        role: Role::System,
        fhir: None,
        site: None,
        district: None,
        device: None,
        scopes: vec!["system/*.cruds".to_owned()],
        family: String::new(),
    }
}

/// Carries out a Bundle of type transaction.
///
/// # Errors
/// [`Problem::Entry`] with the place of the first entry that fails; nothing is changed then.
pub async fn transaction(app: &App, actor: &Actor, bundle: &Value) -> Result<Value, Problem> {
    all(app, actor, bundle, Follows::Everything).await
}

/// [`transaction`] of what has happened before: nothing follows from it now, no number, entry or notice.
///
/// # Errors
/// As [`transaction`].
pub async fn history(app: &App, actor: &Actor, bundle: &Value) -> Result<Value, Problem> {
    all(app, actor, bundle, Follows::Nothing).await
}

/// What a transaction has as its consequence.
#[derive(Debug, Clone, Copy)]
enum Follows {
    Everything,
    Nothing,
}

async fn all(app: &App, actor: &Actor, bundle: &Value, follows: Follows) -> Result<Value, Problem> {
    let entries = read_entries(bundle)?
        .into_iter()
        .enumerate()
        .map(|(index, entry)| entry.map_err(|source| at(index, source)))
        .collect::<Result<Vec<_>, _>>()?;
    let actor = actor.clone();
    // Checking and indexing take most of the time; the one writer need not do it.
    let plan = tokio::task::spawn_blocking(move || plan(entries))
        .await
        .map_err(|_| DbError::Panicked)??;
    app.db
        .write(move |tx: &mut Tx<'_>| {
            match follows {
                Follows::Everything => {}
                Follows::Nothing => tx.without_consequences(),
            }
            carry_out(tx, &actor, plan)
        })
        .await
        .map(hms_fhir::bundle::transaction_response)
}

/// Carries out a Bundle of type batch: each entry on its own.
///
/// # Errors
/// Where it is no Bundle of entries at all.
pub async fn batch(app: &App, actor: &Actor, bundle: &Value) -> Result<Value, Problem> {
    let mut answers = Vec::new();
    for entry in read_entries(bundle)? {
        let answer = match entry {
            Err(problem) => Err(problem),
            Ok(entry) => {
                let actor = actor.clone();
                app.db
                    .write(move |tx: &mut Tx<'_>| carry_out(tx, &actor, plan(vec![entry])?))
                    .await
                    .map(|mut done| done.pop().unwrap_or_default())
            }
        };
        answers.push(answer.unwrap_or_else(|problem| {
            // An entry of a batch stands for itself: its place needs no mention.
            let problem = match problem {
                Problem::Entry { source, .. } => *source,
                other => other,
            };
            Answer {
                status: problem.status().to_string(),
                outcome: Some(problem.outcome()),
                ..Answer::default()
            }
        }));
    }
    Ok(hms_fhir::bundle::batch_response(answers))
}

fn at(index: usize, source: Problem) -> Problem {
    Problem::Entry {
        index,
        source: Box::new(source),
    }
}

fn read_entries(bundle: &Value) -> Result<Vec<Result<Entry, Problem>>, Problem> {
    let entries = match bundle.get("entry") {
        None => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(Problem::Bad("Bundle.entry is not a list".to_owned())),
    };
    if entries.len() > MAX_ENTRIES {
        return Err(Problem::Bad(format!(
            "a Bundle has at most {MAX_ENTRIES} entries"
        )));
    }
    Ok(entries.iter().map(read_entry).collect())
}

fn read_entry(entry: &Value) -> Result<Entry, Problem> {
    let request = entry
        .get("request")
        .ok_or_else(|| bad("an entry needs a request"))?;
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let (method, url) = (
        text("method").unwrap_or_default(),
        text("url").unwrap_or_default(),
    );
    let (path, query) = url.split_once('?').map_or((url, None), |(p, q)| (p, Some(q)));
    let mut parts = path.trim_matches('/').split('/');
    let kind = parts.next().unwrap_or_default().to_owned();
    let id = parts.next().map(str::to_owned);
    if parts.next().is_some() {
        return Err(Problem::NotSupported("this address in a Bundle"));
    }
    let resource = || {
        entry
            .get("resource")
            .cloned()
            .ok_or_else(|| bad("this request needs a resource"))
    };
    let version = text("ifMatch").map(parse_etag).transpose()?;
    let ask = match (method, id) {
        ("POST", None) => Ask::Create {
            content: Content::Raw(typed(resource()?, &kind)?),
            id: crate::random::id(),
            condition: text("ifNoneExist")
                .map(|q| interact::condition(&kind, &query::pairs(q)))
                .transpose()?,
        },
        ("PUT", None) => Ask::UpdateWhere {
            resource: typed(resource()?, &kind)?,
            query: Box::new(interact::condition(
                &kind,
                &query::pairs(query.unwrap_or_default()),
            )?),
            version,
        },
        ("DELETE", None) => Ask::DeleteWhere {
            query: Box::new(interact::condition(
                &kind,
                &query::pairs(query.unwrap_or_default()),
            )?),
            version,
        },
        ("PUT", Some(id)) if query.is_none() => {
            let resource = typed(resource()?, &kind)?;
            if resource.get("id").and_then(Value::as_str) != Some(&id) {
                return Err(bad("the id in the address and in the resource differ"));
            }
            let absent = text("ifNoneMatch") == Some("*");
            let precondition = match version {
                Some(version) => Precondition::Version(version),
                None if absent => Precondition::Absent,
                None => Precondition::None,
            };
            Ask::Update {
                content: Content::Raw(resource),
                precondition,
            }
        }
        ("DELETE", Some(id)) if query.is_none() => Ask::Delete { kind, id, version },
        ("GET", Some(id)) if query.is_none() => Ask::Read { kind, id },
        ("GET", None) => Ask::Search(Box::new(SearchQuery::parse(
            &kind,
            &query::pairs(query.unwrap_or_default()),
        )?)),
        ("POST" | "PUT" | "DELETE" | "GET" | "PATCH" | "HEAD", _) => {
            return Err(Problem::NotSupported("this method and address in a Bundle"));
        }
        _ => return Err(bad("unknown method")),
    };
    let full_url = entry.get("fullUrl").and_then(Value::as_str).map(str::to_owned);
    Ok(Entry { full_url, ask })
}

fn bad(text: &str) -> Problem {
    Problem::Bad(text.to_owned())
}

fn typed(resource: Value, kind: &str) -> Result<Value, Problem> {
    if resource.get("resourceType").and_then(Value::as_str) == Some(kind) {
        Ok(resource)
    } else {
        Err(bad("the type in the address and in the resource differ"))
    }
}

/// The version in `W/"3"`.
///
/// # Errors
/// [`Problem::Bad`] where it is not of that form.
pub fn parse_etag(tag: &str) -> Result<i64, Problem> {
    tag.trim()
        .trim_start_matches("W/")
        .trim_matches('"')
        .parse()
        .map_err(|_| bad("a version is written as W/\"3\""))
}

/// Entries with what the references between them stand for; `None` where that depends on what is stored.
struct Plan {
    entries: Vec<Entry>,
    links: Option<HashMap<String, String>>,
}

fn plan(mut entries: Vec<Entry>) -> Result<Plan, Problem> {
    let conditional = |e: &Entry| {
        matches!(
            &e.ask,
            Ask::Create {
                condition: Some(_),
                ..
            }
        )
    };
    if entries.iter().any(conditional) {
        return Ok(Plan { entries, links: None });
    }
    let links = assign_ids(&mut entries, |_| Ok(None))?;
    for (index, entry) in entries.iter_mut().enumerate() {
        let (content, id) = match &mut entry.ask {
            Ask::Create { content, id, .. } => (content, Some(id.as_str())),
            Ask::Update { content, .. } => (content, None),
            Ask::Delete { .. }
            | Ask::DeleteWhere { .. }
            | Ask::UpdateWhere { .. }
            | Ask::Read { .. }
            | Ask::Search(_) => continue,
        };
        let raw = std::mem::replace(content, Content::Raw(Value::Null));
        let prepared = raw.prepare(&links, id).map_err(|source| at(index, source))?;
        *content = Content::Ready(Box::new(prepared));
    }
    Ok(Plan {
        entries,
        links: Some(links),
    })
}

fn carry_out(tx: &mut Tx<'_>, actor: &Actor, plan: Plan) -> Result<Vec<Answer>, Problem> {
    let Plan { mut entries, links } = plan;
    let links = match links {
        Some(links) => links,
        None => assign_ids(&mut entries, |query| {
            interact::only_match(tx.conn(), actor, query)
        })?,
    };
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| entries.get(*index).map(|e| e.ask.rank()));
    let mut answers: Vec<Answer> = vec![Answer::default(); entries.len()];
    let mut asks: Vec<Option<Ask>> = entries.into_iter().map(|e| Some(e.ask)).collect();
    for index in order {
        let Some(ask) = asks.get_mut(index).and_then(Option::take) else {
            continue;
        };
        let answer = one(tx, actor, ask, &links).map_err(|source| at(index, source))?;
        if let Some(slot) = answers.get_mut(index) {
            *slot = answer;
        }
    }
    Ok(answers)
}

/// Which `urn:uuid:` in a reference stands for which resource. A conditional create that finds one stands for that.
fn assign_ids(
    entries: &mut [Entry],
    find: impl Fn(&SearchQuery) -> Result<Option<Stored>, Problem>,
) -> Result<HashMap<String, String>, Problem> {
    let mut links = HashMap::new();
    for (index, entry) in entries.iter_mut().enumerate() {
        let target = match &mut entry.ask {
            Ask::Create {
                content,
                id,
                condition,
            } => {
                if let Some(query) = condition {
                    let existing = find(query).map_err(|source| at(index, source))?;
                    if let Some(existing) = existing {
                        *id = existing.id;
                    }
                }
                let kind = content
                    .body()
                    .get("resourceType")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                format!("{kind}/{id}")
            }
            Ask::Update { content, .. } => {
                let text = |key: &str| {
                    content
                        .body()
                        .get(key)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                };
                format!("{}/{}", text("resourceType"), text("id"))
            }
            // Which one it is depends on the criteria: nothing in the same Bundle can refer to it by a placeholder.
            Ask::Delete { .. }
            | Ask::DeleteWhere { .. }
            | Ask::UpdateWhere { .. }
            | Ask::Read { .. }
            | Ask::Search(_) => continue,
        };
        if let Some(url) = entry.full_url.take().filter(|u| u.starts_with("urn:")) {
            if links.insert(url, target).is_some() {
                return Err(at(index, bad("two entries have the same fullUrl")));
            }
        }
    }
    Ok(links)
}

fn one(tx: &mut Tx<'_>, actor: &Actor, ask: Ask, links: &HashMap<String, String>) -> Result<Answer, Problem> {
    match ask {
        Ask::Delete { kind, id, version } => {
            let done = interact::delete(tx, actor, &kind, &id, version)?;
            Ok(Answer {
                status: "204 No Content".to_owned(),
                etag: done.map(|p| etag(p.version)),
                ..Answer::default()
            })
        }
        Ask::DeleteWhere { query, version } => {
            let done = interact::delete_where(tx, actor, &query, version)?;
            Ok(Answer {
                status: "204 No Content".to_owned(),
                etag: done.map(|p| etag(p.version)),
                ..Answer::default()
            })
        }
        Ask::UpdateWhere {
            mut resource,
            query,
            version,
        } => {
            if !links.is_empty() {
                hms_fhir::replace_references(&mut resource, &|reference| links.get(reference).cloned());
            }
            let put = interact::update_where(tx, actor, resource, &query, version)?;
            Ok(stored_answer(&put))
        }
        Ask::Create {
            content,
            id,
            condition,
        } => {
            let prepared = content.prepare(links, Some(&id))?;
            match interact::create_as(tx, actor, prepared, condition.as_ref(), id)? {
                Created::New(put) => Ok(stored_answer(&put)),
                Created::Existing(stored) => Ok(existing_answer(&stored)),
            }
        }
        Ask::Update {
            content,
            precondition,
        } => {
            let prepared = content.prepare(links, None)?;
            Ok(stored_answer(&interact::update(
                tx,
                actor,
                prepared,
                precondition,
            )?))
        }
        Ask::Read { kind, id } => {
            let stored = tx.get(&kind, &id)?.ok_or(Problem::NotFound)?;
            if !interact::may_read(tx.conn(), actor, &stored)? {
                return Err(Problem::NotFound);
            }
            let body = interact::body(&stored)?;
            tx.audit(&interact::entry(
                actor,
                AuditAction::Read,
                "read",
                &kind,
                &id,
                stored.patient.clone(),
            ))?;
            Ok(Answer {
                resource: Some(body),
                ..existing_answer(&stored)
            })
        }
        Ask::Search(query) => {
            let page = interact::search(tx.conn(), actor, &query)?;
            let given: Vec<&Stored> = page.matches.iter().chain(&page.included).collect();
            for event in interact::search_events(actor, "search-type", &query.kind, &given) {
                tx.audit(&event)?;
            }
            let bundle = searchset("", &page)?;
            Ok(Answer {
                status: "200 OK".to_owned(),
                resource: Some(bundle),
                ..Answer::default()
            })
        }
    }
}

/// A search result without links; `base` is the server's FHIR address, or empty for relative ones.
///
/// # Errors
/// A damaged body.
pub fn searchset(base: &str, page: &interact::SearchPage) -> Result<Value, DbError> {
    use hms_fhir::bundle::{Found, FoundMode};
    let found = |stored: &Stored, mode| -> Result<Found, DbError> {
        Ok(Found {
            full_url: format!("{base}{}/{}", stored.kind, stored.id),
            resource: stored.value()?,
            mode,
        })
    };
    let entries = page
        .matches
        .iter()
        .map(|m| found(m, FoundMode::Match))
        .chain(page.included.iter().map(|i| found(i, FoundMode::Include)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(hms_fhir::bundle::searchset(page.total, &[], entries))
}

fn stored_answer(put: &Put) -> Answer {
    Answer {
        status: if put.created { "201 Created" } else { "200 OK" }.to_owned(),
        location: Some(format!("{}/{}/_history/{}", put.kind, put.id, put.version)),
        etag: Some(etag(put.version)),
        last_modified: Some(Timestamp(put.last_updated).to_instant()),
        ..Answer::default()
    }
}

fn existing_answer(stored: &Stored) -> Answer {
    Answer {
        status: "200 OK".to_owned(),
        location: Some(format!(
            "{}/{}/_history/{}",
            stored.kind, stored.id, stored.version
        )),
        etag: Some(etag(stored.version)),
        last_modified: Some(Timestamp(stored.last_updated).to_instant()),
        ..Answer::default()
    }
}

/// `W/"3"`.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}
