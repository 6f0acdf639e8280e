//! Turns every command of the app into a permission, so that a window may call only what its capability names.

// The same list that the shell registers; `src-tauri/tests/shell.rs` compares the two.
const COMMANDS: &[&str] = &include!("src/command_names.rs");

fn main() {
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("src-tauri/capabilities/*.json")
        .app_manifest(tauri_build::AppManifest::new().commands(COMMANDS));
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("tauri's build step failed: {error:#}");
    }
}
