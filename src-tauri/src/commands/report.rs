//! The injury report and what follows it: carriers.

use crate::error::reply;
use hms_client::Client;
use hms_model::form::ReportStepForm;
use hms_model::view::{CommandError, DraftView, ReportView, SummaryView};
use tauri::State;

/// Opens a new report.
#[tauri::command]
#[specta::specta]
pub async fn report_start(
    client: State<'_, Client>,
    colleague: Option<String>,
) -> Result<DraftView, CommandError> {
    reply(client.report_start(colleague).await)
}

/// The report that is being filled in, if any.
#[tauri::command]
#[specta::specta]
pub async fn report_draft(client: State<'_, Client>) -> Result<Option<DraftView>, CommandError> {
    reply(client.report_draft().await)
}

/// Keeps one step.
#[tauri::command]
#[specta::specta]
pub async fn report_step(
    client: State<'_, Client>,
    draft: String,
    step: ReportStepForm,
) -> Result<DraftView, CommandError> {
    reply(client.report_step(draft, step).await)
}

/// Adds a photo or recording.
#[tauri::command]
#[specta::specta]
pub async fn report_attach(
    client: State<'_, Client>,
    draft: String,
    content_type: String,
    base64: String,
) -> Result<DraftView, CommandError> {
    reply(client.report_attach(draft, content_type, base64).await)
}

/// Takes a photo or recording off.
#[tauri::command]
#[specta::specta]
pub async fn report_detach(
    client: State<'_, Client>,
    draft: String,
    id: String,
) -> Result<DraftView, CommandError> {
    reply(client.report_detach(draft, id).await)
}

/// Throws a form away, at the person's wish.
#[tauri::command]
#[specta::specta]
pub async fn report_discard(client: State<'_, Client>, draft: String) -> Result<(), CommandError> {
    reply(client.report_discard(draft).await)
}

/// Finishes the report.
#[tauri::command]
#[specta::specta]
pub async fn report_send(client: State<'_, Client>, draft: String) -> Result<ReportView, CommandError> {
    reply(client.report_send(draft).await)
}

/// The carrier's reports.
#[tauri::command]
#[specta::specta]
pub async fn reports(client: State<'_, Client>) -> Result<Vec<ReportView>, CommandError> {
    reply(client.reports().await)
}

/// One report.
#[tauri::command]
#[specta::specta]
pub async fn report(client: State<'_, Client>, id: String) -> Result<ReportView, CommandError> {
    reply(client.report(id).await)
}

/// Corrects, adds, or says that it got worse.
#[tauri::command]
#[specta::specta]
pub async fn report_add(
    client: State<'_, Client>,
    report: String,
    kind: String,
    text: Option<String>,
) -> Result<ReportView, CommandError> {
    reply(client.report_add(report, kind, text).await)
}

/// Summaries after visits.
#[tauri::command]
#[specta::specta]
pub async fn summaries(client: State<'_, Client>) -> Result<Vec<SummaryView>, CommandError> {
    reply(client.summaries().await)
}
