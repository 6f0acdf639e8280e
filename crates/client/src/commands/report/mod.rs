//! Injury reports.

mod copy;
mod keep;
mod late;
mod resources;
mod send;
mod step;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hms_model::form::ReportStepForm;
use hms_model::view::{DraftView, ErrorCode, ReportView};
use hms_store::Blob;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub(crate) use self::resources::{binary, preview_of};
use self::step::Step;
use crate::client::Client;
use crate::engine::{Engine, Form, FormFile};
use crate::error::ClientError;
use crate::event::Tag;
use crate::picture::{self, FileError};

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

    /// Adds a photo or a recording: its own copy of it. Photos are encoded anew, without their position; one that is
    /// there already is not added again.
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
            let sha256 = Sha256::digest(&prepared.bytes).to_vec();
            if engine
                .form_of(&draft)?
                .files
                .iter()
                .any(|file| file.sha256 == sha256)
            {
                return engine.keep_form().await;
            }
            if engine.form_of(&draft)?.files.len() >= FILES_AT_MOST {
                return Err(ClientError::new(ErrorCode::BadFile));
            }
            let mut file = FormFile {
                id,
                content_type: prepared.content_type.clone(),
                size,
                sha256,
                preview: prepared.preview.map(|bytes| STANDARD.encode(bytes)),
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
                .prune(&[form.draft.report.as_str()])
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
}
