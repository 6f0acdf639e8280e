//! HMS-ACH, the app.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    hms_ach_lib::run()
}
