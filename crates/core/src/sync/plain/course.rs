//! How far this device has read a foreign server, type by type, and what it asks for next.
//!
//! The place is a moment by the server's clock. Two records can have one moment, and one that began earlier can be
//! stored later: so each pass begins five minutes before the last one ended, and what was seen then is passed over.

use super::abilities::{Abilities, Ability};
use super::page::{findings, next_link, Finding, Link};
use hms_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How far each pass goes back behind the last one.
pub const OVERLAP_MS: i64 = 5 * 60 * 1000;
/// Records asked for in one page.
const COUNT: u32 = 200;
/// Pages of one type in one exchange: a server that never ends is left (N6), and the next exchange goes on.
const PAGES: u32 = 500;
/// Passes between two comparisons of what is there with what is here, where deletions do not show by themselves.
const SWEEP_EVERY: u32 = 5;

/// What is kept of it between exchanges, with the pages. Opaque to the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Says whose cursor it is: one of `$hms-sync` means nothing here.
    plain: String,
    types: BTreeMap<String, Place>,
    #[serde(default)]
    since_sweep: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Newest moment of the last whole pass.
    #[serde(default)]
    since: Option<Timestamp>,
    /// States seen within the overlap behind it: `Type/id` and version.
    #[serde(default)]
    seen: BTreeMap<String, (String, Timestamp)>,
    /// Of a pass under way: where it goes on, its newest moment, what it brought.
    #[serde(default)]
    pass: Option<Pass>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pass {
    url: String,
    high: Option<Timestamp>,
    came: BTreeMap<String, (String, Timestamp)>,
    pages: u32,
    history: bool,
    /// It has given links: then a page without one is the last.
    #[serde(default)]
    linked: bool,
    visited: BTreeSet<String>,
}

impl Cursor {
    /// Reads it; anything else, and that of another server, begins anew.
    #[must_use]
    pub fn read(base: &str, text: Option<&str>) -> Self {
        let found: Option<Self> = text.and_then(|text| serde_json::from_str(text).ok());
        found.filter(|it| it.plain == base).unwrap_or_else(|| Self {
            plain: base.to_owned(),
            ..Self::default()
        })
    }

    /// As the store keeps it.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether lists are to be compared in this exchange; counts it.
    pub fn sweep_is_due(&mut self, abilities: &Abilities) -> bool {
        if abilities.history == Ability::Yes {
            return false;
        }
        self.since_sweep += 1;
        let due = self.since_sweep >= SWEEP_EVERY;
        if due {
            self.since_sweep = 0;
        }
        due
    }
}

/// What a page means.
#[derive(Debug, Clone, PartialEq)]
pub enum PageEnd {
    /// There are more: ask again.
    More,
    /// This type is read to its end.
    Done,
    /// It goes on elsewhere, in a circle, or without end: what was read stands, and the moment stays where it was (N6).
    Broken,
    /// It is no page (N5).
    Unreadable,
}

/// Reading one type.
#[derive(Debug)]
pub struct Course<'a> {
    /// Where everything stands; kept with each page.
    pub cursor: &'a mut Cursor,
    kind: &'a str,
    /// Only records of this patient, `Patient/…`, where a person may hold no others.
    patient: Option<&'a str>,
}

impl<'a> Course<'a> {
    /// Goes on with a type, or begins a pass.
    #[must_use]
    pub fn new(cursor: &'a mut Cursor, kind: &'a str, patient: Option<&'a str>) -> Self {
        Self {
            cursor,
            kind,
            patient,
        }
    }

    /// The page to ask for, behind the service's address.
    pub fn ask(&mut self, abilities: &Abilities) -> String {
        let first = self.first(abilities);
        let place = self.cursor.types.entry(self.kind.to_owned()).or_default();
        place.pass.get_or_insert(first).url.clone()
    }

    fn first(&self, abilities: &Abilities) -> Pass {
        let since = self.cursor.types.get(self.kind).and_then(|place| place.since);
        // All that there is comes by a search also where there is a history: not every version it ever had.
        let history = abilities.history != Ability::No && since.is_some();
        Pass {
            url: self.url(
                abilities,
                history,
                since.map(|since| since.plus_ms(-OVERLAP_MS)),
                COUNT,
            ),
            history,
            ..Pass::default()
        }
    }

    fn url(&self, abilities: &Abilities, history: bool, from: Option<Timestamp>, count: u32) -> String {
        let kind = self.kind;
        if history {
            let since = from
                .map(|from| format!("&_since={}", from.to_instant()))
                .unwrap_or_default();
            return format!("{kind}/_history?_count={count}{since}");
        }
        let mut url = format!("{kind}?_count={count}&_sort=_lastUpdated");
        if let Some(from) = from.filter(|_| abilities.last_updated != Ability::No) {
            url.push_str(&format!("&_lastUpdated=ge{}", from.to_instant()));
        }
        if let (Some(patient), true) = (self.patient, hms_fhir::search_param(kind, "patient").is_some()) {
            url.push_str(&format!("&patient={patient}"));
        }
        url
    }

    /// The server refused the page: says whether to ask in another way.
    pub fn refused(&mut self, status: u16, abilities: &mut Abilities) -> bool {
        let Some(place) = self.cursor.types.get_mut(self.kind) else {
            return false;
        };
        let Some(pass) = place.pass.take() else {
            return false;
        };
        if pass.pages > 0 {
            // A page that the server no longer knows: the pass begins anew, from where the last one ended.
            return matches!(status, 400 | 404 | 410);
        }
        // 400, 403 and 404 are what servers say who have no such thing, too.
        if pass.history && matches!(status, 400 | 403 | 404 | 405 | 501) {
            abilities.history = Ability::No;
            return true;
        }
        if pass.url.contains("_lastUpdated=") && matches!(status, 400 | 405 | 501) {
            abilities.last_updated = Ability::No;
            return true;
        }
        if matches!(status, 404 | 405 | 501) {
            abilities.downgrade(&format!("GET {}", self.kind), 405);
        }
        false
    }

    /// Takes a page: what is news in it, oldest first, and whether there are more.
    pub fn page(&mut self, base: &str, bundle: &Value, abilities: &mut Abilities) -> (Vec<Finding>, PageEnd) {
        let Some(found) = findings(self.kind, bundle) else {
            return (Vec::new(), PageEnd::Unreadable);
        };
        let kind = self.kind;
        let place = self.cursor.types.entry(kind.to_owned()).or_default();
        let mut pass = place.pass.take().unwrap_or_default();
        if pass.history {
            abilities.history = Ability::Yes;
        }
        pass.pages += 1;
        pass.visited.insert(pass.url.clone());
        let (entries, newest_before) = (found.len(), pass.high);
        let is_sorted = found.is_sorted_by_key(Finding::at);
        let mut news = Vec::new();
        for finding in found {
            let at = finding.at().unwrap_or_default();
            pass.high = pass.high.max(finding.at());
            let (there, state) = (finding.there().to_owned(), finding.state());
            // A history begins with the newest: what comes later of the same record is older.
            if pass.history && pass.came.contains_key(&there) {
                continue;
            }
            let known = place.seen.get(&there).or(pass.came.get(&there));
            let is_news = known.is_none_or(|(known, _)| *known != state);
            pass.came.insert(there, (state, at));
            if is_news {
                news.push(finding);
            }
        }
        let total = bundle.get("total").and_then(Value::as_u64).unwrap_or(0);
        let next = match next_link(base, bundle) {
            Link::Elsewhere => return self.broken(news),
            Link::Next(url) => {
                pass.linked = true;
                Some(url)
            }
            // No link, and yet not all of it: goes on from the newest moment, where the page is in that order.
            Link::Last if !pass.history && !pass.linked && is_part(total, entries) => {
                match pass.high.filter(|high| is_sorted && Some(*high) > newest_before) {
                    Some(high) => Some(self.url(abilities, false, Some(high), COUNT)),
                    None => return self.broken(news),
                }
            }
            Link::Last => None,
        };
        let place = self.cursor.types.entry(kind.to_owned()).or_default();
        match next {
            Some(url) if pass.visited.contains(&url) => self.broken(news),
            Some(url) => {
                pass.url = url;
                let goes_on = pass.pages < PAGES;
                if !goes_on {
                    pass.pages = 1;
                }
                place.pass = Some(pass);
                (news, if goes_on { PageEnd::More } else { PageEnd::Broken })
            }
            None => {
                place.since = place.since.max(pass.high);
                let from = place.since.unwrap_or_default().plus_ms(-OVERLAP_MS);
                place.seen.append(&mut pass.came);
                place.seen.retain(|_, (_, at)| *at >= from);
                place.pass = None;
                (news, PageEnd::Done)
            }
        }
    }

    /// Gives the type up for now; the next pass begins where the last whole one ended.
    fn broken(&mut self, news: Vec<Finding>) -> (Vec<Finding>, PageEnd) {
        if let Some(place) = self.cursor.types.get_mut(self.kind) {
            place.pass = None;
        }
        (news, PageEnd::Broken)
    }
}

/// Whether a page is not all that was found.
fn is_part(total: u64, entries: usize) -> bool {
    let entries = entries as u64;
    entries > 0 && (total > entries || (total == 0 && entries >= u64::from(COUNT)))
}
