//! The injury report as QuestionnaireResponse, and what is added after sending.

use super::{code_in, extension, id_in, reference, system, MapError};
use crate::ids::{PatientId, ReportId};
use crate::report::{BodyPart, HurtPlace, InjuryReport, Position, Reporter, SafeNow, Side, WhatHappened};
use crate::time::{Stamp, Timestamp};
use serde_json::{json, Map, Value};

/// The report as QuestionnaireResponse, ready to push. The server adds the receipt number as `identifier`.
#[must_use]
pub fn to_fhir(report: &InjuryReport, author: Option<&Value>) -> Value {
    let mut items = vec![
        coded("safe", "safe-now", report.safe.code()),
        coded("what", "what-happened", report.what.code()),
        json!({ "linkId": "where", "answer": report.places.iter().map(place_answer).collect::<Vec<_>>() }),
        json!({ "linkId": "when", "answer": [{ "valueDateTime": report.happened.to_datetime() }] }),
    ];
    if let Some(position) = &report.position {
        items.push(position_item(position));
    }
    for (link, text) in [
        ("place", &report.place_text),
        ("witness", &report.witness),
        ("note", &report.note),
    ] {
        if let Some(text) = text.as_deref().filter(|t| !t.trim().is_empty()) {
            items.push(json!({ "linkId": link, "answer": [{ "valueString": text }] }));
        }
    }
    if let Reporter::Colleague { hurt_name } = &report.reporter {
        items.push(json!({ "linkId": "colleague", "answer": [{ "valueString": hurt_name }] }));
    }
    let mut resource = json!({
        "resourceType": "QuestionnaireResponse",
        "id": report.id.as_str(),
        "language": report.language,
        "questionnaire": system::injury_report(),
        "status": "completed",
        "authored": report.authored.to_datetime(),
        "item": items,
    });
    if let Some(map) = resource.as_object_mut() {
        put_parties(map, report.patient.as_ref(), author);
        if let Some(true_time) = report.true_time {
            map.insert(
                "extension".into(),
                json!([{ "url": system::extension("estimated-true-time"), "valueInstant": true_time.to_instant() }]),
            );
        }
    }
    resource
}

fn put_parties(map: &mut Map<String, Value>, patient: Option<&PatientId>, author: Option<&Value>) {
    if let Some(patient) = patient {
        map.insert("subject".into(), reference("Patient", patient.as_str()));
    }
    if let Some(author) = author {
        map.insert("author".into(), author.clone());
    }
}

fn coded(link: &str, codes: &str, code: &str) -> Value {
    json!({ "linkId": link, "answer": [{ "valueCoding": { "system": system::codes(codes), "code": code } }] })
}

fn place_answer(place: &HurtPlace) -> Value {
    json!({
        "valueCoding": { "system": system::codes("body-part"), "code": place.part.code() },
        "item": [coded("side", "side", place.side.code())],
    })
}

fn position_item(position: &Position) -> Value {
    let mut parts = vec![
        json!({ "linkId": "latitude", "answer": [{ "valueDecimal": position.latitude }] }),
        json!({ "linkId": "longitude", "answer": [{ "valueDecimal": position.longitude }] }),
    ];
    if let Some(accuracy) = position.accuracy_m {
        parts.push(json!({ "linkId": "accuracy-m", "answer": [{ "valueDecimal": accuracy }] }));
    }
    json!({ "linkId": "position", "item": parts })
}

/// Reads a report back.
///
/// # Errors
/// The element that is missing or has an unknown code.
pub fn from_fhir(resource: &Value) -> Result<InjuryReport, MapError> {
    let lacks = |element| MapError {
        resource: "QuestionnaireResponse",
        element,
    };
    let id = resource
        .get("id")
        .and_then(Value::as_str)
        .and_then(|id| ReportId::parse(id).ok());
    let code = |link| answer(resource, link).and_then(|a| a.get("valueCoding")?.get("code")?.as_str());
    let text = |link| {
        answer(resource, link)
            .and_then(|a| a.get("valueString")?.as_str())
            .map(str::to_owned)
    };
    let stamp = |value: Option<&Value>| value.and_then(Value::as_str).and_then(Stamp::parse);
    Ok(InjuryReport {
        id: id.ok_or(lacks("id"))?,
        patient: resource
            .get("subject")
            .and_then(|s| id_in(s, "Patient"))
            .and_then(|id| PatientId::parse(id).ok()),
        reporter: text("colleague").map_or(Reporter::Myself, |hurt_name| Reporter::Colleague { hurt_name }),
        safe: code("safe").and_then(SafeNow::parse).ok_or(lacks("item(safe)"))?,
        what: code("what")
            .and_then(WhatHappened::parse)
            .ok_or(lacks("item(what)"))?,
        places: places(resource).ok_or(lacks("item(where)"))?,
        happened: stamp(answer(resource, "when").and_then(|a| a.get("valueDateTime")))
            .ok_or(lacks("item(when)"))?,
        position: position(resource),
        place_text: text("place"),
        witness: text("witness"),
        note: text("note"),
        authored: stamp(resource.get("authored")).ok_or(lacks("authored"))?,
        true_time: extension(resource, "estimated-true-time")
            .and_then(|e| e.get("valueInstant")?.as_str())
            .and_then(Timestamp::parse),
        language: resource
            .get("language")
            .and_then(Value::as_str)
            .unwrap_or("en")
            .to_owned(),
    })
}

/// A colleague as their reporter typed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColleagueNamed<'a> {
    /// Words of the name, without numbers.
    pub names: Vec<&'a str>,
    /// What may be an employee number: of item `colleague-number`, or typed with the name ("Sam Reyes E-100002").
    pub numbers: Vec<&'a str>,
}

/// Whom a report for a colleague names; `None` for a report about oneself.
#[must_use]
pub fn colleague_named(resource: &Value) -> Option<ColleagueNamed<'_>> {
    let typed = |link| {
        answer(resource, link)
            .and_then(|a| a.get("valueString")?.as_str())
            .unwrap_or_default()
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '#' | ':'))
            .filter(|word| !word.is_empty())
    };
    answer(resource, "colleague")?;
    // Names have no figures; a number may have a letter in front.
    let is_number = |word: &&str| word.bytes().filter(u8::is_ascii_digit).count() >= 3;
    let (mut numbers, names): (Vec<&str>, Vec<&str>) = typed("colleague").partition(is_number);
    numbers.extend(typed("colleague-number").filter(is_number));
    Some(ColleagueNamed { names, numbers })
}

/// True for a QuestionnaireResponse that is an injury report, of any version.
#[must_use]
pub fn is_report(resource: &Value) -> bool {
    questionnaire_is(resource, &system::injury_report())
}

/// True for a QuestionnaireResponse that adds to a report.
#[must_use]
pub fn is_addition(resource: &Value) -> bool {
    questionnaire_is(resource, &system::report_addition())
}

fn questionnaire_is(resource: &Value, canonical: &str) -> bool {
    let base = |url: &str| url.split('|').next().map(str::to_owned);
    resource
        .get("questionnaire")
        .and_then(Value::as_str)
        .and_then(base)
        == base(canonical)
}

/// The receipt number, once the server has given one.
#[must_use]
pub fn receipt_number(resource: &Value) -> Option<&str> {
    let identifier = resource.get("identifier")?;
    (identifier.get("system")?.as_str()? == system::receipt()).then(|| identifier.get("value")?.as_str())?
}

/// What a carrier says after sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdditionKind {
    /// Something was wrong.
    Correction,
    /// Something more.
    Addition,
    /// It got worse: raises the queue entry.
    Worse,
}

impl AdditionKind {
    /// The code sent.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            AdditionKind::Correction => "correction",
            AdditionKind::Addition => "addition",
            AdditionKind::Worse => "worse",
        }
    }

    /// Reads a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Correction, Self::Addition, Self::Worse]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// An addition to a sent report: never changes the report itself, so the first words stay readable.
#[must_use]
pub fn addition_to_fhir(
    id: &ReportId,
    to: &ReportId,
    kind: AdditionKind,
    text: Option<&str>,
    authored: Stamp,
    patient: Option<&PatientId>,
) -> Value {
    let mut items = vec![coded("kind", "report-addition", kind.code())];
    if let Some(text) = text.filter(|t| !t.trim().is_empty()) {
        items.push(json!({ "linkId": "text", "answer": [{ "valueString": text }] }));
    }
    let mut resource = json!({
        "resourceType": "QuestionnaireResponse",
        "id": id.as_str(),
        "extension": [{
            "url": system::extension("adds-to"),
            "valueReference": reference("QuestionnaireResponse", to.as_str()),
        }],
        "questionnaire": system::report_addition(),
        "status": "completed",
        "authored": authored.to_datetime(),
        "item": items,
    });
    if let Some(map) = resource.as_object_mut() {
        put_parties(map, patient, None);
    }
    resource
}

/// The report that an addition belongs to, its kind and its words.
#[must_use]
pub fn addition_of(resource: &Value) -> Option<(ReportId, AdditionKind, Option<String>)> {
    let to = id_in(
        extension(resource, "adds-to")?.get("valueReference")?,
        "QuestionnaireResponse",
    )?;
    let kind = answer(resource, "kind")?
        .get("valueCoding")?
        .get("code")?
        .as_str()?;
    let text = answer(resource, "text")
        .and_then(|a| a.get("valueString")?.as_str())
        .map(str::to_owned);
    Some((ReportId::parse(to).ok()?, AdditionKind::parse(kind)?, text))
}

fn item<'a>(resource: &'a Value, link: &str) -> Option<&'a Value> {
    resource
        .get("item")?
        .as_array()?
        .iter()
        .find(|item| item.get("linkId").and_then(Value::as_str) == Some(link))
}

fn answer<'a>(resource: &'a Value, link: &str) -> Option<&'a Value> {
    item(resource, link)?.get("answer")?.get(0)
}

fn places(resource: &Value) -> Option<Vec<HurtPlace>> {
    let answers = item(resource, "where")?.get("answer")?.as_array()?;
    answers
        .iter()
        .map(|a| {
            let part = BodyPart::parse(a.get("valueCoding")?.get("code")?.as_str()?)?;
            let side = answer(a, "side").and_then(|s| s.get("valueCoding")?.get("code")?.as_str());
            Some(HurtPlace {
                part,
                side: side.and_then(Side::parse).unwrap_or(Side::Middle),
            })
        })
        .collect()
}

fn position(resource: &Value) -> Option<Position> {
    let group = item(resource, "position")?;
    let number = |link| answer(group, link).and_then(|a| a.get("valueDecimal")?.as_f64());
    Some(Position {
        latitude: number("latitude")?,
        longitude: number("longitude")?,
        accuracy_m: number("accuracy-m"),
    })
}

/// Reads the code of a Task, Composition or the like in one of our systems.
#[must_use]
pub fn our_code<'a>(concept: &'a Value, codes: &str) -> Option<&'a str> {
    code_in(concept, &system::codes(codes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bite() -> InjuryReport {
        InjuryReport {
            id: ReportId::parse("r1").expect("id"),
            patient: Some(PatientId::parse("dana").expect("id")),
            reporter: Reporter::Myself,
            safe: SafeNow::Safe,
            what: WhatHappened::Animal,
            places: vec![HurtPlace {
                part: BodyPart::Hand,
                side: Side::Left,
            }],
            happened: Stamp::parse("2026-11-21T10:40:00-06:00").expect("stamp"),
            position: Some(Position {
                latitude: 44.05,
                longitude: -92.5,
                accuracy_m: Some(12.0),
            }),
            place_text: Some("RR 7, box 112".into()),
            witness: None,
            note: None,
            authored: Stamp::parse("2026-11-21T10:42:00-06:00").expect("stamp"),
            true_time: Some(Timestamp(1_795_000_000_000)),
            language: "es".into(),
        }
    }

    #[test]
    fn a_report_reads_back_as_it_was_entered() {
        let resource = to_fhir(&bite(), None);

        assert_eq!(from_fhir(&resource), Ok(bite()));
        assert!(is_report(&resource) && !is_addition(&resource));
        assert_eq!(hms_fhir::validate(&resource), Ok(()));
    }

    #[test]
    fn a_number_typed_with_a_colleagues_name_is_told_apart_from_it() {
        let mut report = bite();
        report.reporter = Reporter::Colleague {
            hurt_name: "Sam de la Cruz, (EIN: E-100002)".into(),
        };

        let resource = to_fhir(&report, None);
        let named = colleague_named(&resource).expect("a colleague");
        assert_eq!(named.names, ["Sam", "de", "la", "Cruz", "EIN"]);
        assert_eq!(named.numbers, ["E-100002"]);
        assert_eq!(colleague_named(&to_fhir(&bite(), None)), None);
    }

    #[test]
    fn an_addition_names_its_report() {
        let to = ReportId::parse("r1").expect("id");
        let id = ReportId::parse("a1").expect("id");
        let at = bite().authored;

        let resource = addition_to_fhir(&id, &to, AdditionKind::Worse, Some("hand is swollen"), at, None);

        let expected = (to, AdditionKind::Worse, Some("hand is swollen".to_owned()));
        assert_eq!(addition_of(&resource), Some(expected));
        assert_eq!(hms_fhir::validate(&resource), Ok(()));
    }
}
