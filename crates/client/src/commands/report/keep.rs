//! The open form: made, found, kept after every answer.

use hms_model::ids::{DraftId, ReportId};
use hms_model::report::ReportDraft;
use hms_model::view::{DraftView, ErrorCode};
use uuid::Uuid;

use super::resources::unfinished;
use super::step::words_of;
use crate::engine::{Engine, Form, Sealed};
use crate::error::ClientError;
use crate::event::Tag;
use crate::words::typed;

impl Engine {
    pub(super) fn new_form(&self, colleague: Option<String>) -> Result<Form, ClientError> {
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
                place_text: place.and_then(|p| p.label).map(|label| typed(&label)),
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
    pub(super) fn form_of(&mut self, draft: &str) -> Result<&mut Form, ClientError> {
        let form = self.form.as_mut().filter(|form| form.draft.id.as_str() == draft);
        form.ok_or_else(|| ClientError::new(ErrorCode::NotFound))
    }

    /// Keeps the form as it is: sealed into the journal, and in the store where it is open.
    pub(super) async fn keep_form(&mut self) -> Result<DraftView, ClientError> {
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
}
