//! Names, ages and numbers of people.

use chrono::Datelike;
use hms_model::map::system;
use hms_model::time::Timestamp;
use serde_json::Value;

use super::{text, Records};

/// The first name of a Patient or Practitioner, in one line; empty where there is none.
#[must_use]
pub fn name_of(person: &Value) -> String {
    let Some(name) = person.get("name").and_then(|n| n.get(0)) else {
        // Organizations and locations have plain names.
        return text(person, &["name"]).unwrap_or_default().to_owned();
    };
    if let Some(text) = text(name, &["text"]) {
        return text.to_owned();
    }
    let given = name
        .get("given")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    given.chain(text(name, &["family"])).collect::<Vec<_>>().join(" ")
}

/// Whole years between a birth date and a moment.
#[must_use]
pub fn age(birth_date: &str, now: Timestamp) -> Option<u32> {
    let born: chrono::NaiveDate = birth_date.parse().ok()?;
    let today = now.utc().date_naive();
    let years =
        today.year() - born.year() - i32::from((today.month(), today.day()) < (born.month(), born.day()));
    u32::try_from(years).ok()
}

/// The employee number of a Patient.
pub(crate) fn employee_number(patient: &Value) -> Option<String> {
    let wanted = system::codes("employee-number");
    patient
        .get("identifier")?
        .as_array()?
        .iter()
        .find(|i| text(i, &["system"]) == Some(&wanted))
        .and_then(|i| text(i, &["value"]))
        .map(str::to_owned)
}

/// The first telephone number of a person or place.
#[must_use]
pub fn phone(of: &Value) -> Option<String> {
    let all = of.get("telecom")?.as_array()?;
    let phone = all
        .iter()
        .find(|t| matches!(text(t, &["system"]), Some("phone" | "sms")));
    phone.and_then(|t| text(t, &["value"])).map(str::to_owned)
}

/// The language that a Patient prefers.
pub(crate) fn language(patient: &Value) -> Option<String> {
    let concept = patient.get("communication")?.get(0)?.get("language")?;
    let code = concept.get("coding")?.get(0)?.get("code")?.as_str()?;
    Some(code.split('-').next().unwrap_or(code).to_owned())
}

/// An address in one line.
pub(crate) fn address(of: &Value) -> Option<String> {
    let address = of.get("address")?;
    let address = address.get(0).unwrap_or(address);
    if let Some(whole) = text(address, &["text"]) {
        return Some(whole.to_owned());
    }
    let lines = address
        .get("line")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let rest = ["city", "state", "postalCode"]
        .into_iter()
        .filter_map(|key| text(address, &[key]));
    let parts: Vec<&str> = lines.chain(rest).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The name behind a reference: as it is displayed there, or from the record.
#[must_use]
pub fn display(reference: &Value, kind: &str, records: &Records) -> Option<String> {
    let shown = text(reference, &["display"]).map(str::to_owned);
    shown.or_else(|| {
        let id = super::reference_id(reference, kind)?;
        Some(name_of(records.get(kind, id)?)).filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_read_in_either_form() {
        assert_eq!(
            name_of(&json!({ "name": [{ "given": ["Dana"], "family": "Reyes" }] })),
            "Dana Reyes"
        );
        assert_eq!(
            name_of(&json!({ "name": [{ "text": "M. Alvarez" }] })),
            "M. Alvarez"
        );
        assert_eq!(name_of(&json!({ "name": "North depot" })), "North depot");
        assert_eq!(name_of(&json!({})), "");
    }

    #[test]
    fn a_birthday_that_is_still_to_come_does_not_count() {
        let now = Timestamp::parse("2026-11-21T12:00:00Z").expect("now");
        assert_eq!(age("1984-11-21", now), Some(42));
        assert_eq!(age("1984-11-22", now), Some(41));
        assert_eq!(age("1984", now), None);
    }
}
