//! The injury report and what follows it: carriers.

use crate::error::reply;
use hms_client::Phone;
use hms_model::form::ReportStepForm;
use hms_model::view::{CommandError, DraftView, ReportView, SummaryView};
use tauri::State;

/// Opens a new report.
#[tauri::command]
#[specta::specta]
pub async fn report_start(
    phone: State<'_, Phone>,
    colleague: Option<String>,
) -> Result<DraftView, CommandError> {
    reply(phone.client().report_start(colleague).await)
}

/// The report that is being filled in, if any.
#[tauri::command]
#[specta::specta]
pub async fn report_draft(phone: State<'_, Phone>) -> Result<Option<DraftView>, CommandError> {
    reply(phone.client().report_draft().await)
}

/// Keeps one step.
#[tauri::command]
#[specta::specta]
pub async fn report_step(
    phone: State<'_, Phone>,
    draft: String,
    step: ReportStepForm,
) -> Result<DraftView, CommandError> {
    reply(phone.client().report_step(draft, step).await)
}

/// Adds a photo or recording.
#[tauri::command]
#[specta::specta]
pub async fn report_attach(
    phone: State<'_, Phone>,
    draft: String,
    content_type: String,
    base64: String,
) -> Result<DraftView, CommandError> {
    reply(phone.client().report_attach(draft, content_type, base64).await)
}

/// Takes a photo or recording off.
#[tauri::command]
#[specta::specta]
pub async fn report_detach(
    phone: State<'_, Phone>,
    draft: String,
    id: String,
) -> Result<DraftView, CommandError> {
    reply(phone.client().report_detach(draft, id).await)
}

/// Throws a form away, at the person's wish.
#[tauri::command]
#[specta::specta]
pub async fn report_discard(phone: State<'_, Phone>, draft: String) -> Result<(), CommandError> {
    reply(phone.client().report_discard(draft).await)
}

/// Finishes the report.
#[tauri::command]
#[specta::specta]
pub async fn report_send(phone: State<'_, Phone>, draft: String) -> Result<ReportView, CommandError> {
    reply(phone.client().report_send(draft).await)
}

/// The carrier's reports.
#[tauri::command]
#[specta::specta]
pub async fn reports(phone: State<'_, Phone>) -> Result<Vec<ReportView>, CommandError> {
    reply(phone.client().reports().await)
}

/// One report.
#[tauri::command]
#[specta::specta]
pub async fn report(phone: State<'_, Phone>, id: String) -> Result<ReportView, CommandError> {
    reply(phone.client().report(id).await)
}

/// Corrects, adds, or says that it got worse.
#[tauri::command]
#[specta::specta]
pub async fn report_add(
    phone: State<'_, Phone>,
    report: String,
    kind: String,
    text: Option<String>,
) -> Result<ReportView, CommandError> {
    reply(phone.client().report_add(report, kind, text).await)
}

/// Summaries after visits.
#[tauri::command]
#[specta::specta]
pub async fn summaries(phone: State<'_, Phone>) -> Result<Vec<SummaryView>, CommandError> {
    reply(phone.client().summaries().await)
}
