//! A FHIR server in memory that does what servers do, and what they should not. Also behind HTTP in the client's tests.

#![allow(dead_code, reason = "each of its two users has its own part")]

use super::{Ask, Method, Reply};
use serde_json::{json, Map, Value};
use std::collections::BTreeMap;

/// A state of a record.
#[derive(Debug, Clone)]
pub struct Version {
    /// `None`: deleted.
    pub record: Option<Value>,
    pub number: u64,
    pub at: i64,
}

/// Where `next` of a page points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Next {
    #[default]
    Page,
    Nowhere,
    OtherHost,
    Circle,
}

/// The server, and what it does badly.
#[derive(Debug, Clone, Default)]
pub struct Pretend {
    pub base: String,
    pub all: BTreeMap<String, Vec<Version>>,
    /// Milliseconds since 1970; each write takes one.
    pub now: i64,
    numbers: u64,
    pub ignores_if_match: bool,
    pub ignores_none_match: bool,
    pub ignores_none_exist: bool,
    pub gives_ids: bool,
    pub no_history: bool,
    pub no_versions: bool,
    pub no_last_updated: bool,
    pub rounds_and_strips: bool,
    pub unversioned: bool,
    pub page: usize,
    pub next: Next,
    /// Requests that it refuses: how they begin (`PUT Task`), and with what.
    pub refuses: Vec<(String, u16)>,
    /// Just before the next write of this record, somebody else writes this.
    pub meanwhile: Option<Value>,
    /// Just after it, too.
    pub right_after: Option<Value>,
    /// The next conditional create does not see what is there: two at the same moment.
    pub races: bool,
    /// Requests that came.
    pub asked: Vec<String>,
}

impl Pretend {
    pub fn at(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            now: 1_795_000_000_000,
            page: 100,
            ..Self::default()
        }
    }

    /// The record as it is.
    pub fn get(&self, id: &str) -> Option<&Value> {
        self.all.get(id)?.last()?.record.as_ref()
    }

    /// How many states it has had.
    pub fn versions(&self, id: &str) -> usize {
        self.all.get(id).map_or(0, Vec::len)
    }

    /// The records of a type that are there.
    pub fn list(&self, kind: &str) -> Vec<&Value> {
        let of = self
            .all
            .iter()
            .filter(|(id, _)| id.starts_with(&format!("{kind}/")));
        of.filter_map(|(_, versions)| versions.last()?.record.as_ref())
            .collect()
    }

    /// Somebody else writes.
    pub fn put(&mut self, record: Value) -> Value {
        let id = format!(
            "{}/{}",
            record["resourceType"].as_str().unwrap(),
            record["id"].as_str().unwrap()
        );
        self.now += 1_000;
        let number = self.versions(&id) as u64 + 1;
        let mut record = record;
        if self.rounds_and_strips {
            mangle(&mut record);
        }
        let map = record.as_object_mut().unwrap();
        let meta = map.entry("meta").or_insert_with(|| json!({}));
        if !self.unversioned {
            meta["versionId"] = json!(number.to_string());
        }
        meta["lastUpdated"] = json!(instant(self.now));
        let version = Version {
            record: Some(record.clone()),
            number,
            at: self.now,
        };
        self.all.entry(id).or_default().push(version);
        record
    }

    /// Somebody else deletes.
    pub fn delete(&mut self, id: &str) {
        self.now += 1_000;
        let (number, at) = (self.versions(id) as u64 + 1, self.now);
        let gone = Version {
            record: None,
            number,
            at,
        };
        self.all.entry(id.to_owned()).or_default().push(gone);
    }

    /// Answers a request.
    pub fn answer(&mut self, ask: &Ask) -> Reply {
        self.asked.push(format!("{} {}", ask.method.as_str(), ask.url));
        let line = format!("{} {}", ask.method.as_str(), ask.url);
        if let Some((_, status)) = self
            .refuses
            .iter()
            .find(|(begins, _)| line.starts_with(begins.as_str()))
        {
            return refusal(*status);
        }
        let (path, query) = ask.url.split_once('?').unwrap_or((&ask.url, ""));
        let parts: Vec<&str> = path.split('/').collect();
        match (ask.method, parts.as_slice()) {
            (Method::Get, [kind]) => self.search(kind, query),
            (Method::Get, [kind, "_history"]) if !self.no_history => self.history(kind, query),
            (Method::Get, [kind, id, "_history"]) if !self.no_versions => {
                self.versions_of(&format!("{kind}/{id}"))
            }
            (Method::Get, [_, _]) => match self.all.get(path).and_then(|it| it.last()) {
                Some(Version {
                    record: Some(record), ..
                }) => found(200, record),
                Some(_) if !self.no_history => refusal(410),
                Some(_) | None => refusal(404),
            },
            (Method::Put, [_, id]) => self.replace(path, id, ask),
            (Method::Post, [kind]) => self.create(kind, ask),
            (Method::Delete, [_, _]) => {
                self.delete(path);
                Reply {
                    status: 204,
                    ..Reply::default()
                }
            }
            _ => refusal(if parts.contains(&"_history") { 405 } else { 404 }),
        }
    }

    fn replace(&mut self, path: &str, id: &str, ask: &Ask) -> Reply {
        if let Some(other) = self.meanwhile.take() {
            self.put(other);
        }
        let there = self.get(path).cloned();
        if there.is_none() && self.gives_ids {
            return refusal(405);
        }
        if there.is_some() && ask.if_none_match && !self.ignores_none_match {
            return refusal(412);
        }
        if let (Some(tag), false) = (&ask.if_match, self.ignores_if_match) {
            let stands = there.as_ref().and_then(|it| it["meta"]["versionId"].as_str());
            if Some(tag.as_str()) != stands.map(|it| format!("W/\"{it}\"")).as_deref() {
                return refusal(412);
            }
        }
        let record = ask.body.clone().unwrap();
        if record["id"] != id {
            return refusal(400);
        }
        let written = self.put(record);
        if let Some(other) = self.right_after.take() {
            self.put(other);
        }
        found(if there.is_some() { 200 } else { 201 }, &written)
    }

    fn create(&mut self, kind: &str, ask: &Ask) -> Reply {
        if let (Some(search), false) = (
            &ask.if_none_exist,
            self.ignores_none_exist || std::mem::take(&mut self.races),
        ) {
            let there: Vec<Value> = self.matching(kind, search).into_iter().cloned().collect();
            match there.as_slice() {
                [] => (),
                [one] => return found(200, one),
                _ => return refusal(412),
            }
        }
        self.numbers += 1;
        let mut record = ask.body.clone().unwrap();
        record["id"] = json!(format!("n{}", self.numbers));
        let written = self.put(record);
        Reply {
            location: Some(format!("{}/{kind}/n{}/_history/1", self.base, self.numbers)),
            ..found(201, &written)
        }
    }

    fn matching(&self, kind: &str, query: &str) -> Vec<&Value> {
        let wanted = query.replace("%7C", "|");
        let mut records = self.list(kind);
        for part in wanted.split('&') {
            let Some((name, value)) = part.split_once('=') else {
                continue;
            };
            match name {
                "identifier" => {
                    let value = value.split_once('|').map_or(value, |(_, value)| value);
                    records.retain(|it| {
                        it.get("identifier")
                            .is_some_and(|it| it.to_string().contains(&format!("\"{value}\"")))
                    });
                }
                "_lastUpdated" if !self.no_last_updated => {
                    let from = value.trim_start_matches("ge");
                    records.retain(|it| it["meta"]["lastUpdated"].as_str().unwrap() >= from);
                }
                _ => (),
            }
        }
        records.sort_by_key(|it| it["meta"]["lastUpdated"].as_str().unwrap().to_owned());
        records
    }

    fn search(&self, kind: &str, query: &str) -> Reply {
        if self.no_last_updated && query.contains("_lastUpdated=") {
            return refusal(400);
        }
        let entries = self
            .matching(kind, query)
            .into_iter()
            .map(|it| json!({ "resource": it }));
        self.paged(kind, query, entries.collect(), "searchset")
    }

    fn history(&self, kind: &str, query: &str) -> Reply {
        let since = param(query, "_since").unwrap_or_default();
        let of = self
            .all
            .iter()
            .filter(|(id, _)| id.starts_with(&format!("{kind}/")));
        let mut states: Vec<(&String, &Version)> = of
            .flat_map(|(id, versions)| versions.iter().map(move |it| (id, it)))
            .collect();
        states.retain(|(_, it)| instant(it.at).as_str() >= since);
        states.sort_by_key(|(_, it)| std::cmp::Reverse(it.at));
        let entries = states.into_iter().map(|(id, it)| self.entry(id, it)).collect();
        self.paged(&format!("{kind}/_history"), query, entries, "history")
    }

    fn versions_of(&self, id: &str) -> Reply {
        let versions = self.all.get(id).into_iter().flatten().rev();
        let entries: Vec<Value> = versions.map(|it| self.entry(id, it)).collect();
        found(
            200,
            &json!({ "resourceType": "Bundle", "type": "history", "entry": entries }),
        )
    }

    fn entry(&self, id: &str, version: &Version) -> Value {
        let full = format!("{}/{id}", self.base);
        let response = json!({ "status": "200", "lastModified": instant(version.at) });
        match &version.record {
            Some(record) => json!({ "fullUrl": full, "resource": record, "response": response,
                "request": { "method": "PUT", "url": id } }),
            None => {
                json!({ "fullUrl": full, "response": response, "request": { "method": "DELETE", "url": id } })
            }
        }
    }

    fn paged(&self, path: &str, query: &str, entries: Vec<Value>, kind: &str) -> Reply {
        let from: usize = param(query, "page").and_then(|it| it.parse().ok()).unwrap_or(0);
        let total = entries.len();
        let page: Vec<Value> = entries.into_iter().skip(from).take(self.page).collect();
        let mut bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": page, "total": total });
        let rest: Vec<&str> = query.split('&').filter(|it| !it.starts_with("page=")).collect();
        let here = format!("{}/{path}?{}", self.base, rest.join("&"));
        let next = match self.next {
            Next::Page if from + self.page < total => Some(format!("{here}&page={}", from + self.page)),
            Next::Page | Next::Nowhere => None,
            Next::OtherHost => Some(format!("https://elsewhere.example/fhir/{path}?page=1")),
            Next::Circle => Some(format!("{here}&page=0")),
        };
        if let Some(next) = next {
            bundle["link"] = json!([{ "relation": "next", "url": next }]);
        }
        found(200, &bundle)
    }
}

fn param<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|it| it.strip_prefix(name)?.strip_prefix('='))
}

fn found(status: u16, record: &Value) -> Reply {
    Reply {
        status,
        etag: record["meta"]["versionId"]
            .as_str()
            .map(|it| format!("W/\"{it}\"")),
        location: None,
        body: Some(record.clone()),
    }
}

fn refusal(status: u16) -> Reply {
    Reply {
        status,
        body: Some(
            json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "error", "code": "processing" }] }),
        ),
        ..Reply::default()
    }
}

fn instant(ms: i64) -> String {
    hms_model::time::Timestamp(ms).to_instant()
}

/// Decimals to one place, lists turned round, extensions dropped, times in another zone.
fn mangle(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.shift_remove("extension");
            let names: Vec<String> = map.keys().cloned().collect();
            for name in names {
                if name != "meta" {
                    map.get_mut(&name).into_iter().for_each(mangle);
                }
            }
            let sorted: Map<String, Value> = map.clone().into_iter().rev().collect();
            *map = sorted;
        }
        Value::Array(list) => {
            list.iter_mut().for_each(mangle);
            list.reverse();
        }
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64()) {
                *value = json!((float * 10.0).round() / 10.0);
            }
        }
        Value::String(text) => {
            if let Some(at) = hms_model::time::Timestamp::parse(text) {
                *text = at.to_instant().replace(".000Z", "+00:00");
            }
        }
        Value::Null | Value::Bool(_) => (),
    }
}
