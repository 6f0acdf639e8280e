//! The interview as JSON lines: what `ach triage interview --json` speaks. Pure: lines in, lines out.
//!
//! In: `{"person":…}`, `{"language":"es"}`, optional `{"course":{"contacts":3}}`, then one of `{"search":"…"}`, `{"complaint":"code"}`,
//! `{"start":true}`, then `{"answer":{"id":…,"value":…}}`, with `"unit"` where the question lists units. Out: `{"question":…}`, `{"error":…}` and, at
//! the end, always `{"outcome":…}`. Nothing is printed before the search, the complaint or the start.

use serde::Deserialize;
use serde_json::{json, Map, Value};

use crate::answer::{Answer, Milli};
use crate::evaluate::AnswerError;
use crate::outcome::Outcome;
use crate::pack::{Kind, Pack};
use crate::search;
use crate::session::{Next, Person, QuestionView, Session, COMPLAINT};
use crate::text::Lang;
use crate::trend::Course;

/// An interview over a pack.
#[derive(Debug)]
pub struct Interview<'a> {
    pack: &'a Pack,
    session: Session,
    lang: Lang,
    started: bool,
    finished: bool,
}

/// Why a line was refused.
enum Refusal {
    NotJson,
    UnknownLine,
    BadPerson,
    BadCourse,
    BadLanguage,
    BadSearch,
    BadComplaint,
    /// With what was sent.
    UnknownComplaint(String),
    BadAnswer,
    NotStarted,
    NotAsked,
    Finished,
    /// With the plausible range and its unit.
    OutOfRange(String),
    Answer(AnswerError),
}

impl<'a> Interview<'a> {
    /// Starts an interview.
    #[must_use]
    pub fn new(pack: &'a Pack) -> Interview<'a> {
        Interview {
            pack,
            session: Session::new(pack),
            lang: Lang::default(),
            started: false,
            finished: false,
        }
    }

    /// The session so far, to be stored or replayed.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Whether the outcome was printed.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.finished
    }

    /// Takes one line and returns the lines to print. An empty line is ignored.
    pub fn line(&mut self, line: &str) -> Vec<String> {
        if line.trim().is_empty() {
            return Vec::new();
        }
        match self.take(line) {
            Ok(()) if self.started => vec![self.step()],
            Ok(()) => Vec::new(),
            Err(Refusal::Finished) => vec![self.error(&Refusal::Finished)],
            Err(refusal) if self.started => vec![self.error(&refusal), self.step()],
            Err(refusal) => vec![self.error(&refusal)],
        }
    }

    /// End of input: what was not answered is unknown. Prints the outcome unless it was printed already.
    pub fn finish(&mut self) -> Vec<String> {
        if self.finished {
            return Vec::new();
        }
        self.finished = true;
        vec![outcome_line(&self.session.outcome(self.pack, self.lang))]
    }

    fn step(&mut self) -> String {
        match self.session.next(self.pack, self.lang) {
            Next::Question(view) => question_line(&view),
            Next::Outcome(outcome) => {
                self.finished = true;
                outcome_line(&outcome)
            }
        }
    }

    fn take(&mut self, line: &str) -> Result<(), Refusal> {
        if self.finished {
            return Err(Refusal::Finished);
        }
        let value: Value = serde_json::from_str(line).map_err(|_| Refusal::NotJson)?;
        let object = value
            .as_object()
            .filter(|o| !o.is_empty())
            .ok_or(Refusal::UnknownLine)?;
        const KEYS: [&str; 7] = [
            "person",
            "language",
            "course",
            "search",
            "complaint",
            "start",
            "answer",
        ];
        if object.keys().any(|k| !KEYS.contains(&k.as_str())) {
            return Err(Refusal::UnknownLine);
        }
        // One line may carry several keys; they count in the order a careful writer would send them.
        if let Some(person) = object.get("person") {
            self.person(person)?;
        }
        if let Some(language) = object.get("language") {
            self.lang = language
                .as_str()
                .and_then(Lang::from_code)
                .ok_or(Refusal::BadLanguage)?;
        }
        if let Some(course) = object.get("course") {
            let course = Course::deserialize(course).map_err(|_| Refusal::BadCourse)?;
            self.session.follow(course);
        }
        if let Some(text) = object.get("search") {
            self.session
                .search(self.pack, text.as_str().ok_or(Refusal::BadSearch)?, self.lang);
            self.started = true;
        }
        if let Some(code) = object.get("complaint") {
            self.complaint(code.as_str().ok_or(Refusal::BadComplaint)?)?;
            self.started = true;
        }
        if let Some(start) = object.get("start") {
            start.as_bool().filter(|yes| *yes).ok_or(Refusal::UnknownLine)?;
            self.started = true;
        }
        match object.get("answer") {
            Some(answer) => self.answer(answer.as_object().ok_or(Refusal::BadAnswer)?),
            None => Ok(()),
        }
    }

    fn person(&mut self, value: &Value) -> Result<(), Refusal> {
        let object = value.as_object().ok_or(Refusal::BadPerson)?;
        let text = |key: &str| match object.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(s)) => Ok(Some(s.to_lowercase())),
            Some(Value::Bool(yes)) => Ok(Some(if *yes { "yes" } else { "no" }.to_owned())),
            Some(_) => Err(Refusal::BadPerson),
        };
        let age = match object.get("age") {
            None | Some(Value::Null) => None,
            Some(Value::Number(n)) => Some(Milli::parse(&n.to_string()).ok_or(Refusal::BadPerson)?),
            Some(Value::String(s)) if s == Answer::UNKNOWN => None,
            Some(Value::String(s)) => Some(Milli::parse(s.trim()).ok_or(Refusal::BadPerson)?),
            Some(_) => return Err(Refusal::BadPerson),
        };
        let person = Person {
            age,
            sex: text("sex")?,
            pregnant: text("pregnant")?,
        };
        match self.session.know(self.pack, &person) {
            true => Ok(()),
            false => Err(Refusal::BadPerson),
        }
    }

    /// A code this pack does not know, and that is no complaint's own word either, is named and not guessed at: the
    /// check goes on as after a search for it, and asks for the complaint. Where that is not known either, it is
    /// something else: life threats, then the nurse today.
    fn complaint(&mut self, code: &str) -> Result<(), Refusal> {
        let Some(code) = search::exact(self.pack, code) else {
            if !self.started {
                self.session.search(self.pack, code, self.lang);
                self.started = true;
            }
            return Err(Refusal::UnknownComplaint(code.chars().take(60).collect()));
        };
        let answer = Answer::Code(code.to_owned());
        self.session
            .answer(self.pack, COMPLAINT, answer)
            .map_err(Refusal::Answer)?;
        // It was told, not asked.
        self.session.answers.known.insert(COMPLAINT.to_owned());
        Ok(())
    }

    fn answer(&mut self, object: &Map<String, Value>) -> Result<(), Refusal> {
        if !self.started {
            return Err(Refusal::NotStarted);
        }
        let id = object
            .get("id")
            .and_then(Value::as_str)
            .ok_or(Refusal::BadAnswer)?;
        let current = match self.session.next(self.pack, self.lang) {
            Next::Question(view) => Some(view),
            Next::Outcome(_) => None,
        };
        let current = current.filter(|view| view.id == id);
        let earlier = || self.session.trail.iter().any(|t| t == id);
        let view = match current {
            Some(view) => view,
            None if earlier() => self
                .session
                .question(self.pack, id, self.lang)
                .ok_or(Refusal::NotAsked)?,
            None => return Err(Refusal::NotAsked),
        };
        let answer = read(view.kind, object.get("value").ok_or(Refusal::BadAnswer)?)?;
        let unit = match object.get("unit") {
            None | Some(Value::Null) => None,
            Some(unit) => Some(unit.as_str().ok_or(Refusal::BadAnswer)?),
        };
        let taken = match (&answer, unit) {
            (Answer::Number(value), Some(unit)) => self.session.answer_in(self.pack, id, *value, unit),
            _ => self.session.answer(self.pack, id, answer),
        };
        taken.map_err(|error| match (error, range(&view, unit)) {
            (AnswerError::OutOfRange, Some(range)) => Refusal::OutOfRange(range),
            (error, _) => Refusal::Answer(error),
        })
    }

    fn error(&self, refusal: &Refusal) -> String {
        let (code, en, es) = match refusal {
            Refusal::NotJson => ("not_json", "This line is not JSON.", "Esta línea no es JSON."),
            Refusal::UnknownLine => (
                "unknown_line",
                "This line is not known.",
                "Esta línea no se conoce.",
            ),
            Refusal::BadPerson => (
                "bad_person",
                "The person is not plausible.",
                "Los datos no son posibles.",
            ),
            Refusal::BadCourse => (
                "bad_course",
                "The course over time is not known.",
                "El curso no se conoce.",
            ),
            Refusal::BadLanguage => ("bad_language", "Use en or es.", "Use en o es."),
            Refusal::BadSearch => (
                "bad_search",
                "The search must be a text.",
                "La búsqueda debe ser un texto.",
            ),
            Refusal::BadComplaint => (
                "bad_complaint",
                "The complaint must be a code.",
                "Debe ser un código.",
            ),
            Refusal::UnknownComplaint(_) => (
                "unknown_complaint",
                "No complaint has this code; answer what is asked, or search:",
                "Ninguna molestia tiene este código; responda o busque:",
            ),
            Refusal::BadAnswer => ("bad_answer", "Send an id and a value.", "Envíe un id y un valor."),
            Refusal::NotStarted => ("not_started", "Start first.", "Primero comience."),
            Refusal::NotAsked => ("not_asked", "This was not asked.", "Esto no se preguntó."),
            Refusal::Finished => ("finished", "The check is over.", "La consulta terminó."),
            Refusal::OutOfRange(_) => (
                "out_of_range",
                "The number must lie in:",
                "El número debe estar en:",
            ),
            Refusal::Answer(e) => match e {
                AnswerError::UnknownQuestion => (e.code(), "No such question.", "No hay esa pregunta."),
                AnswerError::WrongKind => (
                    e.code(),
                    "Not the right kind of answer.",
                    "No es el tipo de respuesta.",
                ),
                AnswerError::UnknownOption => (e.code(), "No such option.", "No hay esa opción."),
                AnswerError::UnknownUnit => (e.code(), "No such unit.", "No hay esa unidad."),
                AnswerError::OutOfRange => (
                    e.code(),
                    "This number cannot be right.",
                    "Este número no es posible.",
                ),
            },
        };
        let mut message = match self.lang {
            Lang::En => en.to_owned(),
            Lang::Es => es.to_owned(),
        };
        if let Refusal::OutOfRange(what) | Refusal::UnknownComplaint(what) = refusal {
            message = format!("{message} {what}");
        }
        json!({"error": {"code": code, "message": message}}).to_string()
    }
}

/// The plausible range, in the unit of the reading where it had one.
fn range(view: &QuestionView, unit: Option<&str>) -> Option<String> {
    let read = view.units.iter().find(|u| Some(u.code.as_str()) == unit);
    match read {
        Some(u) => Some(format!("{}–{} {}", u.min, u.max, u.sign)),
        None => Some(format!(
            "{}–{} {}",
            view.min?,
            view.max?,
            view.unit.as_deref().unwrap_or_default()
        )),
    }
}

/// Reads a value as the question's kind. A single code stands for a list of one, and a list of one for a code.
fn read(kind: Kind, value: &Value) -> Result<Answer, Refusal> {
    let wrong = || Refusal::Answer(AnswerError::WrongKind);
    if value.as_str() == Some(Answer::UNKNOWN) || value.is_null() {
        return Ok(Answer::unknown());
    }
    match (kind, value) {
        (Kind::Boolean, Value::Bool(yes)) => Ok(Answer::Flag(*yes)),
        (Kind::Number, Value::Number(n)) => {
            Milli::parse(&n.to_string()).map(Answer::Number).ok_or_else(wrong)
        }
        (Kind::Number, Value::String(s)) => Milli::parse(s.trim()).map(Answer::Number).ok_or_else(wrong),
        (Kind::Choice, Value::String(code)) => Ok(Answer::Code(code.clone())),
        (Kind::Multi, Value::String(code)) => Ok(Answer::Codes(vec![code.clone()])),
        (Kind::Multi, Value::Array(codes)) => {
            let codes: Option<Vec<String>> = codes.iter().map(|c| c.as_str().map(str::to_owned)).collect();
            codes.map(Answer::Codes).ok_or_else(wrong)
        }
        (Kind::Choice, Value::Array(codes)) => match codes.as_slice() {
            [Value::String(code)] => Ok(Answer::Code(code.clone())),
            _ => Err(wrong()),
        },
        (Kind::Boolean | Kind::Number | Kind::Choice | Kind::Multi, _) => Err(wrong()),
    }
}

fn question_line(view: &QuestionView) -> String {
    let mut question = json!({
        "id": view.id,
        "text": view.text,
        "kind": view.kind,
        "options": view.options,
        "unit": view.unit,
        "why": view.why,
    });
    if let (Some(object), false) = (question.as_object_mut(), view.units.is_empty()) {
        object.insert("units".to_owned(), json!(view.units));
    }
    json!({ "question": question }).to_string()
}

fn outcome_line(outcome: &Outcome) -> String {
    json!({"outcome": {
        "level": outcome.level,
        "urgency": outcome.urgency,
        "venue": outcome.venue,
        "reasons": outcome.reasons,
        "advice": outcome.advice,
        "safety_net": outcome.safety_net,
        "questions": outcome.questions,
        "pack": outcome.pack,
    }})
    .to_string()
}
