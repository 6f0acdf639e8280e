//! A link that costs money: the words have gone, the large photo waits, and goes when the person says so.

use hms_client::Phone;
use hms_model::role::Role;
use serde_json::json;

use crate::carrier::{noise, synced, START};
use crate::commands::give;
use crate::people::filled;
use crate::tape::{look, Tape};
use crate::world::{World, PIN};

pub async fn record() {
    let world = World::new().await;
    let people = world.employees().await;
    let person = people
        .iter()
        .find(|person| !person.injured)
        .expect("one who was not hurt");
    world
        .account(Role::Carrier, &format!("Patient/{}", person.id), &person.name)
        .await;
    let phone = Phone::start(world.profile("costs").config())
        .await
        .expect("the phone starts");
    let client = phone.client();
    world.sign_in(&client, &person.id).await;
    give(&client, "set_pin", &json!({ "pin": PIN }))
        .await
        .expect("the PIN is set");
    look(&client, "app_state", json!({}), synced).await;
    phone.mark_link_costly(true).await.expect("noted");
    let report = filled(&phone, "The step was loose.", noise(1600, 1200)).await;
    let report = json!({ "id": report["id"] });
    look(&client, "report", report.clone(), |report| {
        report["send"]["state"] == "sent" && report["attachments"][0]["send"]["waits_for_free_link"] == true
    })
    .await;

    let mut tape = Tape::of_phone(&phone);
    tape.name(report["id"].as_str().expect("an id"), "report-large");
    tape.reads(&START).await;
    tape.ok("report", report.clone()).await;
    tape.reads(&["phone_state", "storage", "summaries"]).await;
    let outbox = tape.ok("outbox", json!({})).await;
    tape.name(outbox[0]["id"].as_str().expect("an id"), "photo-large");
    tape.ok("send_file_now", json!({ "id": outbox[0]["id"] })).await;
    tape.until("outbox", json!({}), |outbox| outbox == &json!([]))
        .await;
    tape.reads(&START).await;
    tape.ok("report", report).await;
    tape.ok("mark_link_costly", json!({ "costs": false })).await;
    tape.reads(&["storage"]).await;
    tape.save_all("costs");

    // Where the window knows the kind of link, nobody has to say it.
    phone
        .link_is(Some("cellular".into()), false)
        .await
        .expect("noted");
    let mut tape = Tape::of_phone(&phone);
    tape.reads(&START).await;
    tape.reads(&["phone_state", "storage", "summaries"]).await;
    tape.save_all("costs_said");
    phone.shutdown().await;
}
