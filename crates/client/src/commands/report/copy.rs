//! The carrier's own copy of what was reported, and what is added to it.

use std::collections::BTreeMap;

use hms_model::ids::{PatientId, ReportId};
use hms_model::map::report::{self as words, AdditionKind};
use hms_model::time::Timestamp;
use hms_model::view::{ErrorCode, ReportView, SendState};
use uuid::Uuid;

use super::resources::put;
use super::step::words_of;
use crate::client::Client;
use crate::engine::{Engine, Upload};
use crate::error::ClientError;
use crate::views::{self, Records, Sending};

impl Client {
    /// Own reports, newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reports(&self) -> Result<Vec<ReportView>, ClientError> {
        self.ask(async |engine: &mut Engine| {
            let mut all = engine.sealed_reports();
            if engine.store.is_some() {
                let (records, sending) = engine.on_their_way(views::report::KINDS).await?;
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

impl Engine {
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
        let (records, sending) = self.on_their_way(views::report::KINDS).await?;
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
    async fn on_their_way(&self, kinds: &[&str]) -> Result<(Records, Sending), ClientError> {
        let (sending, _) = self.sending().await?;
        Ok((views::load(&self.open_store()?, kinds).await?, sending))
    }

    /// What is known of the way of all records to the server, and the bytes that it does not have.
    pub(crate) async fn sending(&self) -> Result<(Sending, Vec<Upload>), ClientError> {
        let store = self.open_store()?;
        let uploads = self.uploads().await?;
        let mut waiting = BTreeMap::new();
        for upload in &uploads {
            waiting.insert(upload.id.clone(), self.goes(upload).await?);
        }
        let sending = Sending::load(&store, self.batch.clone(), waiting, self.uploading.clone()).await?;
        Ok((sending, uploads))
    }
}
