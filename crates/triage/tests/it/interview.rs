//! The JSON-lines protocol, the search and the danger phrases.

use hms_triage::{search, Interview, Lang, Pack, Session};
use serde_json::{json, Value};

struct Talk {
    interview: Interview<'static>,
    last: Vec<Value>,
}

impl Talk {
    fn new() -> Talk {
        Talk {
            interview: Interview::new(Pack::embedded()),
            last: Vec::new(),
        }
    }

    fn say(&mut self, line: Value) -> &[Value] {
        self.raw(&line.to_string())
    }

    fn raw(&mut self, line: &str) -> &[Value] {
        self.last = self
            .interview
            .line(line)
            .iter()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        &self.last
    }

    fn question(&self) -> Option<&Value> {
        self.last.last()?.get("question")
    }

    fn outcome(&self) -> Option<&Value> {
        self.last.last()?.get("outcome")
    }

    fn answer(&mut self, value: Value) {
        let id = self.question().expect("a question is open")["id"].clone();
        self.say(json!({"answer": {"id": id, "value": value}}));
    }

    /// Answers the rest with "none of these", "no", 40 years, or "unknown".
    fn deny_all(&mut self) -> Value {
        for _ in 0..60 {
            let Some(q) = self.question() else { break };
            let value = match (q["kind"].as_str().unwrap(), q["id"].as_str().unwrap()) {
                ("multi", _) => json!([]),
                ("boolean", _) => json!(false),
                ("number", "age") => json!(40),
                ("choice", _) => q["options"][0]["code"].clone(),
                _ => json!("unknown"),
            };
            self.answer(value);
        }
        self.outcome().expect("an interview ends in an outcome").clone()
    }
}

#[test]
fn nothing_is_printed_before_the_start() {
    let mut talk = Talk::new();
    assert!(talk
        .say(json!({"person": {"age": 42, "sex": "female", "pregnant": "no"}}))
        .is_empty());
    assert!(talk.say(json!({"language": "es"})).is_empty());
    assert!(talk.raw("").is_empty());
    talk.say(json!({"start": true}));
    let q = talk.question().unwrap();
    assert_eq!(q["id"], "life.now");
    assert!(q["text"].as_str().unwrap().contains('¿'));
    let mut keys: Vec<&str> = q.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["id", "kind", "options", "text", "unit", "why"]);
}

#[test]
fn a_search_offers_at_most_six_complaints_and_something_else() {
    for text in [
        "dog bit my hand",
        "pain",
        "me mordió un perro",
        "xyzzy",
        "",
        "fever and my knee and eye hurt",
    ] {
        let mut talk = Talk::new();
        talk.say(json!({"search": text}));
        let q = talk.question().unwrap();
        assert_eq!(
            (q["id"].as_str(), q["kind"].as_str()),
            (Some("complaint"), Some("choice")),
            "{text}"
        );
        let options = q["options"].as_array().unwrap();
        assert!(options.len() >= 2 && options.len() <= 7, "{text}");
        assert_eq!(options.last().unwrap()["code"], "something_else");
    }
}

#[test]
fn any_text_leads_to_an_outcome_in_both_languages() {
    let texts = [
        "dog bite",
        "hot and dizzy",
        "I twisted my ankle",
        "burned my arm",
        "bee sting",
        "🔥🔥",
        "a",
        "{}",
        "DROP TABLE",
        "me caí",
        "calor",
        "me duele la panza",
        "ardor al orinar",
        "ñandú",
        "no sé",
        "no puedo respirar",
    ];
    for language in ["en", "es"] {
        for text in texts {
            for none in [true, false] {
                let mut talk = Talk::new();
                talk.say(json!({"language": language}));
                talk.say(json!({"search": text}));
                let outcome = if none {
                    talk.deny_all()
                } else {
                    while talk.question().is_some() {
                        talk.answer(json!("unknown"));
                    }
                    talk.outcome().unwrap().clone()
                };
                assert!(!outcome["advice"].as_array().unwrap().is_empty());
                assert!(!outcome["safety_net"].as_array().unwrap().is_empty());
                assert!(!outcome["reasons"].as_array().unwrap().is_empty(), "{text}");
                assert_eq!(outcome["pack"]["status"], "draft, unsigned");
            }
        }
    }
}

#[test]
fn danger_words_raise_before_anything_is_asked() {
    for text in [
        "I can't breathe",
        "i cant breath",
        "no puedo respirar",
        "No puedo repirar",
        "chest pain and trouble breathing",
        "dolor de pecho y me falta el aire",
        "I want to kill myself",
        "me quiero matar",
        "thinking of suicide",
        "my husband is unconscious",
        "no despierta",
        "face is drooping",
        "she had a seizure",
        "bleeding won't stop",
        "no para de sangrar",
        "my tongue is swelling",
        "the dog bit off my finger",
        "I did not say I can't breathe",
    ] {
        let mut talk = Talk::new();
        talk.say(json!({"search": text}));
        let outcome = talk.outcome().unwrap_or_else(|| panic!("{text} asks first"));
        assert_eq!(outcome["urgency"], "call_911", "{text}");
        assert_eq!(
            (outcome["level"].as_str(), outcome["venue"].as_str()),
            (Some("emergency"), Some("ambulance"))
        );
    }
    for text in [
        "I passed out",
        "me desmayé",
        "chest pain",
        "took too many pills",
        "vomiting blood",
    ] {
        let mut talk = Talk::new();
        talk.say(json!({"search": text}));
        assert_eq!(talk.deny_all()["level"], "emergency", "{text}");
    }
}

#[test]
fn everyday_words_are_not_danger_words() {
    let pack = Pack::embedded();
    for text in [
        "dog bite on my hand",
        "sprained ankle",
        "I fell on the ice",
        "sunburn",
        "heat rash",
        "sore throat",
        "back pain",
        "cut my finger with a box cutter",
        "runny nose and cough",
        "me torcí el tobillo",
        "mordida de perro en la mano",
        "me caí en el hielo",
        "dolor de espalda",
        "gripe y tos",
        "hit my knee",
        "itchy eyes",
        "knocked out a tooth",
        "pain on the right side of my body",
        "blood blister",
        "bruise",
        "calambres por el calor",
        "stiff shoulder",
    ] {
        assert!(
            search::danger(pack, text).is_empty(),
            "{text}: {:?}",
            search::danger(pack, text)
        );
    }
}

#[test]
fn people_find_their_complaint_in_their_own_words() {
    let pack = Pack::embedded();
    for (text, code) in [
        ("dog bit me", "animal_bite"),
        ("bitten by a dgo", "animal_bite"),
        ("pit bull attacked me", "animal_bite"),
        ("me mordio un perro", "animal_bite"),
        ("mordida de gato", "animal_bite"),
        ("raccoon", "animal_bite"),
        ("overheated in my truck", "heat"),
        ("golpe de calor", "heat"),
        ("heet exhaustion", "heat"),
        ("insolación", "heat"),
        ("twisted my ankle", "fall"),
        ("slipped on ice", "fall"),
        ("me caí", "fall"),
        ("torcedura de tobillo", "fall"),
        ("hit my head", "fall"),
        ("sprianed wrist", "fall"),
        ("chest pain", "chest_pain"),
        ("dolor de pecho", "chest_pain"),
        ("burned my hand", "burn"),
        ("bee sting", "sting"),
        ("picadura de abeja", "sting"),
        ("paper cut", "cut"),
        ("lower back pain", "back_pain"),
        ("dolor de espalda", "back_pain"),
        ("stroke", "stroke"),
        ("frostbite", "cold"),
        ("something in my eye", "eye"),
        ("algo en el ojo", "eye"),
        ("car crash", "crash"),
        ("me chocaron", "crash"),
        ("headache", "headache"),
        ("dolor de cabeza", "headache"),
        ("stomach ache", "belly"),
        ("diarrea", "vomiting"),
        ("leaking package", "chemical"),
        ("polvo blanco", "chemical"),
        ("sore throat", "throat"),
        ("tos", "cough"),
        ("pregnant", "pregnancy"),
        ("panic attack", "stress"),
        ("dizzy", "dizzy"),
        ("asthma", "breathing"),
        ("swollen leg", "limb"),
        ("low blood sugar", "diabetes"),
        ("tick", "sting"),
        ("garrapata", "sting"),
    ] {
        let found = search::complaints(pack, text, 6);
        assert!(found.iter().take(3).any(|c| c == code), "{text}: {found:?}");
    }
}

#[test]
fn a_bad_line_gets_an_error_and_the_question_again() {
    let mut talk = Talk::new();
    assert_eq!(talk.raw("not json")[0]["error"]["code"], "not_json");
    assert_eq!(
        talk.say(json!({"answer": {"id": "life.now", "value": []}}))[0]["error"]["code"],
        "not_started"
    );
    talk.say(json!({"start": true}));
    for (line, code) in [
        ("nonsense".to_owned(), "not_json"),
        ("[1]".to_owned(), "unknown_line"),
        (json!({"hello": 1}).to_string(), "unknown_line"),
        (json!({"language": "tlh"}).to_string(), "bad_language"),
        (json!({"person": {"age": -4}}).to_string(), "bad_person"),
        (json!({"person": {"age": 400}}).to_string(), "bad_person"),
        (json!({"answer": {"id": "life.now"}}).to_string(), "bad_answer"),
        (
            json!({"answer": {"id": "life.now", "value": ["nope"]}}).to_string(),
            "unknown_option",
        ),
        (
            json!({"answer": {"id": "life.now", "value": 7}}).to_string(),
            "wrong_kind",
        ),
        (
            json!({"answer": {"id": "bite.flags", "value": []}}).to_string(),
            "not_asked",
        ),
        (json!({"complaint": 5}).to_string(), "bad_complaint"),
        (
            json!({"complaint": "no_such_thing"}).to_string(),
            "unknown_complaint",
        ),
        (json!({"search": 5}).to_string(), "bad_search"),
    ] {
        let out = talk.raw(&line);
        assert_eq!(out.len(), 2, "{line}");
        assert_eq!(out[0]["error"]["code"], code, "{line}");
        assert!(!out[0]["error"]["message"].as_str().unwrap().is_empty());
        assert_eq!(out[1]["question"]["id"], "life.now");
    }
}

#[test]
fn end_of_input_is_unknown_and_still_ends_in_an_outcome() {
    for lines in [
        vec![],
        vec![json!({"start": true})],
        vec![json!({"complaint": "fall"})],
        vec![json!({"complaint": "no_such_thing"})],
        vec![json!({"search": "bite"})],
    ] {
        let mut interview = Interview::new(Pack::embedded());
        for line in lines {
            interview.line(&line.to_string());
        }
        let out = interview.finish();
        let outcome: Value = serde_json::from_str(&out[0]).unwrap();
        assert_eq!(outcome["outcome"]["urgency"], "today");
        assert!(interview.finish().is_empty());
    }
}

#[test]
fn an_outcome_is_the_last_line() {
    let mut talk = Talk::new();
    talk.say(json!({"start": true}));
    talk.answer(json!(["breath"]));
    assert_eq!(talk.outcome().unwrap()["urgency"], "call_911");
    assert_eq!(talk.outcome().unwrap()["questions"], 1);
    let out = talk.say(json!({"start": true}));
    assert_eq!((out.len(), &out[0]["error"]["code"]), (1, &json!("finished")));
    assert!(talk.interview.finish().is_empty());
}

#[test]
fn an_unknown_complaint_is_named_passes_life_threats_and_goes_to_the_nurse_today() {
    let mut talk = Talk::new();
    talk.say(json!({"person": {"age": 42}}));
    let said = talk.say(json!({"complaint": "no_such_thing"}));
    assert_eq!(said[0]["error"]["code"], "unknown_complaint");
    assert!(said[0]["error"]["message"]
        .as_str()
        .unwrap()
        .ends_with("search: no_such_thing"));
    assert_eq!(talk.question().unwrap()["id"], "complaint");
    talk.answer(json!("something_else"));
    assert_eq!(talk.question().unwrap()["id"], "life.now");
    let outcome = talk.deny_all();
    assert_eq!(
        (outcome["level"].as_str(), outcome["urgency"].as_str()),
        (Some("urgent_video"), Some("today"))
    );
}

#[test]
fn a_known_age_is_not_asked_and_a_child_is_seen() {
    let mut talk = Talk::new();
    talk.say(json!({"person": {"age": 3}}));
    talk.say(json!({"complaint": "fall"}));
    let mut asked = Vec::new();
    while let Some(q) = talk.question() {
        asked.push(q["id"].as_str().unwrap().to_owned());
        let value = match q["kind"].as_str().unwrap() {
            "multi" => json!([]),
            "boolean" => json!(false),
            _ => q["options"][0]["code"].clone(),
        };
        talk.answer(value);
    }
    assert!(!asked.contains(&"age".to_owned()));
    let outcome = talk.outcome().unwrap();
    assert!(
        asked.contains(&"ch2.flags".to_owned()),
        "a child has its own red flags"
    );
    assert_eq!(outcome["level"], "self_care");
    assert_eq!(outcome["questions"], asked.len());
}

#[test]
fn the_language_can_change_on_the_way() {
    let mut talk = Talk::new();
    talk.say(json!({"start": true}));
    let english = talk.question().unwrap()["text"].clone();
    talk.say(json!({"language": "es-US"}));
    assert_ne!(talk.question().unwrap()["text"], english);
    assert_eq!(talk.question().unwrap()["id"], "life.now");
}

#[test]
fn a_search_reads_the_same_to_app_and_interview() {
    let pack = Pack::embedded();
    let mut session = Session::new(pack);
    let view = session.search(pack, "me mordió un perro", Lang::Es);
    assert!(!view.raised);
    assert_eq!(view.complaints[0].code, "animal_bite");
    assert!(view.complaints[0].text.starts_with("Mordida"));
}

#[test]
fn a_known_pregnancy_raises_without_being_asked() {
    let mut talk = Talk::new();
    talk.say(json!({"person": {"age": 30, "sex": "female", "pregnant": "yes"}}));
    talk.say(json!({"complaint": "fall"}));
    let outcome = talk.deny_all();
    assert_eq!(outcome["urgency"], "today");
    assert_eq!(outcome["reasons"][0]["rule"], "fall.pregnant");
}

#[test]
fn an_implausible_number_is_answered_with_the_range() {
    let mut talk = Talk::new();
    talk.say(json!({"person": {"age": 40, "sex": "male"}}));
    talk.say(json!({"complaint": "heat"}));
    while talk.question().unwrap()["id"] != "heat.temp" {
        let value = if talk.question().unwrap()["id"] == "heat.signs" {
            json!(["headache"])
        } else {
            json!([])
        };
        talk.answer(value);
    }
    talk.answer(json!(40.5));
    assert_eq!(talk.last[0]["error"]["code"], "out_of_range");
    assert_eq!(
        talk.last[0]["error"]["message"],
        "The number must lie in: 80–115 °F"
    );
    talk.answer(json!(104.9));
    assert_eq!(talk.outcome().unwrap()["urgency"], "call_911");
}

#[test]
fn a_complaint_may_be_named_by_its_own_word_and_is_never_guessed() {
    let pack = Pack::embedded();
    for (text, code) in [
        ("animal_bite", Some("animal_bite")),
        ("animal-bite", Some("animal_bite")),
        ("Dog bite", Some("animal_bite")),
        ("falls", Some("fall")),
        ("golpe de calor", Some("heat")),
        ("unknown", None),
        ("bit", None),
        ("", None),
    ] {
        assert_eq!(search::exact(pack, text), code, "{text}");
    }
}

#[test]
fn a_third_contact_and_a_missed_recheck_raise_the_result() {
    let ask = |course: Option<Value>| {
        let mut talk = Talk::new();
        talk.say(json!({"person": {"age": 40, "sex": "male"}}));
        if let Some(course) = course {
            talk.say(json!({ "course": course }));
        }
        talk.say(json!({"complaint": "headache"}));
        talk.deny_all()
    };

    assert_eq!(ask(None)["urgency"], "self_care");
    let third = ask(Some(json!({"contacts": 3})));
    assert_eq!(third["urgency"], "days");
    assert_eq!(third["reasons"][0]["rule"], "trend.third");
    let silent = ask(Some(
        json!({"contacts": 2, "since": {"was": "today", "now": "unanswered"}}),
    ));
    assert_eq!(silent["urgency"], "ed_now");
    assert_eq!(silent["reasons"][0]["rule"], "trend.silent");
    let mut talk = Talk::new();
    assert_eq!(
        talk.say(json!({"course": {"contacts": -1}}))[0]["error"]["code"],
        "bad_course"
    );
}
