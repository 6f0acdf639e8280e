//! Injury reports.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_model::form::ReportStepForm;
use hms_model::ids::{DraftId, PatientId, ReportId, TaskId};
use hms_model::map::report::{self as words, AdditionKind};
use hms_model::map::task::{self, Priority};
use hms_model::report::{InjuryReport, ReportDraft, Reporter};
use hms_model::time::{Stamp, Timestamp};
use hms_model::view::{DraftView, ErrorCode, ReportView, SendState};
use hms_store::Blob;
use serde_json::{json, Value};
use uuid::Uuid;

use crate::client::Client;
use crate::engine::{Engine, Form, FormFile, Sealed, Upload};
use crate::error::ClientError;
use crate::event::Tag;
use crate::picture::{self, FileError};
use crate::views::{self, Records, Sending};

/// Longest free text of a report; more is refused, not cut.
const TEXT_AT_MOST: usize = 4000;
/// Most photos and recordings of one report.
const FILES_AT_MOST: usize = 8;

impl Client {
    /// Opens a form, for oneself or for a colleague. A form that is open already is given again.
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`]; [`ErrorCode::Offline`] on a phone that does not know its server yet.
    pub async fn report_start(&self, colleague: Option<String>) -> Result<DraftView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            if engine.form.is_none() {
                engine.form = Some(engine.new_form(colleague)?);
            } else if let (Some(form), Some(name)) = (&mut engine.form, colleague) {
                form.draft.colleague = Some(name);
            }
            engine.keep_form().await
        })
        .await
    }

    /// The open form.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn report_draft(&self) -> Result<Option<DraftView>, ClientError> {
        self.ask(async |engine: &mut Engine| Ok(engine.form.as_ref().map(Form::view)))
            .await
    }

    /// Keeps one answer at once.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for another form; [`ErrorCode::Invalid`]; [`ErrorCode::DiskFull`].
    pub async fn report_step(&self, draft: String, step: ReportStepForm) -> Result<DraftView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let offset = |at| engine.shared.config.clock.offset_minutes(at);
            let step = Step::parse(step, offset)?;
            step.put(&mut engine.form_of(&draft)?.draft);
            engine.keep_form().await
        })
        .await
    }

    /// Adds a photo or a recording. Photos are encoded anew, without their position.
    ///
    /// # Errors
    /// [`ErrorCode::BadFile`]; [`ErrorCode::DiskFull`].
    pub async fn report_attach(
        &self,
        draft: String,
        content_type: String,
        base64: String,
    ) -> Result<DraftView, ClientError> {
        let bad = |error: FileError| ClientError::caused(ErrorCode::BadFile, error);
        let prepared = tokio::task::spawn_blocking(move || {
            let bytes = STANDARD
                .decode(base64.trim())
                .map_err(|_| FileError::UnknownKind)?;
            picture::prepare(&content_type, bytes)
        })
        .await
        .map_err(ClientError::internal)?
        .map_err(bad)?;
        self.act(async move |engine: &mut Engine| {
            let id = Uuid::new_v4().to_string();
            let size =
                u32::try_from(prepared.bytes.len()).map_err(|_| ClientError::new(ErrorCode::BadFile))?;
            if engine.form_of(&draft)?.files.len() >= FILES_AT_MOST {
                return Err(ClientError::new(ErrorCode::BadFile));
            }
            let mut file = FormFile {
                id,
                content_type: prepared.content_type.clone(),
                size,
                bytes: None,
            };
            match engine.store.clone() {
                Some(store) => {
                    let blob = Blob {
                        content_type: prepared.content_type,
                        bytes: prepared.bytes,
                    };
                    let kept = store.blob_put(&file.id, blob, engine.now()).await;
                    kept.map_err(|error| engine.store_trouble(error))?;
                }
                None => file.bytes = Some(prepared.bytes),
            }
            engine.form_of(&draft)?.files.push(file);
            engine.keep_form().await
        })
        .await
    }

    /// Takes a photo or a recording away.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn report_detach(&self, draft: String, id: String) -> Result<DraftView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            engine.form_of(&draft)?.files.retain(|file| file.id != id);
            if let Some(store) = engine.store.clone() {
                store.blob_delete(&id).await?;
            }
            engine.keep_form().await
        })
        .await
    }

    /// Throws the form away, because the person said so.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn report_discard(&self, draft: String) -> Result<(), ClientError> {
        self.act(async move |engine: &mut Engine| {
            let form = engine.form_of(&draft)?.clone();
            if let Some(store) = engine.store.clone() {
                for file in &form.files {
                    store.blob_delete(&file.id).await?;
                }
                store.draft_delete(form.draft.id.as_str()).await?;
            }
            engine
                .journal
                .prune(form.draft.report.as_str())
                .map_err(ClientError::internal)?;
            engine.sealed.remove(form.draft.report.as_str());
            engine.form = None;
            engine.changed(Tag::Draft);
            Ok(())
        })
        .await
    }

    /// Finishes the report: from here it is delivered, whatever happens.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] while an answer misses; [`ErrorCode::DiskFull`].
    pub async fn report_send(&self, draft: String) -> Result<ReportView, ClientError> {
        self.act(async move |engine: &mut Engine| engine.send_report(&draft).await)
            .await
    }

    /// Own reports, newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reports(&self) -> Result<Vec<ReportView>, ClientError> {
        self.ask(async |engine: &mut Engine| {
            let mut all = engine.sealed_reports();
            if engine.store.is_some() {
                let (records, sending, _) = engine.on_their_way(views::report::KINDS).await?;
                let stored = views::report::reports(&records, &sending);
                all.retain(|sealed| !stored.iter().any(|report| report.id == sealed.id));
                all.extend(stored);
                all.sort_by(|a, b| b.authored_at.total_cmp(&a.authored_at));
            }
            Ok(all)
        })
        .await
    }

    /// One report.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn report(&self, id: String) -> Result<ReportView, ClientError> {
        self.act(async move |engine: &mut Engine| engine.report_view(&id).await)
            .await
    }

    /// Adds `correction`, `addition` or `worse` to a sent report.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for another kind, or no words where they are needed; [`ErrorCode::NotFound`].
    pub async fn report_add(
        &self,
        report: String,
        kind: String,
        text: Option<String>,
    ) -> Result<ReportView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let kind = AdditionKind::parse(&kind).ok_or_else(|| ClientError::new(ErrorCode::Invalid))?;
            let text = words_of(text)?;
            if text.is_none() && kind != AdditionKind::Worse {
                return Err(ClientError::new(ErrorCode::Invalid));
            }
            let to = ReportId::parse(&report).map_err(|_| ClientError::new(ErrorCode::NotFound))?;
            let stored = engine
                .open_store()?
                .get("QuestionnaireResponse", to.as_str())
                .await?;
            let stored = stored.ok_or_else(|| ClientError::new(ErrorCode::NotFound))?;
            let patient = stored
                .resource
                .get("subject")
                .and_then(|s| views::reference_id(s, "Patient"))
                .and_then(|id| PatientId::parse(id).ok());
            let id = ReportId::parse(&Uuid::new_v4().to_string()).map_err(ClientError::internal)?;
            let authored = engine.shared.config.clock.stamp();
            let mut addition =
                words::addition_to_fhir(&id, &to, kind, text.as_deref(), authored, patient.as_ref());
            put(&mut addition, "author", engine.author());
            engine.seal(id.as_str(), vec![addition.clone()], false)?;
            engine.save("report-add", vec![addition]).await?;
            engine.report_view(to.as_str()).await
        })
        .await
    }
}

/// A step that was checked.
enum Step {
    As(ReportStepForm),
    When(Stamp),
    Words(fn(&mut ReportDraft) -> &mut Option<String>, Option<String>),
    Place(Option<hms_model::report::Position>, Option<String>),
}

impl Step {
    fn parse(form: ReportStepForm, offset: impl Fn(Timestamp) -> i32) -> Result<Self, ClientError> {
        let invalid = || ClientError::new(ErrorCode::Invalid);
        Ok(match form {
            ReportStepForm::When { at } => {
                if !at.is_finite() || at.abs() > 8.64e15 {
                    return Err(invalid());
                }
                #[expect(clippy::cast_possible_truncation, reason = "checked above")]
                let at = Timestamp(at as i64);
                Self::When(Stamp {
                    at,
                    offset_minutes: offset(at),
                })
            }
            ReportStepForm::Place { position, text } => {
                let fits = position.is_none_or(|p| p.latitude.abs() <= 90.0 && p.longitude.abs() <= 180.0);
                if !fits {
                    return Err(invalid());
                }
                Self::Place(position, words_of(text)?)
            }
            ReportStepForm::Witness { text } => Self::Words(|draft| &mut draft.witness, words_of(text)?),
            ReportStepForm::Note { text } => Self::Words(|draft| &mut draft.note, words_of(text)?),
            ReportStepForm::Colleague { name } => Self::Words(|draft| &mut draft.colleague, words_of(name)?),
            ReportStepForm::Where { ref value } if value.len() > 42 => return Err(invalid()),
            other => Self::As(other),
        })
    }

    fn put(self, draft: &mut ReportDraft) {
        match self {
            Self::As(ReportStepForm::Safe { value }) => draft.safe = Some(value),
            Self::As(ReportStepForm::What { value }) => draft.what = Some(value),
            Self::As(ReportStepForm::Where { value }) => draft.places = value,
            Self::When(stamp) => draft.happened = stamp,
            Self::Place(position, text) => {
                draft.position = position;
                draft.place_text = text;
            }
            Self::Words(field, text) => *field(draft) = text,
            // The other steps are checked into variants of their own.
            Self::As(_) => {}
        }
    }
}

/// Typed words: trimmed, empty is none, too long is refused.
fn words_of(text: Option<String>) -> Result<Option<String>, ClientError> {
    let text = text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    if text.as_ref().is_some_and(|t| t.chars().count() > TEXT_AT_MOST) {
        return Err(ClientError::new(ErrorCode::Invalid));
    }
    Ok(text)
}

fn put(resource: &mut Value, element: &str, value: Option<Value>) {
    if let (Some(map), Some(value)) = (resource.as_object_mut(), value) {
        map.insert(element.to_owned(), value);
    }
}

/// Id of the queue entry of a report: the same however often the report is sent.
fn review_id(report: &ReportId) -> Result<TaskId, ClientError> {
    TaskId::parse(&format!("review-{report}").chars().take(64).collect::<String>())
        .map_err(ClientError::internal)
}

impl Engine {
    fn new_form(&self, colleague: Option<String>) -> Result<Form, ClientError> {
        let stamp = self.shared.config.clock.stamp();
        let place = self.shared.config.position.get();
        let new = || Uuid::new_v4().to_string();
        Ok(Form {
            draft: ReportDraft {
                id: DraftId::parse(&new()).map_err(ClientError::internal)?,
                report: ReportId::parse(&new()).map_err(ClientError::internal)?,
                colleague: words_of(colleague)?,
                safe: None,
                what: None,
                places: Vec::new(),
                happened: stamp,
                position: place.as_ref().map(|p| p.position),
                place_text: place.and_then(|p| p.label),
                witness: None,
                note: None,
                started: stamp,
                language: self.prefs.language.clone(),
            },
            files: Vec::new(),
            saved_at: stamp.at,
            sealed_only: self.store.is_none(),
        })
    }

    /// The open form, if it is this one.
    fn form_of(&mut self, draft: &str) -> Result<&mut Form, ClientError> {
        let form = self.form.as_mut().filter(|form| form.draft.id.as_str() == draft);
        form.ok_or_else(|| ClientError::new(ErrorCode::NotFound))
    }

    /// Keeps the form as it is: sealed into the journal, and in the store where it is open.
    async fn keep_form(&mut self) -> Result<DraftView, ClientError> {
        let now = self.now();
        let Some(form) = &mut self.form else {
            return Err(ClientError::new(ErrorCode::NotFound));
        };
        form.saved_at = now;
        let form = form.clone();
        let report = form.draft.report.clone();
        // A draft says as much as it can in the shape of the report; what misses is not there.
        let unfinished = unfinished(&form.draft);
        self.seal(report.as_str(), vec![unfinished], true)?;
        match self.store.clone() {
            Some(store) => {
                let body = serde_json::to_value(&form).map_err(ClientError::internal)?;
                let kept = store.draft_put(form.draft.id.as_str(), body, now).await;
                kept.map_err(|error| self.store_trouble(error))?;
                self.note_space(&store);
            }
            None => self.sealed.put(Sealed {
                id: report.to_string(),
                draft: true,
                kind: "report".to_owned(),
                made_at: form.draft.started.at,
                delivered: false,
                what: form.draft.what,
                view: None,
                resources: Vec::new(),
                receipt: None,
            }),
        }
        self.changed(Tag::Draft);
        Ok(form.view())
    }

    async fn send_report(&mut self, draft: &str) -> Result<ReportView, ClientError> {
        let form = self.form_of(draft)?.clone();
        let report = self.finished(&form.draft)?;
        let resource = words::to_fhir(&report, self.author().as_ref());
        let task_id = review_id(&report.id)?;
        let entry = task::review_task(
            &task_id,
            &report.id,
            report.patient.as_ref(),
            Priority::Urgent,
            report.authored,
        );
        let documents = form
            .files
            .iter()
            .map(|file| document(file, &report))
            .collect::<Vec<_>>();

        // Sealed and synced first: whatever happens to the store, the report is delivered.
        self.seal(report.id.as_str(), vec![resource.clone(), entry.clone()], false)?;
        match self.store.clone() {
            Some(_) => {
                let mut uploads = self.uploads().await?;
                let mut groups = vec![("report-send", vec![resource, entry])];
                for (file, document) in form.files.iter().zip(documents) {
                    groups.push(("file-add", vec![document]));
                    uploads.push(Upload {
                        id: file.id.clone(),
                        content_type: file.content_type.clone(),
                        report: report.id.to_string(),
                        made_at: report.authored.at,
                    });
                }
                self.finish_form(form.draft.id.as_str(), groups, &uploads).await?;
                self.report_view(report.id.as_str()).await
            }
            None => {
                let view = views::report::plain(
                    &report,
                    SendState::Queued {
                        tried_at: None,
                        next_at: None,
                        sealed: true,
                    },
                );
                self.keep_sealed(
                    &report.id.to_string(),
                    "report",
                    &report,
                    &view,
                    vec![resource, entry],
                );
                for (file, document) in form.files.iter().zip(documents) {
                    let bytes = file.bytes.clone().unwrap_or_default();
                    let binary = binary(file, &bytes);
                    self.seal(&file.id, vec![document.clone(), binary], false)?;
                    self.sealed.put(Sealed {
                        id: file.id.clone(),
                        draft: false,
                        kind: "photo".to_owned(),
                        made_at: report.authored.at,
                        delivered: false,
                        what: None,
                        view: None,
                        resources: Vec::new(),
                        receipt: None,
                    });
                }
                self.form = None;
                for tag in [Tag::Draft, Tag::Reports, Tag::Outbox, Tag::App] {
                    self.changed(tag);
                }
                Ok(view)
            }
        }
    }

    fn keep_sealed(
        &mut self,
        id: &str,
        kind: &str,
        report: &InjuryReport,
        view: &ReportView,
        resources: Vec<Value>,
    ) {
        self.sealed.put(Sealed {
            id: id.to_owned(),
            draft: false,
            kind: kind.to_owned(),
            made_at: report.authored.at,
            delivered: false,
            what: Some(report.what),
            view: Some(Box::new(view.clone())),
            resources,
            receipt: None,
        });
    }

    fn finished(&self, draft: &ReportDraft) -> Result<InjuryReport, ClientError> {
        let authored = self.shared.config.clock.stamp();
        let off = self.shared.http.link().clock_off_ms();
        let true_time = off.map(|ms| authored.at.plus_ms(ms));
        let me = self
            .identity
            .as_ref()
            .and_then(|i| i.patient())
            .and_then(|id| PatientId::parse(id).ok());
        let patient = if draft.colleague.is_some() { None } else { me };
        draft
            .finish(patient, authored, true_time)
            .map_err(|_| ClientError::new(ErrorCode::Invalid))
    }

    /// Who writes, where somebody is signed in.
    pub(crate) fn author(&self) -> Option<Value> {
        let identity = self.identity.as_ref()?;
        Some(json!({ "reference": identity.fhir }))
    }

    /// One report, from the store or as this run knows it.
    pub(crate) async fn report_view(&self, id: &str) -> Result<ReportView, ClientError> {
        let not_found = || ClientError::new(ErrorCode::NotFound);
        if self.store.is_none() {
            return self
                .sealed_reports()
                .into_iter()
                .find(|view| view.id == id)
                .ok_or_else(not_found);
        }
        let (records, sending, _) = self.on_their_way(views::report::KINDS).await?;
        let found = records
            .get("QuestionnaireResponse", id)
            .and_then(|resource| views::report::report(resource, &records, &sending));
        found
            .or_else(|| self.sealed_reports().into_iter().find(|view| view.id == id))
            .ok_or_else(not_found)
    }

    /// Reports that only the journal holds and that this run can still show.
    fn sealed_reports(&self) -> Vec<ReportView> {
        let shown = self.sealed.entries.iter().filter_map(|entry| {
            let mut view = entry.view.as_deref()?.clone();
            if let Some(receipt) = &entry.receipt {
                let at = Timestamp::parse(&receipt.at).unwrap_or_default().as_f64();
                view.send = SendState::Sent {
                    number: receipt.number.clone(),
                    at,
                };
            }
            Some(view)
        });
        shown.collect()
    }

    /// Records of these types, with what is known of their way to the server.
    pub(crate) async fn on_their_way(
        &self,
        kinds: &[&str],
    ) -> Result<(Records, Sending, Vec<Upload>), ClientError> {
        let store = self.open_store()?;
        let uploads = self.uploads().await?;
        let waiting = uploads.iter().map(|upload| upload.id.clone()).collect();
        let sending = Sending::load(&store, self.batch.clone(), waiting).await?;
        Ok((Records::load(&store, kinds).await?, sending, uploads))
    }
}

/// A form that is not finished, in the shape of the report.
fn unfinished(draft: &ReportDraft) -> Value {
    let mut items = Vec::new();
    let system = |name: &str| hms_model::map::system::codes(name);
    let coded = |link: &str, name: &str, code: &str| json!({ "linkId": link, "answer": [{ "valueCoding": { "system": system(name), "code": code } }] });
    items.extend(draft.safe.map(|safe| coded("safe", "safe-now", safe.code())));
    items.extend(draft.what.map(|what| coded("what", "what-happened", what.code())));
    if !draft.places.is_empty() {
        let answers = draft.places.iter().map(|place| {
            json!({
                "valueCoding": { "system": system("body-part"), "code": place.part.code() },
                "item": [coded("side", "side", place.side.code())],
            })
        });
        items.push(json!({ "linkId": "where", "answer": answers.collect::<Vec<_>>() }));
    }
    items.push(json!({ "linkId": "when", "answer": [{ "valueDateTime": draft.happened.to_datetime() }] }));
    let texts = [
        ("place", &draft.place_text),
        ("witness", &draft.witness),
        ("note", &draft.note),
        ("colleague", &draft.colleague),
    ];
    for (link, text) in texts {
        items.extend(
            text.iter()
                .map(|t| json!({ "linkId": link, "answer": [{ "valueString": t }] })),
        );
    }
    json!({
        "resourceType": "QuestionnaireResponse",
        "id": draft.report.as_str(),
        "language": draft.language,
        "questionnaire": hms_model::map::system::injury_report(),
        "status": "in-progress",
        "authored": draft.started.to_datetime(),
        "item": items,
    })
}

/// A photo or recording of a report; its bytes are the Binary of the same id.
fn document(file: &FormFile, report: &InjuryReport) -> Value {
    let mut document = json!({
        "resourceType": "DocumentReference",
        "id": file.id,
        "status": "current",
        "type": { "text": if file.content_type.starts_with("image/") { "photo" } else { "voice note" } },
        "date": report.authored.at.to_instant(),
        "content": [{ "attachment": {
            "contentType": file.content_type,
            "url": format!("Binary/{}", file.id),
            "size": file.size,
        } }],
        "context": { "related": [hms_model::map::reference("QuestionnaireResponse", report.id.as_str())] },
    });
    if let (Some(patient), Reporter::Myself) = (&report.patient, &report.reporter) {
        put(
            &mut document,
            "subject",
            Some(hms_model::map::reference("Patient", patient.as_str())),
        );
    }
    document
}

fn binary(file: &FormFile, bytes: &[u8]) -> Value {
    json!({
        "resourceType": "Binary",
        "id": file.id,
        "contentType": file.content_type,
        "securityContext": hms_model::map::reference("DocumentReference", &file.id),
        "data": STANDARD.encode(bytes),
    })
}

#[cfg(test)]
mod tests {
    use hms_model::report::{BodyPart, HurtPlace, SafeNow, Side, WhatHappened};

    use super::*;

    fn draft() -> ReportDraft {
        let stamp = Stamp::parse("2026-11-21T10:42:00-06:00").expect("stamp");
        ReportDraft {
            id: DraftId::parse("d").expect("id"),
            report: ReportId::parse("r1").expect("id"),
            colleague: None,
            safe: Some(SafeNow::Safe),
            what: Some(WhatHappened::Animal),
            places: vec![HurtPlace {
                part: BodyPart::Hand,
                side: Side::Left,
            }],
            happened: stamp,
            position: None,
            place_text: Some("RR 7".into()),
            witness: None,
            note: None,
            started: stamp,
            language: "en".into(),
        }
    }

    #[test]
    fn an_unfinished_form_and_a_photo_are_valid_r4() {
        let mut form = draft();
        assert_eq!(hms_fhir::validate(&unfinished(&form)), Ok(()));
        form.safe = None;
        form.places.clear();
        assert_eq!(hms_fhir::validate(&unfinished(&form)), Ok(()));

        let report = draft()
            .finish(PatientId::parse("dana").ok(), draft().started, None)
            .expect("finished");
        let file = FormFile {
            id: "f1".into(),
            content_type: "image/jpeg".into(),
            size: 3,
            bytes: None,
        };
        assert_eq!(hms_fhir::validate(&document(&file, &report)), Ok(()));
        assert_eq!(hms_fhir::validate(&binary(&file, b"abc")), Ok(()));
    }

    #[test]
    fn a_step_out_of_range_is_refused_and_empty_words_are_none() {
        let parse = |form| Step::parse(form, |_| 0);
        assert!(parse(ReportStepForm::When { at: f64::NAN }).is_err());
        assert!(parse(ReportStepForm::Note {
            text: Some("x".repeat(TEXT_AT_MOST + 1))
        })
        .is_err());

        let mut form = draft();
        form.note = Some("old".into());
        parse(ReportStepForm::Note {
            text: Some("  ".into()),
        })
        .expect("parses")
        .put(&mut form);
        assert_eq!(form.note, None);
    }
}
