//! People and phones: access that ends with work unsent, several people on one phone, data copied to a second phone, records
//! that were offline for too long.

mod copied;
mod leaving;
mod offline;
mod sharing;

use std::path::Path;
use std::time::Duration;

use hms_client::Client;
use hms_model::view::{Phase, SignInState};
use serde_json::Value;

use crate::world::{finish_in_browser, until, Profile, World, PASSPHRASE};

pub async fn with_note(world: &World, note: &str) -> Vec<Value> {
    let all = world.stored("QuestionnaireResponse").await;
    all.into_iter()
        .filter(|one| one.to_string().contains(note))
        .collect()
}

pub fn device_of(dir: &Path) -> String {
    let text = std::fs::read(dir.join("device.json")).expect("settings");
    let settings: Value = serde_json::from_slice(&text).expect("json");
    settings["device"].as_str().expect("an id").to_owned()
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("folder").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

pub async fn note(client: &Client, draft: &str, words: &str) {
    let step = hms_model::form::ReportStepForm::Note {
        text: Some(words.to_owned()),
    };
    client.report_step(draft.to_owned(), step).await.expect("kept");
}

pub async fn until_empty(phone: &Client) {
    until(phone, async || {
        let app = phone.app_state().await.expect("state");
        let left = phone.phone().await.expect("the phone").left;
        (app.phase == Phase::Fresh && left.is_some()).then_some(())
    })
    .await;
}

pub fn is_empty(dir: &Path) {
    for name in [
        "keys.json",
        "store.db",
        "secrets.sealed",
        "unsent.sealed",
        "leaving.json",
    ] {
        assert!(!dir.join(name).exists(), "{name} is still there");
    }
}

/// Signs in online at a locked app, and sets the passphrase anew.
pub async fn forgot_pin(phone: &Client, profile: &Profile, name: &str) {
    let started = phone.forgot_pin().await.expect("starts");
    finish_in_browser(&started.url.expect("an address"), &profile.server, name).await;
    let ended = phone.sign_in_wait(Duration::from_secs(30)).await.expect("ends");
    assert_eq!(ended.state, SignInState::Done);
    let app = phone.set_pin(PASSPHRASE.into()).await.expect("set");
    assert_eq!((app.phase, app.storage), (Phase::Open, None), "the same records");
}
