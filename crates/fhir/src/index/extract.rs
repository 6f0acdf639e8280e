//! From one element's value to the search values it stands for.

use super::IndexValue;
use crate::date::parse_date_range;
use crate::references::Link;
use crate::search::SearchKind;
use crate::tables::{Kind, Prop};
use crate::text::fold;
use serde_json::Value;

/// Adds the search values of one element.
pub(super) fn extract(value: &Value, prop: &Prop, kind: SearchKind, found: &mut Vec<IndexValue>) {
    match kind {
        SearchKind::Token => token(value, prop.type_name, found),
        SearchKind::Reference => reference(value, prop, found),
        SearchKind::Date => found.extend(date(value, prop.type_name)),
        SearchKind::String => string(value, prop.type_name, found),
        SearchKind::Number => {
            found.extend(ends(value, prop.type_name).map(|(low, high)| IndexValue::Number { low, high }));
        }
        SearchKind::Quantity => found.extend(quantity(value, prop.type_name)),
        SearchKind::Uri => found.extend(value.as_str().map(|text| IndexValue::Uri(text.to_owned()))),
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn token(value: &Value, type_name: &str, found: &mut Vec<IndexValue>) {
    let mut add = |system: Option<&str>, code: Option<&str>| {
        if let Some(code) = code {
            found.push(IndexValue::Token {
                system: system.map(str::to_owned),
                code: code.to_owned(),
            });
        }
    };
    match (type_name, value) {
        ("CodeableConcept", _) => {
            for coding in list(value, "coding") {
                add(text(coding, "system"), text(coding, "code"));
            }
        }
        ("Coding", _) => add(text(value, "system"), text(value, "code")),
        ("Identifier", _) => add(text(value, "system"), text(value, "value")),
        // A telecom's `system` is phone or email, not a namespace.
        ("ContactPoint", _) => add(None, text(value, "value")),
        (_, Value::String(code)) => add(None, Some(code)),
        (_, Value::Bool(flag)) => add(None, Some(if *flag { "true" } else { "false" })),
        _ => {}
    }
}

fn reference(value: &Value, prop: &Prop, found: &mut Vec<IndexValue>) {
    if let (true, Some(address)) = (prop.is_address(), value.as_str()) {
        found.push(IndexValue::Uri(address.to_owned()));
        // A canonical may name a version; a search may leave it out.
        if let Some((bare, _)) = address.split_once('|') {
            found.push(IndexValue::Uri(bare.to_owned()));
        }
        return;
    }
    let (Kind::Reference(..), Some(reference)) = (&prop.kind, text(value, "reference")) else {
        return;
    };
    match Link::parse(reference) {
        Some(Link::Literal {
            base: None,
            target_type,
            target_id,
            ..
        }) => found.push(IndexValue::Reference {
            target_type: target_type.to_owned(),
            target_id: target_id.to_owned(),
        }),
        Some(Link::Literal { base: Some(_), .. } | Link::Elsewhere) => {
            found.push(IndexValue::Uri(reference.to_owned()));
        }
        Some(Link::Contained(_) | Link::Conditional { .. }) | None => {}
    }
}

fn date(value: &Value, type_name: &str) -> Option<IndexValue> {
    let (start_ms, end_ms) = match type_name {
        "Period" => period(value)?,
        "Timing" => timing(value)?,
        _ => parse_date_range(value.as_str()?)?,
    };
    Some(IndexValue::Date { start_ms, end_ms })
}

fn period(value: &Value) -> Option<(i64, i64)> {
    let start = text(value, "start").and_then(parse_date_range);
    let end = text(value, "end").and_then(parse_date_range);
    (start.is_some() || end.is_some()).then(|| {
        (
            start.map_or(i64::MIN, |(first, _)| first),
            end.map_or(i64::MAX, |(_, last)| last),
        )
    })
}

/// From the first to the last moment that a timing names.
fn timing(value: &Value) -> Option<(i64, i64)> {
    let events = list(value, "event")
        .iter()
        .filter_map(Value::as_str)
        .filter_map(parse_date_range);
    let bounds = value
        .get("repeat")
        .and_then(|repeat| repeat.get("boundsPeriod"))
        .and_then(period);
    events
        .chain(bounds)
        .reduce(|(start, end), (first, last)| (start.min(first), end.max(last)))
}

fn string(value: &Value, type_name: &str, found: &mut Vec<IndexValue>) {
    for words in words(value, type_name) {
        let folded = fold(words);
        if !folded.is_empty() {
            found.push(IndexValue::Text { folded });
        }
    }
}

/// The texts of an element that a string parameter looks at, as they are written.
pub(super) fn words<'v>(value: &'v Value, type_name: &str) -> Vec<&'v str> {
    let (single, many): (&[&str], &[&str]) = match type_name {
        "HumanName" => (&["family", "text"], &["given", "prefix", "suffix"]),
        "Address" => (
            &["city", "district", "state", "postalCode", "country", "text"],
            &["line"],
        ),
        "CodeableConcept" => (&["text"], &[]),
        "Annotation" => (&["text"], &[]),
        _ => return value.as_str().into_iter().collect(),
    };
    let mut found: Vec<&str> = single.iter().filter_map(|key| text(value, key)).collect();
    for key in many {
        found.extend(list(value, key).iter().filter_map(Value::as_str));
    }
    if type_name == "CodeableConcept" {
        found.extend(
            list(value, "coding")
                .iter()
                .filter_map(|coding| text(coding, "display")),
        );
    }
    found
}

/// The ends of a number, quantity or range; a comparator opens one of them.
fn ends(value: &Value, type_name: &str) -> Option<(f64, f64)> {
    match type_name {
        "Range" => {
            let end = |key: &str| value.get(key)?.get("value")?.as_f64();
            let (low, high) = (end("low"), end("high"));
            (low.is_some() || high.is_some())
                .then(|| (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY)))
        }
        "decimal" | "integer" | "positiveInt" | "unsignedInt" => {
            value.as_f64().map(|number| (number, number))
        }
        _ => {
            let number = value.get("value")?.as_f64()?;
            Some(match text(value, "comparator") {
                Some("<" | "<=") => (f64::NEG_INFINITY, number),
                Some(">" | ">=") => (number, f64::INFINITY),
                _ => (number, number),
            })
        }
    }
}

fn quantity(value: &Value, type_name: &str) -> Option<IndexValue> {
    if type_name == "SampledData" {
        return sampled(value);
    }
    let (low, high) = ends(value, type_name)?;
    // The ends of a range share one unit.
    let unit = match type_name {
        "Range" => value.get("low").or_else(|| value.get("high"))?,
        _ => value,
    };
    let code = text(unit, "code")
        .or_else(|| text(unit, "unit"))
        .or_else(|| text(unit, "currency"));
    Some(IndexValue::Quantity {
        system: text(unit, "system").map(str::to_owned),
        code: code.map(str::to_owned),
        low,
        high,
    })
}

/// The span from the smallest to the largest sample, in the unit of the origin.
fn sampled(value: &Value) -> Option<IndexValue> {
    let origin = value.get("origin")?;
    let zero = origin.get("value")?.as_f64()?;
    let factor = value.get("factor").and_then(Value::as_f64).unwrap_or(1.0);
    let samples = text(value, "data")?
        .split_whitespace()
        .filter_map(|sample| sample.parse::<f64>().ok());
    let (low, high) = samples
        .map(|sample| zero + sample * factor)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), sample| {
            (low.min(sample), high.max(sample))
        });
    (low <= high).then(|| IndexValue::Quantity {
        system: text(origin, "system").map(str::to_owned),
        code: text(origin, "code")
            .or_else(|| text(origin, "unit"))
            .map(str::to_owned),
        low,
        high,
    })
}
