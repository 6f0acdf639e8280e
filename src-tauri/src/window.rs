//! The window: `carrier` or `staff`, each with its own page and its own list of commands.

use crate::platform::options::Options;
use tauri::{AppHandle, WebviewUrl, WebviewWindowBuilder};

/// Opens the window of this profile.
///
/// # Errors
/// The webview could not be made.
pub fn open(app: &AppHandle, options: &Options) -> tauri::Result<()> {
    let (label, page, size) = if options.staff {
        ("staff", "staff.html", (1440.0, 900.0))
    } else {
        ("carrier", "carrier.html", (412.0, 892.0))
    };
    let mut builder = WebviewWindowBuilder::new(app, label, WebviewUrl::App(page.into()))
        .title("HMS-ACH")
        .inner_size(size.0, size.1)
        .min_inner_size(320.0, 480.0)
        // Nothing that the webview keeps survives the window: no health data in its storage.
        .incognito(!driven())
        .data_directory(options.profile_dir.join("webview"))
        .on_navigation(|url| {
            matches!(url.scheme(), "tauri") || url.host_str() == Some("tauri.localhost") || dev(url)
        });
    if let Some((x, y)) = options.at {
        builder = builder.position(x, y);
    }
    builder.build()?;
    Ok(())
}

/// Under WebDriver: the webview allows that only in a context that is not ephemeral, so the tests' own
/// profiles keep the webview's cache in their folder.
fn driven() -> bool {
    std::env::var("TAURI_WEBVIEW_AUTOMATION").as_deref() == Ok("true")
}

/// The development server's pages, in debug builds without the embedded ones.
fn dev(url: &tauri::Url) -> bool {
    cfg!(dev) && url.host_str() == Some("localhost")
}
