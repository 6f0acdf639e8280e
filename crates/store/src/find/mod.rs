//! Searches: which rows to look at first, and how the rest is tested.

mod slip;

use crate::query::{Criterion, Found, Order, Query, TextMatch};
use crate::table::index::{hash, number};
use crate::table::lookup::{self, Amount};
use crate::table::resource;
use crate::{StoreError, Stored};
use hms_fhir::{IndexValue, SearchKind};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A condition that more records than this fulfil is tested record by record, where that can be done.
const FEW: usize = 4_000;
/// Up to this many records are read to be sorted, or to see what they refer to; of more, the index is walked.
const READ_AT_ONCE: usize = 100;

/// Answers a search.
pub(crate) fn find(conn: &Connection, query: &Query) -> Result<Found, StoreError> {
    let mut records = Vec::new();
    match &query.sort {
        None => {
            let keys = unsorted(conn, query)?;
            take(conn, &keys, query.most, &mut records)?;
        }
        Some((param, order)) => sorted(conn, query, param, *order, &mut records)?,
    }
    let included = include(conn, query, &records)?;
    Ok(Found { records, included })
}

fn take(conn: &Connection, keys: &[i64], most: usize, into: &mut Vec<Stored>) -> Result<(), StoreError> {
    for key in keys {
        if into.len() >= most {
            break;
        }
        into.extend(resource::by_row(conn, *key)?);
    }
    Ok(())
}

fn unsorted(conn: &Connection, query: &Query) -> Result<Vec<i64>, StoreError> {
    match query.criteria.as_slice() {
        [] => Ok(all_of(conn, &query.kind)?.into_iter().collect()),
        // Rows of one code or target lie in the order of their keys: the first ones are enough.
        [only] if can_test(only) => {
            let mut keys = candidates(conn, &query.kind, only, query.most)?;
            tidy(&mut keys);
            Ok(keys)
        }
        criteria => Plan::of(conn, &query.kind, criteria)?.all(conn),
    }
}

fn all_of(conn: &Connection, kind: &str) -> Result<BTreeSet<i64>, StoreError> {
    Ok(resource::ids(conn, kind)?
        .into_iter()
        .map(|(_, key)| key)
        .collect())
}

fn tidy(keys: &mut Vec<i64>) {
    keys.sort_unstable();
    keys.dedup();
}

/// How a conjunction is answered: the shortest list of keys, and what those are tested with.
struct Plan<'a> {
    kind: &'a str,
    criteria: &'a [Criterion],
    /// The shortest list; `None` where each condition holds for many records and can be tested.
    first: Option<Vec<i64>>,
    lists: Vec<HashSet<i64>>,
    tests: Vec<&'a Criterion>,
}

impl<'a> Plan<'a> {
    fn of(conn: &Connection, kind: &'a str, criteria: &'a [Criterion]) -> Result<Self, StoreError> {
        let (mut lists, mut tests) = (Vec::new(), Vec::new());
        for criterion in criteria {
            let most = if can_test(criterion) { FEW + 1 } else { usize::MAX };
            let mut keys = candidates(conn, kind, criterion, most)?;
            if keys.len() >= most {
                tests.push(criterion);
            } else {
                tidy(&mut keys);
                lists.push(keys);
            }
        }
        lists.sort_by_key(Vec::len);
        let mut lists = lists.into_iter();
        Ok(Self {
            kind,
            criteria,
            first: lists.next(),
            lists: lists.map(|keys| keys.into_iter().collect()).collect(),
            tests,
        })
    }

    fn holds(&self, conn: &Connection, key: i64) -> Result<bool, StoreError> {
        if !self.lists.iter().all(|list| list.contains(&key)) {
            return Ok(false);
        }
        for criterion in &self.tests {
            if !test(conn, self.kind, criterion, key)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All that fulfil it, by key.
    fn all(&self, conn: &Connection) -> Result<Vec<i64>, StoreError> {
        let every = match (&self.first, self.criteria.first()) {
            (Some(first), _) => first.clone(),
            (None, Some(criterion)) => {
                let mut keys = candidates(conn, self.kind, criterion, usize::MAX)?;
                tidy(&mut keys);
                keys
            }
            (None, None) => all_of(conn, self.kind)?.into_iter().collect(),
        };
        let mut kept = Vec::with_capacity(every.len());
        for key in every {
            if self.holds(conn, key)? {
                kept.push(key);
            }
        }
        Ok(kept)
    }
}

/// Whether one record can be tested without making the whole list.
fn can_test(criterion: &Criterion) -> bool {
    matches!(
        criterion,
        Criterion::Token { code: Some(_), .. } | Criterion::Reference { .. }
    ) && !is_id(criterion)
}

/// A canonical, or a record of another server: extracted as an address, not as a reference.
fn is_address(target: &str) -> bool {
    target.contains(':')
}

fn is_id(criterion: &Criterion) -> bool {
    matches!(criterion, Criterion::Token { param, .. } if param == "_id")
}

fn test(conn: &Connection, kind: &str, criterion: &Criterion, key: i64) -> Result<bool, StoreError> {
    match criterion {
        Criterion::Token {
            param,
            system,
            code: Some(code),
        } => lookup::has_token(conn, key, number(kind, param)?, system.as_deref(), code),
        Criterion::Reference { param, target } if is_address(target) => {
            lookup::has_token(conn, key, number(kind, param)?, None, target)
        }
        Criterion::Reference { param, target } => {
            lookup::has_reference(conn, key, number(kind, param)?, &targets(kind, param, target)?)
        }
        other => Ok(candidates(conn, kind, other, usize::MAX)?.contains(&key)),
    }
}

/// Keys of records that fulfil one condition, perhaps more than once and in any order; no more than asked for.
fn candidates(
    conn: &Connection,
    kind: &str,
    criterion: &Criterion,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    match criterion {
        // An id is of no system, and has no row beside the record itself.
        Criterion::Token { param, system, code } if param == "_id" => match (system.as_deref(), code) {
            (None | Some(""), Some(id)) => Ok(resource::row_of(conn, kind, id)?.into_iter().collect()),
            (Some(_), Some(_)) => Ok(Vec::new()),
            (_, None) => Err(StoreError::BadSearch),
        },
        Criterion::Token { param, system, code } => lookup::token(
            conn,
            number(kind, param)?,
            system.as_deref(),
            code.as_deref(),
            most,
        ),
        Criterion::Reference { param, target } if is_address(target) => {
            lookup::token(conn, number(kind, param)?, None, Some(target), most)
        }
        Criterion::Reference { param, target } => {
            lookup::reference(conn, number(kind, param)?, &targets(kind, param, target)?, most)
        }
        Criterion::Missing { param } => missing(conn, kind, number(kind, param)?),
        Criterion::Date {
            param,
            compare,
            range,
        } => lookup::date(conn, number(kind, param)?, *compare, *range, most),
        Criterion::Amount {
            param,
            compare,
            range,
            number: value,
            unit,
            system,
        } => {
            let asked = Amount {
                compare: *compare,
                range: *range,
                number: *value,
                unit: unit.as_deref(),
                system: system.as_deref(),
            };
            lookup::amount(conn, number(kind, param)?, &asked, most)
        }
        Criterion::Text { param, how, text } => by_text(conn, kind, param, *how, &hms_fhir::fold(text), most),
        Criterion::Words(text) => {
            let folded = hms_fhir::fold(text);
            let mut words: Vec<String> = hms_fhir::split_words(&folded).map(str::to_owned).collect();
            tidy_words(&mut words)?;
            lookup::all_words(conn, kind, &words, most)
        }
        Criterion::Has {
            kind: other,
            reference,
            criteria,
        } => has(conn, kind, other, reference, criteria),
    }
}

/// Records without a row of a reference parameter, be it of a record here or of an address elsewhere.
fn missing(conn: &Connection, kind: &str, param: i64) -> Result<Vec<i64>, StoreError> {
    let here = lookup::references(conn, param)?.into_iter().map(|(_, key)| key);
    let named: HashSet<i64> = here.chain(lookup::tokens(conn, param)?).collect();
    let all = all_of(conn, kind)?.into_iter();
    Ok(all.filter(|key| !named.contains(key)).collect())
}

fn tidy_words(words: &mut Vec<String>) -> Result<(), StoreError> {
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        return Err(StoreError::BadSearch);
    }
    Ok(())
}

/// `Type/id` for each type that a reference may point to, where none is given.
fn targets(kind: &str, param: &str, target: &str) -> Result<Vec<String>, StoreError> {
    if target.contains('/') {
        return Ok(vec![target.to_owned()]);
    }
    let known = hms_fhir::search_param(kind, param).ok_or(StoreError::BadSearch)?;
    Ok(known
        .targets
        .iter()
        .map(|kind| format!("{kind}/{target}"))
        .collect())
}

fn by_text(
    conn: &Connection,
    kind: &str,
    param: &str,
    how: TextMatch,
    folded: &str,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    let param_number = number(kind, param)?;
    match how {
        TextMatch::Begins => lookup::begins(conn, param_number, folded, most),
        TextMatch::Contains => {
            // The longest run of letters lies within one word of the text, whatever stands around it.
            let longest = hms_fhir::split_words(folded).max_by_key(|word| word.len());
            let longest = longest.ok_or(StoreError::BadSearch)?;
            let mut words = lookup::vocabulary(conn, param_number)?;
            words.retain(|word| word.contains(longest));
            let keys = lookup::any_word(conn, param_number, &words, usize::MAX)?;
            if longest == folded {
                return Ok(keys);
            }
            let has_it = |value: &IndexValue| matches!(value, IndexValue::Text { folded: text } if text.contains(folded));
            only_with(conn, keys, param, has_it)
        }
        TextMatch::Fuzzy => {
            let asked: Vec<&str> = hms_fhir::split_words(folded).collect();
            let vocabulary = lookup::vocabulary(conn, param_number)?;
            let mut kept: Option<HashSet<i64>> = None;
            for word in &asked {
                let near: Vec<String> = vocabulary
                    .iter()
                    .filter(|known| slip::is_near(word, known))
                    .cloned()
                    .collect();
                let keys: HashSet<i64> = lookup::any_word(conn, param_number, &near, usize::MAX)?
                    .into_iter()
                    .collect();
                kept = Some(match kept {
                    None => keys,
                    Some(kept) => kept.intersection(&keys).copied().collect(),
                });
            }
            let mut keys: Vec<i64> = kept.ok_or(StoreError::BadSearch)?.into_iter().collect();
            tidy(&mut keys);
            if let [_] = asked.as_slice() {
                return Ok(keys);
            }
            // Each word is in some text of the record; all of them have to be in one.
            let has_all = |value: &IndexValue| match value {
                IndexValue::Text { folded } => asked
                    .iter()
                    .all(|word| hms_fhir::split_words(folded).any(|known| slip::is_near(word, known))),
                _ => false,
            };
            only_with(conn, keys, param, has_all)
        }
    }
}

/// Those records of which one value of a parameter passes.
fn only_with(
    conn: &Connection,
    mut keys: Vec<i64>,
    param: &str,
    passes: impl Fn(&IndexValue) -> bool,
) -> Result<Vec<i64>, StoreError> {
    tidy(&mut keys);
    let mut kept = Vec::new();
    for key in keys {
        if let Some(stored) = resource::by_row(conn, key)? {
            let found = hms_fhir::index(&stored.resource);
            if found
                .iter()
                .any(|entry| entry.param == param && passes(&entry.value))
            {
                kept.push(key);
            }
        }
    }
    Ok(kept)
}

/// Records that others refer to for which all criteria hold.
fn has(
    conn: &Connection,
    kind: &str,
    other: &str,
    reference: &str,
    criteria: &[Criterion],
) -> Result<Vec<i64>, StoreError> {
    let param = number(other, reference)?;
    if hms_fhir::search_param(other, reference).is_none_or(|param| param.kind != SearchKind::Reference) {
        return Err(StoreError::BadSearch);
    }
    let referring = Plan::of(conn, other, criteria)?.all(conn)?;
    let mut found = Vec::new();
    if referring.len() <= READ_AT_ONCE {
        for key in referring {
            if let Some(stored) = resource::by_row(conn, key)? {
                for (target, id) in references_of(&stored.resource, reference) {
                    if target == kind {
                        found.extend(resource::row_of(conn, kind, &id)?);
                    }
                }
            }
        }
        return Ok(found);
    }
    let referring: HashSet<i64> = referring.into_iter().collect();
    let pointed_at: HashSet<i64> = lookup::references(conn, param)?
        .into_iter()
        .filter_map(|(target, key)| referring.contains(&key).then_some(target))
        .collect();
    for (id, key) in resource::ids(conn, kind)? {
        if pointed_at.contains(&hash(&format!("{kind}/{id}"))) {
            found.push(key);
        }
    }
    Ok(found)
}

fn references_of(resource: &Value, param: &str) -> Vec<(String, String)> {
    hms_fhir::index(resource)
        .into_iter()
        .filter(|entry| entry.param == param)
        .filter_map(|entry| match entry.value {
            IndexValue::Reference {
                target_type,
                target_id,
            } => Some((target_type, target_id)),
            _ => None,
        })
        .collect()
}

fn include(conn: &Connection, query: &Query, records: &[Stored]) -> Result<Vec<Stored>, StoreError> {
    for param in &query.include {
        number(&query.kind, param)?;
    }
    let mut wanted = BTreeSet::new();
    for stored in records {
        for param in &query.include {
            wanted.extend(references_of(&stored.resource, param));
        }
    }
    let mut included = Vec::new();
    for (kind, id) in wanted {
        if let Some(key) = resource::row_of(conn, &kind, &id)? {
            included.extend(resource::by_row(conn, key)?);
        }
    }
    Ok(included)
}

fn sorted(
    conn: &Connection,
    query: &Query,
    param: &str,
    order: Order,
    into: &mut Vec<Stored>,
) -> Result<(), StoreError> {
    let known = hms_fhir::search_param(&query.kind, param).ok_or(StoreError::BadSearch)?;
    let is_date = match known.kind {
        SearchKind::Date => true,
        SearchKind::String => false,
        SearchKind::Token
        | SearchKind::Reference
        | SearchKind::Number
        | SearchKind::Quantity
        | SearchKind::Uri => return Err(StoreError::BadSearch),
    };
    let plan = Plan::of(conn, &query.kind, &query.criteria)?;
    if plan
        .first
        .as_ref()
        .is_some_and(|first| first.len() <= READ_AT_ONCE)
    {
        return by_reading(conn, &plan.all(conn)?, query.most, param, order, into);
    }
    let first: Option<HashSet<i64>> = plan.first.as_ref().map(|first| first.iter().copied().collect());
    let mut seen = HashSet::new();
    lookup::in_order(conn, number(&query.kind, param)?, is_date, order, |key| {
        let is_in = first.as_ref().is_none_or(|first| first.contains(&key));
        if is_in && seen.insert(key) && plan.holds(conn, key)? {
            into.extend(resource::by_row(conn, key)?);
        }
        Ok(into.len() < query.most)
    })?;
    if into.len() < query.most {
        let rest: Vec<i64> = plan
            .all(conn)?
            .into_iter()
            .filter(|key| !seen.contains(key))
            .collect();
        take(conn, &rest, query.most, into)?;
    }
    Ok(())
}

/// What a record is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Moment(i64),
    Text(String),
}

fn by_reading(
    conn: &Connection,
    keys: &[i64],
    most: usize,
    param: &str,
    order: Order,
    into: &mut Vec<Stored>,
) -> Result<(), StoreError> {
    let mut placed: BTreeMap<SortValue, Vec<Stored>> = BTreeMap::new();
    let mut last = Vec::new();
    for key in keys {
        let Some(stored) = resource::by_row(conn, *key)? else {
            continue;
        };
        let values = hms_fhir::index(&stored.resource)
            .into_iter()
            .filter(|entry| entry.param == param)
            .filter_map(|entry| match entry.value {
                IndexValue::Date { start_ms, .. } => Some(SortValue::Moment(start_ms)),
                IndexValue::Text { folded } => Some(SortValue::Text(folded)),
                _ => None,
            });
        let value = match order {
            Order::Up => values.min(),
            Order::Down => values.max(),
        };
        match value {
            Some(value) => placed.entry(value).or_default().push(stored),
            None => last.push(stored),
        }
    }
    let placed: Vec<Vec<Stored>> = match order {
        Order::Up => placed.into_values().collect(),
        Order::Down => placed.into_values().rev().collect(),
    };
    into.extend(placed.into_iter().flatten().chain(last).take(most));
    Ok(())
}
