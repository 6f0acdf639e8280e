//! Spoken notes: where the line carries no talk, a person says what is to be said all the same. It is kept in the report of the
//! visit and sent when there is a line, as its photos are.

use hms_core::call::visit::Side;
use hms_model::view::{ErrorCode, VisitView};

use super::Visit;
use crate::client::Client;
use crate::engine::Engine;
use crate::error::ClientError;
use crate::event::Tag;
use crate::picture;

/// Queue entries are named after the report that they review.
const ENTRY: &str = "review-";
const KIND: &str = "audio/ogg";

impl Visit {
    /// The report that the visit is about; empty where it is about none.
    pub(super) fn report(&self) -> String {
        let task = self.machine.view().task.unwrap_or_default();
        task.strip_prefix(ENTRY).unwrap_or_default().to_owned()
    }

    /// Ends the note that is being spoken, and lays it where [`Engine::keep_notes`] finds it.
    pub(super) fn end_note(&mut self) {
        if let Some(file) = self.call.as_ref().and_then(|call| call.end_note()) {
            self.spoken.push((self.report(), file));
        }
    }
}

impl Client {
    /// Begins a spoken note for the visit's report. It ends by itself after two minutes, and is kept when the call ends.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where the report is not on this device; [`ErrorCode::NotAllowed`] outside a call and at the desk;
    /// [`ErrorCode::DeviceRefused`] where the sound cannot be coded; the app is locked.
    pub async fn visit_note_begin(&self) -> Result<VisitView, ClientError> {
        self.act(async |engine: &mut Engine| {
            // Said before anything is spoken, and not after two minutes.
            if engine.visit.machine.side() != Side::Called {
                return Err(ClientError::new(ErrorCode::NotAllowed));
            }
            let report = engine.visit.report();
            let stored = engine.open_store()?.get("QuestionnaireResponse", &report).await?;
            stored.ok_or(ClientError::new(ErrorCode::NotFound))?;
            let call = engine.visit.call.as_ref();
            let call = call.ok_or(ClientError::new(ErrorCode::NotAllowed))?;
            call.begin_note()
                .map_err(|error| ClientError::caused(ErrorCode::DeviceRefused, error))?;
            Ok(engine.visit.view())
        })
        .await
    }

    /// Ends the note; `keep` puts it into the report, to be sent as soon as there is a line.
    ///
    /// # Errors
    /// It could not be kept, and waits in memory for the next try; the app is locked.
    pub async fn visit_note_end(&self, keep: bool) -> Result<VisitView, ClientError> {
        self.act(async move |engine: &mut Engine| {
            if keep {
                engine.visit.end_note();
                engine.keep_notes().await?;
            } else if let Some(call) = &engine.visit.call {
                let _ = call.end_note();
            }
            Ok(engine.visit.view())
        })
        .await
    }
}

impl Engine {
    /// Puts what was spoken into the reports.
    ///
    /// # Errors
    /// One could not be kept; it and those after it stay in memory.
    pub(crate) async fn keep_notes(&mut self) -> Result<(), ClientError> {
        while let Some((report, file)) = self.visit.spoken.first().cloned() {
            let file = picture::prepare(KIND, file)
                .map_err(|error| ClientError::caused(ErrorCode::BadFile, error))?;
            self.add_file(&report, file).await?;
            self.visit.spoken.remove(0);
            self.visit.notes_kept += 1;
            self.changed(Tag::Visit);
        }
        Ok(())
    }
}
