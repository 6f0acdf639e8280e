//! The clinicians' queue and chart.

use crate::error::reply;
use hms_client::Phone;
use hms_model::form::{DutyForm, FollowUpForm, IntakeForm};
use hms_model::report::BodyPart;
use hms_model::view::{BasisView, ChartView, CommandError, DutyChoicesView, NoteView, QueueView, SiteView};
use tauri::State;

/// The queue.
#[tauri::command]
#[specta::specta]
pub async fn queue(phone: State<'_, Phone>) -> Result<QueueView, CommandError> {
    reply(phone.client().queue().await)
}

/// Takes an entry; one person can.
#[tauri::command]
#[specta::specta]
pub async fn queue_claim(phone: State<'_, Phone>, task: String) -> Result<QueueView, CommandError> {
    reply(phone.client().queue_claim(task).await)
}

/// Gives an entry back.
#[tauri::command]
#[specta::specta]
pub async fn queue_release(phone: State<'_, Phone>, task: String) -> Result<QueueView, CommandError> {
    reply(phone.client().queue_release(task).await)
}

/// Says whose a report is that names a person only in words.
#[tauri::command]
#[specta::specta]
pub async fn report_identify(
    phone: State<'_, Phone>,
    task: String,
    number: String,
    name: String,
) -> Result<ChartView, CommandError> {
    reply(phone.client().report_identify(task, number, name).await)
}

/// Chart of an entry.
#[tauri::command]
#[specta::specta]
pub async fn chart(phone: State<'_, Phone>, task: String) -> Result<ChartView, CommandError> {
    reply(phone.client().chart(task).await)
}

/// What the engine can say of a symptom check beside its result.
#[tauri::command]
#[specta::specta]
pub async fn check_basis(phone: State<'_, Phone>, check: String) -> Result<Option<BasisView>, CommandError> {
    reply(phone.client().check_basis(check).await)
}

/// Keeps the opening of the visit.
#[tauri::command]
#[specta::specta]
pub async fn intake_save(
    phone: State<'_, Phone>,
    task: String,
    form: IntakeForm,
) -> Result<ChartView, CommandError> {
    reply(phone.client().intake_save(task, form).await)
}

/// Keeps the note as typed.
#[tauri::command]
#[specta::specta]
pub async fn note_save(
    phone: State<'_, Phone>,
    task: String,
    text: String,
) -> Result<NoteView, CommandError> {
    reply(phone.client().note_save(task, text).await)
}

/// Signs the note.
#[tauri::command]
#[specta::specta]
pub async fn note_sign(
    phone: State<'_, Phone>,
    task: String,
    text: String,
) -> Result<ChartView, CommandError> {
    reply(phone.client().note_sign(task, text).await)
}

/// Adds to a signed note.
#[tauri::command]
#[specta::specta]
pub async fn note_addendum(
    phone: State<'_, Phone>,
    task: String,
    text: String,
) -> Result<ChartView, CommandError> {
    reply(phone.client().note_addendum(task, text).await)
}

/// Imaging sites, nearest first.
#[tauri::command]
#[specta::specta]
pub async fn imaging_sites(phone: State<'_, Phone>, task: String) -> Result<Vec<SiteView>, CommandError> {
    reply(phone.client().imaging_sites(task).await)
}

/// Orders imaging.
#[tauri::command]
#[specta::specta]
pub async fn order_imaging(
    phone: State<'_, Phone>,
    task: String,
    site: String,
    part: BodyPart,
) -> Result<ChartView, CommandError> {
    reply(phone.client().order_imaging(task, site, part).await)
}

/// Choices of the fit-for-duty form.
#[tauri::command]
#[specta::specta]
pub async fn duty_choices(phone: State<'_, Phone>) -> Result<DutyChoicesView, CommandError> {
    reply(phone.client().duty_choices().await)
}

/// Keeps the advice.
#[tauri::command]
#[specta::specta]
pub async fn advice_save(
    phone: State<'_, Phone>,
    task: String,
    form: DutyForm,
) -> Result<ChartView, CommandError> {
    reply(phone.client().advice_save(task, form).await)
}

/// Signs the advice.
#[tauri::command]
#[specta::specta]
pub async fn advice_sign(
    phone: State<'_, Phone>,
    task: String,
    form: DutyForm,
) -> Result<ChartView, CommandError> {
    reply(phone.client().advice_sign(task, form).await)
}

/// Books a follow-up.
#[tauri::command]
#[specta::specta]
pub async fn follow_up(
    phone: State<'_, Phone>,
    task: String,
    form: FollowUpForm,
) -> Result<ChartView, CommandError> {
    reply(phone.client().follow_up(task, form).await)
}

/// Records that 911 was sent to the carrier.
#[tauri::command]
#[specta::specta]
pub async fn send_911(phone: State<'_, Phone>, task: String) -> Result<ChartView, CommandError> {
    reply(phone.client().send_911(task).await)
}

/// Completes an entry.
#[tauri::command]
#[specta::specta]
pub async fn close_task(phone: State<'_, Phone>, task: String) -> Result<QueueView, CommandError> {
    reply(phone.client().close_task(task).await)
}
