//! The system's keychain, really: under a session bus with gnome-keyring, and without any bus.
//!
//! The keychain library looks for its store once in a process, so each case runs this program again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use hms_client::{
    Client, ClientError, MediaChoice, PositionSource, ProfileConfig, Provisioning, SyntheticSide,
    SystemClock, VaultChoice,
};
use hms_model::view::VaultKind;

const CASE: &str = "HMS_TEST_KEYCHAIN_CASE";

fn there(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

async fn vault_of(dir: &Path) -> Result<VaultKind, ClientError> {
    let client = Client::start(ProfileConfig {
        dir: dir.to_owned(),
        server: Provisioning {
            base_url: "http://127.0.0.1:9".into(),
            ca_file: None,
            hpke_public_key: None,
            help_phone: String::new(),
            demo: true,
            proxy: None,
            pack_trust: None,
        },
        vault: VaultChoice::Best,
        clock: Arc::new(SystemClock),
        opener: Box::new(|_| false),
        position: PositionSource::default(),
        media: MediaChoice::Synthetic {
            side: SyntheticSide::Carrier,
        },
        staff: false,
        locale: "en".into(),
        downloads: dir.join("downloads"),
    })
    .await?;
    let vault = client.app_state().await?.vault;
    client.shutdown().await;
    Ok(vault)
}

/// What the program does when it is run again by a test below; by itself it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_case_that_was_asked_for() {
    let Ok(case) = std::env::var(CASE) else { return };
    let dir = tempfile::tempdir().expect("dir");
    let vault = vault_of(dir.path()).await.expect("the client starts");
    let expected = if case == "keyring" {
        VaultKind::Keychain
    } else {
        VaultKind::SealedFile
    };
    assert_eq!(vault, expected);
}

fn again(case: &str, command: &mut Command) {
    let output = command.env(CASE, case).output().expect("the case runs");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn with_a_keyring_secrets_are_kept_in_it() {
    if !there("dbus-run-session") || !there("gnome-keyring-daemon") {
        eprintln!("skipped: dbus-run-session or gnome-keyring-daemon is not installed");
        return;
    }
    let home = tempfile::tempdir().expect("dir");
    let program = std::env::current_exe().expect("this program");
    let script = format!(
        "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec '{}' --exact the_case_that_was_asked_for",
        program.display()
    );
    again(
        "keyring",
        Command::new("dbus-run-session")
            .args(["--", "sh", "-c", &script])
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path()),
    );
}

#[test]
fn without_a_bus_the_sealed_file_takes_its_place_and_the_view_says_so() {
    let program = std::env::current_exe().expect("this program");
    again(
        "nothing",
        Command::new(program)
            .args(["--exact", "the_case_that_was_asked_for"])
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .env_remove("XDG_RUNTIME_DIR"),
    );
}
