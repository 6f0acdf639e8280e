//! The call: both sides.

use crate::error::reply;
use hms_client::Phone;
use hms_model::view::{CommandError, VisitView};
use tauri::State;

/// The call now.
#[tauri::command]
#[specta::specta]
pub async fn visit(phone: State<'_, Phone>) -> Result<VisitView, CommandError> {
    reply(phone.client().visit().await)
}

/// Calls the person of a claimed entry.
#[tauri::command]
#[specta::specta]
pub async fn visit_call(phone: State<'_, Phone>, task: String) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_call(task).await)
}

/// Answers the ring.
#[tauri::command]
#[specta::specta]
pub async fn visit_accept(phone: State<'_, Phone>) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_accept().await)
}

/// Declines, or gives up calling.
#[tauri::command]
#[specta::specta]
pub async fn visit_decline(phone: State<'_, Phone>) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_decline().await)
}

/// Leaves the visit.
#[tauri::command]
#[specta::specta]
pub async fn visit_leave(phone: State<'_, Phone>) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_leave().await)
}

/// Microphone off or on.
#[tauri::command]
#[specta::specta]
pub async fn visit_mute(phone: State<'_, Phone>, muted: bool) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_mute(muted).await)
}

/// Camera on or off.
#[tauri::command]
#[specta::specta]
pub async fn visit_camera(phone: State<'_, Phone>, on: bool) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_camera(on).await)
}

/// Sound alone, both ways, or pictures again.
#[tauri::command]
#[specta::specta]
pub async fn visit_sound_only(phone: State<'_, Phone>, on: bool) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_sound_only(on).await)
}

/// Tries a picture on a link that seems to carry none.
#[tauri::command]
#[specta::specta]
pub async fn visit_try_picture(phone: State<'_, Phone>) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_try_picture().await)
}

/// Asks the other side for a sharp picture.
#[tauri::command]
#[specta::specta]
pub async fn visit_ask_sharp(phone: State<'_, Phone>) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_ask_sharp().await)
}

/// Gives the sharp picture that was asked for; `keep` puts it into the report too.
#[tauri::command]
#[specta::specta]
pub async fn visit_give_sharp(phone: State<'_, Phone>, keep: bool) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_give_sharp(keep).await)
}

/// Does not give it.
#[tauri::command]
#[specta::specta]
pub async fn visit_refuse_sharp(phone: State<'_, Phone>) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_refuse_sharp().await)
}

/// Begins a spoken note for the report.
#[tauri::command]
#[specta::specta]
pub async fn visit_note_begin(phone: State<'_, Phone>) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_note_begin().await)
}

/// Ends it, and keeps it or not.
#[tauri::command]
#[specta::specta]
pub async fn visit_note_end(phone: State<'_, Phone>, keep: bool) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_note_end(keep).await)
}

/// Asks the other side to call by telephone.
#[tauri::command]
#[specta::specta]
pub async fn visit_call_me(phone: State<'_, Phone>) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_call_me().await)
}

/// Sends a line of text.
#[tauri::command]
#[specta::specta]
pub async fn visit_text(phone: State<'_, Phone>, text: String) -> Result<VisitView, CommandError> {
    reply(phone.client().visit_text(text).await)
}

/// Shows the other side the line as it is typed now.
#[tauri::command]
#[specta::specta]
pub async fn visit_typing(phone: State<'_, Phone>, text: String) -> Result<(), CommandError> {
    reply(phone.client().visit_typing(text).await)
}
