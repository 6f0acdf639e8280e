//! From a finished form to a report on its way.

use hms_model::ids::{PatientId, ReportId, TaskId};
use hms_model::map::report as words;
use hms_model::map::task::{self, Priority};
use hms_model::report::{InjuryReport, ReportDraft};
use hms_model::view::{ErrorCode, ReportView, SendState};
use serde_json::{json, Value};

use super::resources::{binary, document};
use crate::engine::{Engine, Sealed, Upload};
use crate::error::ClientError;
use crate::event::Tag;
use crate::views;

/// Id of the queue entry of a report: the same however often the report is sent.
fn review_id(report: &ReportId) -> Result<TaskId, ClientError> {
    TaskId::parse(&format!("review-{report}").chars().take(64).collect::<String>())
        .map_err(ClientError::internal)
}

impl Engine {
    pub(super) async fn send_report(&mut self, draft: &str) -> Result<ReportView, ClientError> {
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
                        place: None,
                        send_now: false,
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
                        waits_for_free_link: false,
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
                    let binary = binary(&file.id, &file.content_type, &bytes);
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
}
