//! Sign-in, lock, settings, outbox, place and telephone: every window.

use crate::error::reply;
use hms_client::Phone;
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
pub async fn app_state(phone: State<'_, Phone>) -> Result<AppView, CommandError> {
    reply(phone.client().app_state().await)
}

/// Keeps language and theme.
#[tauri::command]
#[specta::specta]
pub async fn set_preferences(
    phone: State<'_, Phone>,
    form: PreferencesForm,
) -> Result<AppView, CommandError> {
    reply(phone.client().set_preferences(form).await)
}

/// Starts a sign-in in the browser, or with a code on another device.
#[tauri::command]
#[specta::specta]
pub async fn sign_in_start(phone: State<'_, Phone>, device_code: bool) -> Result<SignInView, CommandError> {
    reply(phone.client().sign_in_start(device_code).await)
}

/// How far the sign-in is.
#[tauri::command]
#[specta::specta]
pub async fn sign_in_state(phone: State<'_, Phone>) -> Result<SignInView, CommandError> {
    reply(phone.client().sign_in_state().await)
}

/// Gives the sign-in up.
#[tauri::command]
#[specta::specta]
pub async fn sign_in_cancel(phone: State<'_, Phone>) -> Result<SignInView, CommandError> {
    reply(phone.client().sign_in_cancel().await)
}

/// Sets the PIN after the first sign-in.
#[tauri::command]
#[specta::specta]
pub async fn set_pin(phone: State<'_, Phone>, pin: String) -> Result<AppView, CommandError> {
    reply(phone.client().set_pin(pin).await)
}

/// Opens the app with the PIN.
#[tauri::command]
#[specta::specta]
pub async fn unlock(phone: State<'_, Phone>, pin: String) -> Result<UnlockView, CommandError> {
    reply(phone.client().unlock(pin).await)
}

/// Starts an online sign-in that allows a new PIN.
#[tauri::command]
#[specta::specta]
pub async fn forgot_pin(phone: State<'_, Phone>) -> Result<SignInView, CommandError> {
    reply(phone.client().forgot_pin().await)
}

/// Locks the app.
#[tauri::command]
#[specta::specta]
pub async fn lock(phone: State<'_, Phone>) -> Result<AppView, CommandError> {
    reply(phone.client().lock().await)
}

/// Tries to send and fetch now.
#[tauri::command]
#[specta::specta]
pub async fn sync_now(phone: State<'_, Phone>) -> Result<AppView, CommandError> {
    reply(phone.client().sync_now().await)
}

/// Writes what waits to be sent into a file in the person's downloads.
#[tauri::command]
#[specta::specta]
pub async fn hand_over(phone: State<'_, Phone>) -> Result<HandOverView, CommandError> {
    reply(phone.client().hand_over().await)
}

/// Gives the entries of another phone's file to the server.
#[tauri::command]
#[specta::specta]
pub async fn take_in(phone: State<'_, Phone>, text: String) -> Result<TakenInView, CommandError> {
    reply(phone.client().take_in(text).await)
}

/// What waits to be sent.
#[tauri::command]
#[specta::specta]
pub async fn outbox(phone: State<'_, Phone>) -> Result<Vec<OutboxItemView>, CommandError> {
    reply(phone.client().outbox().await)
}

/// Records with two versions that a person has to settle.
#[tauri::command]
#[specta::specta]
pub async fn conflicts(phone: State<'_, Phone>) -> Result<Vec<ConflictView>, CommandError> {
    reply(phone.client().conflicts().await)
}

/// Says which of two versions holds.
#[tauri::command]
#[specta::specta]
pub async fn conflict_settle(
    phone: State<'_, Phone>,
    id: String,
    keep: KeepForm,
) -> Result<Vec<ConflictView>, CommandError> {
    reply(phone.client().conflict_settle(id, keep).await)
}

/// Position of the phone, if known.
#[tauri::command]
#[specta::specta]
pub async fn where_am_i(phone: State<'_, Phone>) -> Result<Option<Position>, CommandError> {
    reply(phone.client().where_am_i().await)
}

/// Opens the telephone with a number.
#[tauri::command]
#[specta::specta]
pub async fn dial(phone: State<'_, Phone>, number: String) -> Result<(), CommandError> {
    reply(phone.client().dial(number).await)
}

/// Bytes of a photo or recording.
#[tauri::command]
#[specta::specta]
pub async fn attachment(phone: State<'_, Phone>, id: String) -> Result<AttachmentBytes, CommandError> {
    reply(phone.client().attachment(id).await)
}
