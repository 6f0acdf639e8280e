//! Sign-in, lock, settings, outbox, place and telephone: every window.

use crate::error::reply;
use hms_client::Client;
use hms_model::form::{KeepForm, PreferencesForm};
use hms_model::report::Position;
use hms_model::view::{
    AppView, AttachmentBytes, CommandError, ConflictView, HandOverView, OutboxItemView, SignInView,
    TakenInView, UnlockView,
};
use tauri::State;

/// State of the app as a whole.
#[tauri::command]
#[specta::specta]
pub async fn app_state(client: State<'_, Client>) -> Result<AppView, CommandError> {
    reply(client.app_state().await)
}

/// Keeps language and theme.
#[tauri::command]
#[specta::specta]
pub async fn set_preferences(
    client: State<'_, Client>,
    form: PreferencesForm,
) -> Result<AppView, CommandError> {
    reply(client.set_preferences(form).await)
}

/// Starts a sign-in in the browser, or with a code on another device.
#[tauri::command]
#[specta::specta]
pub async fn sign_in_start(client: State<'_, Client>, device_code: bool) -> Result<SignInView, CommandError> {
    reply(client.sign_in_start(device_code).await)
}

/// How far the sign-in is.
#[tauri::command]
#[specta::specta]
pub async fn sign_in_state(client: State<'_, Client>) -> Result<SignInView, CommandError> {
    reply(client.sign_in_state().await)
}

/// Gives the sign-in up.
#[tauri::command]
#[specta::specta]
pub async fn sign_in_cancel(client: State<'_, Client>) -> Result<SignInView, CommandError> {
    reply(client.sign_in_cancel().await)
}

/// Sets the PIN after the first sign-in.
#[tauri::command]
#[specta::specta]
pub async fn set_pin(client: State<'_, Client>, pin: String) -> Result<AppView, CommandError> {
    reply(client.set_pin(pin).await)
}

/// Opens the app with the PIN.
#[tauri::command]
#[specta::specta]
pub async fn unlock(client: State<'_, Client>, pin: String) -> Result<UnlockView, CommandError> {
    reply(client.unlock(pin).await)
}

/// Starts an online sign-in that allows a new PIN.
#[tauri::command]
#[specta::specta]
pub async fn forgot_pin(client: State<'_, Client>) -> Result<SignInView, CommandError> {
    reply(client.forgot_pin().await)
}

/// Locks the app.
#[tauri::command]
#[specta::specta]
pub async fn lock(client: State<'_, Client>) -> Result<AppView, CommandError> {
    reply(client.lock().await)
}

/// Tries to send and fetch now.
#[tauri::command]
#[specta::specta]
pub async fn sync_now(client: State<'_, Client>) -> Result<AppView, CommandError> {
    reply(client.sync_now().await)
}

/// Writes what waits to be sent into a file in the person's downloads.
#[tauri::command]
#[specta::specta]
pub async fn hand_over(client: State<'_, Client>) -> Result<HandOverView, CommandError> {
    reply(client.hand_over().await)
}

/// Gives the entries of another phone's file to the server.
#[tauri::command]
#[specta::specta]
pub async fn take_in(client: State<'_, Client>, text: String) -> Result<TakenInView, CommandError> {
    reply(client.take_in(text).await)
}

/// What waits to be sent.
#[tauri::command]
#[specta::specta]
pub async fn outbox(client: State<'_, Client>) -> Result<Vec<OutboxItemView>, CommandError> {
    reply(client.outbox().await)
}

/// Records with two versions that a person has to settle.
#[tauri::command]
#[specta::specta]
pub async fn conflicts(client: State<'_, Client>) -> Result<Vec<ConflictView>, CommandError> {
    reply(client.conflicts().await)
}

/// Says which of two versions holds.
#[tauri::command]
#[specta::specta]
pub async fn conflict_settle(
    client: State<'_, Client>,
    id: String,
    keep: KeepForm,
) -> Result<Vec<ConflictView>, CommandError> {
    reply(client.conflict_settle(id, keep).await)
}

/// Position of the phone, if known.
#[tauri::command]
#[specta::specta]
pub async fn where_am_i(client: State<'_, Client>) -> Result<Option<Position>, CommandError> {
    reply(client.where_am_i().await)
}

/// Opens the telephone with a number.
#[tauri::command]
#[specta::specta]
pub async fn dial(client: State<'_, Client>, number: String) -> Result<(), CommandError> {
    reply(client.dial(number).await)
}

/// Bytes of a photo or recording.
#[tauri::command]
#[specta::specta]
pub async fn attachment(client: State<'_, Client>, id: String) -> Result<AttachmentBytes, CommandError> {
    reply(client.attachment(id).await)
}
