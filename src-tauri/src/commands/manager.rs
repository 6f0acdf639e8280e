//! The manager's page.

use crate::error::reply;
use hms_client::Client;
use hms_model::form::DutyForm;
use hms_model::view::{CommandError, ManagerView};
use tauri::State;

/// The manager's page.
#[tauri::command]
#[specta::specta]
pub async fn manager(client: State<'_, Client>) -> Result<ManagerView, CommandError> {
    reply(client.manager().await)
}

/// Says that a notice was read.
#[tauri::command]
#[specta::specta]
pub async fn acknowledge_notice(
    client: State<'_, Client>,
    task: String,
) -> Result<ManagerView, CommandError> {
    reply(client.acknowledge_notice(task).await)
}

/// Decides on duty.
#[tauri::command]
#[specta::specta]
pub async fn decide_duty(
    client: State<'_, Client>,
    task: String,
    form: DutyForm,
) -> Result<ManagerView, CommandError> {
    reply(client.decide_duty(task, form).await)
}
