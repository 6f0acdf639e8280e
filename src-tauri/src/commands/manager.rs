//! The manager's page.

use crate::error::reply;
use hms_client::Phone;
use hms_model::form::DutyForm;
use hms_model::view::{CommandError, ManagerView};
use tauri::State;

/// The manager's page.
#[tauri::command]
#[specta::specta]
pub async fn manager(phone: State<'_, Phone>) -> Result<ManagerView, CommandError> {
    reply(phone.client().manager().await)
}

/// Says that a notice was read.
#[tauri::command]
#[specta::specta]
pub async fn acknowledge_notice(phone: State<'_, Phone>, task: String) -> Result<ManagerView, CommandError> {
    reply(phone.client().acknowledge_notice(task).await)
}

/// Decides on duty.
#[tauri::command]
#[specta::specta]
pub async fn decide_duty(
    phone: State<'_, Phone>,
    task: String,
    form: DutyForm,
) -> Result<ManagerView, CommandError> {
    reply(phone.client().decide_duty(task, form).await)
}
