//! The workspace of a visit: opening, note, order, advice, follow-up.

use hms_model::duty::{DutyAdvice, Limit, WorkStatus};
use hms_model::form::{DutyForm, FollowUpForm, IntakeForm};
use hms_model::ids::{NoteId, PatientId, VisitId};
use hms_model::map::duty::{self, SignedAdvice};
use hms_model::map::note::{self, Note};
use hms_model::map::{reference, system, visit};
use hms_model::report::BodyPart;
use hms_model::time::Timestamp;
use hms_model::view::{ChartView, DutyChoicesView, ErrorCode, NoteView, SiteView};
use reqwest::Method;
use serde_json::{json, Value};
use uuid::Uuid;

use super::staff::set;
use crate::client::Client;
use crate::engine::Engine;
use crate::error::ClientError;
use crate::net::{read_json, Tries};
use crate::views::chart::{advice_id, encounter_of, note_id, note_view, Pieces};
use crate::views::{self, Records};
use crate::words::typed;

/// Longest note.
const NOTE_AT_MOST: usize = 20_000;
/// Identifiers that may be compared.
const IDENTIFIERS: [&str; 3] = ["name", "birth-date", "employee-number"];

impl Client {
    /// Keeps what is asked when the visit opens.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for unknown identifiers; [`ErrorCode::NotFound`] without a visit.
    pub async fn intake_save(&self, task: String, form: IntakeForm) -> Result<ChartView, ClientError> {
        if form
            .identified_by
            .iter()
            .any(|by| !IDENTIFIERS.contains(&by.as_str()))
        {
            return Err(ClientError::new(ErrorCode::Invalid));
        }
        self.fetch_visit(&task).await?;
        self.act(async move |engine: &mut Engine| {
            let store = engine.open_store()?;
            let records = views::of_entry(&store, &["Encounter"], &task).await?;
            let not_found = || ClientError::new(ErrorCode::NotFound);
            let id = encounter_of(&records, &task)
                .and_then(|e| views::text(e, &["id"]))
                .ok_or_else(not_found)?;
            let stored = store.get("Encounter", id).await?.ok_or_else(not_found)?;
            let mut encounter = stored.resource;
            let intake = visit::Intake {
                identified_by: form.identified_by,
                place: typed(&form.place).trim().to_owned(),
                callback: typed(&form.callback).trim().to_owned(),
                with: typed(&form.with).trim().to_owned(),
                consent: form.consent,
                interpreter: form.interpreter,
            };
            visit::put_intake(&mut encounter, &intake);
            engine.put_version("intake-save", encounter, None).await?;
            engine.chart_view(&task).await
        })
        .await
    }

    /// Keeps the draft of the note, and sends it as a draft.
    ///
    /// # Errors
    /// [`ErrorCode::Signed`]; [`ErrorCode::Invalid`] for a text that is too long.
    pub async fn note_save(&self, task: String, text: String) -> Result<NoteView, ClientError> {
        let text = typed(&text);
        if text.chars().count() > NOTE_AT_MOST {
            return Err(ClientError::new(ErrorCode::Invalid));
        }
        self.act(async move |engine: &mut Engine| {
            let work = engine.work(&task).await?;
            let earlier = work.pieces(&task)?.note();
            if earlier.as_ref().is_some_and(|note| note.signed.is_some()) {
                return Err(ClientError::new(ErrorCode::Signed));
            }
            let note = Note {
                text,
                ..work.blank_note(&task, earlier, engine.true_now())?
            };
            engine.save("note-save", vec![note::to_fhir(&note)]).await?;
            Ok(note_view(&note, &work.records))
        })
        .await
    }

    /// Signs these words, which are what the screen shows; only addenda follow. A signature never covers words that
    /// the person does not see, whatever a save that is late or a sync brought meanwhile.
    ///
    /// # Errors
    /// [`ErrorCode::Signed`]; [`ErrorCode::Invalid`] for an empty note or one that is too long.
    pub async fn note_sign(&self, task: String, text: String) -> Result<ChartView, ClientError> {
        let text = typed(&text);
        if text.trim().is_empty() || text.chars().count() > NOTE_AT_MOST {
            return Err(ClientError::new(ErrorCode::Invalid));
        }
        self.act(async move |engine: &mut Engine| {
            let work = engine.work(&task).await?;
            let earlier = work.pieces(&task)?.note();
            if earlier.as_ref().is_some_and(|note| note.signed.is_some()) {
                return Err(ClientError::new(ErrorCode::Signed));
            }
            let now = engine.true_now();
            let signed = Note {
                text,
                signed: Some(now),
                ..work.blank_note(&task, earlier, now)?
            };
            engine.save("note-sign", vec![note::to_fhir(&signed)]).await?;
            engine.chart_view(&task).await
        })
        .await
    }

    /// Adds to a signed note.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] without words, or where nothing is signed yet.
    pub async fn note_addendum(&self, task: String, text: String) -> Result<ChartView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let invalid = || ClientError::new(ErrorCode::Invalid);
            let text = typed(&text).trim().to_owned();
            if text.is_empty() || text.chars().count() > NOTE_AT_MOST {
                return Err(invalid());
            }
            let work = engine.work(&task).await?;
            let first = work
                .pieces(&task)?
                .note()
                .filter(|n| n.signed.is_some())
                .ok_or_else(invalid)?;
            let now = engine.true_now();
            let addendum = Note {
                id: NoteId::parse(&Uuid::new_v4().to_string()).map_err(ClientError::internal)?,
                text,
                at: now,
                signed: Some(now),
                author: work.author.clone(),
                adds_to: Some(first.id.clone()),
                ..first
            };
            engine
                .save("note-addendum", vec![note::to_fhir(&addendum)])
                .await?;
            engine.chart_view(&task).await
        })
        .await
    }

    /// Imaging sites, nearest to the carrier first.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn imaging_sites(&self, task: String) -> Result<Vec<SiteView>, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let chart = engine.chart_view(&task).await?;
            let records = views::load(&engine.open_store()?, &["Location"]).await?;
            let from = chart.report.and_then(|report| report.position);
            Ok(views::summary::sites(&records, from.as_ref()))
        })
        .await
    }

    /// Orders an image of a body part at a site.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown site.
    pub async fn order_imaging(
        &self,
        task: String,
        site: String,
        part: BodyPart,
    ) -> Result<ChartView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let work = engine.work(&task).await?;
            if work.records.get("Location", &site).is_none() {
                return Err(ClientError::new(ErrorCode::NotFound));
            }
            let id = Uuid::new_v4().to_string();
            let order = visit::imaging_order(
                &id,
                &work.patient,
                work.visit(&task).as_ref(),
                &work.author,
                &site,
                part.code(),
                engine.true_now(),
            );
            engine.save("imaging-order", vec![order]).await?;
            engine.chart_view(&task).await
        })
        .await
    }

    /// Choices of the fit-for-duty form.
    ///
    /// # Errors
    /// None.
    pub async fn duty_choices(&self) -> Result<DutyChoicesView, ClientError> {
        Ok(DutyChoicesView {
            statuses: WorkStatus::ALL.to_vec(),
            limits: Limit::ALL.to_vec(),
        })
    }

    /// Keeps the draft of the advice.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for days that are none; [`ErrorCode::Signed`].
    pub async fn advice_save(&self, task: String, form: DutyForm) -> Result<ChartView, ClientError> {
        let advice = parse_duty(&form)?;
        self.act(async move |engine: &mut Engine| {
            let work = engine.work(&task).await?;
            let earlier = work.open_advice(&task)?;
            let draft = work.blank_advice(&task, earlier, advice, engine.true_now())?;
            engine.save("advice-save", vec![duty::to_fhir(&draft)]).await?;
            engine.chart_view(&task).await
        })
        .await
    }

    /// Signs this advice, which is what the screen shows; the manager is asked to decide. A signature never covers an
    /// advice that the person does not see, whatever a save that is late or a sync brought meanwhile.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for an advice that contradicts itself; [`ErrorCode::Signed`].
    pub async fn advice_sign(&self, task: String, form: DutyForm) -> Result<ChartView, ClientError> {
        let advice = parse_duty(&form)?;
        advice
            .check()
            .map_err(|error| ClientError::caused(ErrorCode::Invalid, error))?;
        self.act(async move |engine: &mut Engine| {
            let work = engine.work(&task).await?;
            let earlier = work.open_advice(&task)?;
            let now = engine.true_now();
            let signed = SignedAdvice {
                signed: Some(now),
                ..work.blank_advice(&task, earlier, advice, now)?
            };
            engine.save("advice-sign", vec![duty::to_fhir(&signed)]).await?;
            engine.chart_view(&task).await
        })
        .await
    }

    /// Books a follow-up. Booking again for the same entry moves it.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a moment that has passed, or minutes out of range.
    pub async fn follow_up(&self, task: String, form: FollowUpForm) -> Result<ChartView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let invalid = || ClientError::new(ErrorCode::Invalid);
            if !(5..=120).contains(&form.minutes) || !form.start.is_finite() || form.start.abs() > 8.64e15 {
                return Err(invalid());
            }
            #[expect(clippy::cast_possible_truncation, reason = "checked above")]
            let start = Timestamp(form.start as i64);
            if start <= engine.true_now() {
                return Err(invalid());
            }
            let work = engine.work(&task).await?;
            let id = format!("follow-up-{}", note_id(&task).trim_start_matches("note-"));
            let booked = visit::follow_up(
                &id,
                &work.patient,
                &work.author,
                start,
                form.minutes,
                form.by_video,
            );
            engine.save("follow-up", vec![booked]).await?;
            engine.chart_view(&task).await
        })
        .await
    }

    /// Records that 911 was sent to where the person is.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn send_911(&self, task: String) -> Result<ChartView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            let work = engine.work(&task).await?;
            let chart = engine.chart_view(&task).await?;
            let said = chart
                .intake
                .filter(|intake| intake.saved)
                .map(|intake| intake.place);
            let report = chart.report.as_ref();
            let place = said
                .filter(|place| !place.is_empty())
                .or_else(|| report.and_then(|r| r.place_text.clone()))
                .unwrap_or_default();
            let position = report.and_then(|r| r.position);
            let where_to = match position {
                Some(at) => format!("{place} ({:.5}, {:.5})", at.latitude, at.longitude),
                None => place,
            };
            let now = engine.true_now();
            let mut sent = json!({
                "resourceType": "Communication",
                "id": Uuid::new_v4().to_string(),
                "status": "completed",
                "category": [hms_model::map::concept(&system::codes("communication"), "send-911")],
                "priority": "stat",
                "subject": reference("Patient", work.patient.as_str()),
                "about": [reference("Task", &task)],
                "sent": now.to_instant(),
                "sender": reference("Practitioner", &work.author),
                "payload": [{ "contentString": format!("911 -> {}", where_to.trim()) }],
            });
            if let Some(visit) = work.visit(&task) {
                set(&mut sent, "encounter", reference("Encounter", visit.as_str()));
            }
            engine.save("send-911", vec![sent]).await?;
            engine.chart_view(&task).await
        })
        .await
    }

    /// The visit that the server made at the call may be ahead of the sync.
    async fn fetch_visit(&self, task: &str) -> Result<(), ClientError> {
        let wanted = task.to_owned();
        let missing = self
            .ask(async move |engine: &mut Engine| {
                let records = views::of_entry(&engine.open_store()?, &["Encounter"], &wanted).await?;
                let view = engine.visit.machine.view();
                let here = encounter_of(&records, &wanted).is_some();
                Ok(view
                    .id
                    .filter(|_| !here && view.task.as_deref() == Some(wanted.as_str())))
            })
            .await?;
        let Some(id) = missing else { return Ok(()) };
        let path = format!("/fhir/Encounter/{id}");
        let http = &self.shared.http;
        let make = |token: &_| http.request(Method::GET, &path, Some(token));
        let encounter: Value = read_json(self.shared.authorized(make, Tries::Quick).await?).await?;
        self.ask(async move |engine: &mut Engine| engine.take_in(encounter).await)
            .await
    }
}

/// The records that the work on an entry is done on.
struct Work {
    records: Records,
    patient: PatientId,
    author: String,
}

impl Work {
    fn pieces<'a>(&'a self, task: &'a str) -> Result<Pieces<'a>, ClientError> {
        Pieces::of(task, &self.records).ok_or_else(|| ClientError::new(ErrorCode::NotFound))
    }

    fn visit(&self, task: &str) -> Option<VisitId> {
        let encounter = encounter_of(&self.records, task)?;
        VisitId::parse(views::text(encounter, &["id"])?).ok()
    }

    /// The note of the entry, written by the one who writes now.
    fn blank_note(&self, task: &str, earlier: Option<Note>, now: Timestamp) -> Result<Note, ClientError> {
        let id = match &earlier {
            Some(note) => note.id.clone(),
            None => NoteId::parse(&note_id(task)).map_err(ClientError::internal)?,
        };
        Ok(Note {
            id,
            patient: self.patient.clone(),
            visit: self
                .visit(task)
                .or_else(|| earlier.as_ref().and_then(|n| n.visit.clone())),
            author: self.author.clone(),
            text: earlier.map(|n| n.text).unwrap_or_default(),
            at: now,
            signed: None,
            adds_to: None,
        })
    }

    /// The advice of the entry as kept so far, which may still be changed.
    fn open_advice(&self, task: &str) -> Result<Option<SignedAdvice>, ClientError> {
        let earlier = self.pieces(task)?.advice();
        if earlier.as_ref().is_some_and(|advice| advice.signed.is_some()) {
            return Err(ClientError::new(ErrorCode::Signed));
        }
        Ok(earlier)
    }

    /// The advice of the entry, given by the one who writes now.
    fn blank_advice(
        &self,
        task: &str,
        earlier: Option<SignedAdvice>,
        advice: DutyAdvice,
        now: Timestamp,
    ) -> Result<SignedAdvice, ClientError> {
        let id = match &earlier {
            Some(kept) => kept.id.clone(),
            None => NoteId::parse(&advice_id(task)).map_err(ClientError::internal)?,
        };
        Ok(SignedAdvice {
            id,
            patient: self.patient.clone(),
            visit: self.visit(task).or_else(|| earlier.and_then(|kept| kept.visit)),
            author: self.author.clone(),
            advice,
            at: now,
            signed: None,
        })
    }
}

impl Engine {
    /// What the work on an entry needs. An entry without a person cannot be worked on: claim the person first.
    async fn work(&mut self, task: &str) -> Result<Work, ClientError> {
        let who = self.clinical()?;
        let records = views::of_entry(&self.open_store()?, views::chart::KINDS, task).await?;
        let entry = records
            .get("Task", task)
            .ok_or_else(|| ClientError::new(ErrorCode::NotFound))?;
        let patient =
            hms_model::map::task::patient(entry).ok_or_else(|| ClientError::new(ErrorCode::NotAllowed))?;
        let author = who.practitioner().to_owned();
        if author.is_empty() {
            return Err(ClientError::new(ErrorCode::NotAllowed));
        }
        Ok(Work {
            records,
            patient,
            author,
        })
    }
}

/// An advice or decision from the window.
pub(super) fn parse_duty(form: &DutyForm) -> Result<DutyAdvice, ClientError> {
    let invalid = || ClientError::new(ErrorCode::Invalid);
    let day = |text: &str| text.parse().map_err(|_| invalid());
    let mut limits = form.limits.clone();
    limits.sort_unstable();
    limits.dedup();
    Ok(DutyAdvice {
        status: form.status,
        limits,
        from: day(&form.from)?,
        until: form
            .until
            .as_deref()
            .filter(|d| !d.is_empty())
            .map(day)
            .transpose()?,
    })
}
