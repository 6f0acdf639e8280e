//! Notices of the system. Their words never say anything about health.

use hms_client::AlertKind;
use tauri::{AppHandle, Manager};
use tauri_plugin_notification::NotificationExt;

/// Shows a notice where no window is in front; the window itself makes the sound.
pub fn alert(app: &AppHandle, kind: AlertKind) {
    let in_front = app
        .webview_windows()
        .values()
        .any(|window| window.is_focused().unwrap_or(false));
    if in_front {
        return;
    }
    let body = match kind {
        AlertKind::Ring => "Someone is calling you.",
        AlertKind::UrgentCase => "You have an urgent task.",
        AlertKind::CheckAgain => "Please open the app.",
    };
    if let Err(problem) = app.notification().builder().title("HMS-ACH").body(body).show() {
        tracing::warn!(%problem, "The system took no notice");
    }
}
