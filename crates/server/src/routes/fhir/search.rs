//! Search of a type, by GET and by POST.

use super::answer::{self, FhirAnswer};
use super::audit;
use crate::app::App;
use crate::auth::Actor;
use crate::db::{is_stored_type, Stored, Tx};
use crate::fhir::interact::SearchPage;
use crate::fhir::query::{pairs, SearchQuery};
use crate::fhir::{interact, Problem};
use axum::extract::{Path, RawQuery, State};
use hms_fhir::bundle::FoundMode;
use serde_json::{json, Value};

pub(super) async fn by_get(
    State(app): State<App>,
    actor: Actor,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
) -> FhirAnswer {
    run(app, actor, kind, pairs(&query.unwrap_or_default())).await
}

pub(super) async fn by_post(
    State(app): State<App>,
    actor: Actor,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    body: String,
) -> FhirAnswer {
    let mut all = pairs(&query.unwrap_or_default());
    all.extend(pairs(&body));
    run(app, actor, kind, all).await
}

async fn run(app: App, actor: Actor, kind: String, pairs: Vec<(String, String)>) -> FhirAnswer {
    if kind == "AuditEvent" {
        return audit::search(&app, &actor, &pairs).await;
    }
    if !is_stored_type(&kind) {
        return Err(Problem::NotFound);
    }
    let query = SearchQuery::parse(&kind, &pairs)?;
    let (who, asked) = (actor.clone(), query.clone());
    let page = app
        .db
        .read(move |read| interact::search(read.conn(), &who, &asked))
        .await?;
    let given: Vec<&Stored> = page.matches.iter().chain(&page.included).collect();
    let events = interact::search_events(&actor, "search-type", &kind, &given);
    app.db
        .write(move |tx: &mut Tx<'_>| events.iter().try_for_each(|event| tx.audit(event)))
        .await?;
    let base = answer::base(&app);
    let links = links(&base, &query, page.next);
    Ok(answer::fhir_text(searchset_text(&base, &page, &links)))
}

/// The result as JSON text. Bodies go in as they are stored: parsing and writing each again would take most
/// of the time of a search.
fn searchset_text(base: &str, page: &SearchPage, links: &[(&'static str, String)]) -> String {
    let links: Vec<Value> = links
        .iter()
        .map(|(relation, url)| json!({"relation": relation, "url": url}))
        .collect();
    let mut text = String::from(r#"{"resourceType":"Bundle","type":"searchset","#);
    if let Some(total) = page.total {
        text.push_str(&format!(r#""total":{total},"#));
    }
    text.push_str(&format!(r#""link":{}"#, Value::Array(links)));
    let found = page.matches.iter().map(|m| (m, FoundMode::Match));
    let entries = found.chain(page.included.iter().map(|i| (i, FoundMode::Include)));
    let mut separator = r#","entry":["#;
    for (stored, mode) in entries {
        text.push_str(separator);
        separator = ",";
        // Types and ids need no escapes.
        text.push_str(&format!(
            r#"{{"fullUrl":"{base}{}/{}","resource":"#,
            stored.kind, stored.id
        ));
        text.push_str(stored.body.as_deref().unwrap_or("null"));
        text.push_str(&format!(r#","search":{{"mode":"{}"}}}}"#, mode.as_fhir()));
    }
    if separator == "," {
        text.push(']');
    }
    text.push('}');
    text
}

fn links(base: &str, query: &SearchQuery, next: Option<i64>) -> Vec<(&'static str, String)> {
    let address = |page: Option<i64>| {
        let extra = page.map(|p| ("_page".to_owned(), p.to_string()));
        address(base, &query.kind, query.applied.iter().cloned().chain(extra))
    };
    let mut links = vec![("self", address((query.page != 0).then_some(query.page)))];
    links.extend(next.map(|page| ("next", address(Some(page)))));
    links
}

/// An address with its parameters, percent-encoded.
pub(super) fn address(base: &str, path: &str, pairs: impl Iterator<Item = (String, String)>) -> String {
    let encode = crate::auth::oidc::percent_encode;
    let query: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", encode(&name), encode(&value)))
        .collect();
    if query.is_empty() {
        format!("{base}{path}")
    } else {
        format!("{base}{path}?{}", query.join("&"))
    }
}
