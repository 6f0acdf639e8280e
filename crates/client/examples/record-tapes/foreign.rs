//! A phone whose server is not ours: the one of `tests/peers`, which `npm ci` at the top installs.

use hms_client::{Phone, Provisioning};
use serde_json::json;

use crate::carrier::START;
use crate::commands::give;
use crate::npm::FhirPeer;
use crate::tape::{look, Tape};
use crate::world::{World, PIN};

pub async fn record() {
    let peer = FhirPeer::start();
    let world = World::new().await;
    let mut profile = world.profile("foreign");
    profile.server = Provisioning {
        base_url: peer.base(),
        ca_file: None,
        hpke_public_key: None,
        ..profile.server
    };
    std::fs::create_dir_all(&profile.dir).expect("a folder");
    let account =
        json!({ "role": "carrier", "name": "Dana Reyes", "fhir": "Patient/dana", "token": "given-by-hand" });
    std::fs::write(profile.dir.join("account.json"), account.to_string()).expect("written");
    let phone = Phone::start(profile.config()).await.expect("the phone starts");
    let client = phone.client();
    for (command, args) in [
        ("sign_in_start", json!({ "deviceCode": false })),
        ("set_pin", json!({ "pin": PIN })),
    ] {
        give(&client, command, &args)
            .await
            .expect("signed in by the file");
    }
    let report = crate::people::filled(&phone, "The gate fell on my knee.", crate::carrier::photo()).await;
    look(&client, "report", json!({ "id": report["id"] }), |report| {
        report["send"]["state"] == "sent"
    })
    .await;
    let mut tape = Tape::of_phone(&phone);
    tape.reads(&START).await;
    tape.reads(&["phone_state", "storage", "summaries"]).await;
    tape.save_all("foreign");
    phone.shutdown().await;
}
