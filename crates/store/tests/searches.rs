//! Every search gives what reading all records one by one gives, while records come, change and go.

mod common;
#[allow(dead_code, reason = "shared with figures")]
#[path = "common/district.rs"]
mod district;

use common::{audit, change, open, put, NOW};
use district::Chance;
use hms_fhir::IndexValue;
use hms_model::wire::sync::{ChangeBody, GoneWhy, WireChange};
use hms_store::{Criterion, LocalChange, Order, Query, Store, StoreError};
use serde_json::{json, Value};
use std::collections::{BTreeMap, BTreeSet};

/// All records as they are shown, by `Type/id`: what a search is compared with.
type Shown = BTreeMap<String, Value>;

fn id_of(resource: &Value) -> String {
    format!(
        "{}/{}",
        resource["resourceType"].as_str().expect("type"),
        resource["id"].as_str().expect("id")
    )
}

fn values(resource: &Value, param: &str) -> Vec<IndexValue> {
    let all = hms_fhir::index(resource);
    all.into_iter()
        .filter(|entry| entry.param == param)
        .map(|entry| entry.value)
        .collect()
}

/// Words that differ by at most so many letters wrong, missing, added or swapped, found by trying.
fn within(a: &[char], b: &[char], most: usize) -> bool {
    match (a, b) {
        ([], rest) | (rest, []) => rest.len() <= most,
        ([x, a @ ..], [y, b @ ..]) if x == y && within(a, b, most) => true,
        ([x, a_rest @ ..], [y, b_rest @ ..]) => {
            most > 0
                && (within(a_rest, b_rest, most - 1)
                    || within(a_rest, b, most - 1)
                    || within(a, b_rest, most - 1)
                    || matches!((a_rest, b_rest), ([p, a2 @ ..], [q, b2 @ ..])
                        if x == q && y == p && within(a2, b2, most - 1)))
        }
    }
}

fn near(asked: &str, known: &str) -> bool {
    let (asked, known): (Vec<char>, Vec<char>) = (asked.chars().collect(), known.chars().collect());
    let most = match asked.len() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    within(&asked, &known, most)
}

/// A condition as the test words it, and whether a record fulfils it.
fn fulfils(shown: &Shown, resource: &Value, name: &str, value: &str) -> bool {
    if let Some(rest) = name.strip_prefix("_has:") {
        let mut parts = rest.splitn(3, ':');
        let (kind, reference, inner) = (
            parts.next().expect("type"),
            parts.next().expect("reference"),
            parts.next().expect("name"),
        );
        let own = id_of(resource);
        return shown.values().any(|other| {
            other["resourceType"] == kind
                && fulfils(shown, other, inner, value)
                && values(other, reference).iter().any(|value| {
                    matches!(value, IndexValue::Reference { target_type, target_id }
                        if format!("{target_type}/{target_id}") == own)
                })
        });
    }
    if name == "_text" {
        let words = hms_fhir::words(resource);
        return value
            .split(' ')
            .all(|word| words.iter().any(|known| known == &hms_fhir::fold(word)));
    }
    let (name, modifier) = name.split_once(':').unwrap_or((name, ""));
    if modifier == "missing" {
        return values(resource, name).is_empty();
    }
    let (compare, rest) = ["ge", "gt", "le", "lt", "eq"]
        .into_iter()
        .find_map(|prefix| Some((prefix, value.strip_prefix(prefix)?)))
        .unwrap_or(("eq", value));
    values(resource, name).iter().any(|found| match found {
        IndexValue::Token { system, code } => match value.split_once('|') {
            None => code == value,
            Some((asked, "")) => system.as_deref().unwrap_or_default() == asked,
            Some((asked, asked_code)) => code == asked_code && system.as_deref().unwrap_or_default() == asked,
        },
        IndexValue::Uri(uri) => uri == value,
        IndexValue::Reference {
            target_type,
            target_id,
        } => target_id == value || format!("{target_type}/{target_id}") == value,
        IndexValue::Date { start_ms, end_ms } => {
            let (first, last) = hms_fhir::parse_date_range(rest).expect("date");
            match compare {
                "ge" => *end_ms >= first,
                "gt" => *end_ms > last,
                "le" => *start_ms <= last,
                "lt" => *start_ms < first,
                _ => *start_ms >= first && *end_ms <= last,
            }
        }
        IndexValue::Number { low, high } => amount(compare, rest, *low, *high),
        IndexValue::Quantity {
            system,
            code,
            low,
            high,
        } => {
            let mut parts = rest.split('|');
            let number = parts.next().expect("number");
            let asked_system = parts.next().unwrap_or_default();
            let asked_code = parts.next().unwrap_or_default();
            amount(compare, number, *low, *high)
                && (asked_system.is_empty() || system.as_deref() == Some(asked_system))
                && (asked_code.is_empty() || code.as_deref() == Some(asked_code))
        }
        IndexValue::Text { folded } => {
            let asked = hms_fhir::fold(value);
            match modifier {
                "contains" => folded.contains(&asked),
                "fuzzy" => asked.split(' ').all(|word| {
                    folded
                        .split(|c: char| !c.is_alphanumeric())
                        .any(|known| !known.is_empty() && near(word, known))
                }),
                _ => folded.starts_with(&asked),
            }
        }
    })
}

fn amount(compare: &str, number: &str, low: f64, high: f64) -> bool {
    let (from, past) = hms_fhir::number_range(number).expect("number");
    let number: f64 = number.parse().expect("number");
    match compare {
        "ge" => high >= number,
        "gt" => high > number,
        "le" => low <= number,
        "lt" => low < number,
        _ => low >= from && high < past,
    }
}

/// One value that a record of this type has for a parameter, worded as a search; sometimes of a record that has it not.
fn condition(chance: &mut Chance, shown: &Shown, kind: &str) -> Option<(String, String)> {
    let of_kind: Vec<&Value> = shown
        .values()
        .filter(|resource| resource["resourceType"] == kind)
        .collect();
    if of_kind.is_empty() {
        return None;
    }
    let resource = *chance.one(&of_kind);
    if chance.percent(12) {
        let words = hms_fhir::words(resource);
        if !words.is_empty() {
            let two = [
                chance.one::<String>(&words).clone(),
                chance.one::<String>(&words).clone(),
            ];
            return Some(("_text".into(), two.join(" ")));
        }
    }
    let entries = hms_fhir::index(resource);
    let entry = chance.one(&entries);
    let name = entry.param.to_owned();
    let compare = *chance.one::<&str>(&["", "ge", "gt", "le", "lt", "eq"]);
    Some(match &entry.value {
        IndexValue::Token { system, code } => match (system, chance.below(4)) {
            (Some(system), 0) => (name, format!("{system}|")),
            (Some(system), 1) => (name, format!("{system}|{code}")),
            (None, 0) => (name, format!("|{code}")),
            _ => (name, code.clone()),
        },
        IndexValue::Uri(uri) => (name, uri.clone()),
        IndexValue::Reference {
            target_type,
            target_id,
        } => {
            if chance.percent(20) {
                return Some((format!("{name}:missing"), "true".into()));
            }
            let bare = chance.percent(50);
            (
                name,
                if bare {
                    target_id.clone()
                } else {
                    format!("{target_type}/{target_id}")
                },
            )
        }
        IndexValue::Date { start_ms, .. } => {
            let day = hms_model::time::Timestamp(*start_ms)
                .utc()
                .date_naive()
                .to_string();
            let cut = *chance.one(&[4, 7, 10]);
            (name, format!("{compare}{}", &day[..cut]))
        }
        IndexValue::Number { low, .. } => (name, format!("{compare}{low}")),
        IndexValue::Quantity {
            low, system, code, ..
        } => {
            let unit = match (system, code) {
                (Some(system), Some(code)) if chance.percent(50) => format!("|{system}|{code}"),
                (_, Some(code)) if chance.percent(50) => format!("||{code}"),
                _ => String::new(),
            };
            (name, format!("{compare}{low:.0}{unit}"))
        }
        IndexValue::Text { folded } => {
            let letters: Vec<char> = folded.chars().collect();
            let from = chance.below(letters.len() as i64) as usize;
            match chance.below(3) {
                0 => (name, letters[..=from].iter().collect()),
                1 => {
                    let part: String = letters[from..].iter().take(4).collect();
                    if !part.chars().any(char::is_alphanumeric) {
                        return None;
                    }
                    (format!("{name}:contains"), part)
                }
                _ => {
                    let mut slipped = letters.clone();
                    slipped[from] = 'x';
                    let slipped: String = slipped.iter().collect();
                    if slipped
                        .split(' ')
                        .any(|word| word.is_empty() || !word.chars().all(char::is_alphanumeric))
                    {
                        return None;
                    }
                    (format!("{name}:fuzzy"), slipped)
                }
            }
        }
    })
}

fn sort_value(resource: &Value, param: &str, order: Order) -> Option<String> {
    let values = values(resource, param)
        .into_iter()
        .filter_map(|value| match value {
            // Moved above zero, so that text sorts as the number does.
            IndexValue::Date { start_ms, .. } => Some(format!("{:020}", i128::from(start_ms) + (1 << 63))),
            IndexValue::Text { folded } => Some(folded),
            _ => None,
        });
    match order {
        Order::Up => values.min(),
        Order::Down => values.max(),
    }
}

async fn check_one(store: &Store, shown: &Shown, chance: &mut Chance) -> bool {
    let kinds: BTreeSet<&str> = shown
        .values()
        .filter_map(|r| r["resourceType"].as_str())
        .collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let kind = *chance.one::<&str>(&kinds);
    let mut asked = Vec::new();
    for _ in 0..=chance.below(3) {
        if chance.percent(15) && kind == "Patient" {
            let other = *chance.one::<&str>(&["Task", "Observation", "QuestionnaireResponse", "Encounter"]);
            if let Some((name, value)) = condition(chance, shown, other) {
                asked.push((format!("_has:{other}:patient:{name}"), value));
            }
        } else if let Some(condition) = condition(chance, shown, kind) {
            asked.push(condition);
        }
    }
    let mut query = Query::of(kind);
    for (name, value) in &asked {
        query = query.where_is(name, value).expect("a search");
    }
    let expected: BTreeSet<String> = shown
        .values()
        .filter(|resource| resource["resourceType"] == kind)
        .filter(|resource| {
            asked
                .iter()
                .all(|(name, value)| fulfils(shown, resource, name, value))
        })
        .map(id_of)
        .collect();
    let found = store.find(query.clone()).await.expect("finds").records;
    let ids: BTreeSet<String> = found.iter().map(|stored| id_of(&stored.resource)).collect();
    assert_eq!(ids, expected, "{kind} {asked:?}");
    assert_eq!(ids.len(), found.len(), "none twice: {kind} {asked:?}");
    assert!(found
        .iter()
        .all(|stored| Some(&stored.resource) == shown.get(&id_of(&stored.resource))));

    let order = if chance.percent(50) {
        Order::Up
    } else {
        Order::Down
    };
    let sort = if kind == "Patient" {
        "family"
    } else {
        "_lastUpdated"
    };
    let most = 1 + chance.below(20) as usize;
    let sorted = store
        .find(query.clone().sorted(sort, order).at_most(most))
        .await
        .expect("sorts")
        .records;
    let got: Vec<Option<String>> = sorted
        .iter()
        .map(|stored| sort_value(&stored.resource, sort, order))
        .collect();
    let mut best: Vec<Option<String>> = expected
        .iter()
        .map(|id| sort_value(&shown[id], sort, order))
        .collect();
    best.sort_by(|a, b| match (a, b, order) {
        (Some(a), Some(b), Order::Up) => a.cmp(b),
        (Some(a), Some(b), Order::Down) => b.cmp(a),
        (a, b, _) => b.is_some().cmp(&a.is_some()),
    });
    best.truncate(most);
    assert_eq!(got, best, "{kind} {asked:?} by {sort}, {order:?}");
    assert!(sorted
        .iter()
        .all(|stored| expected.contains(&id_of(&stored.resource))));

    if hms_fhir::search_param(kind, "patient").is_some() {
        let found = store
            .find(query.including("patient").at_most(most))
            .await
            .expect("includes");
        let named: BTreeSet<String> = found
            .records
            .iter()
            .flat_map(|stored| values(&stored.resource, "patient"))
            .filter_map(|value| match value {
                IndexValue::Reference {
                    target_type,
                    target_id,
                } => Some(format!("{target_type}/{target_id}")),
                _ => None,
            })
            .filter(|id| shown.contains_key(id))
            .collect();
        let included: BTreeSet<String> = found
            .included
            .iter()
            .map(|stored| id_of(&stored.resource))
            .collect();
        assert_eq!(included, named, "{kind} {asked:?}");
    }
    !expected.is_empty()
}

/// A page of new, changed and deleted records from the server, and some changes made here.
async fn stir(
    store: &Store,
    shown: &mut Shown,
    people: &mut impl Iterator<Item = Value>,
    chance: &mut Chance,
    new: usize,
) {
    let mut page: Vec<WireChange> = Vec::new();
    for resource in people.take(new) {
        shown.insert(id_of(&resource), resource.clone());
        page.push(change(resource));
    }
    let ids: Vec<String> = shown.keys().cloned().collect();
    let pending: BTreeSet<String> = store
        .outbox()
        .await
        .expect("outbox")
        .into_iter()
        .map(|row| row.id)
        .collect();
    for _ in 0..new / 10 {
        let id = chance.one::<String>(&ids).clone();
        if pending.contains(&id) {
            continue;
        }
        if chance.percent(30) {
            shown.remove(&id);
            let change = ChangeBody::Gone {
                id,
                why: GoneWhy::Deleted,
            };
            page.push(WireChange { change });
        } else if let Some(resource) = shown.get_mut(&id) {
            resource["meta"]["lastUpdated"] = json!("2026-11-22T01:02:03Z");
            resource["status"] = json!("entered-in-error");
            resource["name"] = json!([{ "family": "Zauber-Öhr", "given": ["Änne Marie"] }]);
            page.push(change(resource.clone()));
        }
    }
    store.apply_page(page, "c".into(), NOW).await.expect("applies");
    for _ in 0..new / 40 {
        let id = chance.one::<String>(&ids).clone();
        let Some(mut resource) = shown.get(&id).cloned() else {
            continue;
        };
        if chance.percent(30) {
            let gone = LocalChange {
                id: id.clone(),
                resource: None,
                base: None,
            };
            store
                .save_local(vec![gone], audit(&id), NOW)
                .await
                .expect("deletes");
            shown.remove(&id);
        } else {
            resource["description"] = json!("words that were added here");
            store
                .save_local(vec![put(resource.clone())], audit(&id), NOW)
                .await
                .expect("saves");
            shown.insert(id, resource);
        }
    }
}

#[tokio::test]
async fn every_search_gives_what_reading_all_records_gives() {
    let dir = tempfile::tempdir().expect("dir");
    let mut store = open(dir.path());
    let (mut shown, mut chance) = (Shown::new(), Chance(31));
    let mut people = district::people(5);
    let mut with_an_answer = 0;
    for round in 0..6 {
        stir(&store, &mut shown, &mut people, &mut chance, 130).await;
        if round == 3 {
            store.close().await;
            store = open(dir.path());
        }
        for _ in 0..60 {
            with_an_answer += usize::from(check_one(&store, &shown, &mut chance).await);
        }
    }
    assert!(with_an_answer > 200, "{with_an_answer}");
}

#[tokio::test]
async fn conditions_that_thousands_fulfil_are_answered_the_same() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let mut shown = Shown::new();
    for number in 0..4_500_i32 {
        let at = format!("2026-{:02}-{:02}T10:00:00Z", 1 + number % 12, 1 + number % 28);
        let task = json!({ "resourceType": "Task", "id": format!("t{number}"), "status": "requested", "intent": "order",
            "for": { "reference": "Patient/p" }, "priority": if number % 900 == 0 { "stat" } else { "routine" },
            "authoredOn": at });
        shown.insert(id_of(&task), task);
    }
    let page = shown.values().cloned().map(change).collect();
    store.apply_page(page, "c".into(), NOW).await.expect("applies");
    let ask = |names: &[(&str, &str)]| {
        names.iter().fold(Query::of("Task"), |query, (name, value)| {
            query.where_is(name, value).expect("a search")
        })
    };
    for names in [
        &[("status", "requested")][..],
        &[("status", "requested"), ("patient", "p")],
        &[("status", "requested"), ("priority", "stat")],
        &[("patient", "Patient/p"), ("authored-on", "ge2026-03")],
        &[
            ("status", "requested"),
            ("patient", "p"),
            ("authored-on", "lt2026-02-03"),
        ],
    ] {
        let expected: Vec<&Value> = shown
            .values()
            .filter(|task| {
                names
                    .iter()
                    .all(|(name, value)| fulfils(&shown, task, name, value))
            })
            .collect();
        let found = store.find(ask(names)).await.expect("finds").records;
        assert_eq!(found.len(), expected.len(), "{names:?}");
        let few = store.find(ask(names).at_most(7)).await.expect("finds").records;
        assert_eq!(few.len(), expected.len().min(7));
        let newest = store
            .find(ask(names).sorted("authored-on", Order::Down).at_most(7))
            .await
            .expect("sorts")
            .records;
        let mut best: Vec<&str> = expected
            .iter()
            .filter_map(|task| task["authoredOn"].as_str())
            .collect();
        best.sort_unstable();
        let got: Vec<&str> = newest
            .iter()
            .filter_map(|stored| stored.resource["authoredOn"].as_str())
            .collect();
        assert_eq!(
            got,
            best.iter().rev().take(7).copied().collect::<Vec<_>>(),
            "{names:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_searched_by_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    for (kind, name, value) in [
        ("Task", "nonsense", "x"),
        ("Nonsense", "status", "x"),
        ("Task", "status:contains", "x"),
        ("Task", "authored-on", "yesterday"),
        ("Observation", "value-quantity", "much"),
        ("Patient", "_has:Task", "x"),
        ("Patient", "_has:Task:patient:nonsense", "x"),
        ("Patient", "family:exactly", "x"),
    ] {
        let refused = Query::of(kind).where_is(name, value);
        assert!(matches!(refused, Err(StoreError::BadSearch)), "{kind} {name}");
    }
    for query in [
        Query::of("Task").sorted("status", Order::Up),
        Query::of("Task").sorted("nonsense", Order::Up),
        Query::of("Task").including("nonsense"),
        Query::of("Patient").with(Criterion::Words(" - ".into())),
        Query::of("Patient")
            .where_is("name:contains", "-")
            .expect("a search"),
        Query::of("Patient")
            .where_is("_has:Task:status:status", "x")
            .expect("a search"),
    ] {
        assert!(
            matches!(store.find(query.clone()).await, Err(StoreError::BadSearch)),
            "{query:?}"
        );
    }
}
