//! Rules about several elements of one type: those of R4's invariants that protect this system's
//! own workflows. The names (`per-1`) are those of the definition.

use crate::date::parse_date_range;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Tells of a broken rule: the element's name, or `""` for the object itself, and what was expected.
pub(crate) type Broken<'r> = &'r mut dyn FnMut(&str, &'static str);

/// A rule over an object whose elements are all well formed.
pub(crate) type Rule = fn(&Map<String, Value>, Broken<'_>);

/// The rule of a type, if it has one.
pub(crate) fn rule_for(type_name: &str) -> Option<Rule> {
    Some(match type_name {
        "Extension" => extension,
        "Period" => period,
        "Attachment" => attachment,
        "ContactPoint" => contact_point,
        "Quantity" | "SimpleQuantity" | "Age" | "Count" | "Distance" | "Duration" => quantity,
        "Range" => range,
        "Patient.contact" => contact,
        "Observation" => observation,
        "Observation.component" => component,
        "AllergyIntolerance" => allergy,
        "Condition" => condition,
        "Appointment" => appointment,
        "Appointment.participant" => participant,
        "Task" => task,
        "Bundle" => bundle,
        "Bundle.entry" => bundle_entry,
        "Composition.section" => section,
        "Questionnaire" => questionnaire,
        "Questionnaire.item" => question,
        "QuestionnaireResponse.item" => answer_item,
        "RiskAssessment.prediction" => prediction,
        "Parameters.parameter" => parameter,
        _ => return None,
    })
}

fn text<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    map.get(key).and_then(Value::as_str)
}

fn list<'v>(map: &'v Map<String, Value>, key: &str) -> &'v [Value] {
    map.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn has(map: &Map<String, Value>, key: &str) -> bool {
    map.contains_key(key)
}

/// Whether a choice has any value: `value` finds `valueString` and `_valueString`.
fn has_choice(map: &Map<String, Value>, stem: &str) -> bool {
    map.keys().any(|key| {
        let bare = key.strip_prefix('_').unwrap_or(key);
        bare.strip_prefix(stem)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    })
}

/// Whether a concept has this code.
fn concept_is(map: &Map<String, Value>, key: &str, code: &str) -> bool {
    let codings = map
        .get(key)
        .and_then(|concept| concept.get("coding"))
        .and_then(Value::as_array);
    codings.is_some_and(|codings| {
        codings
            .iter()
            .any(|c| c.get("code").and_then(Value::as_str) == Some(code))
    })
}

/// Whether the first moment is certainly after the second.
fn is_after(first: Option<&str>, second: Option<&str>) -> bool {
    let first = first.and_then(parse_date_range);
    let second = second.and_then(parse_date_range);
    matches!((first, second), (Some((start, _)), Some((_, end))) if start > end)
}

fn extension(map: &Map<String, Value>, broken: Broken<'_>) {
    if has(map, "extension") == has_choice(map, "value") {
        broken("", "ext-1: needs either a value or extensions, and not both");
    }
}

fn period(map: &Map<String, Value>, broken: Broken<'_>) {
    if is_after(text(map, "start"), text(map, "end")) {
        broken("end", "per-1: must not be before the start");
    }
}

fn attachment(map: &Map<String, Value>, broken: Broken<'_>) {
    if has(map, "data") && !has(map, "contentType") {
        broken("contentType", "att-1: data needs its content type");
    }
}

fn contact_point(map: &Map<String, Value>, broken: Broken<'_>) {
    if has(map, "value") && !has(map, "system") && !has(map, "_system") {
        broken("system", "cpt-2: a value needs its system");
    }
}

fn quantity(map: &Map<String, Value>, broken: Broken<'_>) {
    if has(map, "code") && !has(map, "system") {
        broken("system", "qty-3: a unit's code needs its system");
    }
}

fn range(map: &Map<String, Value>, broken: Broken<'_>) {
    let end = |key: &str| map.get(key)?.get("value")?.as_f64();
    let code = |key: &str| map.get(key).and_then(|end| end.get("code"));
    if let (Some(low), Some(high)) = (end("low"), end("high")) {
        if code("low") == code("high") && low > high {
            broken("high", "rng-2: must not be below the low end");
        }
    }
}

fn contact(map: &Map<String, Value>, broken: Broken<'_>) {
    if !["name", "telecom", "address", "organization"]
        .iter()
        .any(|key| has(map, key))
    {
        broken(
            "",
            "pat-1: needs a name, a way to reach, an address or an organization",
        );
    }
}

fn observation(map: &Map<String, Value>, broken: Broken<'_>) {
    component(map, broken);
    let parts = list(map, "component");
    let same = |part: &Value| part.get("code").is_some() && part.get("code") == map.get("code");
    if has_choice(map, "value") && parts.iter().any(same) {
        broken(
            "component",
            "obs-7: a component must not repeat the observation's code",
        );
    }
}

fn component(map: &Map<String, Value>, broken: Broken<'_>) {
    if has(map, "dataAbsentReason") && has_choice(map, "value") {
        broken("dataAbsentReason", "obs-6: only where there is no value");
    }
}

fn allergy(map: &Map<String, Value>, broken: Broken<'_>) {
    let wrong = concept_is(map, "verificationStatus", "entered-in-error");
    if wrong && has(map, "clinicalStatus") {
        broken("clinicalStatus", "ait-2: not when entered in error");
    } else if !wrong && !has(map, "clinicalStatus") {
        broken("clinicalStatus", "ait-1: needed unless entered in error");
    }
}

fn condition(map: &Map<String, Value>, broken: Broken<'_>) {
    if concept_is(map, "verificationStatus", "entered-in-error") && has(map, "clinicalStatus") {
        broken("clinicalStatus", "con-5: not when entered in error");
    }
    let over = ["resolved", "remission", "inactive"]
        .iter()
        .any(|code| concept_is(map, "clinicalStatus", code));
    if has_choice(map, "abatement") && has(map, "clinicalStatus") && !over {
        broken(
            "clinicalStatus",
            "con-4: what has abated is inactive, resolved or in remission",
        );
    }
}

fn appointment(map: &Map<String, Value>, broken: Broken<'_>) {
    let open = matches!(text(map, "status"), Some("proposed" | "cancelled" | "waitlist"));
    match (has(map, "start"), has(map, "end")) {
        (true, false) => broken("end", "app-2: start and end go together"),
        (false, true) => broken("start", "app-2: start and end go together"),
        (false, false) if !open => broken("start", "app-3: only a proposed or cancelled one has no time"),
        _ if is_after(text(map, "start"), text(map, "end")) => broken("end", "must not be before the start"),
        _ => {}
    }
}

fn participant(map: &Map<String, Value>, broken: Broken<'_>) {
    if !has(map, "type") && !has(map, "actor") {
        broken("", "app-1: needs a type or an actor");
    }
}

fn task(map: &Map<String, Value>, broken: Broken<'_>) {
    if is_after(text(map, "authoredOn"), text(map, "lastModified")) {
        broken("lastModified", "inv-1: must not be before it was authored");
    }
}

fn bundle(map: &Map<String, Value>, broken: Broken<'_>) {
    let kind = text(map, "type").unwrap_or_default();
    if has(map, "total") && !matches!(kind, "searchset" | "history") {
        broken("total", "bdl-1: only of a search or a history");
    }
    let mut addresses = BTreeSet::new();
    for (index, entry) in list(map, "entry").iter().enumerate() {
        let part = |key: &str| entry.get(key).is_some();
        if part("search") && kind != "searchset" {
            broken(
                &format!("entry[{index}].search"),
                "bdl-2: only in a search result",
            );
        }
        let asks = matches!(kind, "batch" | "transaction" | "history");
        if part("request") != asks {
            broken(
                &format!("entry[{index}].request"),
                "bdl-3: in a batch, transaction or history, and only there",
            );
        }
        let answers = matches!(kind, "batch-response" | "transaction-response" | "history");
        if part("response") != answers {
            broken(
                &format!("entry[{index}].response"),
                "bdl-4: in a response or history, and only there",
            );
        }
        let version = entry
            .get("resource")
            .and_then(|r| r.get("meta"))
            .and_then(|meta| meta.get("versionId"));
        let address = entry.get("fullUrl").and_then(Value::as_str);
        // HL7's own collections repeat addresses, and nothing is resolved or stored from one.
        if let (Some(address), false) = (address, matches!(kind, "history" | "collection")) {
            if !addresses.insert((address, version.and_then(Value::as_str))) {
                broken(&format!("entry[{index}].fullUrl"), "bdl-7: must be unique");
            }
        }
    }
}

fn bundle_entry(map: &Map<String, Value>, broken: Broken<'_>) {
    if !["resource", "request", "response"]
        .iter()
        .any(|key| has(map, key))
    {
        broken("", "bdl-5: needs a resource, a request or a response");
    }
    if text(map, "fullUrl").is_some_and(|address| address.contains("/_history/")) {
        broken("fullUrl", "bdl-8: must not name a version");
    }
}

fn section(map: &Map<String, Value>, broken: Broken<'_>) {
    if !["text", "entry", "section"].iter().any(|key| has(map, key)) {
        broken("", "cmp-1: needs text, entries or sections");
    }
    if has(map, "emptyReason") && has(map, "entry") {
        broken("emptyReason", "cmp-2: only where there are no entries");
    }
}

fn questionnaire(map: &Map<String, Value>, broken: Broken<'_>) {
    let mut ids = BTreeSet::new();
    let mut waiting: Vec<&Value> = list(map, "item").iter().collect();
    while let Some(item) = waiting.pop() {
        if item
            .get("linkId")
            .and_then(Value::as_str)
            .is_some_and(|id| !ids.insert(id))
        {
            return broken("item", "que-2: link ids must be unique");
        }
        waiting.extend(item.get("item").and_then(Value::as_array).into_iter().flatten());
    }
}

/// The definition asks for a link id on every item, but HL7's own examples leave it out of display
/// items, which nothing answers.
fn question(map: &Map<String, Value>, broken: Broken<'_>) {
    let display = text(map, "type") == Some("display");
    if !display && !has(map, "linkId") {
        broken("linkId", "needed on every item that is not only displayed");
    }
    if display && has(map, "item") {
        broken("item", "que-1: what is only displayed has no items");
    }
}

fn answer_item(map: &Map<String, Value>, broken: Broken<'_>) {
    if has(map, "answer") && has(map, "item") {
        broken(
            "item",
            "qrs-1: items of an answered question belong to the answer",
        );
    }
}

fn prediction(map: &Map<String, Value>, broken: Broken<'_>) {
    if map
        .get("probabilityDecimal")
        .and_then(Value::as_f64)
        .is_some_and(|percent| percent > 100.0)
    {
        broken("probabilityDecimal", "ras-2: must not be above 100");
    }
}

fn parameter(map: &Map<String, Value>, broken: Broken<'_>) {
    let given = [has(map, "resource"), has(map, "part"), has_choice(map, "value")];
    if given.iter().filter(|&&present| present).count() != 1 {
        broken("", "inv-1: needs exactly one of value, resource and part");
    }
}
