//! The call: both sides.

use crate::error::reply;
use hms_client::Client;
use hms_model::view::{CommandError, VisitView};
use tauri::State;

/// The call now.
#[tauri::command]
#[specta::specta]
pub async fn visit(client: State<'_, Client>) -> Result<VisitView, CommandError> {
    reply(client.visit().await)
}

/// Calls the person of a claimed entry.
#[tauri::command]
#[specta::specta]
pub async fn visit_call(client: State<'_, Client>, task: String) -> Result<VisitView, CommandError> {
    reply(client.visit_call(task).await)
}

/// Answers the ring.
#[tauri::command]
#[specta::specta]
pub async fn visit_accept(client: State<'_, Client>) -> Result<VisitView, CommandError> {
    reply(client.visit_accept().await)
}

/// Declines, or gives up calling.
#[tauri::command]
#[specta::specta]
pub async fn visit_decline(client: State<'_, Client>) -> Result<VisitView, CommandError> {
    reply(client.visit_decline().await)
}

/// Leaves the visit.
#[tauri::command]
#[specta::specta]
pub async fn visit_leave(client: State<'_, Client>) -> Result<VisitView, CommandError> {
    reply(client.visit_leave().await)
}

/// Microphone off or on.
#[tauri::command]
#[specta::specta]
pub async fn visit_mute(client: State<'_, Client>, muted: bool) -> Result<VisitView, CommandError> {
    reply(client.visit_mute(muted).await)
}

/// Camera on or off.
#[tauri::command]
#[specta::specta]
pub async fn visit_camera(client: State<'_, Client>, on: bool) -> Result<VisitView, CommandError> {
    reply(client.visit_camera(on).await)
}

/// Sends a line of text.
#[tauri::command]
#[specta::specta]
pub async fn visit_text(client: State<'_, Client>, text: String) -> Result<VisitView, CommandError> {
    reply(client.visit_text(text).await)
}
