//! Records the tapes that the windows are shown with in a plain browser: `ui/src/ipc/recorded/*.json`.
//!
//! It starts the real server with the seeded demonstration district, signs people in as a browser would, gives
//! the commands that the windows give, and writes down what each of them answered. Nothing is made up: where a
//! screen shows trouble, the trouble was made (the server stopped, the disk filled, the key file damaged).
//!
//! `cargo run -p hms-client --example record-tapes [NAME …]`; without names it records all. It needs
//! `dbus-run-session` and `gnome-keyring-daemon` for the keychain, and root for the disk that is full.

mod busy;
mod carrier;
mod commands;
mod costs;
mod desk;
mod foreign;
mod nobody;
#[path = "../../tests/it/npm.rs"]
#[expect(dead_code, reason = "tests look into the server; tapes do not")]
mod npm;
mod office;
mod people;
mod tape;
mod trouble;
mod versions;
mod world;

use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Set in the process that runs with a keychain of its own.
const WITH_KEYRING: &str = "HMS_RECORD_WITH_KEYRING";

fn main() {
    if std::env::var_os(WITH_KEYRING).is_none() {
        return again_with_a_keyring();
    }
    // Small pictures are enough, and spare the machine.
    std::env::set_var("HMS_CALL_PICTURE", "small");
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        if wants("carrier") {
            carrier::record().await;
        }
        if wants("desk") {
            desk::record().await;
        }
        if wants("busy") {
            busy::record().await;
        }
        if wants("office") {
            office::record().await;
        }
        if wants("nobody") {
            nobody::record().await;
        }
        if wants("people") {
            people::record().await;
        }
        if wants("costs") {
            costs::record().await;
        }
        if wants("foreign") {
            foreign::record().await;
        }
        if wants("versions") {
            versions::record().await;
        }
        if wants("trouble") {
            trouble::record().await;
        }
    });
    // Clients that were left behind in the middle of a call end with the process.
    runtime.shutdown_background();
}

/// Runs this program again on a session bus with an unlocked keyring, both of which end with it.
fn again_with_a_keyring() {
    let home = std::env::temp_dir().join(format!("hms-record-{}", std::process::id()));
    std::fs::create_dir_all(&home).expect("a home for the keyring");
    let script =
        "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$0\" \"$@\"";
    let failed = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", script])
        .arg(std::env::current_exe().expect("this program"))
        .args(std::env::args_os().skip(1))
        .env("HOME", &home)
        .env("XDG_RUNTIME_DIR", &home)
        .env(WITH_KEYRING, "1")
        .exec();
    panic!("dbus-run-session could not be started: {failed}");
}
