//! The window's types match the shell's commands, and each window may call only what its capability names.

use hms_ach_lib::ipc;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Set `HMS_WRITE_BINDINGS=1` to write the file instead of comparing it.
#[test]
fn the_types_of_the_window_are_those_of_the_shell() {
    let kept = root().join("ui/src/ipc/bindings.ts");
    let fresh = std::env::temp_dir().join(format!("hms-ach-bindings-{}.ts", std::process::id()));

    ipc::builder()
        .export(specta_typescript::Typescript::default(), &fresh)
        .expect("types of the window");

    let text = std::fs::read_to_string(&fresh).expect("fresh types");
    std::fs::remove_file(&fresh).expect("a temporary file");
    if std::env::var_os("HMS_WRITE_BINDINGS").is_some() {
        std::fs::write(&kept, text).expect("kept types");
        return;
    }
    let old = std::fs::read_to_string(&kept).expect("kept types");
    assert!(
        old == text,
        "ui/src/ipc/bindings.ts is out of date: run with HMS_WRITE_BINDINGS=1"
    );
}

#[test]
fn every_command_of_the_shell_has_a_permission_and_the_other_way_round() {
    let text = std::fs::read_to_string(root().join("src-tauri/src/ipc.rs")).expect("ipc.rs");
    let registered: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("commands::")?
                .strip_suffix(',')?
                .rsplit("::")
                .next()
        })
        .collect();

    let mut named: Vec<&str> = ipc::COMMAND_NAMES.to_vec();
    let mut registered_sorted = registered.clone();
    named.sort_unstable();
    registered_sorted.sort_unstable();

    assert_eq!(named, registered_sorted);
}

#[test]
fn a_carrier_may_not_call_the_commands_of_staff() {
    let allowed = permissions("carrier");

    for command in [
        "allow-chart",
        "allow-queue",
        "allow-note-sign",
        "allow-decide-duty",
        "allow-advice-sign",
    ] {
        assert!(!allowed.contains(&command.to_owned()), "{command}");
    }
    assert!(allowed.contains(&"allow-report-send".to_owned()));
}

#[test]
fn no_window_may_read_files_or_start_programs() {
    for window in ["carrier", "staff"] {
        for permission in permissions(window) {
            let core = permission.starts_with("core:");
            assert!(permission.starts_with("allow-") || core, "{window}: {permission}");
        }
    }
}

fn permissions(window: &str) -> Vec<String> {
    let file = root()
        .join(Path::new("src-tauri/capabilities"))
        .join(format!("{window}.json"));
    let text = std::fs::read_to_string(file).expect("a capability");
    let value: serde_json::Value = serde_json::from_str(&text).expect("json");
    let list = value["permissions"].as_array().expect("permissions");
    list.iter()
        .filter_map(|p| p.as_str().map(str::to_owned))
        .collect()
}
