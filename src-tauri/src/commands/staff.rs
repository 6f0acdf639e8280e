//! The clinicians' queue and chart.

use crate::error::reply;
use hms_client::Client;
use hms_model::form::{DutyForm, FollowUpForm, IntakeForm};
use hms_model::report::BodyPart;
use hms_model::view::{ChartView, CommandError, DutyChoicesView, NoteView, QueueView, SiteView};
use tauri::State;

/// The queue.
#[tauri::command]
#[specta::specta]
pub async fn queue(client: State<'_, Client>) -> Result<QueueView, CommandError> {
    reply(client.queue().await)
}

/// Takes an entry; one person can.
#[tauri::command]
#[specta::specta]
pub async fn queue_claim(client: State<'_, Client>, task: String) -> Result<QueueView, CommandError> {
    reply(client.queue_claim(task).await)
}

/// Gives an entry back.
#[tauri::command]
#[specta::specta]
pub async fn queue_release(client: State<'_, Client>, task: String) -> Result<QueueView, CommandError> {
    reply(client.queue_release(task).await)
}

/// Says whose a report is that names a person only in words.
#[tauri::command]
#[specta::specta]
pub async fn report_identify(
    client: State<'_, Client>,
    task: String,
    number: String,
    name: String,
) -> Result<ChartView, CommandError> {
    reply(client.report_identify(task, number, name).await)
}

/// Chart of an entry.
#[tauri::command]
#[specta::specta]
pub async fn chart(client: State<'_, Client>, task: String) -> Result<ChartView, CommandError> {
    reply(client.chart(task).await)
}

/// Keeps the opening of the visit.
#[tauri::command]
#[specta::specta]
pub async fn intake_save(
    client: State<'_, Client>,
    task: String,
    form: IntakeForm,
) -> Result<ChartView, CommandError> {
    reply(client.intake_save(task, form).await)
}

/// Keeps the note as typed.
#[tauri::command]
#[specta::specta]
pub async fn note_save(
    client: State<'_, Client>,
    task: String,
    text: String,
) -> Result<NoteView, CommandError> {
    reply(client.note_save(task, text).await)
}

/// Signs the note.
#[tauri::command]
#[specta::specta]
pub async fn note_sign(
    client: State<'_, Client>,
    task: String,
    text: String,
) -> Result<ChartView, CommandError> {
    reply(client.note_sign(task, text).await)
}

/// Adds to a signed note.
#[tauri::command]
#[specta::specta]
pub async fn note_addendum(
    client: State<'_, Client>,
    task: String,
    text: String,
) -> Result<ChartView, CommandError> {
    reply(client.note_addendum(task, text).await)
}

/// Imaging sites, nearest first.
#[tauri::command]
#[specta::specta]
pub async fn imaging_sites(client: State<'_, Client>, task: String) -> Result<Vec<SiteView>, CommandError> {
    reply(client.imaging_sites(task).await)
}

/// Orders imaging.
#[tauri::command]
#[specta::specta]
pub async fn order_imaging(
    client: State<'_, Client>,
    task: String,
    site: String,
    part: BodyPart,
) -> Result<ChartView, CommandError> {
    reply(client.order_imaging(task, site, part).await)
}

/// Choices of the fit-for-duty form.
#[tauri::command]
#[specta::specta]
pub async fn duty_choices(client: State<'_, Client>) -> Result<DutyChoicesView, CommandError> {
    reply(client.duty_choices().await)
}

/// Keeps the advice.
#[tauri::command]
#[specta::specta]
pub async fn advice_save(
    client: State<'_, Client>,
    task: String,
    form: DutyForm,
) -> Result<ChartView, CommandError> {
    reply(client.advice_save(task, form).await)
}

/// Signs the advice.
#[tauri::command]
#[specta::specta]
pub async fn advice_sign(
    client: State<'_, Client>,
    task: String,
    form: DutyForm,
) -> Result<ChartView, CommandError> {
    reply(client.advice_sign(task, form).await)
}

/// Books a follow-up.
#[tauri::command]
#[specta::specta]
pub async fn follow_up(
    client: State<'_, Client>,
    task: String,
    form: FollowUpForm,
) -> Result<ChartView, CommandError> {
    reply(client.follow_up(task, form).await)
}

/// Records that 911 was sent to the carrier.
#[tauri::command]
#[specta::specta]
pub async fn send_911(client: State<'_, Client>, task: String) -> Result<ChartView, CommandError> {
    reply(client.send_911(task).await)
}

/// Completes an entry.
#[tauri::command]
#[specta::specta]
pub async fn close_task(client: State<'_, Client>, task: String) -> Result<QueueView, CommandError> {
    reply(client.close_task(task).await)
}
