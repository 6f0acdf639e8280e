//! The shell: windows, commands, notices. No rule, no SQL, no HTTP lives here.

pub mod commands;
pub mod error;
pub mod ipc;
mod platform;
mod window;

use hms_client::{ClientEvent, Phone, Tag};
use std::process::ExitCode;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;

/// Starts the app and returns when its last window is closed.
#[cfg_attr(mobile, tauri::mobile_entry_point)]
pub fn run() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("HMS_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,hms_client=info")),
        )
        .with_writer(std::io::stderr)
        .init();
    let options = match platform::options::Options::from_args(std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(stop) => {
            return match stop.words() {
                (usage, true) => {
                    println!("{usage}");
                    ExitCode::SUCCESS
                }
                (problem, false) => {
                    eprintln!("{problem}");
                    ExitCode::from(2)
                }
            };
        }
    };
    if let Some(problem) = platform::display::missing().or_else(|| options.lacks_server()) {
        eprintln!("{problem}");
        return ExitCode::FAILURE;
    }
    // A second call finds a provider installed; that is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ipc = ipc::builder();
    let handler = ipc.invoke_handler();
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::init())
        .on_permission_request(|_webview, kind| {
            use tauri::webview::{PermissionKind, PermissionResponse};
            // Voice notes use the microphone, photos the camera; nothing else is ever asked for.
            if matches!(kind, PermissionKind::Camera | PermissionKind::Microphone) {
                PermissionResponse::Allow
            } else {
                PermissionResponse::Deny
            }
        })
        .invoke_handler(handler)
        .setup(move |app| {
            ipc.mount_events(app);
            let opener = platform::opener::system(app.handle().clone());
            let phone = tauri::async_runtime::block_on(Phone::start(options.profile(opener)?))?;
            forward_events(app.handle().clone(), &phone);
            app.manage(phone);
            window::open(app.handle(), &options)?;
            Ok(())
        })
        .build(tauri::generate_context!());
    let app = match built {
        Ok(app) => app,
        Err(problem) => {
            eprintln!("HMS-ACH could not start: {problem}. What you saved is safe on this device. Try again, or call the help line.");
            return ExitCode::FAILURE;
        }
    };
    app.run(|app, event| {
        if matches!(event, tauri::RunEvent::Exit) {
            if let Some(phone) = app.try_state::<Phone>() {
                tauri::async_runtime::block_on(phone.shutdown());
            }
        }
    });
    ExitCode::SUCCESS
}

/// Passes the phone's events to the window until the phone ends.
fn forward_events(app: AppHandle, phone: &Phone) {
    let mut events = phone.events();
    tauri::async_runtime::spawn(async move {
        loop {
            use tokio::sync::broadcast::error::RecvError;
            let sent = match events.recv().await {
                Ok(ClientEvent::Changed { tags }) => ipc::Changed { tags }.emit(&app),
                Ok(ClientEvent::Alert { kind }) => {
                    platform::notify::alert(&app, kind);
                    ipc::Alert {
                        kind: kind.as_str().to_owned(),
                    }
                    .emit(&app)
                }
                // The window was too slow: everything may have changed.
                Err(RecvError::Lagged(_)) => ipc::Changed { tags: Tag::all() }.emit(&app),
                Err(RecvError::Closed) => break,
            };
            if let Err(problem) = sent {
                tracing::warn!(%problem, "An event did not reach the window");
            }
        }
    });
}
