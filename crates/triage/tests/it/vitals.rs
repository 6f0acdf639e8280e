//! What is measured: either unit of a meter, limits, and what was not measured.

use hms_triage::{Answer, AnswerError, Interview, Kind, Lang, Milli, Outcome, Pack, Session, Urgency, Vital};
use serde_json::{json, Value};

/// The pack with a thermometer that may show either unit, and a sugar meter in its place.
fn with_vital(vital: Vital) -> Pack {
    let mut file = Pack::embedded().file().clone();
    let heat = file.questions.iter_mut().find(|q| q.id == "heat.temp").unwrap();
    let number = heat.number.as_mut().unwrap();
    number.vital = Some(vital);
    if vital == Vital::Glucose {
        (number.min, number.max) = (Milli::whole(10), Milli::whole(1_500));
    }
    Pack::from_bytes(&serde_json::to_vec(&file).unwrap()).unwrap()
}

#[test]
fn a_thermometer_may_show_either_unit_and_no_unit_is_guessed() {
    let pack = with_vital(Vital::Temperature);
    let mut interview = Interview::new(&pack);
    interview.line(&json!({"person": {"age": 40, "sex": "male"}}).to_string());
    let mut said = interview.line(&json!({"complaint": "heat"}).to_string());
    let question = |lines: &[String]| -> Value {
        let line: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        line["question"].clone()
    };
    while question(&said)["id"] != "heat.temp" {
        let q = question(&said);
        let value = if q["id"] == "heat.signs" {
            json!(["headache"])
        } else {
            json!([])
        };
        said = interview.line(&json!({"answer": {"id": q["id"], "value": value}}).to_string());
    }
    let units = question(&said)["units"].clone();
    assert_eq!(units[0]["code"], "[degF]");
    assert_eq!(
        (units[1]["code"].as_str(), units[1]["sign"].as_str()),
        (Some("Cel"), Some("°C"))
    );

    let mut send = |value: f64, unit: Value| -> Value {
        let line = json!({"answer": {"id": "heat.temp", "value": value, "unit": unit}}).to_string();
        serde_json::from_str(&interview.line(&line)[0]).unwrap()
    };
    let wrong = send(104.0, json!("Cel"));
    assert_eq!(wrong["error"]["code"], "out_of_range");
    assert_eq!(wrong["error"]["message"], "The number must lie in: 23.9–46.1 °C");
    assert_eq!(send(39.4, json!("K"))["error"]["code"], "unknown_unit");
    assert_eq!(send(39.4, json!(7))["error"]["code"], "bad_answer");
    assert_eq!(
        send(39.4, Value::Null)["error"]["code"],
        "out_of_range",
        "39.4 °F is no body heat"
    );
    assert_eq!(send(39.4, json!("Cel"))["outcome"]["urgency"], "call_911");
}

#[test]
fn what_was_not_measured_is_unknown_and_never_normal() {
    let pack = with_vital(Vital::Temperature);
    let state = |answer: Option<Answer>| {
        let mut session = Session::new(&pack);
        session
            .answer(&pack, "complaint", Answer::Code("heat".to_owned()))
            .unwrap();
        for q in pack
            .file()
            .questions
            .iter()
            .filter(|q| !q.hidden && q.id != "complaint")
        {
            let denied = match q.kind {
                Kind::Multi => Answer::Codes(Vec::new()),
                Kind::Boolean => Answer::Flag(false),
                Kind::Choice => Answer::Code(q.options[0].code.clone()),
                Kind::Number if q.id == "age" => Answer::Number(Milli::whole(40)),
                Kind::Number => continue,
            };
            session.answer(&pack, &q.id, denied).unwrap();
        }
        if let Some(answer) = answer {
            session.answer(&pack, "heat.temp", answer).unwrap();
        }
        session
    };
    // With everything else denied, only the thermometer could still call 911: open, it can; at 98 it cannot.
    let (open, mut fine) = (state(None), state(Some(Answer::Number(Milli::whole(98)))));
    assert_eq!(open.bounds(&pack).1, Urgency::Call911);
    assert!(fine.bounds(&pack).1 < Urgency::Call911);
    let unsure = state(Some(Answer::unknown()));
    let told = |s: &Session| Outcome::of(&pack, &s.answers, Lang::En).urgency;
    assert_eq!(
        told(&unsure),
        told(&open),
        "not sure is as good as not asked, and no better"
    );
    assert_eq!(
        fine.answer_in(&pack, "heat.temp", Milli(36_600), "Cel")
            .map(|()| fine.answers.given["heat.temp"].clone()),
        Ok(Answer::Number(Milli(97_880)))
    );
    assert_eq!(
        fine.answer_in(&pack, "heat.flags", Milli(36_600), "Cel"),
        Err(AnswerError::WrongKind)
    );
}

#[test]
fn a_pack_whose_limits_no_meter_can_show_is_refused() {
    let mut file = with_vital(Vital::Glucose).file().clone();
    let heat = file.questions.iter_mut().find(|q| q.id == "heat.temp").unwrap();
    heat.number.as_mut().unwrap().max = Milli::whole(5_000);
    let bytes = serde_json::to_vec(&file).unwrap();
    assert!(Pack::from_bytes(&bytes).is_err());
}

#[test]
fn a_pack_from_before_conditions_and_vitals_is_still_read() {
    let mut file: Value = serde_json::from_slice(include_bytes!("../../pack/pack.json")).unwrap();
    file.as_object_mut().unwrap().remove("conditions");
    for question in file["questions"].as_array_mut().unwrap() {
        if let Some(number) = question["number"].as_object_mut() {
            number.remove("vital");
        }
    }
    let old = Pack::from_bytes(&serde_json::to_vec(&file).unwrap()).unwrap();
    assert!(old.file().conditions.is_empty());
    assert!(old
        .file()
        .questions
        .iter()
        .all(|q| q.number.as_ref().is_none_or(|n| n.vital.is_none())));
    let mut session = Session::new(&old);
    session.search(&old, "chest pain", Lang::En);
    assert!(matches!(
        session.next(&old, Lang::En),
        hms_triage::Next::Question(_)
    ));
}
