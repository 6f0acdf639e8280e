//! A phone that five people use: who is chosen, what waits and whose it is, what the phone holds, and going off it.

use hms_client::Phone;
use hms_model::role::Role;
use serde_json::{json, Value};

use crate::carrier::{self, START};
use crate::commands::give;
use crate::tape::{look, Tape};
use crate::world::{World, PIN};

pub async fn record() {
    let mut world = World::new().await;
    let phone = Phone::start(world.profile("shared").config())
        .await
        .expect("the phone starts");
    for person in world
        .employees()
        .await
        .iter()
        .filter(|person| !person.injured)
        .take(5)
    {
        world
            .account(Role::Carrier, &format!("Patient/{}", person.id), &person.name)
            .await;
        phone.someone_else().await.expect("there is room");
        let client = phone.client();
        world.sign_in(&client, &person.id).await;
        give(&client, "set_pin", &json!({ "pin": PIN }))
            .await
            .expect("the PIN is set");
        look(&client, "app_state", json!({}), carrier::synced).await;
    }
    bring(&phone, "main").await;
    sent_with_a_photo(&phone).await;
    let address = world.stop().await;
    unsent(&phone).await;
    bring(&phone, "p2").await;
    unsent(&phone).await;
    people(&phone).await;
    bring(&phone, "p2").await;
    leaving(&phone).await;
    world.start(&address).await;
    left(&phone).await;
    phone.shutdown().await;
}

/// Chosen, and unlocked.
async fn bring(phone: &Phone, seat: &str) {
    phone.choose_person(seat.to_owned()).await.expect("is here");
    let client = phone.client();
    give(&client, "unlock", &json!({ "pin": PIN }))
        .await
        .expect("an answer");
    look(&client, "app_state", json!({}), |app| app["phase"] == "open").await;
}

pub async fn filled(phone: &Phone, words: &str, photo: String) -> Value {
    let client = phone.client();
    let draft = give(&client, "report_start", &json!({ "colleague": null }))
        .await
        .expect("a form");
    let id = &draft["id"];
    for step in [
        json!({ "step": "safe", "value": "safe" }),
        json!({ "step": "what", "value": "fall" }),
        json!({ "step": "where", "value": [{ "part": "knee", "side": "right" }] }),
        json!({ "step": "note", "text": words }),
    ] {
        let form = json!({ "draft": id, "step": step });
        give(&client, "report_step", &form).await.expect("kept");
    }
    let file = json!({ "draft": id, "contentType": "image/png", "base64": photo });
    give(&client, "report_attach", &file).await.expect("kept");
    give(&client, "report_send", &json!({ "draft": id }))
        .await
        .expect("saved")
}

async fn sent_with_a_photo(phone: &Phone) {
    let client = phone.client();
    let report = filled(phone, "Ice on the second step.", carrier::noise(1200, 900)).await;
    look(&client, "report", json!({ "id": report["id"] }), |report| {
        report["attachments"][0]["send"]["state"] == "sent"
    })
    .await;
}

async fn unsent(phone: &Phone) {
    filled(phone, "The gate fell on my knee.", carrier::photo()).await;
}

/// Open with work that waits; then another is chosen; then somebody new.
async fn people(phone: &Phone) {
    bring(phone, "main").await;
    look(&phone.client(), "app_state", json!({}), |app| {
        app["network"]["state"] == "offline"
    })
    .await;
    let mut tape = Tape::of_phone(phone);
    tape.reads(&START).await;
    tape.reads(&["phone_state", "storage", "summaries"]).await;
    tape.ok("set_large_media", json!({ "choice": "always" })).await;
    tape.reads(&["storage"]).await;
    tape.ok("free_up", json!({})).await;
    tape.reads(&["storage", "app_state"]).await;
    tape.ok("choose_person", json!({ "seat": "p3" })).await;
    tape.reads(&["app_state", "phone_state", "report_draft", "where_am_i"])
        .await;
    tape.ok("someone_else", json!({})).await;
    tape.reads(&[
        "app_state",
        "phone_state",
        "sign_in_state",
        "report_draft",
        "where_am_i",
    ])
    .await;
    tape.save_all("people");
}

/// Going off the phone with no signal: it waits, locked.
async fn leaving(phone: &Phone) {
    let mut tape = Tape::of_phone(phone);
    tape.reads(&START).await;
    tape.reads(&["phone_state", "storage"]).await;
    tape.ok("leave_phone", json!({})).await;
    tape.reads(&[
        "app_state",
        "phone_state",
        "report_draft",
        "where_am_i",
        "sign_in_state",
    ])
    .await;
    tape.save_all("leaving");
}

/// The signal is back: everything was handed in, and the place is empty.
async fn left(phone: &Phone) {
    look(&phone.client(), "app_state", json!({}), |app| {
        app["phase"] == "fresh"
    })
    .await;
    let mut tape = Tape::of_phone(phone);
    tape.reads(&START).await;
    tape.reads(&["phone_state", "sign_in_state"]).await;
    tape.save_all("left");
}
