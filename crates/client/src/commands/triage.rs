//! Symptom checks and summaries.

use hms_model::form::{AnswerForm, HowNowForm};
use hms_model::ids::{PatientId, ReportId, TriageId};
use hms_model::map::triage::{self as words, TriageResult};
use hms_model::report::{BodyPart, InjuryReport, Reporter, WhatHappened};
use hms_model::view::{ErrorCode, OptionView, SummaryView, TriageView};
use hms_triage::{
    Answer, Course, Milli, Next, Person, Recheck as HowNow, Session, Urgency, COMPLAINT, SOMETHING_ELSE,
};
use uuid::Uuid;

use crate::client::Client;
use crate::engine::{Check, Engine, Sealed};
use crate::error::ClientError;
use crate::event::Tag;
use crate::views;
use crate::views::triage::Given;

/// A third contact within this time raises the result.
const CONTACTS_WITHIN_MS: i64 = 72 * 3600 * 1000;
/// Longest text of a search.
const SEARCH_AT_MOST: usize = 500;

impl Client {
    /// Starts a check, for a report or by itself.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for an unknown complaint.
    pub async fn triage_start(
        &self,
        report: Option<String>,
        complaint: Option<String>,
    ) -> Result<TriageView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let pack = &*engine.packs.active();
            let mut session = Session::new(pack);
            let told = match &report {
                Some(id) => engine.report_here(id).await,
                None => None,
            };
            // Age, sex and earlier checks of whoever holds the phone say nothing about a colleague.
            let own = report.is_none()
                || told
                    .as_ref()
                    .is_some_and(|told| told.reporter == Reporter::Myself);
            if own {
                if let Some(person) = engine.person().await {
                    session.know(pack, &person);
                }
                let contacts = engine.contacts().await;
                session.follow(Course {
                    contacts,
                    ..Course::default()
                });
            }
            // Where clinicians took back every pack that is here, this goes one step higher.
            let mut session = engine.with_fit_pack(&session);
            let note = told.as_ref().and_then(|told| told.note.clone());
            for words in note.into_iter().chain(engine.searched.take()) {
                session.heed(pack, &words);
            }
            // What the report says happened is the complaint; it is not asked twice.
            let complaint = complaint.or_else(|| told.and_then(|told| complaint_of(told.what)));
            if let Some(complaint) = complaint {
                let answered = session.answer(pack, COMPLAINT, Answer::Code(complaint));
                answered.map_err(|_| ClientError::new(ErrorCode::Invalid))?;
            }
            let id = Uuid::new_v4().to_string();
            let check = Check {
                report,
                session,
                going_back: None,
                saved: 0,
                saved_answers: None,
                result: None,
                followed: false,
                silent: false,
                colleague: !own,
            };
            engine.keep_check(&id, check).await
        })
        .await
    }

    /// Complaints that fit the words, best first. Words of danger raise the check that starts with them.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a text that is too long.
    pub async fn triage_search(&self, text: String) -> Result<Vec<OptionView>, ClientError> {
        if text.chars().count() > SEARCH_AT_MOST {
            return Err(ClientError::new(ErrorCode::Invalid));
        }
        self.act(async move |engine: &mut Engine| {
            let pack = &*engine.packs.active();
            let lang = views::triage::lang(&engine.prefs.language);
            let found = Session::new(pack).search(pack, &text, lang);
            // The check that starts from these words heeds them.
            engine.searched = Some(text).filter(|text| !text.trim().is_empty());
            let options = found.complaints.into_iter();
            Ok(options
                .map(|option| OptionView {
                    code: option.code,
                    text: option.text,
                })
                .collect())
        })
        .await
    }

    /// Complaints of a part of the body, likeliest first, "something else" last.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] while the app stops.
    pub async fn triage_at(&self, part: BodyPart) -> Result<Vec<OptionView>, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let pack = engine.packs.active();
            let lang = views::triage::lang(&engine.prefs.language);
            let codes = views::body::complaints_at(part).iter().copied();
            Ok(views::triage::complaints(
                &pack,
                codes.chain([SOMETHING_ELSE]),
                lang,
            ))
        })
        .await
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for another check; [`ErrorCode::Invalid`] for what is no answer to it.
    pub async fn triage_answer(
        &self,
        check: String,
        question: String,
        answer: AnswerForm,
    ) -> Result<TriageView, ClientError> {
        let invalid = || ClientError::new(ErrorCode::Invalid);
        let given = views::triage::given(answer).ok_or_else(invalid)?;
        self.act(async move |engine: &mut Engine| {
            let mut state = engine.check(&check).await?;
            let pack = engine.packs.of(&state.session);
            let taken = match given {
                Given::Answer(answer) => state.session.answer(&pack, &question, answer),
                Given::Reading(value, unit) => state.session.answer_in(&pack, &question, value, &unit),
            };
            taken.map_err(|_| invalid())?;
            state.going_back = None;
            engine.keep_check(&check, state).await
        })
        .await
    }

    /// Goes back one question.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for another check.
    pub async fn triage_back(&self, check: String) -> Result<TriageView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let mut state = engine.check(&check).await?;
            let pack = &*engine.packs.of(&state.session);
            let lang = views::triage::lang(&engine.prefs.language);
            let here = state
                .going_back
                .clone()
                .or_else(|| match state.session.next(pack, lang) {
                    Next::Question(question) => Some(question.id),
                    Next::Outcome(_) => None,
                });
            let before = state
                .session
                .before(here.as_deref().unwrap_or_default())
                .map(str::to_owned);
            state.going_back = before.or(state.going_back);
            engine.keep_check(&check, state).await
        })
        .await
    }

    /// How the person is now, some time after a check: a new result of it.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a check without a result; [`ErrorCode::Locked`].
    pub async fn triage_recheck(&self, check: String, how: HowNowForm) -> Result<TriageView, ClientError> {
        let now = match how {
            HowNowForm::Better => HowNow::Better,
            HowNowForm::Same => HowNow::Same,
            HowNowForm::Worse => HowNow::Worse,
        };
        self.act(async move |engine: &mut Engine| {
            engine.open_store()?;
            let kept = engine.look_back(&check, now).await?;
            Ok(engine.result_view(&check, &kept))
        })
        .await
    }

    /// Summaries after visits, newest first.
    ///
    /// # Errors
    /// [`ErrorCode::Locked`].
    pub async fn summaries(&self) -> Result<Vec<SummaryView>, ClientError> {
        self.ask(async |engine: &mut Engine| {
            let store = engine.open_store()?;
            Ok(views::summary::summaries(
                &views::load(&store, views::summary::KINDS).await?,
            ))
        })
        .await
    }
}

impl Engine {
    /// What the record says of the person that the engine asks for.
    async fn person(&self) -> Option<Person> {
        let store = self.store.as_ref()?;
        let patient = store
            .get("Patient", self.identity.as_ref()?.patient()?)
            .await
            .ok()??
            .resource;
        let word = |key| views::text(&patient, &[key]).map(str::to_owned);
        let age = views::age(&word("birthDate")?, self.true_now())?;
        let age = i32::try_from(age).ok().map(Milli::whole);
        Some(Person {
            age,
            sex: word("gender"),
            pregnant: None,
        })
    }

    /// A report that this device holds, or that was made on it while it was locked and this run still has.
    async fn report_here(&self, id: &str) -> Option<InjuryReport> {
        let stored = match &self.store {
            Some(store) => store.get("QuestionnaireResponse", id).await.ok().flatten(),
            None => None,
        };
        let sealed = || {
            let mut all = self.sealed.entries.iter().flat_map(|entry| &entry.resources);
            all.find(|resource| views::text(resource, &["id"]) == Some(id))
                .cloned()
        };
        let resource = stored.map(|stored| stored.resource).or_else(sealed)?;
        hms_model::map::report::from_fhir(&resource).ok()
    }

    /// Checks of this person in the last 72 hours, the one that begins now included.
    async fn contacts(&self) -> u8 {
        let (Some(store), Some(patient)) = (&self.store, self.identity.as_ref().and_then(|i| i.patient()))
        else {
            return 0;
        };
        let since = self.true_now().plus_ms(-CONTACTS_WITHIN_MS);
        let checks = store.list("RiskAssessment").await.unwrap_or_default();
        let recent = checks.iter().map(|stored| &stored.resource).filter(|check| {
            let of = check
                .get("subject")
                .and_then(|subject| views::reference_id(subject, "Patient"));
            // A result whose answers were changed afterwards has the check's id and a number behind it.
            let first = views::text(check, &["id"]).is_some_and(|id| Uuid::parse_str(id).is_ok());
            first
                && of == Some(patient)
                && views::moment(check, &["occurrenceDateTime"]).is_some_and(|at| at >= since)
        });
        u8::try_from(recent.count() + 1).unwrap_or(u8::MAX)
    }

    /// A check under way, with a pack that may be used.
    pub(crate) async fn check(&self, id: &str) -> Result<Check, ClientError> {
        let mut check = match self.checks.get(id) {
            Some(check) => check.clone(),
            None => {
                let row = match &self.store {
                    Some(store) => store.check_get(id).await?,
                    None => None,
                };
                let row = row.ok_or_else(|| ClientError::new(ErrorCode::NotFound))?;
                serde_json::from_value(row.body).map_err(ClientError::internal)?
            }
        };
        check.session = self.with_fit_pack(&check.session);
        Ok(check)
    }

    /// Keeps the check as it stands; at its end the result is saved like a report.
    async fn keep_check(&mut self, id: &str, mut check: Check) -> Result<TriageView, ClientError> {
        let view = self.check_view(id, &check, check.going_back.as_deref());
        let ended = view.outcome.is_some();
        if ended {
            self.keep_result(id, &mut check).await?;
        }
        self.put_check(id, &check).await?;
        if ended {
            self.note_recheck().await;
        }
        Ok(view)
    }

    fn check_view(&self, id: &str, check: &Check, going_back: Option<&str>) -> TriageView {
        let pack = self.packs.of(&check.session);
        let lang = views::triage::lang(&self.prefs.language);
        let status = self.packs.status(pack.hash());
        views::triage::view(&pack, id, &check.session, lang, going_back, status)
    }

    /// The result as it stands, also where a pack that came since would ask more.
    fn result_view(&self, id: &str, check: &Check) -> TriageView {
        let pack = self.packs.of(&check.session);
        let lang = views::triage::lang(&self.prefs.language);
        views::triage::result(&pack, id, &check.session, lang, self.packs.status(pack.hash()))
    }

    /// Saves the result as it stands, where it is not the one saved last.
    pub(crate) async fn keep_result(&mut self, id: &str, check: &mut Check) -> Result<(), ClientError> {
        let answers = serde_json::to_string(&check.session.answers).map_err(ClientError::internal)?;
        if check.saved_answers.as_ref() == Some(&answers) {
            return Ok(());
        }
        let urgency = self.save_result(id, check, &answers).await?;
        check.saved += 1;
        check.saved_answers = Some(answers);
        check.result = Some((self.now(), urgency));
        Ok(())
    }

    /// Keeps a check where it can be gone on with.
    pub(crate) async fn put_check(&mut self, id: &str, check: &Check) -> Result<(), ClientError> {
        let Some(store) = self.store.clone() else {
            // On a locked phone the check under way is in memory alone; its result is sealed.
            self.checks.insert(id.to_owned(), check.clone());
            return Ok(());
        };
        let body = serde_json::to_value(check).map_err(ClientError::internal)?;
        let kept = store.check_put(id, body, self.now()).await;
        kept.map_err(|error| self.store_trouble(error))
    }

    async fn save_result(&mut self, id: &str, check: &Check, answers: &str) -> Result<Urgency, ClientError> {
        let pack = &*self.packs.of(&check.session);
        let lang = views::triage::lang(&self.prefs.language);
        let outcome = check.session.outcome(pack, lang);
        // Answers changed after the end give another result; the first one stays what it was.
        let result_id = if check.saved == 0 {
            id.to_owned()
        } else {
            format!("{id}-{}", check.saved + 1)
        };
        let patient = self
            .identity
            .as_ref()
            .and_then(|i| i.patient())
            .and_then(|p| PatientId::parse(p).ok());
        let result = TriageResult {
            id: TriageId::parse(&result_id).map_err(ClientError::internal)?,
            patient: self
                .patient_of_report(check.report.as_deref())
                .await
                .unwrap_or(patient),
            report: check
                .report
                .as_deref()
                .and_then(|report| ReportId::parse(report).ok()),
            level: outcome.level.code().to_owned(),
            urgency: outcome.urgency.code().to_owned(),
            venue: outcome.venue.code().to_owned(),
            reasons: outcome.reasons.iter().map(|reason| reason.text.clone()).collect(),
            advice: outcome.advice.clone(),
            answers: views::triage::transcript(pack, &check.session, lang),
            replay: answers.to_owned(),
            pack: pack.hash().to_owned(),
            at: self.shared.config.clock.stamp(),
            language: self.prefs.language.clone(),
        };
        let resources = words::to_fhir(&result).to_vec();
        self.seal(&result_id, resources.clone(), false)?;
        if self.store.is_some() {
            self.save("triage-finish", resources).await?;
            return Ok(outcome.urgency);
        }
        self.sealed.put(Sealed {
            id: result_id,
            draft: false,
            kind: "check".to_owned(),
            made_at: result.at.at,
            delivered: false,
            what: None,
            view: None,
            resources,
            receipt: None,
        });
        self.changed(Tag::Outbox);
        Ok(outcome.urgency)
    }

    /// Whose report it is: `None` where there is no report here, `Some(None)` for a colleague's.
    async fn patient_of_report(&self, report: Option<&str>) -> Option<Option<PatientId>> {
        let stored = self
            .store
            .as_ref()?
            .get("QuestionnaireResponse", report?)
            .await
            .ok()??;
        let subject = stored.resource.get("subject");
        let id = subject.and_then(|s| views::reference_id(s, "Patient"));
        Some(id.and_then(|id| PatientId::parse(id).ok()))
    }
}

/// The complaint that a report already tells; `None` where it leaves it open: then the checker asks.
fn complaint_of(what: WhatHappened) -> Option<String> {
    let complaint = match what {
        WhatHappened::Animal => "animal_bite",
        WhatHappened::Fall => "fall",
        WhatHappened::Vehicle => "crash",
        WhatHappened::Heat => "heat",
        WhatHappened::Cold => "cold",
        WhatHappened::Cut => "cut",
        WhatHappened::Sting => "sting",
        WhatHappened::Chemical => "chemical",
        WhatHappened::Assault => "assault",
        WhatHappened::Lifting | WhatHappened::Other => return None,
    };
    Some(complaint.to_owned())
}
