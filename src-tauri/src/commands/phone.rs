//! Who uses this phone, what it holds, and going off it.

use crate::error::reply;
use hms_client::Phone;
use hms_model::view::{CommandError, LargeMedia, PhoneView, StorageView};
use tauri::State;

/// The phone and everybody on it.
#[tauri::command]
#[specta::specta]
pub async fn phone_state(phone: State<'_, Phone>) -> Result<PhoneView, CommandError> {
    reply(phone.phone_state().await)
}

/// Brings somebody else to the front; whoever was there is locked.
#[tauri::command]
#[specta::specta]
pub async fn choose_person(phone: State<'_, Phone>, seat: String) -> Result<PhoneView, CommandError> {
    reply(phone.choose_person(seat).await)
}

/// Makes room for somebody who has not signed in here yet.
#[tauri::command]
#[specta::specta]
pub async fn someone_else(phone: State<'_, Phone>) -> Result<PhoneView, CommandError> {
    reply(phone.someone_else().await)
}

/// Takes the person in front off this phone, once the server has everything of theirs.
#[tauri::command]
#[specta::specta]
pub async fn leave_phone(phone: State<'_, Phone>) -> Result<PhoneView, CommandError> {
    reply(phone.leave_phone().await)
}

/// What this phone holds and what it sent and received.
#[tauri::command]
#[specta::specta]
pub async fn storage(phone: State<'_, Phone>) -> Result<StorageView, CommandError> {
    reply(phone.storage().await)
}

/// What large photos do on a link that costs.
#[tauri::command]
#[specta::specta]
pub async fn set_large_media(
    phone: State<'_, Phone>,
    choice: LargeMedia,
) -> Result<StorageView, CommandError> {
    reply(phone.set_large_media(choice).await)
}

/// The person says that this link costs money, or no longer does.
#[tauri::command]
#[specta::specta]
pub async fn mark_link_costly(phone: State<'_, Phone>, costs: bool) -> Result<StorageView, CommandError> {
    reply(phone.mark_link_costly(costs).await)
}

/// What the window knows of the link.
#[tauri::command]
#[specta::specta]
pub async fn link_is(
    phone: State<'_, Phone>,
    kind: Option<String>,
    save_data: bool,
) -> Result<(), CommandError> {
    reply(phone.link_is(kind, save_data).await)
}

/// Sends a photo or recording now, whatever the link costs.
#[tauri::command]
#[specta::specta]
pub async fn send_file_now(phone: State<'_, Phone>, id: String) -> Result<(), CommandError> {
    reply(phone.client().send_file_now(id).await)
}

/// Removes copies of photos and recordings that the server has.
#[tauri::command]
#[specta::specta]
pub async fn free_up(phone: State<'_, Phone>) -> Result<StorageView, CommandError> {
    reply(phone.free_up().await)
}
